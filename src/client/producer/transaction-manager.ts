/**
 * A producer's identity and its transaction: asks for the id, begins and ends transactions (KIP-98), and decides what an outcome
 * of a batch means for them (KIP-890, KIP-1050); what it means for the numbers of its partition is sequence-numbers.ts's. Where
 * the producer is in a transaction is transaction-status.ts's, which partitions take part in it transaction-partitions.ts's.
 *
 * Requests go out one after the other, by priority. Everything is synchronous but the requests themselves; `wake` is called
 * when something can go on. Invariants: a transaction ends only after all its batches have; after FATAL_ERROR nothing is sent.
 */
import { KafkaError } from '../../base/errors.ts'
import { ClientError } from '../errors.ts'
import type { ProducerIdentity } from './batch-buffer.ts'
import type { PartitionQueue } from './partition-queue.ts'
import type { ProducerBatch } from './producer-batch.ts'
import type { ConsumerGroupMetadata } from '../consumer/consumer.ts'
import type { TopicPartitionOffset } from './producer-record.ts'
import { RequestLane, type RequestLaneOptions } from './request-lane.ts'
import { SequenceNumbers } from './sequence-numbers.ts'
import {
  addOffsets,
  addPartitions,
  commitOffsets,
  endTransaction,
  initProducerId,
  type Outcome,
  type TransactionRequest,
} from './transaction-requests.ts'
import { TransactionOperations } from './transaction-operations.ts'
import { TransactionPartitions } from './transaction-partitions.ts'
import { checkTransition, type TransactionState } from './transaction-state.ts'
import { TransactionStatus } from './transaction-status.ts'

const INT_MAX = 0x7fff_ffff

export interface TransactionManagerOptions extends RequestLaneOptions {
  /** Null: idempotent only. */
  readonly transactionalId: string | null
  readonly transactionTimeoutMs: number
}

export class TransactionManager {
  readonly transactionalId: string | null
  readonly #timeoutMs: number
  readonly #lane: RequestLane
  readonly #numbers: SequenceNumbers
  readonly #status = new TransactionStatus()
  readonly #partitions = new TransactionPartitions()
  readonly #operations = new TransactionOperations()
  #authorizationError: Error | null = null
  /** Something was sent in the transaction, so that the broker must end it. */
  #isStarted = false
  #mustBumpEpoch = false
  /** transaction.version 2 or later (KIP-890). */
  #isVersion2 = false

