/**
 * A fetch that waits for bytes (Kafka's fetch purgatory, one object per waiting fetch).
 *
 * It watches its partitions and is done when they gained `minBytes`, when one of them changed hands, or at its deadline,
 * whichever is first; then the fetch reads anew. Counting gained bytes instead of reading at each append keeps a fetch
 * over many partitions cheap; the count is a hint, the read decides. A read_committed fetch doesn't count what an open
 * transaction keeps back, and looks again when that transaction ends.
 */
import type { Clock, Timer } from '../world/world.ts'
import type { PartitionWatcher, Reach, StableMove } from './partition-readers.ts'
import type { Partition } from './partition.ts'

export class DelayedFetch implements PartitionWatcher {
  readonly #partitions: readonly Partition[]
  readonly #done: (wanted: boolean) => void
  readonly #timer: Timer
  readonly #reach: Reach
  #missingBytes: number
  #isDone = false

  /** `done` runs once, with false after `cancel`. `missingBytes` is what the reads so far lacked of minBytes. */
  constructor(
    clock: Clock,
    deadlineMs: number,
    partitions: readonly Partition[],
    missingBytes: number,
    reach: Reach,
    done: (wanted: boolean) => void,
  ) {
    this.#reach = reach
    this.#partitions = partitions
    this.#missingBytes = missingBytes
    this.#done = done
    this.#timer = clock.at(deadlineMs, () => this.#complete(true))
    for (const partition of partitions) partition.watch(this, reach)
  }

  readable(bytes: number, stable: StableMove): void {
    if (this.#reach === 'stable' && stable === 'still') return
    this.#missingBytes -= bytes
    if (this.#missingBytes <= 0 || (this.#reach === 'stable' && stable === 'otherwise')) this.#complete(true)
  }

  changed(): void {
    this.#complete(true)
  }

  /** The fetch is no longer wanted (its connection closed). */
  cancel(): void {
    this.#complete(false)
  }

  #complete(wanted: boolean): void {
    if (this.#isDone) return
    this.#isDone = true
    this.#timer.cancel()
    for (const partition of this.#partitions) partition.unwatch(this)
    this.#done(wanted)
  }
}
