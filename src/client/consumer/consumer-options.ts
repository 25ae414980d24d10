/**
 * What a consumer is told, and its defaults: those of Java's consumer 4.3 (whose names the docstrings give) but for
 * `groupProtocol` and `prefetchMaxBytes`, which Java does not have in this form.
 */
import type { ResolvedClientOptions } from '../client-options.ts'
import { exactly } from '../check-options.ts'
import { ClientError } from '../errors.ts'
import {
  anything,
  callable,
  either,
  flag,
  list,
  number,
  oneOf,
  text,
  withMethods,
  word,
  type Shape,
} from '../expected.ts'
import { bytes, type Serde } from '../serde.ts'
import type { ConsumerInterceptor } from './consumer-interceptor.ts'
import type { PartitionAssignor } from './group/assignors/assignor.ts'
import { cooperativeStickyAssignor, stickyAssignor } from './group/assignors/sticky-assignor.ts'
import { rangeAssignor } from './group/assignors/range-assignor.ts'
import { roundRobinAssignor } from './group/assignors/round-robin-assignor.ts'
import { checkReset, type OffsetReset } from './offset-spec.ts'
import type { RebalanceListener } from './rebalance-listener.ts'

export type AssignorName = 'range' | 'roundrobin' | 'sticky' | 'cooperative-sticky'

export interface ConsumerOptions<K = Buffer, V = Buffer> {
  /** Bytes if left out (key.deserializer, value.deserializer). */
  readonly key?: Pick<Serde<K>, 'deserialize'>
  readonly value?: Pick<Serde<V>, 'deserialize'>
  /**
   * The consumer group (group.id). Without one, `subscribe` makes one up, `klamm-` and 22 characters; `assign` needs none, and
   * then nothing can be committed.
   */
  readonly groupId?: string
  /** Static membership (group.instance.id): a restart within the session keeps the partitions. */
  readonly groupInstanceId?: string
  /**
   * `consumer` is KIP-848, `classic` the protocol before. `auto`, if left out: KIP-848 where the cluster has it, else classic
   * (group.protocol).
   */
  readonly groupProtocol?: 'auto' | 'consumer' | 'classic'
  /** KIP-848: `uniform`, `range` or what the broker has; its first if left out (group.remote.assignor). */
  readonly remoteAssignor?: string
  /** Classic: in order of preference; range and cooperative-sticky if left out (partition.assignment.strategy). */
  readonly assignors?: readonly (AssignorName | PartitionAssignor)[]
  /** Classic: milliseconds without a heartbeat until the member is taken for dead (session.timeout.ms). 45,000. */
  readonly sessionTimeoutMs?: number
  /** Classic: milliseconds between heartbeats (heartbeat.interval.ms). 3000. */
  readonly heartbeatIntervalMs?: number
  /**
   * Milliseconds that a batch may take the user; beyond it the member leaves its group (max.poll.interval.ms). It is the
   * time limit of rebalances too. 300,000.
   */
  readonly maxPollIntervalMs?: number
  /** Told of what is assigned, revoked and lost. */
  readonly onRebalance?: RebalanceListener
  /** Where to begin without a committed offset, and where the offset is gone (auto.offset.reset). `latest`. */
  readonly offsetReset?: OffsetReset
  /** Commits what is finished now and then, before partitions are given away, and on close (enable.auto.commit). True. */
  readonly autoCommit?: boolean
  /** Milliseconds between automatic commits (auto.commit.interval.ms). 5000. */
  readonly autoCommitIntervalMs?: number
  /** Whether records of transactions are read before their commit, and those aborted (isolation.level). `read_uncommitted`. */
  readonly isolationLevel?: 'read_uncommitted' | 'read_committed'
  /** A broker answers once it has so many bytes … (fetch.min.bytes). 1. */
  readonly fetchMinBytes?: number
  /** … or so many milliseconds have passed (fetch.max.wait.ms). 500. */
  readonly fetchMaxWaitMs?: number
  /** The most that one answer brings (fetch.max.bytes). 52,428,800. A single larger batch comes nevertheless. */
  readonly fetchMaxBytes?: number
  /** The most that one answer brings of one partition (max.partition.fetch.bytes). 1,048,576. */
  readonly maxPartitionFetchBytes?: number
  /** Nothing is asked for while so much waits to be handed out. 67,108,864. One answer may go beyond; paused partitions don't count. */
  readonly prefetchMaxBytes?: number
  /** Verifies checksums (check.crcs). True. */
  readonly checkCrcs?: boolean
  /** Where this consumer is, for reading from a near replica (client.rack). */
  readonly rack?: string
  /** Brokers may make topics that are subscribed to or assigned (allow.auto.create.topics). True. */
  readonly allowAutoCreateTopics?: boolean
  /** Leaves out topics of Kafka's own where a pattern matches them (exclude.internal.topics). True. */
  readonly excludeInternalTopics?: boolean
  /** Told of errors of `commitLater` and of automatic commits. They go to the logger if left out. */
  readonly onCommitError?: (error: unknown) => void
  /** They see what is handed out and committed (interceptor.classes). */
  readonly interceptors?: readonly ConsumerInterceptor<NoInfer<K>, NoInfer<V>>[]
}