  constructor(options: TransactionManagerOptions) {
    this.transactionalId = options.transactionalId
    this.#timeoutMs = options.transactionTimeoutMs
    this.#numbers = new SequenceNumbers({
      isTransactional: this.isTransactional,
      bumpWanted: () => (this.#mustBumpEpoch = true),
    })
    this.#lane = new RequestLane(options, (request, outcome) => this.#answered(request, outcome))
  }

  get isTransactional(): boolean {
    return this.transactionalId !== null
  }

  get identity(): ProducerIdentity {
    return this.#numbers.identity
  }

  get hasIdentity(): boolean {
    return this.#numbers.hasIdentity
  }

  get state(): TransactionState {
    return this.#status.state
  }

  get isVersion2(): boolean {
    return this.#isVersion2
  }

  /** Null unless the state is one of error. */
  get lastError(): Error | null {
    return this.#status.error
  }

  get isFatal(): boolean {
    return this.#status.isFatal
  }

  get isCompleting(): boolean {
    return this.#status.isCompleting
  }

  /** Closing has to wait for its end. */
  get hasOngoingTransaction(): boolean {
    return this.isTransactional && this.#status.isOngoing
  }

  /** What batches that were never sent must end with now; null: nothing. */
  get abortReason(): Error | null {
    return this.#status.abortReason
  }

  // Calls of the user.

  async initTransactions(): Promise<void> {
    await this.#operation('INITIALIZING', 'initTransactions', (resolve, reject) => {
      this.#status.throwError()
      this.#status.moveTo('INITIALIZING')
      this.#requestId(null, resolve, reject)
    })
  }

  beginTransaction(): void {
    this.#checkPending('beginTransaction')
    this.#status.throwError()
    this.#status.moveTo('IN_TRANSACTION')
  }

  async commitTransaction(): Promise<void> {
    await this.#operation('COMMITTING_TRANSACTION', 'commitTransaction', (resolve, reject) => {
      this.#status.throwError()
      this.#status.moveTo('COMMITTING_TRANSACTION')
      this.#end(true, resolve, reject)
    })
  }

  async abortTransaction(): Promise<void> {
    await this.#operation('ABORTING_TRANSACTION', 'abortTransaction', (resolve, reject) => {
      if (this.#status.state !== 'ABORTABLE_ERROR') this.#status.throwError()
      this.#status.moveTo('ABORTING_TRANSACTION')
      this.#partitions.giveUpNew()
      this.#end(false, resolve, reject)
    })
  }

  sendOffsets(offsets: readonly TopicPartitionOffset[], group: ConsumerGroupMetadata): Promise<void> {
    this.#checkPending('sendOffsets')
    this.#status.throwError()
    if (this.#status.state !== 'IN_TRANSACTION') checkTransition(this.#status.state, 'COMMITTING_TRANSACTION')
    return new Promise((resolve, reject) => {
      const transaction = this.#transaction()
      const commit = (): void => {
        this.#isStarted = true
        this.#lane.add(commitOffsets(transaction, offsets, group, this.#isVersion2, { resolve, reject }))
      }
      if (this.#isVersion2) commit()
      else this.#lane.add(addOffsets(transaction, group.groupId, { resolve: commit, reject }))
    })
  }

  // Questions and news of the accumulator and the sender.

  /** @throws what a record can't be taken for. */
  checkAppend(): void {
    if (this.#status.state === 'IN_TRANSACTION' && this.#status.error === null) return
    this.#status.throwError()
    if (!this.isTransactional) return
    this.#checkPending('send')
    throw new ClientError(
      'ILLEGAL_STATE',
      'Records of a transactional producer need an open transaction: call beginTransaction first.',
    )
  }

  /** A record went into `queue`. */
  appended(queue: PartitionQueue): void {
    if (!this.isTransactional) return
    if (this.#partitions.appended(queue, !this.#isVersion2)) this.#isStarted = true
  }

  /** Batches of `queue` must not be sent now. */
  mustHold(queue: PartitionQueue, first: ProducerBatch): boolean {
    if (this.isFatal || !this.hasIdentity) return true
    if (this.isTransactional && !this.#partitions.has(queue)) return true
    return this.#numbers.mustHold(queue, first, this.#isVersion2)
  }

  /** Gives a batch that is about to be sent its numbers, if it has none. */
  assign(batch: ProducerBatch): void {
    this.#numbers.assign(batch)
  }

  completed(batch: ProducerBatch, baseOffset: number): void {
    this.#numbers.completed(batch, baseOffset)
  }

  /** @param mayAdjust the batch was not written, so that its numbers are free */
  failed(batch: ProducerBatch, error: Error, mayAdjust: boolean): void {
    this.fail(error)
    batch.queue.untrack(batch)
    if (!this.isFatal) this.#numbers.failed(batch, error instanceof KafkaError ? error.code : null, mayAdjust)
  }

  /** A batch was given up whose fate is unknown: it may have been written, or still be. */
  markUnresolved(batch: ProducerBatch): void {
    this.#numbers.markUnresolved(batch)
  }

  /** Whether a batch is sent again after `error`; prepares its numbers for it. */
  canRetry(batch: ProducerBatch, error: KafkaError, logStartOffset: number): boolean {
    return this.#numbers.canRetry(batch, error, logStartOffset)
  }

  /** An error outside of a request of ours: of a batch, of a record that could not be queued. */
  fail(error: Error): void {
    const code = error instanceof KafkaError ? error.code : null
    const isFatal =
      code === 'CLUSTER_AUTHORIZATION_FAILED' ||
      code === 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED' ||
      code === 'PRODUCER_FENCED' ||
      code === 'UNSUPPORTED_VERSION' ||
      code === 'INVALID_PRODUCER_ID_MAPPING'
    if (isFatal) this.#status.toFatal(error)
    else if (this.isTransactional) {
      if (this.#needsBumpByClient && !this.isCompleting) this.#mustBumpEpoch = true
      this.#status.toAbortable(error)
    }
  }

  // Steps of the sender.

  /** Before each look at the queues. `hasIncomplete`: batches have no outcome yet. */
  step(hasIncomplete: boolean, nowMs: number): void {
    this.#resolveSequences()
    if (this.isFatal) {
      this.#lane.failAll(this.#status.error!)
      return
    }
    if (!this.isTransactional) {
      if (this.#mustBumpEpoch) this.#bumpEpoch()
      if (this.#status.state === 'UNINITIALIZED' && hasIncomplete) {
        this.#status.moveTo('INITIALIZING')
        this.#requestId(
          null,
          () => {},
          () => {},
        )
      }
    }
    if (this.#partitions.hasNew && this.#status.state !== 'ABORTABLE_ERROR') this.#requestPartitions()
    for (;;) {
      const next = this.#lane.next(nowMs, hasIncomplete)
      if (next === null) return
      if (this.#status.state === 'ABORTABLE_ERROR' && next.name !== 'FindCoordinator') {
        this.#lane.drop(next, this.#status.error)
        continue
      }
      if (next.name === 'EndTxn' && !this.#isStarted) {
        this.#lane.drop(next, null)
        this.#endedTransaction()
        continue
      }
      this.#lane.send(next)
      return
    }
  }

  /** Monotonic: when `step` has something to do again without any news. */
  get nextStepMs(): number {
    return this.#lane.nextMs
  }

  /** The credentials were refused: what waits fails with it, and the next record tries anew. */
  takeAuthorizationError(): Error | null {
    const error = this.#authorizationError
    this.#authorizationError = null
    return error
  }

  /** What waits rejects. */
  close(error: Error): void {
    this.#lane.failAll(error)
  }

  // Inside.

  #checkPending(call: string): void {
    if (!this.isTransactional) throw new ClientError('ILLEGAL_STATE', `${call} needs a transactionalId.`)
    this.#operations.check(call)
  }

  #operation(
    state: TransactionState,
    call: string,
    start: (resolve: () => void, reject: (error: Error) => void) => void,
  ): Promise<void> {
    const begun = this.#operations.find(state)
    if (begun !== null) return begun
    this.#checkPending(call)
    return this.#operations.begin(state, call, start)
  }

  #answered(request: TransactionRequest, outcome: Outcome): void {
    switch (outcome.kind) {
      case 'done':
        request.resolve()
        break
      case 'abortable': {
        if (request.name === 'InitProducerId' && isAuthorization(outcome.error)) {
          this.#authorizationError = outcome.error
          this.#mustBumpEpoch = false
          this.#status.toAbortable(outcome.error)
          this.#status.moveTo('UNINITIALIZED')
          this.#lane.failAll(outcome.error)
          request.reject(outcome.error)
          break
        }
        const canAbort = this.#lane.coordinatorBumpsEpochs || this.#isVersion2
        if (outcome.ifPossible && !canAbort) {
          this.#status.toFatal(outcome.error)
        } else {
          if (outcome.ifPossible && this.#needsBumpByClient) this.#mustBumpEpoch = true
          this.#status.toAbortable(outcome.error)
        }
        request.reject(outcome.error)
        break
      }
      case 'fatal':
        this.#status.toFatal(outcome.error)
        request.reject(outcome.error)
        break
      default: // The lane sends it again.
    }
  }

  get #needsBumpByClient(): boolean {
    return this.#lane.coordinatorBumpsEpochs && !this.#isVersion2
  }

  #transaction(): ProducerIdentity & { readonly transactionalId: string } {
    return { transactionalId: this.transactionalId!, ...this.identity }
  }

  #requestId(current: ProducerIdentity | null, resolve: () => void, reject: (error: Error) => void): void {
    const { transactionalId } = this
    const transactionTimeoutMs = transactionalId === null ? INT_MAX : this.#timeoutMs
    const got = (identity: ProducerIdentity): void => {
      if (current === null) this.#learnVersion()
      this.#status.moveTo('READY')
      if (current === null) this.#numbers.begin(identity)
      else this.#numbers.replace(identity)
    }
    this.#lane.add(initProducerId({ transactionalId, transactionTimeoutMs, current }, got, { resolve, reject }))
  }

  #requestPartitions(): void {
    const partitions = this.#partitions.ask()
    const added = (): void => {
      this.#partitions.added(partitions)
      this.#isStarted = true
    }
    const isFirst = (): boolean => this.#partitions.isEmpty
    this.#lane.add(addPartitions(this.#transaction(), partitions, isFirst, { resolve: added, reject: () => {} }))
  }

  #end(committed: boolean, resolve: () => void, reject: (error: Error) => void): void {
    if (this.#partitions.hasNew) this.#requestPartitions()
    const isVersion2 = this.#isVersion2
    const transaction = this.#transaction()
    const wasVersion2 = isVersion2
    this.#learnVersion()
    // The upgrade fences what the old protocol may have left behind.
    if (!wasVersion2 && this.#isVersion2) this.#mustBumpEpoch = true
    const bumps = this.#mustBumpEpoch
    const ended = (bumped: ProducerIdentity | null): void => {
      if (bumped !== null) this.#numbers.replace(bumped)
      this.#endedTransaction()
    }
    const parts = { resolve: bumps ? () => {} : resolve, reject }
    this.#lane.add(endTransaction(transaction, committed, isVersion2, ended, parts))
    if (bumps) this.#requestId(this.identity, resolve, reject)
  }

  #endedTransaction(): void {
    if (this.isFatal) return
    this.#status.moveTo(this.#mustBumpEpoch ? 'INITIALIZING' : 'READY')
    this.#mustBumpEpoch = false
    this.#isStarted = false
    this.#partitions.clear()
  }

  #learnVersion(): void {
    this.#isVersion2 = this.isTransactional && this.#lane.transactionVersion >= 2
  }

  #resolveSequences(): void {
    if (!this.#numbers.resolve()) return
    const lost = 'Records of the transaction may or may not be written, and their time is over.'
    if (this.#lane.coordinatorBumpsEpochs || this.#isVersion2) {
      if (this.#needsBumpByClient) this.#mustBumpEpoch = true
      this.#status.toAbortable(new KafkaError('TRANSACTION_ABORTABLE', `${lost} Abort it.`))
    } else this.#status.toFatal(new KafkaError('OUT_OF_ORDER_SEQUENCE_NUMBER', `${lost} Close the producer.`))
  }

  /** Of a producer without transactions. */
  #bumpEpoch(): void {
    if (!this.hasIdentity) return
    if (!this.#numbers.nextEpoch()) this.#status.moveTo('UNINITIALIZED')
    this.#mustBumpEpoch = false
  }
}

function isAuthorization(error: Error): boolean {
  if (!(error instanceof KafkaError)) return false
  return error.code === 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED' || error.code === 'CLUSTER_AUTHORIZATION_FAILED'
}
