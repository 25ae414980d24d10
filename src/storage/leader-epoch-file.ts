/**
 * `leader-epoch-checkpoint`: the leader epoch cache of one log on disk.
 *
 * An epoch that was assigned must be in the file before a record of it is in the log. Whoever appends next writes it first
 * (`claim`), if nobody has until then.
 */
import type { Disk } from '../world/world.ts'
import { putFile } from './atomic-file.ts'
import { formatEpochCheckpoint } from './checkpoint-file.ts'
import type { DirectoryEntries } from './directory-entries.ts'
import type { LeaderEpochCache } from './leader-epoch-cache.ts'
import { EPOCH_CHECKPOINT, type LogPlace } from './segment-files.ts'

export class LeaderEpochFile {
  readonly #disk: Disk
  readonly #place: LogPlace
  readonly #cache: LeaderEpochCache
  readonly #entries: DirectoryEntries
  #isBehind = false

  constructor(disk: Disk, place: LogPlace, cache: LeaderEpochCache, entries: DirectoryEntries) {
    this.#disk = disk
    this.#place = place
    this.#cache = cache
    this.#entries = entries
  }

  /** An epoch was assigned that the file does not have, and nobody is about to write it. */
  get isBehind(): boolean {
    return this.#isBehind
  }

  fallBehind(): void {
    this.#isBehind = true
  }

  /** True: the caller writes it, in front of what it appends; what is appended behind that need not write it again. */
  claim(): boolean {
    const wasBehind = this.#isBehind
    this.#isBehind = false
    return wasBehind
  }

  /** Durable with the next flush: until then recovery finds the epochs of what was appended in the batches. */
  async write(): Promise<void> {
    this.#isBehind = false
    const text = formatEpochCheckpoint(this.#cache.entries)
    try {
      await putFile(this.#disk, `${this.#place.directory}/${EPOCH_CHECKPOINT}`, Buffer.from(text, 'utf8'))
    } catch (error) {
      this.#isBehind = true
      throw error
    }
    this.#entries.changed()
  }

  /**
   * Durable at once: epochs went with what was cut. If a power loss brought them back, recovery would keep what was cut, and cut
   * what was fetched in its place.
   */
  async writeCut(): Promise<void> {
    await this.write()
    await this.#entries.sync()
  }
}
