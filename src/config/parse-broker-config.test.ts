import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { parseBrokerConfig } from './parse-broker-config.ts'

interface Case {
  readonly props: { readonly [key: string]: string }
  readonly error?: string
  readonly logDirs: string
  readonly metadataLogDir: string
  readonly listeners: string
  readonly advertised: string
  readonly retentionMs: number
  readonly rollMs: number
  readonly jitter: number
  readonly flushMs: number
  readonly interBroker: string
}

const golden = gunzipSync(readFileSync(new URL('../../test/golden/config/broker-files.jsonl.gz', import.meta.url)))
const cases: Case[] = golden
  .toString()
  .trimEnd()
  .split('\n')
  .map((line): Case => JSON.parse(line))

/** Where we answer otherwise than Kafka, knowingly: by the key that the case is about. */
const DEPARTURES = new Map([
  ['log.cleaner.threads', 'Kafka dies of a division by zero'],
  ['max.connections.per.ip.overrides', 'Kafka shows an exception of Java'],
  ['metadata.log.dir', 'an empty path is taken as unset'],
  ['principal.builder.class', 'Kafka looks for a Java class; here the key itself is refused'],
  ['group.consumer.assignors', 'Kafka looks for a Java class; not served yet'],
])

const parse = (props: Case['props']) => parseBrokerConfig(new Map(Object.entries(props)))

function endpoints(text: string): string[] {
  const form = /listenerName='(.*?)', securityProtocol=(.*?), host='(.*?)', port=(-?\d+)/g
  return [...text.matchAll(form)].map((found) => found.slice(1).join(' ').replace('null', ''))
}

function answer(one: Case): object | string {
  try {
    const { config } = parse(one.props)
    const show = (listeners: typeof config.listeners) =>
      listeners.map(({ name, securityProtocol, host, port }) => `${name} ${securityProtocol} ${host} ${port}`)
    return {
      logDirs: `[${config.logDirs.join(', ')}]`,
      metadataLogDir: config.metadataLogDir,
      listeners: show([...config.listeners, ...config.controllerListeners]).sort(),
      advertised: show(config.advertisedListeners),
      retentionMs: config.topicDefaults.retentionMs,
      rollMs: config.topicDefaults.segmentMs,
      jitter: config.topicDefaults.segmentJitterMs,
      flushMs: config.topicDefaults.flushMs,
      interBroker: config.interBrokerListenerName,
    }
  } catch (error) {
    return error instanceof Error ? error.message : 'thrown'
  }
}

test('a file of keys is accepted or refused as Kafka does, in the same words', () => {
  const different: object[] = []
  for (const one of cases) {
    if (Object.keys(one.props).some((key) => DEPARTURES.has(key))) continue
    const given = answer(one)
    const expected =
      one.error ??
      ({
        logDirs: one.logDirs,
        metadataLogDir: one.metadataLogDir,
        listeners: endpoints(one.listeners).sort(),
        advertised: endpoints(one.advertised),
        retentionMs: one.retentionMs,
        rollMs: one.rollMs,
        jitter: one.jitter,
        flushMs: Math.min(one.flushMs, Number.MAX_SAFE_INTEGER),
        interBroker: one.interBroker,
      } satisfies object)
    // Kafka shows an exception of Java where a map has no colon.
    if (String(expected).includes('begin 0, end -1')) continue
    if (JSON.stringify(given) !== JSON.stringify(expected)) different.push({ props: one.props, expected, given })
  }
  expect(different).toEqual([])
  expect(cases.length).toBeGreaterThan(130)
})

const BASE = {
  'process.roles': 'broker,controller',
  'node.id': '1',
  'controller.listener.names': 'CONTROLLER',
  listeners: 'PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093',
  'controller.quorum.bootstrap.servers': '127.0.0.1:9093',
}

test('a plain file has nothing to report', () => {
  const parsed = parse(BASE)
  expect({ ...parsed, config: null }).toEqual({ config: null, warnings: [], unsupported: [], refused: [] })
  expect(parsed.config.logDirs).toEqual(['/tmp/kafka-logs'])
})

test('a node with both roles may be one of several static voters', () => {
  const voters = { 'controller.quorum.voters': '1@localhost:9093,2@localhost:9094,3@localhost:9095' }
  expect(parse({ ...BASE, ...voters }).refused).toEqual([])
})

test('what would weaken security or lose data is refused', () => {
  const unsafe = {
    listeners: 'SSL://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093',
    'security.inter.broker.protocol': 'SSL',
    'listener.security.protocol.map': 'SSL:SSL,CONTROLLER:PLAINTEXT',
  }
  expect(parse({ ...BASE, ...unsafe }).refused).toHaveLength(1)
  const keys = {
    'ssl.client.auth': 'required',
    'sasl.enabled.mechanisms': 'PLAIN',
    'authorizer.class.name': 'x',
    'remote.log.storage.system.enable': 'true',
    'listener.name.plaintext.plain.sasl.jaas.config': 'x',
    'create.topic.policy.class.name': 'x',
  }
  for (const [key, value] of Object.entries(keys)) {
    expect(parse({ ...BASE, [key]: value }).refused, key).toHaveLength(1)
  }
})

test('a key without function is named, unless it stands at its default', () => {
  const parsed = parse({
    ...BASE,
    'log.cleaner.threads': '3',
    'num.replica.fetchers': '1',
    'num.network.threads': '8',
    x: '1',
  })
  expect(parsed.unsupported).toEqual(['log.cleaner.threads'])
  expect(parsed.warnings).toEqual(['Unknown configuration x: ignored'])
  expect(parsed.refused).toEqual([])
})

test('a bad role is told before a key behind it that is missing', () => {
  expect(() => parse({ 'process.roles': 'nobody', 'node.id': '1' })).toThrow(
    'Invalid value nobody for configuration process.roles: String must be one of: broker, controller',
  )
})