const LISTENER: Shape<RebalanceListener> = { assigned: callable(), revoked: callable(), lost: callable() }

/** What each of them may be. */
export const CONSUMER_OPTIONS: Shape<ConsumerOptions<unknown, unknown>> = {
  key: withMethods('deserialize'),
  value: withMethods('deserialize'),
  groupId: text,
  groupInstanceId: text,
  groupProtocol: oneOf('auto', 'consumer', 'classic'),
  remoteAssignor: text,
  assignors: list(either(word<AssignorName>(), withMethods<PartitionAssignor>('assign'))),
  sessionTimeoutMs: number,
  heartbeatIntervalMs: number,
  maxPollIntervalMs: number,
  onRebalance: exactly(LISTENER),
  offsetReset: anything(),
  autoCommit: flag,
  autoCommitIntervalMs: number,
  isolationLevel: oneOf('read_uncommitted', 'read_committed'),
  fetchMinBytes: number,
  fetchMaxWaitMs: number,
  fetchMaxBytes: number,
  maxPartitionFetchBytes: number,
  prefetchMaxBytes: number,
  checkCrcs: flag,
  rack: text,
  allowAutoCreateTopics: flag,
  excludeInternalTopics: flag,
  onCommitError: callable(),
  interceptors: list(withMethods()),
}

export interface ConsumerSettings<K, V> extends ResolvedClientOptions {
  readonly key: Pick<Serde<K>, 'deserialize'>
  readonly value: Pick<Serde<V>, 'deserialize'>
  readonly groupId: string | null
  readonly groupInstanceId: string | null
  readonly groupProtocol: 'auto' | 'consumer' | 'classic'
  readonly remoteAssignor: string | null
  readonly assignors: readonly PartitionAssignor[]
  readonly sessionTimeoutMs: number
  readonly heartbeatIntervalMs: number
  readonly maxPollIntervalMs: number
  readonly onRebalance: RebalanceListener
  readonly offsetReset: OffsetReset
  readonly autoCommit: boolean
  readonly autoCommitIntervalMs: number
  readonly isReadCommitted: boolean
  readonly fetchMinBytes: number
  readonly fetchMaxWaitMs: number
  readonly fetchMaxBytes: number
  readonly maxPartitionFetchBytes: number
  readonly prefetchMaxBytes: number
  readonly checkCrcs: boolean
  readonly rack: string
  readonly allowAutoCreateTopics: boolean
  readonly excludeInternalTopics: boolean
  readonly onCommitError: (error: unknown) => void
  readonly interceptors: readonly ConsumerInterceptor<K, V>[]
}

/** Some remember: each member has its own. */
const ASSIGNORS: Readonly<Record<AssignorName, () => PartitionAssignor>> = {
  range: () => rangeAssignor,
  roundrobin: () => roundRobinAssignor,
  sticky: stickyAssignor,
  'cooperative-sticky': cooperativeStickyAssignor,
}

