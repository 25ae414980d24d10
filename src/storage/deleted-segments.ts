/**
 * Segments that left a log: their files are renamed at once and go for good after file.delete.delay.ms.
 *
 * Readers may still be in a renamed file until it goes. What a killed process leaves under such a name goes with its next
 * start.
 */
import type { Logger } from '../base/logger.ts'
import type { Clock, Timer } from '../world/world.ts'
import type { DirectoryEntries } from './directory-entries.ts'
import type { ProducerSnapshots } from './producer-snapshots.ts'
import type { Segment } from './segment.ts'
import { DELETED } from './segment-files.ts'

export class DeletedSegments {
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #entries: DirectoryEntries
  readonly #snapshots: ProducerSnapshots
  readonly #timers = new Set<Timer>()
  readonly #renamed = new Set<Segment>()

  constructor(clock: Clock, logger: Logger, entries: DirectoryEntries, snapshots: ProducerSnapshots) {
    this.#clock = clock
    this.#logger = logger
    this.#entries = entries
    this.#snapshots = snapshots
  }

  /** Those without files only go. */
  async discard(segments: readonly Segment[], delayMs: number): Promise<void> {
    const renamed: Segment[] = []
    for (const segment of segments) {
      this.#snapshots.forget(segment.baseOffset)
      if (segment.isCreated) {
        await segment.rename(DELETED)
        renamed.push(segment)
      } else await segment.remove()
    }
    this.#entries.changed()
    if (renamed.length === 0) return
    const timer = this.#clock.at(this.#clock.monotonicMs() + delayMs, () => {
      this.#timers.delete(timer)
      for (const segment of renamed) this.#remove(segment)
    })
    this.#timers.add(timer)
    for (const segment of renamed) this.#renamed.add(segment)
  }

  #remove(segment: Segment): void {
    segment
      .removeRenamed(DELETED)
      // What cannot be removed now goes at the next start.
      .catch((error: unknown) => this.#logger.warn(`${segment.path('.log')}.deleted stays`, error))
    this.#renamed.delete(segment)
  }

  /** Lets go of timers and files; what is renamed stays. */
  async close(): Promise<void> {
    for (const timer of this.#timers) timer.cancel()
    this.#timers.clear()
    for (const segment of this.#renamed) await segment.close()
  }
}
