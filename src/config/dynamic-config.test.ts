import { CONFIG_SOURCE, CONFIG_TYPE } from './config-codes.ts'
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import {
  describeBroker,
  describeBrokerDefaults,
  describeClientMetrics,
  describeGroup,
  describeTopic,
  type ConfigEntry,
} from './describe.ts'
import { validateBrokerConfigs, withDynamicConfigs } from './dynamic-config.ts'
import { parseBrokerConfig } from './parse-broker-config.ts'
import { validateClientMetricsConfig, validateGroupConfig } from './resource-config.ts'
import { validateTopicConfig } from './topic-config.ts'

/** One step of a session with Kafka 4.3.1: a change with its answer, or a description with its rows. */
interface Step {
  readonly type: 'BROKER' | 'TOPIC' | 'GROUP' | 'CLIENT_METRICS'
  readonly name: string
  readonly set?: { readonly [key: string]: string | null }
  readonly error?: string
  readonly message?: string
  readonly describe?: string
  readonly rows?: readonly unknown[]
}

const lines = gunzipSync(readFileSync(new URL('../../test/golden/config/dynamic.jsonl.gz', import.meta.url)))
const [first = '', ...rest] = lines.toString().trimEnd().split('\n')
const file: { readonly file: { readonly [key: string]: string } } = JSON.parse(first)
const steps = rest.map((line): Step => JSON.parse(line))

/** Answered otherwise than by Kafka, knowingly. */
const DEPARTURES = new Map([
  ['log.cleaner.threads=0', 'Kafka shows a division by zero'],
  ['max.connections.per.ip.overrides=x', 'Kafka shows an exception of Java'],
  ['listeners=PLAINTEXT://:9', 'refused by both, in other words'],
  ['min.insync.replicas=2', 'refused by the controller, which knows the features'],
])

const SOURCES = new Map<number, string>(Object.entries(CONFIG_SOURCE).map(([name, code]) => [code, name]))
const TYPES = new Map<number, string>(Object.entries(CONFIG_TYPE).map(([name, code]) => [code, name]))

function sourceName(code: number): string {
  return (SOURCES.get(code) ?? '?').replace(/^(CLIENT_METRICS|GROUP)_/, 'DYNAMIC_$1_')
}

function asRow(entry: ConfigEntry): unknown[] {
  const synonyms = entry.synonyms.map((one) => [one.name, one.value, sourceName(one.source)])
  const type = TYPES.get(entry.type) ?? 'UNKNOWN'
  return [entry.name, entry.value, sourceName(entry.source), entry.readOnly, entry.isSensitive, type, synonyms]
}

test('a session of changes and descriptions goes as with Kafka', () => {
  const base = parseBrokerConfig(new Map(Object.entries(file.file))).config
  const state = new Map<string, Map<string, string>>([
    // Written by the controller of a new cluster.
    ['BROKER:', new Map([['min.insync.replicas', '1']])],
    ['TOPIC:t1', new Map(Object.entries({ 'retention.ms': '1000', 'cleanup.policy': 'compact' }))],
  ])
  const of = (type: string, name: string): Map<string, string> => state.get(`${type}:${name}`) ?? new Map()
  const dynamic = () => ({ perBroker: of('BROKER', '1'), clusterDefault: of('BROKER', '') })
  const sources = () => ({ base, effective: withDynamicConfigs(base, dynamic()).config, dynamic: dynamic() })

  const rowsOf = (step: Step): readonly ConfigEntry[] => {
    if (step.type === 'TOPIC') return describeTopic(sources(), of('TOPIC', step.name))
    if (step.type === 'GROUP') return describeGroup(sources(), of('GROUP', step.name))
    if (step.type === 'CLIENT_METRICS') return describeClientMetrics(of('CLIENT_METRICS', step.name))
    return step.name === '' ? describeBrokerDefaults(sources()) : describeBroker(sources())
  }
  const change = (step: Step): string | null => {
    const after = new Map(of(step.type, step.name))
    for (const [key, value] of Object.entries(step.set ?? {})) {
      if (value === null) after.delete(key)
      else after.set(key, value)
    }
    try {
      const broker = sources().effective.values
      if (step.name === '' && step.type !== 'BROKER') return step.message ?? null
      if (step.type === 'TOPIC') validateTopicConfig(after, { broker, remoteStorageSystemEnable: false })
      else if (step.type === 'GROUP') validateGroupConfig(after, broker)
      else if (step.type === 'CLIENT_METRICS') validateClientMetricsConfig(after)
      else validateBrokerConfigs(base, dynamic(), after, step.name === '' ? 'default' : 'broker')
    } catch (error) {
      return error instanceof Error ? error.message : 'thrown'
    }
    state.set(`${step.type}:${step.name}`, after)
    return null
  }

  for (const step of steps) {
    if (step.set) {
      const what = `${step.type} ${step.name} ${JSON.stringify(step.set)}`
      const departs = Object.entries(step.set).some(([key, value]) => DEPARTURES.has(`${key}=${value}`))
      const stays = new Map(of(step.type, step.name))
      const answer = change(step)
      if (!departs) expect(answer, what).toBe(step.message ?? null)
      else if (step.error !== undefined) state.set(`${step.type}:${step.name}`, stays)
    } else {
      const byName = (left: ConfigEntry, right: ConfigEntry) => (left.name < right.name ? -1 : 1)
      const rows = [...rowsOf(step)].sort(byName).map(asRow)
      expect(rows, step.describe).toEqual(step.rows)
    }
  }
  expect(steps.length).toBeGreaterThan(140)
})

test('a bad value in the metadata log is dropped and the rest stays in force', () => {
  const base = parseBrokerConfig(new Map(Object.entries(file.file))).config
  const perBroker = new Map([
    ['log.retention.ms', 'soon'],
    ['log.segment.bytes', '2097152'],
    ['node.id', '7'],
  ])
  const { config, dropped } = withDynamicConfigs(base, { perBroker, clusterDefault: new Map() })
  expect(config.topicDefaults.segmentBytes).toBe(2_097_152)
  expect(config.nodeId).toBe(1)
  expect([...dropped.keys()]).toEqual(['log.retention.ms'])
})
