import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { DEFAULT_LOG_CONFIG } from './log-config.ts'
import { BROKER_TABLE, TOPIC_TABLE } from './tables.ts'
import { topicDefaults, topicLogConfig, validateTopicConfig } from './topic-config.ts'

interface Case {
  readonly props: { readonly [key: string]: string }
  readonly error?: string
}

const golden = gunzipSync(readFileSync(new URL('../../test/golden/config/topic-configs.jsonl.gz', import.meta.url)))
const cases: Case[] = golden
  .toString()
  .trimEnd()
  .split('\n')
  .map((line): Case => JSON.parse(line))
const broker = new Map([...BROKER_TABLE.values()].map((key) => [key.name, key.default]))

test('topic overrides are accepted or refused as Kafka does, in the same words', () => {
  for (const one of cases) {
    // The one case that is about a broker with tiered storage off.
    const off = one.error?.startsWith('Tiered Storage') === true
    const check = () =>
      validateTopicConfig(new Map(Object.entries(one.props)), { broker, remoteStorageSystemEnable: !off })
    if (one.error === undefined) expect(check, JSON.stringify(one.props)).not.toThrow()
    else expect(check, JSON.stringify(one.props)).toThrow(one.error)
  }
  expect(cases.length).toBeGreaterThan(40)
})

test('the defaults of a broker that sets nothing are the defaults of the topic table', () => {
  expect(topicDefaults(broker)).toEqual(DEFAULT_LOG_CONFIG)
  const ofTable = new Map([...TOPIC_TABLE.values()].map((key) => [key.name, key.default]))
  const asText = [...ofTable]
    .filter(([, value]) => value !== null)
    .map(([name, value]) => [name, String(value)] as const)
  expect(topicLogConfig(DEFAULT_LOG_CONFIG, new Map(asText))).toEqual(DEFAULT_LOG_CONFIG)
})

test('retention in ms wins over minutes, minutes over hours, and no limit stays no limit', () => {
  const retention = (keys: { readonly [key: string]: number }) =>
    topicDefaults(new Map([...broker, ...Object.entries(keys)])).retentionMs
  expect(retention({ 'log.retention.hours': 1 })).toBe(3_600_000)
  expect(retention({ 'log.retention.hours': 1, 'log.retention.minutes': 2 })).toBe(120_000)
  expect(retention({ 'log.retention.hours': 1, 'log.retention.minutes': 2, 'log.retention.ms': 3 })).toBe(3)
  expect(retention({ 'log.retention.hours': -5 })).toBe(-1)
})

test('an override that cannot be read is reported and the default stays in force', () => {
  const unreadable: string[] = []
  const overrides = new Map([
    ['retention.ms', 'soon'],
    ['segment.bytes', '100'],
    ['cleanup.policy', 'compact,delete'],
    ['some.future.key', '1'],
  ])
  const config = topicLogConfig(DEFAULT_LOG_CONFIG, overrides, (key) => unreadable.push(key))
  expect(config).toEqual({ ...DEFAULT_LOG_CONFIG, segmentBytes: 100, compact: true })
  expect(unreadable).toEqual(['retention.ms'])
})

test('internal.segment.bytes wins over segment.bytes in any order', () => {
  const size = (...pairs: (readonly [string, string])[]) =>
    topicLogConfig(DEFAULT_LOG_CONFIG, new Map(pairs)).segmentBytes
  expect(size(['internal.segment.bytes', '14'], ['segment.bytes', '2097152'])).toBe(14)
  expect(size(['segment.bytes', '2097152'], ['internal.segment.bytes', '14'])).toBe(14)
})

test('a number with a point is told as Java prints it', () => {
  const ratio = new Map([['min.cleanable.dirty.ratio', '3']])
  expect(() => validateTopicConfig(ratio, { broker: new Map(), remoteStorageSystemEnable: false })).toThrow(
    'Invalid value 3.0 for configuration min.cleanable.dirty.ratio: Value must be no more than 1',
  )
})
