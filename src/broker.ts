/**
 * `klamm/broker`: a Kafka broker inside your process, with one import.
 *
 *     import { startBroker } from 'klamm/broker'
 *     await using broker = await startBroker()
 *     const client = new Kafka({ brokers: [broker.address] })
 *
 * By default it listens on a free port of 127.0.0.1, keeps its data in memory, and is set for tests: groups rebalance at
 * once, one partition of `__consumer_offsets`. Every key of server.properties can be given. What was closed leaves nothing
 * behind: no timer, socket, file or lock. Whatever is wrong with the options is an `OperationalError` of one sentence.
 */
import type { Logger } from './base/logger.ts'
import { SILENT } from './base/logger.ts'
import { OperationalError, type OperationalCode } from './base/errors.ts'
import { ConfigError } from './config/config-value.ts'
import { parseBrokerConfig } from './config/parse-broker-config.ts'
import { memoryDisk } from './world/memory-disk.ts'
import { nodeWorld } from './world/node/index.ts'
import { DiskError, type World } from './world/world.ts'
import type { NodeOptions } from './server/node-options.ts'
import { startNode, type Node } from './server/node.ts'

export { OperationalError, type Logger, type OperationalCode }

/** undefined leaves the default. */
export type PropertyValue = string | number | boolean | readonly string[] | undefined

export interface BrokerOptions {
  /** Where to listen; 127.0.0.1 if left out. */
  readonly host?: string
  /** 0, the default, takes a free one. */
  readonly port?: number
  /** Data is kept here, formatted if empty. In memory if left out and `config` names no log.dirs: gone with `close`. */
  readonly directory?: string
  /** server.properties, over the defaults of this function. */
  readonly config?: Readonly<Record<string, PropertyValue>>
  /** Silent if left out, but for warnings about `config`, which become warnings of the process. */
  readonly logger?: Logger
  /** Another clock, disk or network, as simulations have them. The real ones if left out. */
  readonly world?: World
  /** @internal For simulations and test brokers. */
  readonly inside?: Pick<NodeOptions, 'poison' | 'tailCacheBytes' | 'around' | 'inspect'>
}

export interface BrokerListener {
  readonly name: string
  readonly host: string
  readonly port: number
}

export interface Broker extends AsyncDisposable {
  /** Of the first listener, as a client reaches it. */
  readonly host: string
  readonly port: number
  /** `host:port`, for a client's list of bootstrap servers. */
  readonly address: string
  readonly listeners: readonly BrokerListener[]
  readonly clusterId: string
  /** Settles when the broker has stopped; rejects if it had to stop by itself. */
  readonly closed: Promise<void>
  /** Controlled shutdown. Idempotent. */
  close(): Promise<void>
  /** Stops as a killed process does: nothing is flushed or marked. */
  kill(): Promise<void>
}

const MEMORY_DIRECTORY = '/klamm'
/** A listener on all addresses is reached at, and advertises, the one of this machine. */
const ANY_ADDRESS: ReadonlyMap<string, string> = new Map([
  ['', '127.0.0.1'],
  ['0.0.0.0', '127.0.0.1'],
  ['::', '::1'],
])

/** @throws OperationalError with one sentence: a taken port, a bad value, a directory that can't be used. */
export async function startBroker(options: BrokerOptions = {}): Promise<Broker> {
  const { host = '127.0.0.1', logger = SILENT } = options
  try {
    const properties = propertiesOf(options)
    const { config, refused, unsupported, warnings } = parseBrokerConfig(properties)
    if (refused.length > 0) throw new OperationalError('NOT_SUPPORTED', refused.join('; '))
    const concerns = [...warnings]
    if (unsupported.length > 0) concerns.push(`Not supported yet and without effect: ${unsupported.join(', ')}`)
    for (const concern of concerns) {
      if (options.logger === undefined) process.emitWarning(concern, 'KlammWarning')
      else logger.warn(concern)
    }
    const real = options.world ?? nodeWorld()
    const inMemory = options.world === undefined && properties.get('log.dirs') === MEMORY_DIRECTORY
    const world = inMemory ? { ...real, disk: memoryDisk(real.clock) } : real
    const hostName = ANY_ADDRESS.get(host) ?? host
    return asBroker(await startNode({ world, config, logger, hostName, ...options.inside }))
  } catch (error) {
    if (error instanceof ConfigError) throw new OperationalError('CONFIG_INVALID', error.message, { cause: error })
    if (error instanceof DiskError) throw new OperationalError('DISK_FAILED', error.message, { cause: error })
    throw error
  }
}

function propertiesOf({ host = '127.0.0.1', port = 0, directory, config = {} }: BrokerOptions): Map<string, string> {
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new OperationalError('CONFIG_INVALID', `The port must be a whole number from 0 to 65535, and is ${port}.`)
  }
  if (directory !== undefined && !/^[^,\s]([^,]*[^,\s])?$/.test(directory)) {
    throw new OperationalError(
      'CONFIG_INVALID',
      `The directory '${directory}' can't be used: its path is empty, holds a comma, or begins or ends with a space.`,
    )
  }
  const own = new Map([
    ['process.roles', 'broker,controller'],
    ['node.id', '1'],
    ['listeners', `PLAINTEXT://${inUrl(host)}:${port},CONTROLLER://${inUrl(host)}:0`],
    ['controller.listener.names', 'CONTROLLER'],
    ['controller.quorum.bootstrap.servers', '127.0.0.1:9093'],
    ['log.dirs', directory ?? MEMORY_DIRECTORY],
    ['offsets.topic.num.partitions', '1'],
    ['offsets.topic.replication.factor', '1'],
    ['transaction.state.log.num.partitions', '1'],
    ['transaction.state.log.replication.factor', '1'],
    ['transaction.state.log.min.isr', '1'],
    ['group.initial.rebalance.delay.ms', '0'],
  ])
  if (ANY_ADDRESS.has(host))
    own.set('advertised.listeners', `PLAINTEXT://${inUrl(ANY_ADDRESS.get(host) ?? '')}:${port}`)
  for (const [key, value] of Object.entries(config)) {
    if (value === undefined) continue
    if (key === 'listeners') own.delete('advertised.listeners')
    if (key === 'log.dir' && config['log.dirs'] === undefined) own.delete('log.dirs')
    own.set(key, String(value))
  }
  return own
}

function asBroker(node: Node): Broker {
  const listeners = node.listeners.map((listener) => ({
    ...listener,
    host: ANY_ADDRESS.get(listener.host) ?? listener.host,
  }))
  const { host, port } = listeners[0] ?? { host: '', port: 0 }
  return {
    host,
    port,
    address: `${inUrl(host)}:${port}`,
    listeners,
    clusterId: node.clusterId,
    closed: node.closed,
    close: () => node.close(),
    kill: () => node.closeHard(),
    [Symbol.asyncDispose]: () => node.close(),
  }
}

/** IPv6 addresses stand in brackets. */
function inUrl(host: string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host
}
