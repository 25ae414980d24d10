/**
 * Fetches that wait at one partition, and how much they are told became readable.
 *
 * Consumers wait for the high watermark, replicas for the end of the log. What is told are bytes, and a hint: the read that
 * follows decides. While the high watermark isn't at the end of the log its share of the bytes in between is a guess.
 */
import type { PartitionLog } from '../storage/partition-log.ts'

/** How far somebody may read: consumers what is committed (and, read_committed, decided), replicas everything. */
export type Reach = 'committed' | 'stable' | 'log end'

/**
 * What became of the last stable offset when the high watermark moved: it is, and was, at the high watermark; it stands
 * still before an open transaction; it moved from or to such a place, by more or fewer bytes than the high watermark did.
 */
export type StableMove = 'along' | 'still' | 'otherwise'

/** Told about a partition that moved: more is readable, or it can't be read here any more. */
export interface PartitionWatcher {
  /** `bytes` more became readable, as far as the watcher reads. */
  readable(bytes: number, stable: StableMove): void
  /** Leadership, log or topic went away: look again. */
  changed(): void
}

export class PartitionReaders {
  /** Of those who read up to the high watermark. */
  readonly #watchers = new Set<PartitionWatcher>()
  /** Of those who read up to the end of the log. */
  readonly #endWatchers = new Set<PartitionWatcher>()
  #countedEnd: number
  #countedBytes: number
  /** Size of the log that those who wait at its end know of. */
  #endBytes = 0

  constructor(log: PartitionLog | null) {
    this.#countedEnd = log?.highWatermark ?? 0
    this.#countedBytes = log?.sizeBytes ?? 0
  }

  watch(watcher: PartitionWatcher, reach: Reach, log: PartitionLog | null): void {
    if (reach !== 'log end') {
      this.#watchers.add(watcher)
      return
    }
    if (this.#endWatchers.size === 0) this.#endBytes = log?.sizeBytes ?? 0
    this.#endWatchers.add(watcher)
  }

  unwatch(watcher: PartitionWatcher): void {
    this.#watchers.delete(watcher)
    this.#endWatchers.delete(watcher)
  }

  changed(): void {
    for (const watcher of [...this.#watchers, ...this.#endWatchers]) watcher.changed()
  }

  /** Another log, equal to the one before, is the partition's. */
  moved(log: PartitionLog): void {
    this.#countedBytes = log.sizeBytes
    this.#endBytes = log.sizeBytes
  }

  /** The log ends earlier than it did: whoever waits looks again. */
  cut(log: PartitionLog): void {
    this.#countedEnd = log.highWatermark
    this.moved(log)
    this.changed()
  }

  /** The end of the log moved. */
  written(log: PartitionLog): void {
    if (this.#endWatchers.size === 0) return
    const bytes = Math.max(1, log.sizeBytes - this.#endBytes)
    this.#endBytes = log.sizeBytes
    for (const watcher of [...this.#endWatchers]) watcher.readable(bytes, 'along')
  }

  /** Everybody knows of the high watermark as it is. */
  knows(highWatermark: number): boolean {
    return this.#countedEnd === highWatermark
  }

  /** The high watermark moved. */
  committed(log: PartitionLog, stable: StableMove): void {
    const bytes = this.#countBytes(log)
    this.#countedEnd = log.highWatermark
    for (const watcher of [...this.#watchers]) watcher.readable(bytes, stable)
  }

  #countBytes(log: PartitionLog): number {
    const { sizeBytes, highWatermark, writtenEnd } = log
    const uncounted = Math.max(0, sizeBytes - this.#countedBytes)
    if (highWatermark >= writtenEnd) {
      this.#countedBytes = sizeBytes
      return uncounted
    }
    const share = (highWatermark - this.#countedEnd) / Math.max(1, writtenEnd - this.#countedEnd)
    const bytes = Math.ceil(uncounted * Math.max(0, Math.min(1, share)))
    this.#countedBytes += bytes
    return Math.max(1, bytes)
  }
}
