import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { OperationalError } from '../../base/errors.ts'
import type { BrokerConfig } from '../../config/broker-config.ts'
import { nodeWorld } from '../../world/node/index.ts'
import { logWriter } from '../terminal/log-writer.ts'
import { runServer, type RunningNode } from './run-server.ts'

const directory = mkdtempSync(join(tmpdir(), 'klamm-run-'))
afterAll(() => rmSync(directory, { recursive: true }))

const FILE = [
  'process.roles=broker,controller',
  'node.id=7',
  'listeners=PLAINTEXT://127.0.0.1:0,CONTROLLER://127.0.0.1:0',
  'controller.listener.names=CONTROLLER',
  'controller.quorum.bootstrap.servers=127.0.0.1:9093',
]

const BROKER_FILE = [
  'process.roles=broker',
  'node.id=8',
  'listeners=PLAINTEXT://127.0.0.1:9092',
  'controller.listener.names=CONTROLLER',
  'controller.quorum.bootstrap.servers=127.0.0.1:9093',
]

function file(name: string, lines: readonly string[]): string {
  const path = join(directory, name)
  writeFileSync(path, lines.join('\n'))
  return path
}

/** A server process with a node of our own in it. */
function launch(argv: readonly string[], start: (config: BrokerConfig, signal: AbortSignal) => Promise<RunningNode>) {
  const lines: string[] = []
  const printed: string[] = []
  const exits: number[] = []
  let signal: (name: 'SIGTERM' | 'SIGINT') => void = () => {}
  const exitCode = runServer({
    argv,
    version: '1.2.3',
    world: nodeWorld(),
    logger: logWriter({ level: 'INFO', wallMs: () => 0, write: (line) => void lines.push(line) }, 'test'),
    startNode: ({ config, signal: calledOff }) => start(config, calledOff),
    print: (line) => void printed.push(line),
    onSignal: (asked) => void (signal = asked),
    exitNow: (code) => void exits.push(code),
  })
  const errors = () => lines.filter((line) => line.includes(' ERROR '))
  return { exitCode, lines, errors, printed, exits, signal: (name: 'SIGTERM' | 'SIGINT') => signal(name) }
}

/** A node that closes when it is told to, and the configs that were started. */
function node() {
  const closed = deferred()
  const started: BrokerConfig[] = []
  let closes = 0
  const close = () => {
    closes++
    closed.resolve()
    return closed.promise
  }
  const start = (config: BrokerConfig) => {
    started.push(config)
    return Promise.resolve({ close, closed: closed.promise })
  }
  return { start, started, closed, closes: () => closes }
}

function deferred() {
  let resolve: () => void = () => {}
  let reject: (error: unknown) => void = () => {}
  const promise = new Promise<void>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}

/** Lets everything that is ready run. */
async function settle() {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve()
}

test('SIGTERM closes the node once and ends with 143', async () => {
  const one = node()
  const server = launch([file('plain', FILE), '--override', 'log.segment.bytes=2097152'], one.start)
  await settle()
  expect(one.started[0]?.topicDefaults.segmentBytes).toBe(2_097_152)
  expect(server.lines.at(-1)).toContain('[KafkaRaftServer nodeId=7] Kafka Server started')
  server.signal('SIGTERM')
  expect(await server.exitCode).toBe(143)
  expect(one.closes()).toBe(1)
  expect(server.errors()).toEqual([])
})

test('SIGTERM calls a start off that waits for other nodes', async () => {
  const server = launch([file('plain', FILE)], (_config, signal) => {
    return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
  })
  await settle()
  server.signal('SIGTERM')
  expect(await server.exitCode).toBe(143)
  expect(server.errors()).toEqual([])
})

test('SIGTERM that comes too late to call the start off closes the node', async () => {
  const one = node()
  const starting = deferred()
  const server = launch([file('plain', FILE)], async (config) => {
    await starting.promise
    return one.start(config)
  })
  await settle()
  server.signal('SIGTERM')
  starting.resolve()
  expect(await server.exitCode).toBe(143)
  expect(one.closes()).toBe(1)
})

