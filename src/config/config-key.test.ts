import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { readConfigValue, validateConfigValue, type ConfigTable } from './config-key.ts'
import { configText, parseConfigValue } from './config-value.ts'
import { BROKER_TABLE, GROUP_TABLE, TOPIC_TABLE } from './tables.ts'

interface Case {
  readonly scope: 'broker' | 'topic' | 'group'
  readonly key: string
  readonly raw: string
  readonly value?: string | null
  readonly error?: string
}

const golden = gunzipSync(readFileSync(new URL('../../test/golden/config/values.jsonl.gz', import.meta.url)))
const cases: Case[] = golden
  .toString()
  .trimEnd()
  .split('\n')
  .map((line): Case => JSON.parse(line))
const tables: Record<Case['scope'], ConfigTable> = { broker: BROKER_TABLE, topic: TOPIC_TABLE, group: GROUP_TABLE }

/** Kafka's answer to one raw value: what it became, or the sentence that refused it. */
function answer(one: Case): string {
  const key = tables[one.scope].get(one.key)
  if (!key) return 'no such key'
  try {
    const value = parseConfigValue(key.name, key.type, one.raw)
    validateConfigValue(key, value)
    return Array.isArray(value) ? value.join('|') : configText(value)
  } catch (error) {
    return error instanceof Error ? `! ${error.message}` : 'thrown'
  }
}

/** Doubles print differently in Java: compared as numbers. */
function same(one: Case, given: string): boolean {
  const expected = one.error === undefined ? (one.value ?? 'null') : `! ${one.error}`
  if (given === expected) return true
  const type = tables[one.scope].get(one.key)?.type
  if (type !== 'DOUBLE') return false
  const number = (text: string) => text.replace(/-?\d+(\.\d+)?(E\d+)?/g, (digits) => String(Number(digits)))
  return number(given) === number(expected)
}

test('every kind of key takes, and refuses in the same words, what Kafka takes and refuses', () => {
  const different = cases.filter((one) => !same(one, answer(one)))
  expect(different.map((one) => ({ ...one, given: answer(one) }))).toEqual([])
  expect(cases.length).toBeGreaterThan(5000)
})

test('a repeated element of a list is dropped, not refused', () => {
  const key = BROKER_TABLE.get('process.roles')
  expect(key && readConfigValue(key, 'broker, broker')).toEqual(['broker'])
})
