/**
 * What stands between a consumer and its user. As in Java's client (KIP-42), interceptors run in their order, each is given
 * what the one before it returned, and what one of them throws is logged: neither records nor commits suffer from it.
 */
import type { Logger } from '../../base/logger.ts'
import type { CommitPoint } from './committer.ts'
import type { RecordBatchView } from './record-batch-view.ts'

export interface ConsumerInterceptor<K = Buffer, V = Buffer> {
  /**
   * Before a batch is handed out. What it returns is handed out in its place: made of it by `filter` or `map`. What a loop left
   * unread comes by here again.
   */
  onConsume?(batch: RecordBatchView<K, V>): RecordBatchView<K, V> | void
  /** After the coordinator has taken these offsets. */
  onCommit?(offsets: readonly CommitPoint[]): void
}

export class ConsumerInterceptors<K, V> {
  readonly #interceptors: readonly ConsumerInterceptor<K, V>[]
  readonly #logger: Logger

  constructor(interceptors: readonly ConsumerInterceptor<K, V>[], logger: Logger) {
    this.#interceptors = interceptors
    this.#logger = logger
  }

  onConsume(batch: RecordBatchView<K, V>): RecordBatchView<K, V> {
    let intercepted = batch
    for (const interceptor of this.#interceptors) {
      try {
        const returned = interceptor.onConsume?.(intercepted) ?? intercepted
        // Offsets are committed by the batch: another one has no place here.
        if (returned.fetched !== batch.fetched) throw new TypeError('onConsume returned a batch of other records')
        intercepted = returned
      } catch (error) {
        this.#logger.warn(`interceptor: ${String(error)}`)
      }
    }
    return intercepted
  }

  onCommit(offsets: readonly CommitPoint[]): void {
    for (const interceptor of this.#interceptors) {
      try {
        interceptor.onCommit?.(offsets)
      } catch (error) {
        this.#logger.warn(`interceptor: ${String(error)}`)
      }
    }
  }
}
