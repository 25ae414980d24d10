import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { parseOverride, parseProperties } from './properties.ts'

interface Case {
  readonly hex: string
  readonly props?: { readonly [key: string]: string }
  readonly error?: string
}

const golden = gunzipSync(readFileSync(new URL('../../test/golden/config/properties.jsonl.gz', import.meta.url)))
const cases: Case[] = golden
  .toString()
  .trimEnd()
  .split('\n')
  .map((line): Case => JSON.parse(line))

test('a properties file means to us what it means to Java', () => {
  for (const one of cases) {
    const bytes = Buffer.from(one.hex, 'hex')
    if (one.error === undefined) expect(Object.fromEntries(parseProperties(bytes)), bytes.toString()).toEqual(one.props)
    else expect(() => parseProperties(bytes), bytes.toString()).toThrow(one.error)
  }
  expect(cases.length).toBeGreaterThan(40)
})

test('an override keeps every = after the first', () => {
  expect(parseOverride('a=b=c')).toEqual(['a', 'b=c'])
  expect(parseOverride('a=')).toEqual(['a', ''])
  expect(parseOverride('a')).toBeNull()
  expect(parseOverride('=a')).toBeNull()
})
