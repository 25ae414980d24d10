/**
 * The settings of one simulated cluster, drawn from its seed: which nodes it has, and limits so small that sessions end,
 * followers lag, leaders change and segments roll within seconds.
 */
import type { SeededRandom } from '../seeded-random.ts'

export type Role = 'broker' | 'controller' | 'broker,controller'

export interface NodeSettings {
  readonly id: number
  readonly role: Role
  /** A controller with a vote from the beginning. */
  readonly isVoter: boolean
}

export interface ClusterSettings {
  readonly nodes: readonly NodeSettings[]
  /** server.properties that all nodes share. */
  readonly properties: Readonly<Record<string, string>>
  readonly topics: readonly { readonly name: string; readonly partitions: number }[]
  readonly topicConfigs: Readonly<Record<string, string>>
  /** Of a broker: what is not in it is read from the disk. */
  readonly tailCacheBytes: number
  /** What is acknowledged is synced first: power may fail on all nodes at once. */
  readonly isDurable: boolean
  /** eligible.leader.replicas.version=1, as in a new cluster. */
  readonly withElr: boolean
  readonly producers: number
  readonly consumers: number
  /** Producers that write in transactions. */
  readonly transactional: number
  /** An operator adds and removes voters of the quorum. */
  readonly votersChange: boolean
  /** The voters stand in the configuration, and perhaps in the log later (kraft.version). */
  readonly isStatic: boolean
  /** Of each node. */
  readonly logDirectories: readonly string[]
  /** An operator bounds what replicas copy, now and then. */
  readonly throttles: boolean
  /** How long faults come. */
  readonly faultMs: number
}

/** Five nodes in all; three of them at least are brokers, so that partitions have three replicas. */
const SHAPES: readonly (readonly Role[])[] = [
  ['broker,controller', 'broker,controller', 'broker,controller', 'broker', 'broker'],
  ['controller', 'broker', 'broker', 'broker', 'broker'],
  ['broker,controller', 'broker,controller', 'broker,controller', 'broker,controller', 'broker,controller'],
  ['controller', 'controller', 'broker,controller', 'broker', 'broker'],
]

export const BROKER_PORT = 9092
export const CONTROLLER_PORT = 9093
/** The first holds the metadata too. */
export const LOG_DIRECTORIES = ['/data', '/data-b'] as const
export const REPLICAS = 3
export const MIN_ISR = 2

export function drawSettings(random: SeededRandom, isQuick: boolean): ClusterSettings {
  const pick = <T>(...choices: readonly T[]): T => choices[random.below(choices.length)] as T
  const isDurable = random.chance(0.3)
  const shape = SHAPES[random.below(SHAPES.length)] ?? []
  const properties: Record<string, string> = {
    'controller.listener.names': 'CONTROLLER',
    'controller.quorum.election.timeout.ms': pick('300', '1000'),
    'controller.quorum.fetch.timeout.ms': pick('800', '2000'),
    'controller.quorum.election.backoff.max.ms': '300',
    'controller.quorum.request.timeout.ms': '1500',
    'broker.heartbeat.interval.ms': pick('200', '500'),
    'broker.session.timeout.ms': pick('1500', '3000'),
    'replica.lag.time.max.ms': pick('1000', '3000'),
    'replica.fetch.wait.max.ms': pick('100', '500'),
    'replica.fetch.backoff.ms': '200',
    'replica.fetch.max.bytes': pick('2000', '1048576'),
    'replica.socket.timeout.ms': '3000',
    'request.timeout.ms': '4000',
    'replication.quota.window.num': '3',
    'num.replica.fetchers': pick('1', '2'),
    'default.replication.factor': String(REPLICAS),
    'min.insync.replicas': String(MIN_ISR),
    'offsets.topic.replication.factor': String(REPLICAS),
    'offsets.topic.num.partitions': pick('1', '3'),
    'transaction.state.log.replication.factor': String(REPLICAS),
    'transaction.state.log.min.isr': String(MIN_ISR),
    'transaction.state.log.num.partitions': '1',
    'transaction.abort.timed.out.transaction.cleanup.interval.ms': '500',
    'group.initial.rebalance.delay.ms': '0',
    'group.min.session.timeout.ms': '100',
    'offsets.commit.timeout.ms': '3000',
    'auto.create.topics.enable': 'false',
    'auto.leader.rebalance.enable': pick('true', 'false'),
    'leader.imbalance.check.interval.seconds': '5',
    'unclean.leader.election.enable': 'false',
    'metadata.log.max.record.bytes.between.snapshots': pick('2000', '20000', '20971520'),
    'metadata.log.max.snapshot.interval.ms': pick('5000', '3600000'),
    'metadata.log.segment.bytes': '8388608',
    'metadata.max.retention.bytes': pick('3000', '104857600'),
    'replica.high.watermark.checkpoint.interval.ms': pick('300', '2000'),
    'log.flush.offset.checkpoint.interval.ms': pick('300', '2000'),
    'log.retention.check.interval.ms': '2000',
    'controlled.shutdown.enable': 'true',
  }
  const topicConfigs: Record<string, string> = { 'internal.segment.bytes': pick('4000', '15000', '1000000') }
  // Of internal topics too: what groups and transactions were told is as durable.
  if (isDurable) properties['log.flush.interval.messages'] = '1'
  const controllers = shape.filter((role) => role !== 'broker').length
  const isStatic = random.chance(0.3)
  const votersChange = !isStatic && controllers > 1 && random.chance(0.7)
  // Of a quorum that changes, some may join later. Controllers come first in every shape.
  const voters = votersChange ? random.between(Math.min(2, controllers), controllers) : controllers
  return {
    nodes: shape.map((role, at) => ({ id: at + 1, role, isVoter: at < voters })),
    properties,
    topics: ['alpha', 'beta']
      .slice(0, random.between(1, 2))
      .map((name) => ({ name, partitions: random.between(1, 3) })),
    topicConfigs,
    tailCacheBytes: pick(0, 5000, 32 << 20),
    isDurable,
    withElr: random.chance(0.6),
    producers: random.between(1, 3),
    consumers: random.between(1, 3),
    transactional: pick(0, 1, 2),
    votersChange,
    isStatic,
    logDirectories: LOG_DIRECTORIES.slice(0, pick(1, 2)),
    throttles: random.chance(0.4),
    faultMs: isQuick ? 20_000 : 120_000,
  }
}
