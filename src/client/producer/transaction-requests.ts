/**
 * The requests that a producer's identity and transactions take, one object each: where it goes, what it says, and what its
 * answer means. transaction-manager.ts sends them one after the other.
 *
 * What an error means is the same for most of them (KIP-360, KIP-588, KIP-1050): another coordinator, again, the end of this
 * transaction, or the end of this producer.
 */
import { RETRIABLE, errorName, type ErrorCode } from '../../base/error-codes.ts'
import { KafkaError } from '../../base/errors.ts'
import type { Int64 } from '../../base/int64.ts'
import { AddOffsetsToTxn } from '../../protocol/generated/add-offsets-to-txn.ts'
import { AddPartitionsToTxn } from '../../protocol/generated/add-partitions-to-txn.ts'
import { EndTxn } from '../../protocol/generated/end-txn.ts'
import { FindCoordinator } from '../../protocol/generated/find-coordinator.ts'
import { InitProducerId } from '../../protocol/generated/init-producer-id.ts'
import { TxnOffsetCommit } from '../../protocol/generated/txn-offset-commit.ts'
import type { BrokerConnection } from '../../rpc/broker-connection.ts'
import type { ProducerIdentity } from './batch-buffer.ts'
import type { PartitionQueue } from './partition-queue.ts'
import type { ConsumerGroupMetadata } from '../consumer/consumer.ts'
import type { TopicPartitionOffset } from './producer-record.ts'

export type CoordinatorKind = 'transaction' | 'group'

/** What an answer means. */
export type Outcome =
  | { readonly kind: 'done' }
  /** After a pause; a short one if `pauseMs` says so. */
  | { readonly kind: 'again'; readonly pauseMs?: number }
  /** The coordinator has moved: find it, then again. */
  | { readonly kind: 'moved' }
  /** The transaction must be aborted; `ifPossible`: or the producer is lost, where its epoch can't be bumped. */
  | { readonly kind: 'abortable'; readonly error: Error; readonly ifPossible: boolean }
  | { readonly kind: 'fatal'; readonly error: Error }

export interface TransactionRequest {
  readonly name: 'FindCoordinator' | 'InitProducerId' | 'AddPartitions' | 'AddOffsets' | 'OffsetCommit' | 'EndTxn'
  /** The lower comes first. */
  readonly priority: number
  /** Null: any node. */
  readonly coordinator: CoordinatorKind | null
  /** Of the coordinator. */
  readonly key: string
  send(connection: BrokerConnection): Promise<Outcome>
  readonly resolve: () => void
  readonly reject: (error: Error) => void
  /** Monotonic: not sent again before. */
  notBeforeMs: number
}

export const PRIORITY = { FIND_COORDINATOR: 0, INIT_PRODUCER_ID: 1, ADD: 2, END: 3, EPOCH_BUMP: 4 }

const DONE: Outcome = { kind: 'done' }
const AGAIN: Outcome = { kind: 'again' }
const MOVED: Outcome = { kind: 'moved' }
/** The end of the transaction before is seen by all partitions soon. */
const ADD_PARTITIONS_PAUSE_MS = 20

const FATAL: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
  'INVALID_TXN_STATE',
  'INVALID_PRODUCER_ID_MAPPING',
  'UNSUPPORTED_FOR_MESSAGE_FORMAT',
])
const ABORTABLE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'TRANSACTION_ABORTABLE',
  'GROUP_AUTHORIZATION_FAILED',
  'TOPIC_AUTHORIZATION_FAILED',
  'FENCED_INSTANCE_ID',
  'UNKNOWN_MEMBER_ID',
  'ILLEGAL_GENERATION',
])

/** What an error code means, where a request has no meaning of its own for it. */
function outcomeOf(code: number, what: string): Outcome {
  if (code === 0) return DONE
  const name = errorName(code) ?? 'UNKNOWN_SERVER_ERROR'
  if (name === 'COORDINATOR_NOT_AVAILABLE' || name === 'NOT_COORDINATOR') return MOVED
  if (RETRIABLE.has(name)) return AGAIN
  if (name === 'INVALID_PRODUCER_EPOCH' || name === 'PRODUCER_FENCED') return fatal(fenced())
  const error = new KafkaError(name, `${what}: the broker answered ${name}.`)
  if (name === 'UNKNOWN_PRODUCER_ID') return { kind: 'abortable', error, ifPossible: true }
  if (ABORTABLE.has(name)) return abortable(error)
  return fatal(error)
}

export function fenced(): KafkaError {
  return new KafkaError(
    'PRODUCER_FENCED',
    'Another producer with the same transactional id has taken over, or the transaction lasted too long. Close this one.',
  )
}

