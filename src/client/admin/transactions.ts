/** Transactions as their coordinators know them, and producers as the partitions that they write to know them (KIP-664). */
import { KafkaError } from '../../base/errors.ts'
import { clampInt64, type Int64 } from '../../base/int64.ts'
import { DescribeProducers } from '../../protocol/generated/describe-producers.ts'
import { DescribeTransactions } from '../../protocol/generated/describe-transactions.ts'
import { InitProducerId } from '../../protocol/generated/init-producer-id.ts'
import { ListTransactions } from '../../protocol/generated/list-transactions.ts'
import { WriteTxnMarkers } from '../../protocol/generated/write-txn-markers.ts'
import type { CallOptions } from '../call.ts'
import { errorOf, throwOnError } from '../errors.ts'
import type { NetworkClient } from '../network-client.ts'
import { askByKey, type AdminNode } from './admin-call.ts'
import { byName, byPartition, byTopic, type TopicPartition } from './admin-types.ts'
import { askAllBrokers } from './all-brokers.ts'
import { isCoordinatorPassing } from './group-types.ts'
import { Listing, type Outcomes } from './outcomes.ts'
import { routeTo, routeToCoordinators, routeToLeaders } from './routes.ts'

/** As Kafka prints it: Ongoing, PrepareAbort, PrepareCommit, CompleteAbort, CompleteCommit, Empty, PrepareEpochFence, Dead. */
export type TransactionState = string

export interface TransactionListing {
  readonly transactionalId: string
  readonly producerId: Int64
  readonly state: TransactionState
  /** The broker that told of it. */
  readonly coordinatorId: number
}

export interface ListTransactionsOptions extends CallOptions {
  readonly states?: readonly TransactionState[]
  readonly producerIds?: readonly Int64[]
  /** Those that have been running for longer than this, in ms; brokers from 3.8. */
  readonly durationMs?: number
  /** RE2 expression that the id must match; brokers from 4.1. */
  readonly transactionalIdPattern?: string
}

export async function listTransactions(
  client: NetworkClient,
  options: ListTransactionsOptions = {},
): Promise<Listing<TransactionListing>> {
  const isPassing = (error: Error): boolean => {
    return error instanceof KafkaError && error.code === 'COORDINATOR_LOAD_IN_PROGRESS'
  }
  const answers = await askAllBrokers(client, { name: 'listTransactions', isPassing }, options, (node) =>
    askTransactions(node, options),
  )
  return new Listing([...answers.values().values()].flat(), [...answers.errors().values()])
}

async function askTransactions(
  node: AdminNode,
  { states = [], producerIds = [], durationMs = -1, transactionalIdPattern }: ListTransactionsOptions,
): Promise<TransactionListing[]> {
  const version = node.versions.choose(ListTransactions)
  if (durationMs >= 0 && version < 1) {
    throw new KafkaError(
      'UNSUPPORTED_VERSION',
      'Duration filter can be set only when using API version 1 or higher. If client is connected to an older broker, ' +
        'do not specify duration filter or set duration filter to -1.',
    )
  }
  const pattern = transactionalIdPattern === '' ? undefined : transactionalIdPattern
  if (pattern !== undefined && version < 2) {
    throw new KafkaError(
      'UNSUPPORTED_VERSION',
      'Transactional ID pattern filter can be set only when using API version 2 or higher. If client is connected to ' +
        'an older broker, do not specify the pattern filter.',
    )
  }
  const answer = await node.ask(ListTransactions, {
    stateFilters: states,
    producerIdFilters: producerIds,
    durationFilter: durationMs,
    transactionalIdPattern: pattern ?? null,
  })
  throwOnError(answer.errorCode)
  return answer.transactionStates.map(({ transactionalId, producerId, transactionState }) => ({
    transactionalId,
    producerId,
    state: transactionState,
    coordinatorId: node.node?.id ?? -1,
  }))
}

export interface TransactionDescription {
  readonly coordinatorId: number
  readonly state: TransactionState
  readonly producerId: Int64
  readonly producerEpoch: number
  readonly transactionTimeoutMs: number
  /** In ms since 1970; null: it has not begun. */
  readonly transactionStartTimeMs: number | null
  readonly topicPartitions: readonly TopicPartition[]
}

