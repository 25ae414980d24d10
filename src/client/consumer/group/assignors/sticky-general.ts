/**
 * The sticky assignment where members subscribe to different topics: what is owned is kept, what is free goes to whoever has
 * least, and then partitions move as long as that makes the shares more equal.
 */
import { keyOf, type TopicPartition } from '../../topic-partition.ts'
import type { AssignableTopics } from './assignor.ts'
import { inHashOrder, partitionHash } from './java-hash-order.ts'
import { compareStrings } from './member-order.ts'
import { NO_GENERATION, remove, type StickyMembers, type StickyRacks } from './sticky-members.ts'

interface Before {
  readonly id: string
  readonly generation: number
}

export function assignGeneral(
  topics: AssignableTopics,
  members: StickyMembers,
  racks: StickyRacks,
): Map<string, TopicPartition[]> {
  return new GeneralBuilder(topics, members, racks).build()
}

class GeneralBuilder {
  readonly #topics: AssignableTopics
  readonly #members: StickyMembers
  readonly #racks: StickyRacks
  #assigned: Map<string, TopicPartition[]>
  #ownerOf = new Map<string, string>()
  readonly #before = new Map<string, Before>()
  readonly #topicsOf = new Map<string, ReadonlySet<string>>()
  readonly #subscribersOf = new Map<string, string[]>()
  /** Members by how much they have, then by id; whose share changes is taken out and put back. */
  readonly #order: string[] = []
  readonly #moves = new Moves()
  #mustRevoke = false

