/**
 * The `.snapshot` files of one log: which there are, taking new ones, and building producer state from the newest one
 * plus the batches behind it.
 *
 * A snapshot belongs to the segment with its number as base; besides those only the newest other one is kept. Those that a
 * start takes are not synced by it: until `syncTaken` has run they may be lost or torn with the power, and then the next start,
 * which isn't a clean one, takes them again (their checksum tells). Whatever promises more must not come before `syncTaken`.
 */
import { OperationalError } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import { entryLastOffset } from '../records/batches.ts'
import type { Clock, Disk } from '../world/world.ts'
import { scanFile, type EntryVisitor } from './file-scan.ts'
import { syncIfThere } from './index-file.ts'
import { recallProducers } from './producer-recall.ts'
import { decodeProducerSnapshot, encodeProducerSnapshot } from './producer-snapshot.ts'
import type { ProducerState } from './producer-state.ts'
import type { Segment } from './segment.ts'
import { DELETED, pathOf, type LogPlace } from './segment-files.ts'

export interface ProducerSnapshotsOptions {
  readonly disk: Disk
  readonly clock: Clock
  readonly logger: Logger
  readonly place: LogPlace
  readonly expirationMs: number
}

export class ProducerSnapshots {
  readonly #options: ProducerSnapshotsOptions
  /** Ascending. */
  #offsets: number[]
  /** State is not written again before it moved past this. */
  #lastTaken = 0
  /** Taken while the log was loaded, and not synced. */
  readonly #unsynced = new Set<number>()
  /** Files of a log that is being recovered, which don't count any more: most are written again under the same name. */
  readonly #outdated = new Set<number>()

  constructor(options: ProducerSnapshotsOptions, offsets: readonly number[]) {
    this.#options = options
    this.#offsets = [...offsets].sort((left, right) => left - right)
    this.#lastTaken = this.latest ?? 0
  }

  get latest(): number | null {
    return this.#offsets[this.#offsets.length - 1] ?? null
  }

  get offsets(): readonly number[] {
    return this.#offsets
  }

