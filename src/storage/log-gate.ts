/**
 * Who may change the files of one log, and when: everything goes through the lane, in order and one at a time, and appends
 * are refused while the log is being changed, repaired, after it failed, and when it is closed.
 *
 * A write that failed for want of room is repaired: the log is cut back to what was written. If the repair fails too, or
 * the disk is broken, the log has failed for good: nothing is written any more, and its owner hears of it once.
 */
import { KafkaError } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import { DiskError } from '../world/world.ts'
import { WriteLane, storageError, type WriteLaneOwner } from './write-lane.ts'

const DONE = Promise.resolve()

export interface LogGateOptions {
  /** Of the partition, for messages. */
  readonly name: string
  readonly logger: Logger
  readonly written: WriteLaneOwner['written']
  readonly writtenEnd: () => number
  /** Cuts the log back to what was written; runs before everything that waits. */
  readonly repair: () => Promise<void>
}

export class LogGate {
  readonly lane: WriteLane
  readonly #options: LogGateOptions
  readonly #failedListeners: ((error: Error) => void)[] = []
  #refusal: string | null = null
  #exclusive = 0
  #isFailed = false
  #isClosed = false

  constructor(options: LogGateOptions) {
    this.#options = options
    this.lane = new WriteLane({ written: options.written, failed: (error) => this.writeFailed(error) })
  }

  /** Why appends are refused, or null. */
  get refusal(): string | null {
    return this.#refusal
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  get hasFailed(): boolean {
    return this.#isFailed
  }

  /** The log must go offline; called once. */
  onFailed(listener: (error: Error) => void): void {
    this.#failedListeners.push(listener)
  }

  /** Resolves when nothing is under way that was queued before: written, or repaired after a write that failed. */
  settled(): Promise<void> {
    return this.lane.isIdle ? DONE : this.inOrder(async () => {})
  }

  /** Runs behind the writes; appends are refused until it is done. */
  change<T>(run: () => Promise<T>): Promise<T> {
    if (this.#isClosed || this.#isFailed) return this.inOrder(run)
    this.#exclusive++
    this.#refusal ??= 'the log is being changed'
    return this.inOrder(run, () => {
      this.#exclusive--
      if (this.#exclusive === 0 && !this.#isFailed && !this.#isClosed) this.#refusal = null
    })
  }

  /** Runs behind the writes, and before those that are queued next; its error takes the log offline. */
  inOrder<T>(run: () => Promise<T>, ended: () => void = () => {}): Promise<T> {
    if (this.#isClosed || this.#isFailed) {
      return Promise.reject(
        new KafkaError('KAFKA_STORAGE_ERROR', `${this.#options.name}: ${this.#refusal ?? 'the log is closed'}`),
      )
    }
    let result: T
    const task = this.lane.task(async () => {
      try {
        result = await run()
      } catch (error) {
        this.fail(error)
        throw error
      } finally {
        ended()
      }
    })
    return task.then(() => result)
  }

  writeFailed(error: unknown): void {
    if (!(error instanceof DiskError) || error.code !== 'ENOSPC') return this.fail(error)
    const { name, logger, writtenEnd, repair } = this.#options
    this.#refusal = 'the disk is full'
    logger.error(`${name}: a write failed, the log is cut back to ${writtenEnd()}`, error)
    this.lane.first(async () => {
      try {
        await repair()
        if (!this.#isFailed && !this.#isClosed) this.#refusal = this.#exclusive > 0 ? 'the log is being changed' : null
      } catch (cause) {
        this.fail(cause)
      }
    })
  }

  /** The disk cannot be trusted any more: nothing is written, the owner takes the directory offline. */
  fail(cause: unknown): void {
    if (this.#isFailed || this.#isClosed) return
    const error = cause instanceof Error ? cause : new Error(String(cause))
    this.#isFailed = true
    this.#refusal = `the log directory failed: ${error.message}`
    this.#options.logger.error(`${this.#options.name}: ${this.#refusal}`, error)
    void this.lane.stop(storageError(error))
    for (const listener of this.#failedListeners) listener(error)
  }

  /** Refuses everything, lets the operation under way end. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#refusal = 'the log is closed'
    await this.lane.stop(new KafkaError('KAFKA_STORAGE_ERROR', `${this.#options.name}: the log is closed`))
  }
}