function fatal(error: Error): Outcome {
  return { kind: 'fatal', error }
}

function abortable(error: Error): Outcome {
  return { kind: 'abortable', error, ifPossible: false }
}

type Parts = Pick<TransactionRequest, 'resolve' | 'reject'>

export function findCoordinator(
  kind: CoordinatorKind,
  key: string,
  found: (nodeId: number) => void,
  parts: Parts,
): TransactionRequest {
  const keyType = kind === 'transaction' ? 1 : 0
  return {
    ...parts,
    name: 'FindCoordinator',
    priority: PRIORITY.FIND_COORDINATOR,
    coordinator: null,
    key: '',
    notBeforeMs: 0,
    send: async (connection) => {
      const version = connection.versions.choose(FindCoordinator)
      const keys = version >= 4 ? { coordinatorKeys: [key] } : { key }
      const answer = await connection.request(FindCoordinator, { keyType, ...keys }, { versions: { max: version } })
      const { errorCode, nodeId } = version >= 4 ? answer.coordinators[0]! : answer
      if (errorCode === 0) found(nodeId)
      const outcome = outcomeOf(errorCode, `Finding the coordinator of ${kind} ${key}`)
      return outcome.kind === 'moved' ? AGAIN : outcome
    },
  }
}

export function initProducerId(
  options: {
    readonly transactionalId: string | null
    readonly transactionTimeoutMs: number
    readonly current: ProducerIdentity | null
  },
  got: (identity: ProducerIdentity) => void,
  parts: Parts,
): TransactionRequest {
  const { transactionalId, transactionTimeoutMs, current } = options
  return {
    ...parts,
    name: 'InitProducerId',
    priority: current === null ? PRIORITY.INIT_PRODUCER_ID : PRIORITY.EPOCH_BUMP,
    coordinator: transactionalId === null ? null : 'transaction',
    key: transactionalId ?? '',
    notBeforeMs: 0,
    send: async (connection) => {
      const message = { transactionalId, transactionTimeoutMs, ...current }
      const answer = await connection.request(InitProducerId, message)
      const { errorCode, producerId, producerEpoch } = answer
      if (errorCode === 0) got({ producerId, producerEpoch })
      const name = errorName(errorCode)
      if (name === 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED' || name === 'CLUSTER_AUTHORIZATION_FAILED') {
        return abortable(new KafkaError(name, `Getting a producer id: the broker answered ${name}.`))
      }
      return outcomeOf(errorCode, 'Getting a producer id')
    },
  }
}

interface InTransaction extends ProducerIdentity {
  readonly transactionalId: string
}

export function addPartitions(
  { transactionalId, producerId, producerEpoch }: InTransaction,
  partitions: readonly PartitionQueue[],
  isFirst: () => boolean,
  parts: Parts,
): TransactionRequest {
  const topics = byTopic(partitions).map(([name, queues]) => ({
    name,
    partitions: queues.map(({ partition }) => partition),
  }))
  return {
    ...parts,
    name: 'AddPartitions',
    priority: PRIORITY.ADD,
    coordinator: 'transaction',
    key: transactionalId,
    notBeforeMs: 0,
    send: async (connection) => {
      const message = {
        v3AndBelowTransactionalId: transactionalId,
        v3AndBelowProducerId: producerId,
        v3AndBelowProducerEpoch: producerEpoch,
        v3AndBelowTopics: topics,
      }
      const answer = await connection.request(AddPartitionsToTxn, message, { versions: { max: 3 } })
      const results = answer.resultsByTopicV3AndBelow.flatMap(({ name, resultsByPartition }) =>
        resultsByPartition.map(({ partitionIndex, partitionErrorCode }) => ({
          name,
          partitionIndex,
          partitionErrorCode,
        })),
      )
      const refused: string[] = []
      for (const { name, partitionIndex, partitionErrorCode } of results) {
        const code = errorName(partitionErrorCode) ?? 'UNKNOWN_SERVER_ERROR'
        if (code === 'NONE') continue
        if (code === 'CONCURRENT_TRANSACTIONS')
          return isFirst() ? { kind: 'again', pauseMs: ADD_PARTITIONS_PAUSE_MS } : AGAIN
        const outcome = outcomeOf(partitionErrorCode, `Adding ${name}-${partitionIndex} to the transaction`)
        if (code === 'TOPIC_AUTHORIZATION_FAILED') return outcome
        if (
          outcome.kind !== 'fatal' ||
          FATAL.has(code) ||
          code === 'INVALID_PRODUCER_EPOCH' ||
          code === 'PRODUCER_FENCED'
        )
          return outcome
        refused.push(`${name}-${partitionIndex} ${code}`)
      }
      if (refused.length === 0) return DONE
      const detail = `Partitions could not be added to the transaction: ${refused.join(', ')}.`
      return abortable(new KafkaError('TRANSACTION_ABORTABLE', detail))
    },
  }
}

