/**
 * A request that waits for its answer. The runtime makes one per request; a decider may hold it for as long as it takes
 * (a join until its rebalance is complete) and answers it through a `Decision`. It is answered exactly once: what comes
 * later is dropped, because a write that timed out may still be decided upon.
 */
import type { ErrorCode } from '../../base/error-codes.ts'

export class Reply<Response> {
  readonly promise: Promise<Response>
  readonly #failed: (code: ErrorCode) => Response
  readonly #onSettled: (reply: AnyReply) => void
  #resolve: ((response: Response) => void) | null = null

  /** `failed` makes the answer that carries an error in this request's own form. */
  constructor(failed: (code: ErrorCode) => Response, onSettled: (reply: AnyReply) => void) {
    this.#failed = failed
    this.#onSettled = onSettled
    this.promise = new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  get settled(): boolean {
    return this.#resolve === null
  }

  answer(response: Response): void {
    const resolve = this.#resolve
    if (resolve === null) return
    this.#resolve = null
    this.#onSettled(this)
    resolve(response)
  }

  fail(code: ErrorCode): void {
    if (this.#resolve !== null) this.answer(this.#failed(code))
  }
}

/** What the runtime needs of a reply whose response it doesn't know. */
export interface AnyReply {
  readonly settled: boolean
  fail(code: ErrorCode): void
}
