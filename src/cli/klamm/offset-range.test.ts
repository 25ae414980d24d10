import { expect, test } from 'vitest'
import { instantOf, isBackwards, rangeOf } from './offset-range.ts'

const NOW = Date.UTC(2026, 10, 26, 12)
const range = (text: string) => rangeOf(text, NOW)
const time = (timestampMs: number) => ({ kind: 'time', timestampMs })

test('a place is a word, an offset, or so many records from an end', () => {
  expect(instantOf('Earliest', NOW)).toEqual({ kind: 'start', by: 0 })
  expect(instantOf('end', NOW)).toEqual({ kind: 'end', by: 0 })
  expect(instantOf('100', NOW)).toEqual({ kind: 'offset', offset: 100 })
  expect(instantOf('+5', NOW)).toEqual({ kind: 'start', by: 5 })
  expect(instantOf('-10', NOW)).toEqual({ kind: 'end', by: -10 })
})

test('a time is before now, since 1970, or a date', () => {
  expect(instantOf('@-1h30m', NOW)).toEqual(time(NOW - 5_400_000))
  expect(instantOf('@-250ms', NOW)).toEqual(time(NOW - 250))
  expect(instantOf('@1700000000', NOW)).toEqual(time(1_700_000_000_000))
  expect(instantOf('@1700000000123', NOW)).toEqual(time(1_700_000_000_123))
  expect(instantOf('@2026-11-26T10:00Z', NOW)).toEqual(time(Date.UTC(2026, 10, 26, 10)))
  expect(instantOf('@2026-11-26T10:00:01.5+02:00', NOW)).toEqual(time(Date.UTC(2026, 10, 26, 8, 0, 1, 500)))
})

test('a range has a colon between two places, of which one may be left out', () => {
  expect(range('100:200')).toEqual({ from: { kind: 'offset', offset: 100 }, to: { kind: 'offset', offset: 200 } })
  expect(range(':end')).toEqual({ from: { kind: 'start', by: 0 }, to: { kind: 'end', by: 0 } })
  expect(range('5:')).toEqual({ from: { kind: 'offset', offset: 5 }, to: null })
  expect(range('-3')).toEqual({ from: { kind: 'end', by: -3 }, to: null })
})

test('colons within times do not end the first of them', () => {
  const [ten, eleven] = [Date.UTC(2026, 10, 26, 10), Date.UTC(2026, 10, 26, 11)]
  expect(range('@2026-11-26T10:00Z:2026-11-26T11:00Z')).toEqual({ from: time(ten), to: time(eleven) })
  expect(range('@2026-11-26T10:00Z:@-1h')).toEqual({ from: time(ten), to: time(eleven) })
  expect(range('@-2h:-1h')).toEqual({ from: time(ten), to: time(eleven) })
  expect(range('@-2h:end')).toEqual({ from: time(ten), to: { kind: 'end', by: 0 } })
})

test('a range is backwards if that is so in every partition', () => {
  const backwards = (text: string): boolean => isBackwards(range(text)!)
  for (const text of ['4:2', '-1:-10', '+5:start', 'end:-1', '@-1h:@-2h']) expect(backwards(text), text).toBe(true)
  for (const text of ['4:4', '2:4', '-10:-1', '5:end', '-3:100', '5:@-1h', '5:'])
    expect(backwards(text), text).toBe(false)
})

test('what is none of these is no range', () => {
  for (const text of ['', 'soon', '@', '@-1', '@-1y', '1.5', '@2026-13-01', 'constructor', '1:2:3']) {
    expect(range(text), text).toBeNull()
  }
})
