/**
 * Whether the names in a log's directory survive a power loss: files are made, renamed and removed as it comes, and the
 * directory is synced when somebody promises that they last.
 */
import type { Disk } from '../world/world.ts'
import type { LogPlace } from './segment-files.ts'

export class DirectoryEntries {
  readonly #disk: Disk
  readonly #place: LogPlace
  /** Counts changes; those up to #synced survive a power loss. */
  #changes: number
  #synced = 0

  /** `hasNew`: some were changed already. */
  constructor(disk: Disk, place: LogPlace, hasNew: boolean) {
    this.#disk = disk
    this.#place = place
    this.#changes = hasNew ? 1 : 0
  }

  /** Files were made or renamed: `sync` has something to do. */
  changed(): void {
    this.#changes++
  }

  /** What changed so far survives a power loss afterwards, also for those who ask while it is under way. */
  async sync(): Promise<void> {
    const changes = this.#changes
    if (changes <= this.#synced) return
    await this.#disk.syncDirectory(this.#place.directory)
    this.#synced = Math.max(this.#synced, changes)
  }
}
