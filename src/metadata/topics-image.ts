/**
 * Topics and partitions as the metadata log states them. Immutable; topics that did not change are shared between
 * images, and equal replica lists of one partition are one array, so that 10,000 partitions weigh little.
 */
import type { Uuid } from '../base/uuid.ts'
import { PersistentMap } from './persistent-map.ts'

/** Index in `TopicImage.partitions` is the partition's number. */
export interface PartitionImage {
  /** In the order of preference. */
  readonly replicas: readonly number[]
  /** One a replica, in the order of `replicas`; see base/uuid.ts for the values that name no directory. */
  readonly directories: readonly Uuid[]
  readonly isr: readonly number[]
  /** -1: none. */
  readonly leader: number
  /** Grows with each change of the leader. */
  readonly leaderEpoch: number
  /** Grows with each change of the partition. */
  readonly partitionEpoch: number
  readonly addingReplicas: readonly number[]
  readonly removingReplicas: readonly number[]
  /** 1: elected unclean and not yet recovered. */
  readonly leaderRecoveryState: 0 | 1
  /** Eligible leader replicas (KIP-966). */
  readonly elr: readonly number[]
  readonly lastKnownElr: readonly number[]
}

export interface TopicImage {
  readonly id: Uuid
  readonly name: string
  readonly partitions: readonly PartitionImage[]
}

export class TopicsImage {
  static readonly EMPTY = new TopicsImage(PersistentMap.empty(), PersistentMap.empty())

  readonly #byName: PersistentMap<string, TopicImage>
  readonly #nameById: PersistentMap<Uuid, string>

  constructor(byName: PersistentMap<string, TopicImage>, nameById: PersistentMap<Uuid, string>) {
    this.#byName = byName
    this.#nameById = nameById
  }

  get size(): number {
    return this.#byName.size
  }

  byName(name: string): TopicImage | null {
    return this.#byName.get(name) ?? null
  }

  byId(id: Uuid): TopicImage | null {
    const name = this.#nameById.get(id)
    return name === undefined ? null : this.byName(name)
  }

  partition(name: string, partition: number): PartitionImage | null {
    return this.#byName.get(name)?.partitions[partition] ?? null
  }

  /** In no particular order. */
  all(): IterableIterator<TopicImage> {
    return this.#byName.values()
  }

  names(): IterableIterator<string> {
    return this.#byName.keys()
  }

  /** A new version; null deletes. */
  with(changes: ReadonlyMap<string, TopicImage | null>): TopicsImage {
    if (changes.size === 0) return this
    const byName = new Map<string, TopicImage | undefined>()
    const nameById = new Map<Uuid, string | undefined>()
    for (const [name, topic] of changes) {
      const before = this.byName(name)
      if (before !== null && before.id !== topic?.id) nameById.set(before.id, undefined)
      byName.set(name, topic ?? undefined)
      if (topic !== null && before?.id !== topic.id) nameById.set(topic.id, name)
    }
    return new TopicsImage(this.#byName.with(byName), this.#nameById.with(nameById))
  }
}
