import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { OperationalError, startBroker, type Broker, type BrokerOptions } from './broker.ts'
import { CreateTopics } from './protocol/generated/create-topics.ts'
import { DescribeConfigs } from './protocol/generated/describe-configs.ts'
import { Metadata } from './protocol/generated/metadata.ts'
import { ChunkPool } from './rpc/chunk-pool.ts'
import { ClientConnection } from './rpc/client-connection.ts'
import { nodeWorld } from './world/node/index.ts'

const home = mkdtempSync(join(tmpdir(), 'klamm-broker-'))
afterAll(() => rmSync(home, { recursive: true }))
const pool = new ChunkPool({ freeBytesMax: 0, poison: true })

function connect({ host, port }: { host: string; port: number }): Promise<ClientConnection> {
  return ClientConnection.connect(nodeWorld().network, { host, port }, { pool, clientId: 'test' })
}

async function topics(broker: Broker): Promise<string[]> {
  const client = await connect(broker)
  const answer = await client.request(Metadata, 12, { topics: null })
  client.close()
  return answer.topics.map(({ name }) => name ?? '')
}

async function createTopic(broker: Broker, name: string): Promise<void> {
  const client = await connect(broker)
  await client.request(CreateTopics, 5, { topics: [{ name, numPartitions: 1, replicationFactor: 1 }], timeoutMs: 1000 })
  client.close()
}

/** Files and locks below the directory of this test that are open. */
function openFiles(): string[] {
  if (process.platform !== 'linux') return []
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`)
      return target.startsWith(home) ? [target] : []
    } catch {
      return [] // the descriptor of the listing itself
    }
  })
}

test('a broker listens on a free port, tells it to clients, and keeps its data in memory', async () => {
  await using broker = await startBroker()
  expect(broker.port).toBeGreaterThan(0)
  expect(broker.address).toBe(`127.0.0.1:${broker.port}`)
  await createTopic(broker, 'events')
  const client = await connect(broker)
  const { brokers, clusterId } = await client.request(Metadata, 12, { topics: [] })
  expect(brokers).toMatchObject([{ host: '127.0.0.1', port: broker.port }])
  expect(clusterId).toBe(broker.clusterId)
  client.close()
  await using other = await startBroker()
  expect(await topics(other)).toEqual([])
  expect(await topics(broker)).toEqual(['events'])
})

test('with a directory the data is there again after close, and after kill', async () => {
  const directory = join(home, 'kept')
  const first = await startBroker({ directory })
  await createTopic(first, 'one')
  await first.close()
  const second = await startBroker({ directory })
  expect(second.clusterId).toBe(first.clusterId)
  await createTopic(second, 'two')
  await second.kill()
  await using third = await startBroker({ directory })
  expect((await topics(third)).sort()).toEqual(['one', 'two'])
})

test('every property can be given; undefined leaves the default', async () => {
  const config = { 'num.partitions': 3, 'log.retention.ms': undefined, 'auto.create.topics.enable': false }
  await using broker = await startBroker({ config })
  const client = await connect(broker)
  const resources = [{ resourceType: 4, resourceName: '1', configurationKeys: ['num.partitions'] }]
  const { results } = await client.request(DescribeConfigs, 4, { resources })
  expect(results[0]?.configs).toMatchObject([{ name: 'num.partitions', value: '3' }])
  const { topics: unknown } = await client.request(Metadata, 12, {
    topics: [{ name: 'none' }],
    allowAutoTopicCreation: true,
  })
  expect(unknown).toMatchObject([{ errorCode: 3 }])
  client.close()
})

test('a broker on all addresses is reached at, and advertises, the one of this machine', async () => {
  await using broker = await startBroker({ host: '0.0.0.0' })
  expect(broker.address).toBe(`127.0.0.1:${broker.port}`)
  expect(await topics(broker)).toEqual([])
})

test('several listeners of a configuration each get their port', async () => {
  const config = {
    listeners: 'ONE://127.0.0.1:0,TWO://127.0.0.1:0,CONTROLLER://127.0.0.1:0',
    'listener.security.protocol.map': 'ONE:PLAINTEXT,TWO:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name': 'ONE',
  }
  await using broker = await startBroker({ config })
  expect(broker.listeners.map(({ name }) => name)).toEqual(['ONE', 'TWO'])
  const second = await connect(broker.listeners[1]!)
  const { brokers } = await second.request(Metadata, 12, { topics: [] })
  expect(brokers).toMatchObject([{ port: broker.listeners[1]?.port }])
  second.close()
})

test('warnings about the configuration go to the logger', async () => {
  const lines: string[] = []
  const logger = { debug() {}, info() {}, warn: (line: string) => lines.push(line), error() {} }
  await using broker = await startBroker({ logger, config: { 'num.partitionz': 1 } })
  expect(broker.port).toBeGreaterThan(0)
  expect(lines).toEqual(['Unknown configuration num.partitionz: ignored'])
})

test('what is wrong with the options is one sentence, and leaves nothing behind', async () => {
  writeFileSync(join(home, 'file'), '')
  const taken = net.createServer()
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
  const address = taken.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const directory = join(home, 'held')
  const holder = await startBroker({ directory })
  const before = openFiles()
  const wrong: readonly (readonly [BrokerOptions, string, RegExp])[] = [
    [{ port }, 'ADDRESS_IN_USE', /^cannot listen on 127\.0\.0\.1:\d+: .*address already in use/],
    [{ port: 70_000 }, 'CONFIG_INVALID', /^The port must be a whole number from 0 to 65535, and is 70000\.$/],
    [{ host: '192.0.2.1' }, 'NETWORK_FAILED', /^cannot listen on 192\.0\.2\.1:0/],
    [{ config: { 'num.partitions': 'x' } }, 'CONFIG_INVALID', /^Invalid value x for configuration num\.partitions/],
    [{ config: { 'authorizer.class.name': 'x' } }, 'NOT_SUPPORTED', /authorizer\.class\.name/],
    [{ directory }, 'DIRECTORY_LOCKED', /^Failed to acquire lock on file \.lock in /],
    [{ directory: join(home, 'file') }, 'DISK_FAILED', /ENOTDIR/],
    [{ directory: `${home}/a,b` }, 'CONFIG_INVALID', /holds a comma/],
    [{ directory: '' }, 'CONFIG_INVALID', /path is empty/],
    [{ prot: 1 } as never, 'CONFIG_INVALID', /^There is no option prot: did you mean port\?$/],
    [{ 'num.partitions': 3 } as never, 'CONFIG_INVALID', /: settings of server\.properties stand in config\.$/],
    [{ zzz: 1 } as never, 'CONFIG_INVALID', /: there are host, port, directory, config, logger, world\.$/],
  ]
  for (const [options, code, message] of wrong) {
    const error: unknown = await startBroker(options).then(
      () => null,
      (reason: unknown) => reason,
    )
    expect(error).toBeInstanceOf(OperationalError)
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) })
  }
  expect(openFiles()).toEqual(before)
  await holder.close()
  expect(openFiles()).toEqual([])
  await new Promise((resolve) => taken.close(resolve))
})

test('ten brokers in turn and ten at once leave nothing, and the process ends by itself', () => {
  const command = ['scripts/run.mjs', 'bench/embed.bench.ts', '--stay-ms=5000']
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { encoding: 'utf8', timeout: 240_000 })
  expect(`${stdout}${stderr}`).toMatch(/^left: nothing$/m)
  expect(status).toBe(0)
})
