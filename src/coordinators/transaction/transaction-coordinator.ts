/**
 * The transaction coordinator of one broker (KIP-98, 360, 664, 890): producer ids and epochs of transactional ids, which
 * partitions a transaction has, its decision and its markers, kept in `__transaction_state`. Deciders are in the files
 * named after what they decide.
 *
 * Left to the caller: authorisation, FindCoordinator, whether topics exist.
 */
import { ERROR_CODES, type ErrorCode } from '../../base/error-codes.ts'
import { KafkaError } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import type { Init } from '../../protocol/codec.ts'
import type { DescribeTransactionsResponse } from '../../protocol/generated/describe-transactions.ts'
import type { EndTxnResponse } from '../../protocol/generated/end-txn.ts'
import type { InitProducerIdRequest, InitProducerIdResponse } from '../../protocol/generated/init-producer-id.ts'
import type { ListTransactionsRequest, ListTransactionsResponse } from '../../protocol/generated/list-transactions.ts'
import type { Clock } from '../../world/world.ts'
import { CoordinatorRuntime } from '../runtime/coordinator-runtime.ts'
import { partitionOfKey } from '../runtime/partition-of-key.ts'
import type { PartitionWriter } from '../runtime/partition-writer.ts'
import { answerToWriteError } from '../runtime/write-errors.ts'
import { addPartitions, verifyPartition } from './add-partitions.ts'
import { TransactionCompletion, type MarkerWriter } from './completion.ts'
import { endTxn } from './end-txn.ts'
import { loaded } from './housekeeping.ts'
import { initProducerId } from './init-producer-id.ts'
import {
  NEEDS_PRODUCER_ID,
  TransactionState,
  type ProducerOfRequest,
  type TransactionConfig,
  type TransactionEnvironment,
} from './requests.ts'
import { listTransactions } from './list-transactions.ts'
import { decodeTransactionRecord, encodeTransactionRecord, type TransactionRecord } from './transaction-records.ts'
import type { TransactionPartitions } from './transaction.ts'

export type { TransactionConfig } from './requests.ts'

export interface TransactionCoordinatorOptions {
  readonly clock: Clock
  readonly logger: Logger
  readonly writer: PartitionWriter
  readonly markers: MarkerWriter
  readonly config: () => TransactionConfig
  readonly serverVersion: () => number
  /** Rejects with KafkaError while none can be had. */
  readonly nextProducerId: () => Promise<number>
}

const TWO_PHASE_TIMEOUT_MS = 0x7fff_ffff
const NONE = -1

/** Every method resolves, never rejects; errors are in the answer. */
export class TransactionCoordinator {
  readonly #options: TransactionCoordinatorOptions
  readonly #runtime: CoordinatorRuntime<TransactionState, TransactionRecord>
  readonly #environment: TransactionEnvironment
  readonly #completion: TransactionCompletion
  #isClosed = false

