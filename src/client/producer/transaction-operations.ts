/**
 * The one operation of a transaction that may be under way: getting an id, committing, aborting. Its caller may give up waiting,
 * for the operation goes on; calling the same again joins it, and calling another is refused until it is over.
 */
import { ClientError } from '../errors.ts'
import type { TransactionState } from './transaction-state.ts'

interface Operation {
  readonly state: TransactionState
  readonly call: string
  readonly promise: Promise<void>
  isSettled: boolean
}

export class TransactionOperations {
  #last: Operation | null = null

  /** The one under way, if it is the one that moves to `state`. */
  find(state: TransactionState): Promise<void> | null {
    const last = this.#last
    return last !== null && !last.isSettled && last.state === state ? last.promise : null
  }

  /** @throws ClientError ILLEGAL_STATE if `call` must wait for the one under way. */
  check(call: string): void {
    const last = this.#last
    if (last === null || last.isSettled) return
    throw new ClientError('ILLEGAL_STATE', `${last.call} is not over yet: await it, or call it again, before ${call}.`)
  }

  /** None may be under way. What `start` throws is thrown, and nothing has begun. */
  begin(
    state: TransactionState,
    call: string,
    start: (resolve: () => void, reject: (error: Error) => void) => void,
  ): Promise<void> {
    let settle: { resolve: () => void; reject: (error: Error) => void } | null = null
    const promise = new Promise<void>((resolve, reject) => (settle = { resolve, reject }))
    const operation: Operation = { state, call, promise, isSettled: false }
    start(
      () => {
        operation.isSettled = true
        settle!.resolve()
      },
      (error) => {
        operation.isSettled = true
        settle!.reject(error)
      },
    )
    promise.catch(() => {})
    this.#last = operation
    return promise
  }
}
