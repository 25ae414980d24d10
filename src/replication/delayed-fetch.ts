/**
 * A fetch that waits for bytes (Kafka's fetch purgatory, one object per waiting fetch).
 *
 * It watches its partitions and is done when they gained `minBytes`, when one of them changed hands, or at its deadline,
 * whichever is first; then the fetch reads anew. Counting gained bytes instead of reading at each append keeps a fetch
 * over many partitions cheap; the count is a hint, the read decides. A read_committed fetch doesn't count what an open
 * transaction keeps back, and looks again when that transaction ends; a replica's doesn't count what a throttle holds back.
 */
import type { Clock, Timer } from '../world/world.ts'
import type { PartitionWatcher, Reach, StableMove } from './partition-readers.ts'
import type { Partition } from './partition.ts'

export class DelayedFetch implements PartitionWatcher {
  readonly #watched: readonly (readonly [Partition, PartitionWatcher])[]
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
    isHeldBack: (partition: Partition) => boolean,
    done: (wanted: boolean) => void,
  ) {
    this.#reach = reach
    this.#watched = partitions.map((partition) => [
      partition,
      isHeldBack(partition) ? this.#ifReleased(() => !isHeldBack(partition)) : this,
    ])
    this.#missingBytes = missingBytes
    this.#done = done
    this.#timer = clock.at(deadlineMs, () => this.#complete(true))
    for (const [partition, watcher] of this.#watched) partition.watch(watcher, reach)
  }

  readable(bytes: number, stable: StableMove): void {
    if (this.#reach === 'stable' && stable === 'still') return
    this.#missingBytes -= bytes
    if (this.#missingBytes <= 0 || (this.#reach === 'stable' && stable === 'otherwise')) this.#complete(true)
  }

  changed(): void {
    this.#complete(true)
  }

  /** For a partition of which nothing can be read when the wait begins. */
  #ifReleased(isReleased: () => boolean): PartitionWatcher {
    return {
      readable: (bytes, stable) => {
        if (isReleased()) this.readable(bytes, stable)
      },
      changed: () => this.changed(),
    }
  }

  /** The fetch is no longer wanted (its connection closed). */
  cancel(): void {
    this.#complete(false)
  }

  #complete(wanted: boolean): void {
    if (this.#isDone) return
    this.#isDone = true
    this.#timer.cancel()
    for (const [partition, watcher] of this.#watched) partition.unwatch(watcher)
    this.#done(wanted)
  }
}
