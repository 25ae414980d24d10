/**
 * `klamm/broker`: a Kafka broker inside your process, with one import.
 *
 *     import { startBroker } from 'klamm/broker'
 *     await using broker = await startBroker()
 *     const client = new Kafka({ brokers: [broker.address] })
 *
 * By default it listens on a free port of 127.0.0.1, keeps its data in memory, and is set for tests: groups rebalance at
 * once, one partition of `__consumer_offsets`. Every key of server.properties can be given.
 */
import type { Logger } from './base/logger.ts'
import { SILENT } from './base/logger.ts'
import { OperationalError } from './base/errors.ts'
import { parseBrokerConfig } from './config/parse-broker-config.ts'
import { memoryDisk } from './world/memory-disk.ts'
import { nodeWorld } from './world/node/index.ts'
import type { World } from './world/world.ts'
import type { NodeOptions } from './server/node-options.ts'
import { startNode, type Node } from './server/node.ts'

export type { Logger }

export interface BrokerOptions {
  /** Where to listen; 127.0.0.1 if left out. */
  readonly host?: string
  /** 0, the default, takes a free one. */
  readonly port?: number
  /** Data is kept here, formatted if empty. In memory if left out: gone with `close`. */
  readonly directory?: string
  /** server.properties, over the defaults of this function. */
  readonly config?: Readonly<Record<string, string | number | boolean>>
  /** Silent if left out. */
  readonly logger?: Logger
  /** Another clock, disk or network: see `klamm/testing`. The real ones if left out. */
  readonly world?: World
  /** @internal For simulations. */
  readonly inside?: Pick<NodeOptions, 'poison' | 'tailCacheBytes' | 'around' | 'inspect'>
}

export interface Broker extends AsyncDisposable {
  readonly host: string
  readonly port: number
  /** `host:port`, for a client's list of bootstrap servers. */
  readonly address: string
  readonly clusterId: string
  /** Settles when the broker has stopped; rejects if it had to stop by itself. */
  readonly closed: Promise<void>
  /** Controlled shutdown. Idempotent. */
  close(): Promise<void>
  /** Stops as a killed process does: nothing is flushed or marked. */
  kill(): Promise<void>
}

const MEMORY_DIRECTORY = '/klamm'

/** @throws OperationalError with one sentence: a taken port, a bad value, a directory that can't be used. */
export async function startBroker(options: BrokerOptions = {}): Promise<Broker> {
  const { host = '127.0.0.1', port = 0, directory, logger = SILENT } = options
  const real = options.world ?? nodeWorld()
  const world =
    directory === undefined && options.world === undefined ? { ...real, disk: memoryDisk(real.clock) } : real
  const properties = new Map([
    ['process.roles', 'broker,controller'],
    ['node.id', '1'],
    ['listeners', `PLAINTEXT://${host}:${port},CONTROLLER://${host}:0`],
    ['advertised.listeners', `PLAINTEXT://${host}:${port}`],
    ['controller.listener.names', 'CONTROLLER'],
    ['controller.quorum.bootstrap.servers', `${host}:9093`],
    ['log.dirs', directory ?? MEMORY_DIRECTORY],
    ['offsets.topic.num.partitions', '1'],
    ['offsets.topic.replication.factor', '1'],
    ['group.initial.rebalance.delay.ms', '0'],
  ])
  for (const [key, value] of Object.entries(options.config ?? {})) properties.set(key, String(value))
  const { config, refused, unsupported } = parseBrokerConfig(properties)
  if (refused.length > 0) throw new OperationalError('NOT_SUPPORTED', refused.join('; '))
  if (unsupported.length > 0) logger.warn(`Not supported yet and without effect: ${unsupported.join(', ')}`)
  return asBroker(await startNode({ world, config, logger, hostName: host, ...options.inside }))
}

function asBroker(node: Node): Broker {
  const [listener] = node.listeners
  const { host, port } = listener ?? { host: '', port: 0 }
  return {
    host,
    port,
    address: `${host}:${port}`,
    clusterId: node.clusterId,
    closed: node.closed,
    close: () => node.close(),
    kill: () => node.closeHard(),
    [Symbol.asyncDispose]: () => node.close(),
  }
}