/** @throws ClientError INVALID_ARGUMENT with one sentence. */
export function resolveConsumerOptions<K, V>(
  client: ResolvedClientOptions,
  options: ConsumerOptions<K, V>,
): ConsumerSettings<K, V> {
  const whole = (key: keyof ConsumerOptions, otherwise: number, min = 0): number => {
    const value = (options as ConsumerOptions)[key] ?? otherwise
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= 0x7fff_ffff) return value
    throw new ClientError(
      'INVALID_ARGUMENT',
      `${key} must be a whole number from ${min} to 2147483647, and is ${String(value)}.`,
    )
  }
  const heartbeatIntervalMs = whole('heartbeatIntervalMs', 3000, 1)
  const sessionTimeoutMs = whole('sessionTimeoutMs', 45_000, 1)
  if (heartbeatIntervalMs >= sessionTimeoutMs) {
    throw new ClientError(
      'INVALID_ARGUMENT',
      `heartbeatIntervalMs must be lower than sessionTimeoutMs, and is ${heartbeatIntervalMs} of ${sessionTimeoutMs}.`,
    )
  }
  for (const name of ['groupId', 'groupInstanceId'] as const) {
    if (options[name]?.trim() === '') throw new ClientError('INVALID_ARGUMENT', `${name} must not be empty.`)
  }
  const fetchMaxWaitMs = whole('fetchMaxWaitMs', 500)
  if (fetchMaxWaitMs >= client.requestTimeoutMs) {
    throw new ClientError(
      'INVALID_ARGUMENT',
      `fetchMaxWaitMs must be lower than requestTimeoutMs, and is ${fetchMaxWaitMs} of ${client.requestTimeoutMs}.`,
    )
  }
  return {
    ...client,
    // Without a serde K and V are Buffer: that is what the options' defaults say.
    key: options.key ?? (bytes() as unknown as Serde<K>),
    value: options.value ?? (bytes() as unknown as Serde<V>),
    groupId: options.groupId ?? null,
    groupInstanceId: options.groupInstanceId ?? null,
    groupProtocol: options.groupProtocol ?? 'auto',
    remoteAssignor: options.remoteAssignor ?? null,
    assignors: assignorsOf(options.assignors ?? ['range', 'cooperative-sticky']),
    sessionTimeoutMs,
    heartbeatIntervalMs,
    maxPollIntervalMs: whole('maxPollIntervalMs', 300_000, 1),
    onRebalance: options.onRebalance ?? {},
    offsetReset: checkReset(options.offsetReset ?? 'latest'),
    autoCommit: options.autoCommit ?? true,
    autoCommitIntervalMs: whole('autoCommitIntervalMs', 5000, 1),
    isReadCommitted: options.isolationLevel === 'read_committed',
    fetchMinBytes: whole('fetchMinBytes', 1),
    fetchMaxWaitMs,
    fetchMaxBytes: whole('fetchMaxBytes', 52_428_800),
    maxPartitionFetchBytes: whole('maxPartitionFetchBytes', 1_048_576, 1),
    prefetchMaxBytes: whole('prefetchMaxBytes', 67_108_864, 1),
    checkCrcs: options.checkCrcs ?? true,
    rack: options.rack ?? '',
    allowAutoCreateTopics: options.allowAutoCreateTopics ?? true,
    excludeInternalTopics: options.excludeInternalTopics ?? true,
    onCommitError: listenerOf(options.onCommitError, client.logger),
    interceptors: options.interceptors ?? [],
  }
}

/** One that throws must not keep the commits behind from going on. */
function listenerOf(
  listener: ((error: unknown) => void) | undefined,
  logger: ResolvedClientOptions['logger'],
): (error: unknown) => void {
  if (listener === undefined) return (error) => logger.warn(`A commit of offsets failed: ${String(error)}`)
  return (error) => {
    try {
      listener(error)
    } catch (thrown) {
      logger.warn(`onCommitError: ${String(thrown)}`)
    }
  }
}

function assignorsOf(chosen: readonly (AssignorName | PartitionAssignor)[]): PartitionAssignor[] {
  const known: Readonly<Record<string, (() => PartitionAssignor) | undefined>> = ASSIGNORS
  const assignors = chosen.flatMap((one) => (typeof one === 'string' ? (known[one]?.() ?? []) : one))
  const names = new Set(assignors.map(({ name }) => name))
  if (names.size === chosen.length && names.size > 0 && !names.has('')) return assignors
  throw new ClientError(
    'INVALID_ARGUMENT',
    `assignors must be different ones of ${Object.keys(ASSIGNORS).join(', ')} or objects of your own, and are ${chosen.map(String).join(', ')}.`,
  )
}
