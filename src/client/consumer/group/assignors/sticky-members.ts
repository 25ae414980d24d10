/**
 * What the sticky assignors take from the members' subscriptions: who owned what and in which generation, and whether racks
 * matter. A partition that two members claim belongs to the one of the newer generation, and to nobody if both are of one.
 */
import { keyOf, type TopicPartition } from '../../topic-partition.ts'
import type { AssignableTopics, MemberSubscription, Subscriptions } from './assignor.ts'
import { inHashOrder, stringHash } from './java-hash-order.ts'
import { racksMatter, racksOf, replicaRacks } from './member-order.ts'

export const NO_GENERATION = -1

/** As a member tells it of itself; null: of no generation. */
export interface OwnedBefore {
  readonly partitions: readonly TopicPartition[]
  readonly generation: number | null
}

export type ReadOwned = (subscription: MemberSubscription) => OwnedBefore

export interface StickyMembers {
  /** Members in the order of Java's maps. */
  readonly ids: readonly string[]
  readonly subscriptions: Subscriptions
  readonly told: ReadonlyMap<string, OwnedBefore>
  /** What each keeps a claim on. */
  readonly owned: Map<string, TopicPartition[]>
  /** Keys of what several claimed in one generation. */
  readonly disputed: ReadonlySet<string>
  readonly isUniform: boolean
  readonly maxGeneration: number
}

export function stickyMembers(
  topics: AssignableTopics,
  subscriptions: Subscriptions,
  readOwned: ReadOwned,
  generationBefore: number,
): StickyMembers {
  const ids = inHashOrder(subscriptions.keys(), stringHash)
  const told = new Map<string, OwnedBefore>()
  const owned = new Map<string, TopicPartition[]>()
  const disputed = new Set<string>()
  const ownerOf = new Map<string, string>()
  let first: readonly string[] = []
  let isUniform = true
  let maxGeneration = generationBefore
  for (const id of ids) {
    const subscription = subscriptions.get(id)!
    if (first.length === 0) first = subscription.topics
    else if (!isSameSet(first, subscription.topics)) isUniform = false
    const before = readOwned(subscription)
    told.set(id, before)
    const generation = before.generation ?? NO_GENERATION
    maxGeneration = Math.max(maxGeneration, generation)
    const mine: TopicPartition[] = []
    owned.set(id, mine)
    for (const partition of before.partitions) {
      if (!topics.has(partition.topic)) continue
      const key = keyOf(partition)
      const other = ownerOf.get(key)
      if (other !== undefined) {
        const otherGeneration = Math.max(subscriptions.get(other)!.generationId, NO_GENERATION)
        if (generation < otherGeneration) continue
        remove(owned.get(other)!, partition)
        ownerOf.set(key, id)
        if (generation === otherGeneration) {
          disputed.add(key)
          continue
        }
      }
      mine.push(partition)
      ownerOf.set(key, id)
    }
  }
  return { ids, subscriptions, told, owned, disputed, isUniform, maxGeneration }
}

export function remove(partitions: TopicPartition[], { topic, partition }: TopicPartition): void {
  const at = partitions.findIndex((one) => one.topic === topic && one.partition === partition)
  if (at >= 0) partitions.splice(at, 1)
}

function isSameSet(one: readonly string[], other: readonly string[]): boolean {
  const set = new Set(one)
  return other.length === set.size && other.every((topic) => set.has(topic))
}

/** Racks of members and replicas (KIP-881); empty where they say nothing. */
export class StickyRacks {
  /** By member. */
  readonly members: ReadonlyMap<string, string>
  readonly #partitions = new Map<string, ReadonlySet<string>>()
  readonly #nearCount = new Map<string, number>()

  constructor(topics: AssignableTopics, subscriptions: Subscriptions) {
    const racks = racksOf(subscriptions)
    const partitions = [...topics.values()].flat()
    const replicas = partitions.map(replicaRacks)
    const matters = racks.size > 0 && racksMatter(new Set(racks.values()), replicas)
    this.members = matters ? racks : new Map()
    if (!matters) return
    for (const [index, partition] of partitions.entries()) {
      const here = replicas[index]!
      this.#partitions.set(keyOf(partition), here)
      this.#nearCount.set(keyOf(partition), [...racks.values()].filter((rack) => here.has(rack)).length)
    }
  }

  of(partition: TopicPartition): ReadonlySet<string> | undefined {
    return this.#partitions.get(keyOf(partition))
  }

  isFar(member: string, partition: TopicPartition): boolean {
    const rack = this.members.get(member)
    return rack !== undefined && this.of(partition)?.has(rack) !== true
  }

  /** Those that few can read near come first. */
  inOrderOfNeed(partitions: readonly TopicPartition[]): TopicPartition[] {
    return partitions.toSorted(
      (one, other) => (this.#nearCount.get(keyOf(one)) ?? 0) - (this.#nearCount.get(keyOf(other)) ?? 0),
    )
  }

  /** The index of the next member, from `first` on, in a rack of the partition; -1 if there is none. */
  nextNear(partition: TopicPartition, members: readonly string[], first: number): number {
    const racks = this.of(partition)
    if (racks === undefined || racks.size === 0) return -1
    for (let step = 0; step < members.length; step++) {
      const index = (first + step) % members.length
      const rack = this.members.get(members[index]!)
      if (rack !== undefined && racks.has(rack)) return index
    }
    return -1
  }
}
