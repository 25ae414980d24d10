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
import { addressOf, bracketed } from './base/address.ts'
import type { Logger } from './base/logger.ts'
import { OperationalError, type OperationalCode } from './base/errors.ts'
import {
  checkDirectory,
  checkOptionNames,
  embeddedConfig,
  embeddedWorld,
  MEMORY_DIRECTORY,
  starting,
  type PropertyValue,
} from './embedding.ts'
import type { World } from './world/world.ts'
import type { NodeOptions } from './server/node-options.ts'
import type { Node } from './server/node-life.ts'
import { startNode } from './server/node.ts'

export { startCluster, type Cluster, type ClusterNode, type ClusterOptions } from './cluster.ts'
export { OperationalError, type Logger, type OperationalCode, type PropertyValue }

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

const BROKER_OPTIONS = {
  host: 'public',
  port: 'public',
  directory: 'public',
  config: 'public',
  logger: 'public',
  world: 'public',
  inside: 'internal',
} as const

/** A listener on all addresses is reached at, and advertises, the one of this machine. */
const ANY_ADDRESS: ReadonlyMap<string, string> = new Map([
  ['', '127.0.0.1'],
  ['0.0.0.0', '127.0.0.1'],
  ['::', '::1'],
])

/** @throws OperationalError with one sentence: a taken port, a bad value, a directory that can't be used. */
export function startBroker(options: BrokerOptions = {}): Promise<Broker> {
  return starting(async (logger) => {
    checkOptionNames<Required<BrokerOptions>>(options as Required<BrokerOptions>, BROKER_OPTIONS)
    const { host = '127.0.0.1' } = options
    const properties = propertiesOf(options)
    const config = embeddedConfig(properties, options.logger)
    const world = embeddedWorld(options.world, properties.get('log.dirs') === MEMORY_DIRECTORY)
    const hostName = ANY_ADDRESS.get(host) ?? host
    return asBroker(await startNode({ world, config, logger, hostName, ...options.inside }))
  }, options.logger)
}

function propertiesOf({ host = '127.0.0.1', port = 0, directory, config = {} }: BrokerOptions): Map<string, string> {
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new OperationalError('CONFIG_INVALID', `The port must be a whole number from 0 to 65535, and is ${port}.`)
  }
  if (directory !== undefined) checkDirectory(directory)
  const own = new Map([
    ['process.roles', 'broker,controller'],
    ['node.id', '1'],
    ['listeners', `PLAINTEXT://${bracketed(host)}:${port},CONTROLLER://${bracketed(host)}:0`],
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
    own.set('advertised.listeners', `PLAINTEXT://${bracketed(ANY_ADDRESS.get(host) ?? '')}:${port}`)
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
    address: addressOf(host, port),
    listeners,
    clusterId: node.clusterId,
    closed: node.closed,
    close: () => node.close(),
    kill: () => node.closeHard(),
    [Symbol.asyncDispose]: () => node.close(),
  }
}