  /** The content of the snapshot that is due, as of now; null if the last one is as new. Write it with `write`. */
  prepare(state: ProducerState): { readonly offset: number; readonly bytes: Buffer } | null {
    if (state.endOffset <= this.#lastTaken) return null
    this.#lastTaken = state.endOffset
    return { offset: state.endOffset, bytes: encodeProducerSnapshot(state.snapshot()) }
  }

  async write(snapshot: { readonly offset: number; readonly bytes: Buffer }, sync: boolean): Promise<void> {
    const { disk, place } = this.#options
    const path = pathOf(place, snapshot.offset, '.snapshot')
    await disk.writeFile(path, snapshot.bytes)
    this.#outdated.delete(snapshot.offset)
    if (sync) await this.sync(snapshot.offset)
    if (!this.#offsets.includes(snapshot.offset)) {
      this.#offsets.push(snapshot.offset)
      this.#offsets.sort((left, right) => left - right)
    }
  }

  sync(offset: number): Promise<void> {
    return syncIfThere(this.#options.disk, pathOf(this.#options.place, offset, '.snapshot'))
  }

  /** Synced, but not its name. */
  async take(state: ProducerState): Promise<void> {
    const snapshot = this.prepare(state)
    if (snapshot !== null) await this.write(snapshot, true)
  }

  /** As `take`, with the sync left to `syncTaken`. */
  async takeUnsynced(state: ProducerState): Promise<void> {
    const snapshot = this.prepare(state)
    if (snapshot === null) return
    this.#unsynced.add(snapshot.offset)
    await this.write(snapshot, false)
  }

  /** What `takeUnsynced` wrote survives a power loss afterwards. */
  async syncTaken(): Promise<void> {
    for (const offset of [...this.#unsynced]) {
      await this.sync(offset)
      this.#unsynced.delete(offset)
    }
  }

  async remove(offset: number): Promise<void> {
    this.forget(offset)
    await this.#options.disk.remove(pathOf(this.#options.place, offset, '.snapshot'))
  }

  /** Its file was renamed or removed by somebody else, as the files of a deleted segment are. */
  forget(offset: number): void {
    this.#offsets = this.#offsets.filter((kept) => kept !== offset)
    this.#unsynced.delete(offset)
  }

  async removeRenamed(offset: number): Promise<void> {
    await this.#options.disk.remove(pathOf(this.#options.place, offset, '.snapshot') + DELETED)
  }

  /** Before a segment is recovered: what was taken above its base says nothing of what will be found. */
  forgetAbove(offset: number): void {
    for (const taken of this.#offsets) if (taken > offset) this.#outdated.add(taken)
    this.#offsets = this.#offsets.filter((taken) => taken <= offset)
  }

  /** Once the log's end is found: files of snapshots that were forgotten and not taken again. */
  async removeOutdated(): Promise<void> {
    for (const offset of [...this.#outdated]) {
      await this.remove(offset)
      this.#outdated.delete(offset)
    }
  }

  /** Keeps those of segments, and the newest other one if it is above the last segment's base. */
  async removeStray(segments: readonly Segment[]): Promise<void> {
    const bases = new Set(segments.map((segment) => segment.baseOffset))
    const highest = segments[segments.length - 1]?.baseOffset ?? -1
    const stray = this.#offsets.filter((offset) => !bases.has(offset))
    const newest = stray[stray.length - 1]
    for (const offset of stray) if (offset !== newest || offset <= highest) await this.remove(offset)
    this.#lastTaken = this.latest ?? 0
  }

  /** Brings `state` to `endOffset`, from the newest usable snapshot and the batches behind it. */
  async rebuild(
    state: ProducerState,
    segments: readonly Segment[],
    startOffset: number,
    endOffset: number,
    afterCleanShutdown: boolean,
  ): Promise<void> {
    const last = segments[segments.length - 1]
    const beforeLast = segments[segments.length - 2]
    if (this.latest === null && afterCleanShutdown) {
      // A directory of a release without snapshots: producers start anew, and the next start finds files.
      for (const offset of [beforeLast?.baseOffset, last?.baseOffset, endOffset]) {
        if (offset === undefined) continue
        state.endOffset = Math.max(state.endOffset, offset)
        await this.take(state)
      }
      state.endOffset = endOffset
      return
    }
    const wasEmptyAndAhead = state.size === 0 && state.endOffset >= endOffset
    for (const offset of [...this.#offsets]) if (offset > endOffset || offset <= startOffset) await this.remove(offset)
    this.#lastTaken = this.latest ?? startOffset
    if (state.endOffset !== endOffset) await this.#load(state, startOffset)
    if (endOffset > state.endOffset && !wasEmptyAndAhead) {
      for (let index = 0; index < segments.length; index++) {
        const segment = segments[index]!
        const next = segments[index + 1]
        if ((next !== undefined && next.baseOffset <= state.endOffset) || segment.baseOffset >= endOffset) continue
        const from = Math.max(segment.baseOffset, state.endOffset, startOffset)
        state.endOffset = from
        if (segment === last || segment === beforeLast) await this.take(state)
        await replay(state, segment, from, endOffset)
      }
    }
    state.endOffset = endOffset
    await this.take(state)
    const nowMs = afterCleanShutdown ? this.#options.clock.wallMs() : null
    await recallProducers(state, segments, startOffset, nowMs)
  }

  async #load(state: ProducerState, startOffset: number): Promise<void> {
    const { disk, clock, logger, place, expirationMs } = this.#options
    for (;;) {
      const offset = this.latest
      if (offset === null) {
        state.clear(startOffset)
        this.#lastTaken = startOffset
        return
      }
      const path = pathOf(place, offset, '.snapshot')
      try {
        const bytes = await disk.readFile(path)
        if (bytes === null) throw new OperationalError('LOG_CORRUPT', `${path}: gone`)
        state.load(decodeProducerSnapshot(bytes), offset, clock.wallMs(), expirationMs)
        this.#lastTaken = offset
        return
      } catch (error) {
        if (!(error instanceof OperationalError)) throw error
        logger.warn(`Failed to load producer snapshot from '${path}': ${error.message}`)
        await this.remove(offset)
      }
    }
  }
}

async function replay(state: ProducerState, segment: Segment, from: number, endOffset: number): Promise<void> {
  const position = await segment.positionFor(from)
  const visit: EntryVisitor = (bytes, at) => {
    const lastOffset = entryLastOffset(bytes, at)
    if (lastOffset < from) return true
    if (lastOffset >= endOffset) return false
    const completed = state.apply(bytes, at)
    if (completed !== null) state.complete(completed)
    state.endOffset = lastOffset + 1
    return true
  }
  await segment.use((file) => scanFile(file, position, segment.writtenBytes, true, visit))
}
