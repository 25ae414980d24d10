/**
 * Whom the leader of a partition asks about a transaction: the leader of the partition of `__transaction_state` that its id
 * belongs to, by AddPartitionsToTxn 4 and later (KIP-890).
 *
 * One request at a time goes to each coordinator; what is asked meanwhile goes together in the next one. Of two questions about one
 * transaction in it the newer one counts: the other's client is fenced, or asks again. A coordinator that knows no such
 * version can't confirm anything, so nothing is refused.
 */
import { errorName } from '../base/error-codes.ts'
import type { ErrorCode } from '../base/error-codes.ts'
import { KafkaError, OperationalError } from '../base/errors.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import { partitionOfKey } from '../coordinators/runtime/partition-of-key.ts'
import type { TransactionCoordinator } from '../coordinators/transaction/transaction-coordinator.ts'
import { EPOCH_BUMP_VERSION } from '../coordinators/transaction/transaction.ts'
import type { MetadataImage } from '../metadata/image.ts'
import type { Init } from '../protocol/codec.ts'
import {
  AddPartitionsToTxn,
  type AddPartitionsToTxnRequest,
  type AddPartitionsToTxnResponse,
} from '../protocol/generated/add-partitions-to-txn.ts'
import type { Partition } from '../replication/partition.ts'
import type { TransactionQuestion, TransactionVerifier } from '../replication/transaction-verification.ts'
import type { BrokerPeers } from './broker-peers.ts'
import { endpointOf, isLive, type Endpoint } from './endpoints.ts'
import { TRANSACTION_STATE } from './topic-names.ts'

/** The first version that brokers speak among each other. */
const BROKER_VERSION = 4

type Errors = Map<Partition, ErrorCode>
type Transaction = Init<AddPartitionsToTxnRequest.AddPartitionsToTxnTransaction>

interface Waiting {
  readonly question: TransactionQuestion
  readonly answer: (errors: Errors) => void
}

interface Coordinator {
  endpoint: Endpoint
  isAsked: boolean
  /** By transactional id. */
  next: Map<string, Waiting>
}

export interface TransactionQuestionsOptions {
  readonly peers: BrokerPeers
  /** Null: nobody coordinates that transaction now. */
  readonly coordinatorOf: (transactionalId: string) => Endpoint | null
  /** What this node coordinates is asked here. */
  readonly askHere: (question: TransactionQuestion) => Promise<Errors>
}

export class TransactionQuestions implements TransactionVerifier {
  readonly #options: TransactionQuestionsOptions
  readonly #coordinators = new Map<number, Coordinator>()
  #isClosed = false

  constructor(options: TransactionQuestionsOptions) {
    this.#options = options
  }

