import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import {
  formatEpochCheckpoint,
  formatOffsetCheckpoint,
  parseEpochCheckpoint,
  parseOffsetCheckpoint,
} from './checkpoint-file.ts'

const golden = (name: string): string => readFileSync(`test/golden/storage/text/${name}`, 'utf8')

test.each([
  'recovery-point-offset-checkpoint',
  'replication-offset-checkpoint',
  'log-start-offset-checkpoint',
  'cleaner-offset-checkpoint',
])("Kafka's %s is read and written back byte for byte", (name) => {
  const text = golden(name)
  const entries = parseOffsetCheckpoint(text, name)
  expect(entries.length).toBe(Number(text.split('\n')[1]))
  expect(formatOffsetCheckpoint(entries)).toBe(text)
})

test("Kafka's leader-epoch-checkpoint is read and written back byte for byte", () => {
  const text = golden('leader-epoch-checkpoint')
  expect(formatEpochCheckpoint(parseEpochCheckpoint(text, 'epochs'))).toBe(text)
})

test('an offset entry keeps topic, partition and offset', () => {
  expect(parseOffsetCheckpoint('0\n1\na-1.b_c 12 9007199254740991\n', 'x')).toEqual([
    { topic: 'a-1.b_c', partition: 12, offset: 9007199254740991 },
  ])
})

test('an empty file and a file of the version alone hold no entries', () => {
  expect(parseEpochCheckpoint('', 'x')).toEqual([])
  expect(parseEpochCheckpoint('0\n', 'x')).toEqual([])
  expect(parseEpochCheckpoint('0\n0\n', 'x')).toEqual([])
  expect(formatOffsetCheckpoint([])).toBe('0\n0\n')
})

test.each([
  ['another version', '1\n0\n'],
  ['fewer entries than declared', '0\n2\nt 0 1\n'],
  ['more entries than declared', '0\n1\nt 0 1\nt 1 1\n'],
  ['a line with too few words', '0\n1\nt 0\n'],
  ['a line with too many words', '0\n1\nt 0 1 2\n'],
  ['an offset that is no number', '0\n1\nt 0 x\n'],
  ['a count that is no number', '0\nx\n'],
  ['a blank line between', '0\n2\nt 0 1\n\nt 1 1\n'],
  ['a torn last line', '0\n1\nsome-top'],
])('a checkpoint with %s is malformed', (_what, text) => {
  expect(() => parseOffsetCheckpoint(text, '/d/x')).toThrow(/^\/d\/x: /)
})
