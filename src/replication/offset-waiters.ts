/** Who waits for an offset of a partition to be reached (committed, or deleted everywhere), in the order of offsets. */
import type { KafkaError } from '../base/errors.ts'

interface Waiter {
  readonly offset: number
  readonly resolve: () => void
  readonly reject: (error: KafkaError) => void
}

export class OffsetWaiters {
  readonly #waiters: Waiter[] = []

  get isEmpty(): boolean {
    return this.#waiters.length === 0
  }

  wait(offset: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiters = this.#waiters
      // Nearly always the last: appends of one leader come in offset order.
      let at = waiters.length
      while (at > 0 && waiters[at - 1]!.offset > offset) at--
      if (at === waiters.length) waiters.push({ offset, resolve, reject })
      else waiters.splice(at, 0, { offset, resolve, reject })
    })
  }

  reached(offset: number): void {
    const waiters = this.#waiters
    let done = 0
    while (done < waiters.length && waiters[done]!.offset <= offset) waiters[done++]!.resolve()
    if (done > 0) waiters.splice(0, done)
  }

  fail(error: () => KafkaError): void {
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error())
  }
}