  ask(question: TransactionQuestion): Promise<Errors> {
    const endpoint = this.#isClosed ? null : this.#options.coordinatorOf(question.transactionalId)
    if (endpoint === null) return Promise.resolve(allOf(question, 'COORDINATOR_NOT_AVAILABLE'))
    if (endpoint.id === this.#options.peers.nodeId) return this.#options.askHere(question)
    return new Promise((answer) => this.#queue(endpoint, { question, answer }))
  }

  /** What waits is answered as when the connection fails. */
  close(): void {
    this.#isClosed = true
    for (const { next } of this.#coordinators.values()) refuse(next.values(), 'NETWORK_EXCEPTION')
    this.#coordinators.clear()
  }

  #queue(endpoint: Endpoint, waiting: Waiting): void {
    const coordinator = this.#coordinators.get(endpoint.id) ?? newCoordinator(endpoint)
    this.#coordinators.set(endpoint.id, coordinator)
    coordinator.endpoint = endpoint
    const { transactionalId, producerEpoch } = waiting.question
    const other = coordinator.next.get(transactionalId)
    if (other !== undefined && other.question.producerEpoch > producerEpoch) {
      refuse([waiting], 'INVALID_PRODUCER_EPOCH')
      return
    }
    if (other !== undefined)
      refuse([other], other.question.producerEpoch < producerEpoch ? 'INVALID_PRODUCER_EPOCH' : 'NETWORK_EXCEPTION')
    coordinator.next.set(transactionalId, waiting)
    if (!coordinator.isAsked) void this.#askNext(coordinator)
  }

  async #askNext(coordinator: Coordinator): Promise<void> {
    coordinator.isAsked = true
    while (coordinator.next.size > 0 && !this.#isClosed) {
      const asked = [...coordinator.next.values()]
      coordinator.next = new Map()
      try {
        const connection = await this.#options.peers.connection(coordinator.endpoint)
        const transactions = asked.map(({ question }) => transactionOf(question))
        const versions = { min: BROKER_VERSION }
        settle(asked, await connection.request(AddPartitionsToTxn, { transactions }, { versions }))
      } catch (error) {
        this.#failed(coordinator, asked, error)
      }
    }
    coordinator.isAsked = false
  }

  #failed({ endpoint }: Coordinator, asked: readonly Waiting[], error: unknown): void {
    if (!(error instanceof KafkaError || error instanceof OperationalError)) throw error
    const isTooOld = error instanceof KafkaError && error.code === 'UNSUPPORTED_VERSION'
    const then = isTooOld ? 'it cannot verify transactions, which are let in' : 'transactions are not verified'
    if (!this.#isClosed) this.#options.peers.logger.warn(`coordinator ${endpoint.id} was asked in vain, ${then}`, error)
    if (isTooOld) for (const { answer } of asked) answer(new Map())
    else refuse(asked, 'NETWORK_EXCEPTION')
  }
}

function newCoordinator(endpoint: Endpoint): Coordinator {
  return { endpoint, isAsked: false, next: new Map() }
}

function allOf({ partitions }: TransactionQuestion, code: ErrorCode): Errors {
  return new Map(partitions.map((partition) => [partition, code]))
}

function refuse(waiting: Iterable<Waiting>, code: ErrorCode): void {
  for (const { question, answer } of waiting) answer(allOf(question, code))
}

function transactionOf({ transactionalId, producerId, producerEpoch, verifyOnly, partitions }: TransactionQuestion) {
  const byTopic = new Map<string, number[]>()
  for (const { topic, index } of partitions) byTopic.set(topic, [...(byTopic.get(topic) ?? []), index])
  const topics = [...byTopic].map(([name, indexes]) => ({ name, partitions: indexes }))
  return { transactionalId, producerId, producerEpoch, verifyOnly, topics } satisfies Transaction
}

function settle(asked: readonly Waiting[], response: AddPartitionsToTxnResponse): void {
  if (response.errorCode !== 0) {
    const code = errorName(response.errorCode) ?? 'UNKNOWN_SERVER_ERROR'
    // That this broker isn't allowed to ask is nothing for a client to see.
    refuse(asked, code === 'CLUSTER_AUTHORIZATION_FAILED' ? 'INVALID_TXN_STATE' : code)
    return
  }
  for (const waiting of asked) {
    const { transactionalId, partitions } = waiting.question
    const result = response.resultsByTransaction.find((each) => each.transactionalId === transactionalId)
    if (result === undefined) {
      refuse([waiting], 'NETWORK_EXCEPTION')
      continue
    }
    const errors: Errors = new Map()
    for (const { name, resultsByPartition } of result.topicResults) {
      for (const { partitionIndex, partitionErrorCode } of resultsByPartition) {
        const partition = partitions.find(({ topic, index }) => topic === name && index === partitionIndex)
        if (partitionErrorCode !== 0 && partition !== undefined)
          errors.set(partition, errorName(partitionErrorCode) ?? 'UNKNOWN_SERVER_ERROR')
      }
    }
    waiting.answer(errors)
  }
}

/** Asks this node's own coordinator. */
export async function askHere(transactions: TransactionCoordinator, question: TransactionQuestion): Promise<Errors> {
  const { partitions, verifyOnly } = question
  if (!verifyOnly) {
    const byTopic = new Map<string, Set<number>>()
    for (const { topic, index } of partitions) byTopic.set(topic, (byTopic.get(topic) ?? new Set()).add(index))
    const code = await transactions.addPartitions(question, byTopic, EPOCH_BUMP_VERSION)
    return code === 'NONE' ? new Map() : allOf(question, code)
  }
  const errors: Errors = new Map()
  for (const partition of partitions) {
    const code = transactions.verify(question, partition.topic, partition.index)
    if (code !== 'NONE') errors.set(partition, code)
  }
  return errors
}

/** By the metadata. */
export function coordinatorOf(image: MetadataImage, transactionalId: string, listener: string): Endpoint | null {
  const partitions = image.topics.byName(TRANSACTION_STATE)?.partitions ?? []
  const leader = partitions[partitionOfKey(transactionalId, partitions.length)]?.leader ?? -1
  const broker = image.cluster.brokers.get(leader)
  if (broker === undefined || !isLive(image, leader)) return null
  return endpointOf(broker, listener)
}

export function verificationRetry(config: BrokerConfig): { readonly backoffMs: number; readonly forMs: number } {
  return {
    backoffMs: config.addPartitionsToTxnRetryBackoffMs,
    forMs: Math.min(config.addPartitionsToTxnRetryBackoffMaxMs, config.requestTimeoutMs),
  }
}
