/**
 * The segments of one log: ascending by base offset, never empty, the last one takes the appends.
 *
 * The list is replaced when segments leave it, so whoever iterates over `all` keeps what was there. `cuts` and `finished`
 * count what makes positions and sizes that somebody remembers worthless.
 */
import type { LogConfig } from '../config/log-config.ts'
import type { Clock, Disk, Random } from '../world/world.ts'
import { Segment } from './segment.ts'
import type { LogPlace } from './segment-files.ts'

/** Indexes of inactive segments that stay in memory after a lookup. */
const LOADED_INDEXES_MAX = 4

export class LogSegments {
  #list: Segment[]
  #cuts = 0
  #finished = 0
  readonly #recent: Segment[] = []

  constructor(segments: Segment[]) {
    this.#list = segments
  }

  get all(): readonly Segment[] {
    return this.#list
  }

  get first(): Segment {
    return this.#list[0]!
  }

  get active(): Segment {
    return this.#list[this.#list.length - 1]!
  }

  /** Counts truncations and deletions: a read that overlaps one starts anew. */
  get cuts(): number {
    return this.#cuts
  }

  /** Counts segments whose files got their final size. */
  get finished(): number {
    return this.#finished
  }

  get writtenBytes(): number {
    let bytes = 0
    for (const segment of this.#list) bytes += segment.writtenBytes
    return bytes
  }

  /** Index of the segment that would hold `offset`; -1 below the first. */
  indexFor(offset: number): number {
    let low = 0
    let high = this.#list.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#list[middle]!.baseOffset <= offset) low = middle + 1
      else high = middle
    }
    return low - 1
  }

  /** The one that would hold `offset` and those behind it; all of them if none would. */
  from(offset: number): readonly Segment[] {
    return this.#list.slice(Math.max(0, this.indexFor(offset)))
  }

  /** Takes the appends from here on. */
  add(segment: Segment): void {
    this.#list.push(segment)
  }

  /** Gives up those that begin above `end` or have no files yet, all but the first, and answers them newest first. */
  takeAbove(end: number): Segment[] {
    const kept = this.#list.filter((segment, index) => segment.baseOffset <= end && (segment.isCreated || index === 0))
    return this.#keep(kept, this.#list.slice(kept.length)).reverse()
  }

  /** Gives up the `count` oldest, which are not all. */
  takeOldest(count: number): Segment[] {
    return this.#keep(this.#list.slice(count), this.#list.slice(0, count))
  }

  /** Gives up all. */
  startAnewWith(segment: Segment): Segment[] {
    return this.#keep([segment], this.#list)
  }

  #keep(kept: Segment[], gone: Segment[]): Segment[] {
    this.#list = kept
    this.#cuts++
    return gone
  }

  /** The file of the active one is about to be cut, or was. */
  countCut(): void {
    this.#cuts++
  }

  countFinished(): void {
    this.#finished++
  }

  /** Its index was loaded for a lookup: keeps the memory of such indexes bounded. */
  usedIndex(segment: Segment): void {
    if (segment === this.active || this.#recent.includes(segment)) return
    this.#recent.push(segment)
    if (this.#recent.length <= LOADED_INDEXES_MAX) return
    const oldest = this.#recent.shift()
    if (oldest === undefined || oldest === this.active) return
    oldest.offsetIndex.file.unload()
    oldest.timeIndex.file.unload()
  }
}

export interface SegmentWorld {
  readonly disk: Disk
  readonly clock: Clock
  readonly random: Random
  readonly place: LogPlace
}

/** In memory: its files are made by `create`. */
export function newSegment({ disk, clock, random, place }: SegmentWorld, config: LogConfig, offset: number): Segment {
  const jitterBound = Math.min(config.segmentJitterMs, config.segmentMs, 0xffff_ffff)
  return new Segment({
    disk,
    place,
    baseOffset: offset,
    jitterMs: jitterBound > 0 ? random.below(jitterBound) : 0,
    createdMs: clock.wallMs(),
  })
}