export async function describeTransactions(
  client: NetworkClient,
  transactionalIds: readonly string[],
  options: CallOptions = {},
): Promise<Outcomes<string, TransactionDescription>> {
  return askByKey<string, TransactionDescription>(
    client,
    {
      name: 'describeTransactions',
      keys: transactionalIds,
      textOf: byName,
      route: routeToCoordinators('TRANSACTION', byName),
      isPassing: isCoordinatorPassing,
      ask: async (node, ids) => {
        const answer = await node.ask(DescribeTransactions, { transactionalIds: ids })
        return answer.transactionStates.map((told) => {
          const startMs = clampInt64(told.transactionStartTimeMs)
          return [
            told.transactionalId,
            describeError(told.errorCode, told.transactionalId) ?? {
              coordinatorId: node.node?.id ?? -1,
              state: told.transactionState,
              producerId: told.producerId,
              producerEpoch: told.producerEpoch,
              transactionTimeoutMs: told.transactionTimeoutMs,
              transactionStartTimeMs: startMs < 0 ? null : startMs,
              topicPartitions: told.topics.flatMap(({ topic, partitions }) => {
                return partitions.map((partition) => ({ topic, partition }))
              }),
            },
          ]
        })
      },
    },
    options,
  )
}

function describeError(code: number, transactionalId: string): KafkaError | null {
  const error = errorOf(code)
  const about = `DescribeTransactions request for transactionalId \`${transactionalId}\` failed`
  if (error?.code === 'TRANSACTIONAL_ID_NOT_FOUND') {
    return new KafkaError(error.code, `${about} because the ID could not be found`)
  }
  if (error?.code === 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED') {
    return new KafkaError(error.code, `${about} due to authorization failure`)
  }
  return error
}

export interface ProducerIdAndEpoch {
  readonly producerId: Int64
  readonly producerEpoch: number
}

/** Version 6 is of two-phase commit, which Kafka 4.3 does not serve unless told to. */
const INIT_PRODUCER_ID_VERSION_MAX = 5

/** Whoever produces with these transactional ids now is fenced, and its transaction aborted. */
export async function fenceProducers(
  client: NetworkClient,
  transactionalIds: readonly string[],
  options: CallOptions = {},
): Promise<Outcomes<string, ProducerIdAndEpoch>> {
  return askByKey<string, ProducerIdAndEpoch>(
    client,
    {
      name: 'fenceProducer',
      keys: transactionalIds,
      textOf: byName,
      route: routeToCoordinators('TRANSACTION', byName),
      isPassing: (error) => {
        const isConcurrent = error instanceof KafkaError && error.code === 'CONCURRENT_TRANSACTIONS'
        return isConcurrent || isCoordinatorPassing(error)
      },
      ask: (node, ids) => Promise.all(ids.map((id) => fence(node, id, client.options.requestTimeoutMs))),
    },
    options,
  )
}

async function fence(
  node: AdminNode,
  transactionalId: string,
  transactionTimeoutMs: number,
): Promise<readonly [string, ProducerIdAndEpoch | Error]> {
  const answer = await node.ask(
    InitProducerId,
    { transactionalId, transactionTimeoutMs },
    { versions: { max: INIT_PRODUCER_ID_VERSION_MAX } },
  )
  const { producerId, producerEpoch } = answer
  return [transactionalId, errorOf(answer.errorCode) ?? { producerId, producerEpoch }]
}

/** Ends the transaction of a transactional id, whoever runs it. */
export async function forceTerminateTransaction(
  client: NetworkClient,
  transactionalId: string,
  options: CallOptions = {},
): Promise<void> {
  const fenced = await fenceProducers(client, [transactionalId], options)
  fenced.all()
}

export interface AbortTransactionSpec extends TopicPartition {
  readonly producerId: Int64
  readonly producerEpoch: number
  /** Of the coordinator that began it; -1 where none is known. */
  readonly coordinatorEpoch: number
}

