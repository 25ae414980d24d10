/**
 * The offsets that bound one log, and the order that holds between them at all times:
 *
 *     start <= last stable offset <= high watermark <= writtenEnd <= assignedEnd, recovery point <= writtenEnd
 *
 * Appends move the two ends, replication the high watermark, flushes the recovery point, retention and DeleteRecords the
 * start. Only a truncation moves any of them back, and from its beginning nobody sees more than will stay.
 */
import type { ProducerState } from './producer-state.ts'

export interface LoadedOffsets {
  readonly startOffset: number
  readonly endOffset: number
  readonly recoveryPoint: number
}

export class LogOffsets {
  readonly #producers: ProducerState
  #start: number
  #assignedEnd: number
  #writtenEnd: number
  #highWatermark: number
  #recoveryPoint: number
  /** Not null while producers are worked out anew: transactions that are open may be missing, so nobody sees past it. */
  #stableBound: number | null = null

  /** `highWatermark` is what a checkpoint says; the log may end before it or begin behind it. */
  constructor(producers: ProducerState, loaded: LoadedOffsets, highWatermark: number) {
    this.#producers = producers
    this.#start = loaded.startOffset
    this.#assignedEnd = this.#writtenEnd = loaded.endOffset
    this.#recoveryPoint = loaded.recoveryPoint
    this.#highWatermark = Math.min(Math.max(highWatermark, this.#start), this.#writtenEnd)
    producers.onHighWatermark(this.#highWatermark)
  }

  /** First offset still readable. */
  get start(): number {
    return this.#start
  }

  /** The offset that the next record gets. */
  get assignedEnd(): number {
    return this.#assignedEnd
  }

  /** All below it is in the page cache; the only end that anybody outside may see. */
  get writtenEnd(): number {
    return this.#writtenEnd
  }

  get highWatermark(): number {
    return this.#highWatermark
  }

  /** All below it survives a power loss. */
  get recoveryPoint(): number {
    return this.#recoveryPoint
  }

  /** What read_committed readers may see: the high watermark or the first transaction that is open above the log start. */
  get lastStable(): number {
    const highWatermark = this.#highWatermark
    if (this.#stableBound !== null) return Math.min(highWatermark, this.#stableBound)
    const unstable = this.#producers.firstUnstableOffset
    return unstable === null ? highWatermark : Math.min(highWatermark, Math.max(unstable, this.#start))
  }

  assignTo(end: number): void {
    this.#assignedEnd = end
  }

  writtenTo(end: number): void {
    this.#writtenEnd = end
  }

  /** What lies below `end` was synced. */
  flushedTo(end: number): void {
    this.#recoveryPoint = Math.max(this.#recoveryPoint, Math.min(end, this.#writtenEnd))
  }

  /** Clamped to what exists; never moves back by this. */
  raiseHighWatermark(offset: number): void {
    const bounded = Math.min(offset, this.#writtenEnd)
    if (bounded <= this.#highWatermark) return
    this.#highWatermark = bounded
    this.#producers.onHighWatermark(bounded)
  }

  /** False: it begins there or above already. Not above the high watermark. */
  raiseStart(offset: number): boolean {
    if (offset <= this.#start) return false
    this.#start = offset
    return true
  }

  /**
   * First of a truncation: nobody sees anything at or above `end` from here on, nor past a transaction that is open below it.
   * True: something of what goes was flushed.
   */
  beginCut(end: number): boolean {
    const wasFlushed = this.#recoveryPoint > end
    this.#stableBound = Math.min(this.lastStable, end)
    this.#writtenEnd = Math.min(this.#writtenEnd, end)
    this.#bound(end)
    return wasFlushed
  }

  /** What was assigned and not written is gone too; `end` is where the last whole batch ends. */
  cutAt(end: number): void {
    this.#assignedEnd = this.#writtenEnd = end
    this.#bound(end)
  }

  /** The producers are again those of the log. */
  endCut(): void {
    this.#producers.onHighWatermark(this.#highWatermark)
    this.#stableBound = null
  }

  /** The log holds nothing and begins at `offset`. True: something of what went was flushed. */
  startAnewAt(offset: number): boolean {
    const wasFlushed = this.#recoveryPoint > offset
    this.#start = this.#assignedEnd = this.#writtenEnd = this.#highWatermark = this.#recoveryPoint = offset
    return wasFlushed
  }

  #bound(end: number): void {
    this.#highWatermark = Math.min(this.#highWatermark, end)
    this.#recoveryPoint = Math.min(this.#recoveryPoint, end)
    this.#start = Math.min(this.#start, end)
  }
}
