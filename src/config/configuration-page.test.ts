import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { BROKER_FIELDS } from './broker-fields.ts'
import { configurationPage } from './configuration-page.ts'
import { parseProperties } from './properties.ts'
import { parseBrokerConfig } from './parse-broker-config.ts'
import { BROKER_TABLE, TOPIC_TABLE } from './tables.ts'
import { TOPIC_SYNONYMS } from './topic-config.ts'

const root = new URL('../../', import.meta.url)

test('docs/CONFIGURATION.md is what scripts/configuration.ts would write', () => {
  expect(readFileSync(new URL('docs/CONFIGURATION.md', root), 'utf8')).toBe(configurationPage())
})

test('every field and every synonym names a key of the table', () => {
  for (const field of Object.values(BROKER_FIELDS)) expect(BROKER_TABLE.has(field.key), field.key).toBe(true)
  for (const [topicKey, synonyms] of TOPIC_SYNONYMS) {
    expect(TOPIC_TABLE.has(topicKey), topicKey).toBe(true)
    for (const { key } of synonyms) expect(BROKER_TABLE.has(key), key).toBe(true)
  }
})

test('config/server.properties starts without a complaint', () => {
  const parsed = parseBrokerConfig(parseProperties(readFileSync(new URL('config/server.properties', root))))
  expect({ ...parsed, config: null }).toEqual({ config: null, warnings: [], unsupported: [], refused: [] })
  expect(parsed.config.advertisedListeners.map((listener) => listener.host)).toEqual(['localhost'])
})

test('the files of the other roles are taken', () => {
  for (const file of ['broker', 'controller']) {
    const parsed = parseBrokerConfig(parseProperties(readFileSync(new URL(`config/${file}.properties`, root))))
    expect(parsed.refused, file).toEqual([])
  }
})

test('every field that is called honoured is read by some code', () => {
  const source = new URL('src/', root)
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter(
    (file) => /(?<!\.test)\.ts$/.test(file) && !/^(config|testing|protocol)[\\/]/.test(file),
  )
  const text = files.map((file) => readFileSync(new URL(file, source), 'utf8')).join('\n')
  const words = new Set(text.match(/\b[a-zA-Z]+\b/g))
  expect(Object.keys(BROKER_FIELDS).filter((field) => !words.has(field))).toEqual([])
})