export function addOffsets(transaction: InTransaction, groupId: string, parts: Parts): TransactionRequest {
  return {
    ...parts,
    name: 'AddOffsets',
    priority: PRIORITY.ADD,
    coordinator: 'transaction',
    key: transaction.transactionalId,
    notBeforeMs: 0,
    send: async (connection) => {
      const { errorCode } = await connection.request(AddOffsetsToTxn, { ...transaction, groupId })
      return outcomeOf(errorCode, `Adding the offsets of group ${groupId} to the transaction`)
    },
  }
}

export function commitOffsets(
  transaction: InTransaction,
  offsets: readonly TopicPartitionOffset[],
  group: ConsumerGroupMetadata,
  isVersion2: boolean,
  parts: Parts,
): TransactionRequest {
  const { groupId } = group
  let left = offsets
  return {
    ...parts,
    name: 'OffsetCommit',
    priority: PRIORITY.ADD,
    coordinator: 'group',
    key: groupId,
    notBeforeMs: 0,
    send: async (connection) => {
      const limits = isVersion2 ? {} : { max: 4 }
      const version = connection.versions.choose(TxnOffsetCommit, limits)
      const { transactionalId, producerId, producerEpoch } = transaction
      const member =
        version < 3
          ? {}
          : { generationId: group.generationId, memberId: group.memberId, groupInstanceId: group.groupInstanceId }
      const topics = byTopic(left).map(([name, partitions]) => ({
        name,
        partitions: partitions.map(({ partition, offset, leaderEpoch = -1, metadata = '' }) => ({
          partitionIndex: partition,
          committedOffset: offset,
          committedLeaderEpoch: leaderEpoch,
          committedMetadata: metadata,
        })),
      }))
      const message = { transactionalId, groupId, producerId, producerEpoch, ...member, topics }
      const answer = await connection.request(TxnOffsetCommit, message, { versions: { max: version } })
      const failed: TopicPartitionOffset[] = []
      let worst: Outcome = DONE
      for (const { name, partitions } of answer.topics) {
        for (const { partitionIndex, errorCode } of partitions) {
          if (errorCode === 0) continue
          const timedOut = errorName(errorCode) === 'REQUEST_TIMED_OUT'
          const outcome = timedOut
            ? MOVED
            : outcomeOf(errorCode, `Committing offsets of group ${groupId} in a transaction`)
          if (outcome.kind === 'abortable' || outcome.kind === 'fatal') return outcome
          if (worst.kind !== 'moved') worst = outcome
          failed.push(...left.filter(({ topic, partition }) => topic === name && partition === partitionIndex))
        }
      }
      left = failed
      return worst
    },
  }
}

export function endTransaction(
  { transactionalId, producerId, producerEpoch }: InTransaction,
  committed: boolean,
  isVersion2: boolean,
  ended: (bumped: ProducerIdentity | null) => void,
  parts: Parts,
): TransactionRequest {
  const what = committed ? 'Committing the transaction' : 'Aborting the transaction'
  return {
    ...parts,
    name: 'EndTxn',
    priority: PRIORITY.END,
    coordinator: 'transaction',
    key: transactionalId,
    notBeforeMs: 0,
    send: async (connection) => {
      const versions = isVersion2 ? { min: 5 } : { max: 4 }
      const message = { transactionalId, producerId, producerEpoch, committed }
      const answer = await connection.request(EndTxn, message, { versions })
      if (answer.errorCode === 0) ended(identityOf(answer.producerId, answer.producerEpoch))
      const outcome = outcomeOf(answer.errorCode, what)
      return !committed && outcome.kind === 'abortable' && !outcome.ifPossible ? fatal(outcome.error) : outcome
    },
  }
}

function identityOf(producerId: Int64, producerEpoch: number): ProducerIdentity | null {
  return producerId === -1 ? null : { producerId, producerEpoch }
}

function byTopic<T extends { readonly topic: string }>(items: readonly T[]): [string, T[]][] {
  const topics = new Map<string, T[]>()
  for (const item of items) {
    const list = topics.get(item.topic)
    if (list === undefined) topics.set(item.topic, [item])
    else list.push(item)
  }
  return [...topics]
}