  constructor(options: TransactionCoordinatorOptions) {
    const { clock, logger, writer, markers, config, serverVersion } = options
    this.#options = options
    this.#completion = new TransactionCompletion(() => this.#runtime, markers, clock, logger, serverVersion)
    this.#environment = {
      logger,
      config,
      serverVersion,
      complete: (state, transactionalId, transaction) => this.#completion.start(state, transactionalId, transaction),
    }
    this.#runtime = new CoordinatorRuntime<TransactionState, TransactionRecord>({
      coordinator: {
        name: 'transaction',
        createState: (undo, partition, leaderEpoch) => new TransactionState(undo, partition, leaderEpoch),
        encode: encodeTransactionRecord,
        decode: decodeTransactionRecord,
        apply: (state, record) => state.apply(record),
        endTransaction: () => {},
        loaded: (state) => loaded(state, this.#environment),
      },
      writer,
      clock,
      logger,
      settings: () => ({ codec: 'none', baseSequence: NONE, lingerMs: -1, writeTimeoutMs: config().writeTimeoutMs }),
    })
  }

  onElected(partition: number, leaderEpoch: number): Promise<void> {
    return this.#runtime.load(partition, leaderEpoch)
  }

  onResigned(partition: number): void {
    this.#runtime.unload(partition)
  }

  close(): void {
    this.#isClosed = true
    this.#completion.close()
    this.#runtime.close()
  }

  /** Partition of `__transaction_state` whose leader coordinates the id. */
  partitionOf(transactionalId: string): number {
    return partitionOfKey(transactionalId, this.#options.config().partitions)
  }

  async initProducerId(
    request: InitProducerIdRequest & { readonly transactionalId: string },
  ): Promise<Init<InitProducerIdResponse>> {
    const { transactionalId, producerId, producerEpoch } = request
    const failed = (code: ErrorCode): Init<InitProducerIdResponse> => ({
      errorCode: ERROR_CODES[code],
      producerId: NONE,
      producerEpoch: NONE,
    })
    const refused = this.#refuseInit(request)
    if (refused !== null) return failed(refused)
    const timeoutMs = request.enable2Pc ? TWO_PHASE_TIMEOUT_MS : request.transactionTimeoutMs
    const expected = producerId === NONE ? null : { producerId, producerEpoch }
    return this.#withProducerId(failed, (freshId) =>
      this.#runtime.write<Init<InitProducerIdResponse> | typeof NEEDS_PRODUCER_ID>(
        this.partitionOf(transactionalId),
        (code) => failed(answerToWriteError(code)),
        (state, reply, nowMs) =>
          initProducerId(
            state,
            { transactionalId, timeoutMs, expected, freshId, nowMs },
            reply,
            (outcome) => (typeof outcome === 'string' ? failed(outcome) : outcome),
            this.#environment,
          ),
      ),
    )
  }

  #refuseInit({
    transactionalId,
    producerId,
    producerEpoch,
    enable2Pc,
    keepPreparedTxn,
    transactionTimeoutMs,
  }: InitProducerIdRequest): ErrorCode | null {
    const { isTwoPhaseCommitEnabled, maxTimeoutMs } = this.#options.config()
    if ((producerId === NONE) !== (producerEpoch === NONE)) return 'INVALID_REQUEST'
    if (this.#isClosed) return 'COORDINATOR_NOT_AVAILABLE'
    if (transactionalId === '') return 'INVALID_REQUEST'
    if (enable2Pc && !isTwoPhaseCommitEnabled) return 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED'
    if (keepPreparedTxn) return 'UNSUPPORTED_VERSION'
    const isValid = enable2Pc || (transactionTimeoutMs > 0 && transactionTimeoutMs <= maxTimeoutMs)
    return isValid ? null : 'INVALID_TRANSACTION_TIMEOUT'
  }

  /** Decides without a fresh producer id first: few need one. */
  async #withProducerId<Response extends object>(
    failed: (code: ErrorCode) => Response,
    decide: (freshId: number | null) => Promise<Response | typeof NEEDS_PRODUCER_ID>,
  ): Promise<Response> {
    for (let freshId: number | null = null; ;) {
      const answer = await decide(freshId)
      if (answer !== NEEDS_PRODUCER_ID) return answer
      try {
        freshId = await this.#options.nextProducerId()
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error
        return failed(error.code)
      }
    }
  }

  /** NONE, or why none of the partitions was added. */
  async addPartitions(
    producer: ProducerOfRequest,
    partitions: TransactionPartitions,
    clientVersion: number,
  ): Promise<ErrorCode> {
    const { transactionalId } = producer
    if (this.#isClosed) return 'COORDINATOR_NOT_AVAILABLE'
    if (transactionalId === '') return 'INVALID_REQUEST'
    return this.#runtime.write<ErrorCode>(
      this.partitionOf(transactionalId),
      answerToWriteError,
      (state, reply, nowMs) =>
        addPartitions(state, { ...producer, partitions, clientVersion, nowMs }, reply, this.#environment),
    )
  }

  /** Whether a partition is part of the transaction, by what is committed. */
  verify(producer: ProducerOfRequest, topic: string, partition: number): ErrorCode {
    const { transactionalId } = producer
    if (this.#isClosed) return 'COORDINATOR_NOT_AVAILABLE'
    if (transactionalId === '') return 'INVALID_REQUEST'
    try {
      return this.#runtime.read(this.partitionOf(transactionalId), ({ transactions }) =>
        verifyPartition(transactions.getCommitted(transactionalId), producer, topic, partition),
      )
    } catch (error) {
      return codeOfKafka(error)
    }
  }

  async endTxn(producer: ProducerOfRequest, committed: boolean, clientVersion: number): Promise<Init<EndTxnResponse>> {
    const { transactionalId } = producer
    const failed = (code: ErrorCode): Init<EndTxnResponse> => ({
      errorCode: ERROR_CODES[code],
      producerId: NONE,
      producerEpoch: NONE,
    })
    if (this.#isClosed) return failed('COORDINATOR_NOT_AVAILABLE')
    if (transactionalId === '') return failed('INVALID_REQUEST')
    return this.#withProducerId(failed, (freshId) =>
      this.#runtime.write<Init<EndTxnResponse> | typeof NEEDS_PRODUCER_ID>(
        this.partitionOf(transactionalId),
        (code) => failed(answerToWriteError(code)),
        (state, reply, nowMs) =>
          endTxn(
            state,
            { ...producer, committed, clientVersion, freshId, nowMs },
            reply,
            (outcome) => outcome,
            this.#environment,
          ),
      ),
    )
  }

  describe(transactionalId: string): Init<DescribeTransactionsResponse.TransactionState> {
    if (this.#isClosed) return { transactionalId, errorCode: ERROR_CODES.COORDINATOR_NOT_AVAILABLE }
    if (transactionalId === '') return { transactionalId, errorCode: ERROR_CODES.INVALID_REQUEST }
    try {
      const found = this.#runtime.read(this.partitionOf(transactionalId), ({ transactions }) =>
        transactions.getCommitted(transactionalId),
      )
      if (found === null) return { transactionalId, errorCode: ERROR_CODES.TRANSACTIONAL_ID_NOT_FOUND }
      return {
        transactionalId,
        producerId: found.producerId,
        producerEpoch: found.producerEpoch,
        transactionState: found.state,
        transactionTimeoutMs: found.timeoutMs,
        transactionStartTimeMs: found.startMs,
        topics: [...found.partitions].map(([topic, indexes]) => ({ topic, partitions: [...indexes] })),
      }
    } catch (error) {
      return { transactionalId, errorCode: ERROR_CODES[codeOfKafka(error)] }
    }
  }

  /** @throws KafkaError INVALID_REGULAR_EXPRESSION */
  list(request: ListTransactionsRequest): Init<ListTransactionsResponse> {
    if (this.#isClosed) return { errorCode: ERROR_CODES.COORDINATOR_NOT_AVAILABLE }
    const nowMs = this.#options.clock.wallMs()
    try {
      return listTransactions(
        request,
        this.#runtime.readAll((state) => state.transactions),
        nowMs,
      )
    } catch (error) {
      if (codeOfKafka(error) !== 'COORDINATOR_LOAD_IN_PROGRESS') throw error
      return { errorCode: ERROR_CODES.COORDINATOR_LOAD_IN_PROGRESS }
    }
  }
}

function codeOfKafka(error: unknown): ErrorCode {
  if (error instanceof KafkaError) return error.code
  throw error
}
