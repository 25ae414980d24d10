import { expect, test } from 'vitest'
import { recordFilter } from './record-filter.ts'
import { recordFormat, type FormattedRecord } from './record-format.ts'
import { recordJson } from './record-json.ts'
import { strftime } from './strftime.ts'

const record: FormattedRecord = {
  topic: 'orders',
  partition: 2,
  offset: 41,
  timestamp: Date.UTC(2026, 10, 26, 9, 5, 7, 89),
  leaderEpoch: 3,
  keyBytes: Buffer.from('a"b'),
  valueBytes: Buffer.from([0xff, 0x41]),
  headers: [
    { key: 'h', value: Buffer.from('1') },
    { key: 'n', value: null },
  ],
}

function shown(format: string, one = record): string {
  return recordFormat(format)(one, 7).toString('latin1')
}

test('every letter shows its part of the record', () => {
  expect(shown('%t/%p@%o e%e %k %s #%i %K %V %S %H %%')).toBe('orders/2@41 e3 a"b \u00ffA #7 3 2 2 2 %')
  expect(shown('%h')).toBe('h=1,n=')
  expect(shown('%h{[%k:%v]}|')).toBe('[h:1][n:]|')
})

test('a value is handed on byte by byte, and in other forms where asked for', () => {
  expect(recordFormat('%v')(record, 1)).toEqual(Buffer.from([0xff, 0x41]))
  expect(shown('%v{hex} %v{base64} %k{json}')).toBe('ff41 /0E= "a\\"b"')
})

test('times are milliseconds, ISO or strftime in UTC', () => {
  expect(shown('%d|%d{iso}')).toBe(`${record.timestamp}|2026-11-26T09:05:07.089Z`)
  expect(shown('%d{strftime[%F %T.%L %a %b %e %I%p %j %Z]}')).toBe('2026-11-26 09:05:07.089 Thu Nov 26 09AM 330 UTC')
  expect(shown('%d{%H:%M}')).toBe('09:05')
  expect(shown('%d{iso}', { ...record, timestamp: -1 })).toBe('')
  expect(strftime('%q %%', 0)).toBe('%q %')
})

test('escapes stand for the characters that shells hardly give', () => {
  expect(shown('a\\tb\\n\\x41\\\\\\q')).toBe('a\tb\nA\\\\q')
})

test('a missing key or value is nothing, and null in JSON', () => {
  const empty = { ...record, keyBytes: null, valueBytes: null }
  expect(shown('[%k%v]%K%k{json}', empty)).toBe('[]-1null')
})

test('a format that nobody knows is refused with what there is', () => {
  expect(() => recordFormat('%q')).toThrow(/The format has no %q/)
  expect(() => recordFormat('%k{nope}')).toThrow(/\{hex\}, \{base64\} and \{json\}/)
  expect(() => recordFormat('%k{hex')).toThrow(/brace is not closed/)
  expect(() => recordFormat('%o{hex}')).toThrow(/%o has no form/)
})

test('JSON tells bytes that are no text as base64', () => {
  expect(JSON.parse(recordJson(record))).toEqual({
    topic: 'orders',
    partition: 2,
    offset: 41,
    timestamp: record.timestamp,
    key: 'a"b',
    value: '/0E=',
    valueEncoding: 'base64',
    headers: [
      { key: 'h', value: '1' },
      { key: 'n', value: null },
    ],
  })
})

test('grep searches key and value, one of them, or a header', () => {
  const finds = (pattern: string): boolean => recordFilter(pattern)(record)
  expect(['a"', 'key:b', 'value:A', 'header:h', 'header:h=1', '/^A"/i', 'header:h=/^\\d$/'].map(finds)).not.toContain(
    false,
  )
  expect(['zz', 'key:A', 'value:b', 'header:x', 'header:h=2', '/^b/'].map(finds)).not.toContain(true)
  expect(() => recordFilter('/(/')).toThrow(/\/\(\//)
})
