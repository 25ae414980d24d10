/**
 * Where a producer is in the life of its transactions, and which error put it there.
 *
 * An error is kept exactly in the two states of error. An abortable one counts only where there is something to abort; a
 * fatal one is the last.
 */
import { KafkaError } from '../../base/errors.ts'
import { ClientError } from '../errors.ts'
import { fenced } from './transaction-requests.ts'
import { checkTransition, type TransactionState } from './transaction-state.ts'

export class TransactionStatus {
  #state: TransactionState = 'UNINITIALIZED'
  #error: Error | null = null

  get state(): TransactionState {
    return this.#state
  }

  /** Null unless the state is one of error. */
  get error(): Error | null {
    return this.#error
  }

  get isFatal(): boolean {
    return this.#state === 'FATAL_ERROR'
  }

  get isCompleting(): boolean {
    return this.#state === 'COMMITTING_TRANSACTION' || this.#state === 'ABORTING_TRANSACTION'
  }

  get isOngoing(): boolean {
    return this.#state === 'IN_TRANSACTION' || this.isCompleting || this.#state === 'ABORTABLE_ERROR'
  }

  /** What batches that were never sent must end with now; null: nothing. */
  get abortReason(): Error | null {
    if (this.#state === 'ABORTABLE_ERROR') return this.#error
    if (this.#state !== 'ABORTING_TRANSACTION') return null
    return new ClientError('ABORTED', 'The transaction was aborted before the record was sent.')
  }

  /** @throws ClientError ILLEGAL_STATE if no such transition is there. */
  moveTo(state: Exclude<TransactionState, 'ABORTABLE_ERROR' | 'FATAL_ERROR'>): void {
    this.#moveTo(state, null)
  }

  toAbortable(error: Error): void {
    // It is being aborted already.
    if (this.#state === 'ABORTING_TRANSACTION' || this.isFatal) return
    // Between two transactions there is nothing to abort.
    if (this.#state === 'READY' || this.#state === 'UNINITIALIZED') return
    this.#moveTo('ABORTABLE_ERROR', error)
  }

  toFatal(error: Error): void {
    if (!this.isFatal) this.#moveTo('FATAL_ERROR', error)
  }

  /** @throws the error that the state is one of. */
  throwError(): void {
    const error = this.#error
    if (error === null) return
    if (error instanceof KafkaError && error.code === 'PRODUCER_FENCED') throw fenced()
    throw new ClientError(
      'ILLEGAL_STATE',
      this.isFatal
        ? `The producer has failed for good: close it and make a new one. ${error.message}`
        : `The transaction has failed: abort it. ${error.message}`,
      { cause: error },
    )
  }

  #moveTo(state: TransactionState, error: Error | null): void {
    checkTransition(this.#state, state)
    this.#state = state
    this.#error = error
  }
}
