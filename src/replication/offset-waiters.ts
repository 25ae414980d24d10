/**
 * Who waits for an offset of a partition to be reached (committed, or deleted everywhere), in the order of offsets. Whoever
 * gives up leaves nothing behind: an offset may stay out of reach for as long as a replica is away.
 */
import { KafkaError } from '../base/errors.ts'
import type { Clock, Timer } from '../world/world.ts'

interface Waiter {
  readonly offset: number
  readonly resolve: () => void
  readonly reject: (error: KafkaError) => void
  timer: Timer | null
}

export class OffsetWaiters {
  readonly #waiters: Waiter[] = []

  get isEmpty(): boolean {
    return this.#waiters.length === 0
  }

  /** Rejects with REQUEST_TIMED_OUT after `timeoutMs`; null: never for that. */
  wait(clock: Clock, offset: number, timeoutMs: number | null): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiters = this.#waiters
      const waiter: Waiter = { offset, resolve, reject, timer: null }
      if (timeoutMs !== null) {
        waiter.timer = clock.at(clock.monotonicMs() + Math.max(timeoutMs, 0), () => {
          waiters.splice(waiters.indexOf(waiter), 1)
          reject(new KafkaError('REQUEST_TIMED_OUT', `not all replicas came to offset ${offset} in ${timeoutMs} ms`))
        })
      }
      // Nearly always the last: appends of one leader come in offset order.
      let at = waiters.length
      while (at > 0 && waiters[at - 1]!.offset > offset) at--
      if (at === waiters.length) waiters.push(waiter)
      else waiters.splice(at, 0, waiter)
    })
  }

  reached(offset: number): void {
    const waiters = this.#waiters
    let done = 0
    while (done < waiters.length && waiters[done]!.offset <= offset) done++
    if (done === 0) return
    for (const { timer, resolve } of waiters.splice(0, done)) {
      timer?.cancel()
      resolve()
    }
  }

  fail(error: () => KafkaError): void {
    for (const { timer, reject } of this.#waiters.splice(0)) {
      timer?.cancel()
      reject(error())
    }
  }
}