  constructor(topics: AssignableTopics, members: StickyMembers, racks: StickyRacks) {
    this.#topics = topics
    this.#members = members
    this.#racks = racks
    this.#assigned = members.owned
    for (const topic of topics.keys()) this.#subscribersOf.set(topic, [])
    for (const id of members.ids) {
      const subscribed = members.subscriptions.get(id)!.topics.filter((topic) => topics.has(topic))
      this.#topicsOf.set(id, new Set(subscribed))
      for (const topic of subscribed) this.#subscribersOf.get(topic)!.push(id)
      for (const partition of this.#assigned.get(id)!) this.#ownerOf.set(keyOf(partition), id)
    }
  }

  build(): Map<string, TopicPartition[]> {
    this.#readBefore()
    const kept = this.#keepOwned()
    let all = this.#allPartitions()
    let free = all.filter((partition) => !kept.has(keyOf(partition)))
    for (const id of this.#assigned.keys()) this.#put(id)
    const isNew = this.#assigned.get(this.#order.at(-1)!)!.length === 0
    this.#assignFree(free)

    const isMovable = ({ topic }: TopicPartition): boolean => this.#subscribersOf.get(topic)!.length >= 2
    all = all.filter(isMovable)
    free = free.filter(isMovable)
    const fixed = new Map<string, TopicPartition[]>()
    for (const id of this.#members.ids) {
      if (this.#mayTakePart(id)) continue
      this.#take(id)
      fixed.set(id, this.#assigned.get(id)!)
      this.#assigned.delete(id)
    }
    const assignedBefore = copyOf(this.#assigned)
    const ownersBefore = new Map(this.#ownerOf)
    if (!this.#mustRevoke) this.#reassign(free)
    const hasMoved = this.#reassign(all)
    if (!isNew && hasMoved && imbalance(this.#assigned) >= imbalance(assignedBefore)) {
      this.#assigned = assignedBefore
      this.#ownerOf = ownersBefore
    }
    for (const [id, partitions] of fixed) this.#assigned.set(id, partitions)
    return this.#assigned
  }

  /** Claims of older generations: to whom a partition may go back. */
  #readBefore(): void {
    const { ids, told, maxGeneration } = this.#members
    for (const id of ids) {
      const { partitions, generation } = told.get(id)!
      if (generation === null ? maxGeneration <= NO_GENERATION : generation >= maxGeneration) continue
      for (const partition of partitions) {
        const known = this.#before.get(keyOf(partition))
        const claim = { id, generation: generation ?? NO_GENERATION }
        if (known === undefined || claim.generation > known.generation) this.#before.set(keyOf(partition), claim)
      }
    }
  }

  /** Keys of what stays with its owner. */
  #keepOwned(): Set<string> {
    const kept = new Set<string>()
    for (const [id, partitions] of this.#assigned) {
      for (const partition of [...partitions]) {
        const isStill = this.#topicsOf.get(id)!.has(partition.topic) && !this.#racks.isFar(id, partition)
        if (isStill) kept.add(keyOf(partition))
        else {
          remove(partitions, partition)
          this.#mustRevoke = true
        }
      }
    }
    return kept
  }

  /** Those with few subscribers first. */
  #allPartitions(): TopicPartition[] {
    const count = (topic: string): number => this.#subscribersOf.get(topic)!.length
    const topics = [...this.#topics.keys()].toSorted(
      (one, other) => count(one) - count(other) || compareStrings(one, other),
    )
    return topics.flatMap((topic) => this.#topics.get(topic)!.map(({ partition }) => ({ topic, partition })))
  }

  #assignFree(free: readonly TopicPartition[]): void {
    const isNear = (id: string, partition: TopicPartition): boolean => !this.#racks.isFar(id, partition)
    let left = free
    if (this.#racks.members.size > 0) left = free.filter((partition) => !this.#assignTo(partition, isNear))
    for (const partition of left) this.#assignTo(partition, () => true)
  }

  #assignTo(partition: TopicPartition, may: (id: string, partition: TopicPartition) => boolean): boolean {
    const id = this.#order.find((one) => this.#topicsOf.get(one)!.has(partition.topic) && may(one, partition))
    if (id === undefined) return false
    this.#take(id)
    this.#assigned.get(id)!.push(partition)
    this.#ownerOf.set(keyOf(partition), id)
    this.#put(id)
    return true
  }

  #mayTakePart(id: string): boolean {
    const mine = this.#assigned.get(id)!
    if (mine.length < this.#most(id)) return true
    return mine.some(({ topic }) => this.#subscribersOf.get(topic)!.length >= 2)
  }

  /** What `id` could have at most. */
  #most(id: string): number {
    let most = 0
    for (const topic of this.#topicsOf.get(id)!) most += this.#topics.get(topic)!.length
    return most
  }

  #isBalanced(): boolean {
    const least = this.#assigned.get(this.#order[0]!)!.length
    const most = this.#assigned.get(this.#order.at(-1)!)!.length
    if (least >= most - 1) return true
    for (const id of this.#order) {
      const mine = this.#assigned.get(id)!.length
      if (mine === this.#most(id)) continue
      for (const topic of this.#topicsOf.get(id)!) {
        for (const { partition } of this.#topics.get(topic)!) {
          const owner = this.#ownerOf.get(keyOf({ topic, partition }))
          if (owner === undefined || owner === id) continue
          const theirs = this.#assigned.get(owner)
          if (theirs !== undefined && mine + 1 < theirs.length) return false
        }
      }
    }
    return true
  }

  #reassign(partitions: readonly TopicPartition[]): boolean {
    let hasMoved = false
    for (let moves = true; moves;) {
      moves = false
      for (const partition of partitions) {
        if (this.#isBalanced()) break
        if (!this.#improve(partition)) continue
        hasMoved = true
        moves = true
      }
    }
    return hasMoved
  }

  #improve(partition: TopicPartition): boolean {
    const owner = this.#ownerOf.get(keyOf(partition))!
    const mine = this.#assigned.get(owner)!.length
    const before = this.#before.get(keyOf(partition))
    const theirs = before === undefined ? undefined : this.#assigned.get(before.id)
    if (before !== undefined && theirs !== undefined && mine > theirs.length + 1) {
      this.#moveTo(partition, before.id)
      return true
    }
    const hasLess = (id: string): boolean => mine > (this.#assigned.get(id)?.length ?? Infinity) + 1
    if (!this.#subscribersOf.get(partition.topic)!.some(hasLess)) return false
    const next = this.#order.find((id) => this.#topicsOf.get(id)!.has(partition.topic))!
    this.#moveTo(partition, next)
    return true
  }

  /** What moves may be another partition of the topic: one that came the other way. */
  #moveTo(wanted: TopicPartition, next: string): void {
    const partition = this.#moves.actual(wanted, this.#ownerOf.get(keyOf(wanted))!, next)
    const owner = this.#ownerOf.get(keyOf(partition))!
    this.#take(owner)
    this.#take(next)
    this.#moves.moved(partition, owner, next)
    remove(this.#assigned.get(owner)!, partition)
    this.#assigned.get(next)!.push(partition)
    this.#ownerOf.set(keyOf(partition), next)
    this.#put(next)
    this.#put(owner)
  }

  #take(id: string): void {
    const at = this.#order.indexOf(id)
    if (at >= 0) this.#order.splice(at, 1)
  }

  #put(id: string): void {
    const mine = this.#assigned.get(id)!.length
    let low = 0
    let high = this.#order.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const other = this.#order[middle]!
      const difference = this.#assigned.get(other)!.length - mine || compareStrings(other, id)
      if (difference < 0) low = middle + 1
      else high = middle
    }
    this.#order.splice(low, 0, id)
  }
}

/** Which partitions went from whom to whom, so that none goes one way while another of its topic comes back. */
class Moves {
  readonly #of = new Map<string, { readonly from: string; readonly to: string; readonly partition: TopicPartition }>()

  actual(partition: TopicPartition, owner: string, next: string): TopicPartition {
    const from = this.#of.get(keyOf(partition))?.from ?? owner
    const reverse: TopicPartition[] = []
    for (const move of this.#of.values()) {
      if (move.partition.topic === partition.topic && move.from === next && move.to === from)
        reverse.push(move.partition)
    }
    return inHashOrder(reverse, partitionHash)[0] ?? partition
  }

  moved(partition: TopicPartition, owner: string, next: string): void {
    const key = keyOf(partition)
    const from = this.#of.get(key)?.from ?? owner
    this.#of.delete(key)
    if (from !== next) this.#of.set(key, { from, to: next, partition })
  }
}

function copyOf(assigned: ReadonlyMap<string, readonly TopicPartition[]>): Map<string, TopicPartition[]> {
  return new Map([...assigned].map(([id, partitions]) => [id, [...partitions]]))
}

/** The differences of all pairs of members. */
function imbalance(assigned: ReadonlyMap<string, readonly TopicPartition[]>): number {
  const counts = [...assigned.values()].map(({ length }) => length).toSorted((one, other) => one - other)
  let sum = 0
  for (const [index, count] of counts.entries()) sum += count * (2 * index - counts.length + 1)
  return sum
}