test('a second signal does not wait for the first', async () => {
  const one = node()
  const server = launch([file('plain', FILE)], (config) =>
    one.start(config).then((started) => ({ ...started, close: () => new Promise(() => {}) })),
  )
  await settle()
  server.signal('SIGINT')
  expect(server.exits).toEqual([])
  server.signal('SIGINT')
  expect(server.exits).toEqual([130])
  one.closed.resolve()
})

test.each([
  ['a missing file', [join(directory, 'nofile')], 'no such file'],
  ['an empty file', [file('empty', [])], 'Missing required configuration "process.roles"'],
  ['a bad value', [file('bad', [...FILE, 'num.partitions=x'])], 'Invalid value x for configuration num.partitions'],
  ['a broken escape', [file('escape', [...FILE, 'x=\\u00g1'])], 'Malformed \\uxxxx encoding.'],
  ['an unsafe key', [file('unsafe', [...FILE, 'authorizer.class.name=x'])], 'authorizer.class.name is not supported'],
  ['an override without value', [file('plain', FILE), '--override', 'x'], 'key=value is expected'],
  ['an unknown option', ['--bogus'], 'bogus is not a recognized option'],
  ['two files', ['a', 'b'], 'Found non argument parameters: b'],
])('%s is one line and exit 1', async (_, argv, reason) => {
  const one = node()
  const server = launch(argv, one.start)
  expect(await server.exitCode).toBe(1)
  expect(one.started).toEqual([])
  expect(server.errors()).toHaveLength(1)
  expect(server.errors()[0]).toContain('Exiting Kafka due to fatal exception')
  expect(server.errors()[0]).toContain(reason)
})

test('a taken port is one line and exit 1', async () => {
  const taken = new OperationalError(
    'ADDRESS_IN_USE',
    'Socket server failed to bind to 127.0.0.1:9092: Address already in use.',
  )
  const server = launch([file('plain', FILE)], () => Promise.reject(taken))
  expect(await server.exitCode).toBe(1)
  expect(server.lines.filter((line) => line.includes('9092: Address already in use'))).toHaveLength(1)
  expect(server.errors()[0]).toMatch(
    /in use\.; other ports: --override listeners=PLAINTEXT:\/\/[^,]*:\d+,CONTROLLER:\/\/[^,]*:\d+ /,
  )
  const ofBroker = launch([file('broker', BROKER_FILE)], () => Promise.reject(taken))
  expect(await ofBroker.exitCode).toBe(1)
  expect(ofBroker.errors()[0]).toMatch(/; other ports: --override listeners=PLAINTEXT:\/\/127\.0\.0\.1:19092 /)
})

test('a node that breaks ends the process with 1', async () => {
  const one = node()
  const server = launch([file('plain', FILE)], one.start)
  await settle()
  one.closed.reject(new Error('bug: offsets go back'))
  expect(await server.exitCode).toBe(1)
  expect(server.errors()[0]).toContain('bug: offsets go back')
})

test('without a file the node listens on 127.0.0.1:9092 and the first line says where its data is', async () => {
  const one = node()
  const server = launch([], one.start)
  await settle()
  one.closed.resolve()
  expect(await server.exitCode).toBe(0)
  expect(server.lines[0]).toContain('PLAINTEXT://127.0.0.1:9092, CONTROLLER://127.0.0.1:9093, data in ')
  expect(one.started[0]?.offsetsTopicReplicationFactor).toBe(1)
})

test('keys that do nothing are named in one line', async () => {
  const one = node()
  const server = launch(
    [file('noisy', [...FILE, 'log.cleaner.threads=2', 'max.connection.creation.rate=2', 'x=1'])],
    one.start,
  )
  await settle()
  one.closed.resolve()
  await server.exitCode
  const warnings = server.lines.filter((line) => line.includes(' WARN '))
  expect(warnings.map((line) => line.replace(/^.*WARN /, ''))).toEqual([
    'Unknown configuration x: ignored (test)',
    'Not supported yet and without effect: log.cleaner.threads, max.connection.creation.rate (test)',
  ])
})