const ABORT_PASSING: ReadonlySet<string> = new Set([
  'NOT_LEADER_OR_FOLLOWER',
  'REPLICA_NOT_AVAILABLE',
  'BROKER_NOT_AVAILABLE',
  'UNKNOWN_TOPIC_OR_PARTITION',
])

/** Writes the mark that ends a transaction which hangs, into one partition, past its coordinator. */
export async function abortTransaction(
  client: NetworkClient,
  spec: AbortTransactionSpec,
  options: CallOptions = {},
): Promise<void> {
  const { topic, partition, producerId, producerEpoch, coordinatorEpoch } = spec
  const outcomes = await askByKey<TopicPartition, void>(
    client,
    {
      name: 'abortTransaction',
      keys: [{ topic, partition }],
      textOf: byPartition,
      route: routeToLeaders('wait'),
      isPassing: (error) => error instanceof KafkaError && ABORT_PASSING.has(error.code),
      ask: async (node) => {
        const topics = [{ name: topic, partitionIndexes: [partition] }]
        const marker = { producerId, producerEpoch, coordinatorEpoch, transactionResult: false, topics }
        const answer = await node.ask(WriteTxnMarkers, { markers: [marker] })
        return answer.markers.flatMap((told) => {
          return told.topics.flatMap(({ name, partitions }) => {
            return partitions.map(({ partitionIndex, errorCode }) => {
              return [{ topic: name, partition: partitionIndex }, errorOf(errorCode) ?? undefined] as const
            })
          })
        })
      },
    },
    options,
  )
  outcomes.all()
}

export interface ProducerState {
  readonly producerId: Int64
  readonly producerEpoch: number
  readonly lastSequence: number
  /** In ms since 1970. */
  readonly lastTimestamp: number
  /** Null: it has written no transaction here. */
  readonly coordinatorEpoch: number | null
  /** Null: no transaction is open. */
  readonly currentTransactionStartOffset: number | null
}

export interface DescribeProducersOptions extends CallOptions {
  /** Of this replica; the leader's if left out. */
  readonly brokerId?: number
}

const PRODUCERS_PASSING: ReadonlySet<string> = new Set(['NOT_LEADER_OR_FOLLOWER', 'UNKNOWN_TOPIC_OR_PARTITION'])

export async function describeProducers(
  client: NetworkClient,
  partitions: readonly TopicPartition[],
  options: DescribeProducersOptions = {},
): Promise<Outcomes<TopicPartition, readonly ProducerState[]>> {
  const { brokerId } = options
  return askByKey<TopicPartition, readonly ProducerState[]>(
    client,
    {
      name: 'describeProducers',
      keys: partitions,
      textOf: byPartition,
      route: brokerId === undefined ? routeToLeaders('wait') : routeTo(brokerId),
      isPassing: (error) => {
        // A replica that was named is not looked for elsewhere.
        if (!(error instanceof KafkaError) || !PRODUCERS_PASSING.has(error.code)) return false
        return brokerId === undefined || error.code !== 'NOT_LEADER_OR_FOLLOWER'
      },
      ask: async (node, keys) => {
        const topics = byTopic(keys).map(([name, items]) => ({
          name,
          partitionIndexes: items.map(({ partition }) => partition),
        }))
        const answer = await node.ask(DescribeProducers, { topics })
        return answer.topics.flatMap(({ name, partitions: told }) => {
          return told.map((one) => {
            const producers = one.activeProducers.map((producer) => {
              const startOffset = clampInt64(producer.currentTxnStartOffset)
              return {
                producerId: producer.producerId,
                producerEpoch: producer.producerEpoch,
                lastSequence: producer.lastSequence,
                lastTimestamp: clampInt64(producer.lastTimestamp),
                coordinatorEpoch: producer.coordinatorEpoch < 0 ? null : producer.coordinatorEpoch,
                currentTransactionStartOffset: startOffset < 0 ? null : startOffset,
              }
            })
            const error = errorOf(one.errorCode, one.errorMessage)
            return [{ topic: name, partition: one.partitionIndex }, error ?? producers] as const
          })
        })
      },
    },
    options,
  )
}
