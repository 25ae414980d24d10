/**
 * The sticky assignment where all members subscribe to the same topics: everybody gets the lower or the upper share, keeps
 * what they own up to it, and what is left goes round.
 */
import { keyOf, type TopicPartition } from '../../topic-partition.ts'
import type { AssignableTopics } from './assignor.ts'
import { compareStrings } from './member-order.ts'
import { remove, type StickyMembers, type StickyRacks } from './sticky-members.ts'

export interface UniformAssignment {
  readonly assigned: Map<string, TopicPartition[]>
  /** Who gets what somebody else may still have. */
  readonly transferring: Map<string, string>
}

export function assignUniform(topics: AssignableTopics, members: StickyMembers, racks: StickyRacks): UniformAssignment {
  return new UniformBuilder(topics, members, racks).build()
}

class UniformBuilder {
  readonly #topics: AssignableTopics
  readonly #members: StickyMembers
  readonly #racks: StickyRacks
  readonly #assigned: Map<string, TopicPartition[]>
  readonly #transferring = new Map<string, string>()
  /** Who owned what may be taken from them. */
  readonly #released = new Map<string, string>()
  readonly #kept = new Set<string>()
  readonly #low: number
  readonly #high: number
  /** How many get the upper share, and have it. */
  readonly #highWanted: number
  #highCount = 0
  /** Below the lower share; exactly at it, while the upper is still to be had. */
  readonly #below: string[] = []
  readonly #atLow: string[] = []

  constructor(topics: AssignableTopics, members: StickyMembers, racks: StickyRacks) {
    this.#topics = topics
    this.#members = members
    this.#racks = racks
    this.#assigned = new Map(members.ids.map((id) => [id, []]))
    const total = [...topics.values()].reduce((sum, partitions) => sum + partitions.length, 0)
    this.#low = Math.floor(total / members.ids.length)
    this.#high = Math.ceil(total / members.ids.length)
    this.#highWanted = total % members.ids.length
  }

  build(): UniformAssignment {
    for (const id of this.#members.ids) this.#keep(id)
    this.#below.sort(compareStrings)
    this.#atLow.sort(compareStrings)
    const left = this.#racks.inOrderOfNeed(this.#unassigned())
    this.#giveRound(this.#racks.members.size > 0 ? this.#giveNear(left) : left)
    return { assigned: this.#assigned, transferring: this.#transferring }
  }

  #keep(id: string): void {
    const owned: TopicPartition[] = []
    for (const partition of this.#members.owned.get(id)!) {
      if (this.#racks.isFar(id, partition)) this.#released.set(keyOf(partition), id)
      else owned.push(partition)
    }
    owned.sort((one, other) => one.partition - other.partition || compareStrings(one.topic, other.topic))
    for (const partition of [...owned]) if (this.#members.disputed.has(keyOf(partition))) remove(owned, partition)
    let keeps = owned.length
    if (owned.length < this.#low) this.#below.push(id)
    else if (owned.length >= this.#high && this.#highCount < this.#highWanted) {
      keeps = this.#high
      this.#countHigh()
    } else {
      keeps = this.#low
      if (this.#highCount < this.#highWanted) this.#atLow.push(id)
    }
    for (const partition of owned.slice(0, keeps)) {
      this.#assigned.get(id)!.push(partition)
      this.#kept.add(keyOf(partition))
    }
    for (const partition of owned.slice(keeps)) this.#released.set(keyOf(partition), id)
  }

  #countHigh(): void {
    this.#highCount += 1
    if (this.#highCount === this.#highWanted) this.#atLow.length = 0
  }

  #unassigned(): TopicPartition[] {
    const left: TopicPartition[] = []
    for (const topic of [...this.#topics.keys()].toSorted(compareStrings)) {
      for (const { partition } of this.#topics.get(topic)!) {
        if (!this.#kept.has(keyOf({ topic, partition }))) left.push({ topic, partition })
      }
    }
    return left
  }

  /** What can be read near, within the shares; returns what is left. */
  #giveNear(partitions: readonly TopicPartition[]): TopicPartition[] {
    let turn = 0
    return partitions.filter((partition) => {
      let next = this.#racks.nextNear(partition, this.#below, turn)
      if (next >= 0) {
        const id = this.#below[next]!
        const count = this.#assigned.get(id)!.length + 1
        if (count >= this.#low) {
          this.#below.splice(next, 1)
          if (count < this.#high && this.#highCount < this.#highWanted) this.#atLow.push(id)
        } else next += 1
        turn = this.#below.length === 0 ? 0 : next % this.#below.length
        this.#give(partition, id)
        return false
      }
      const near = this.#racks.nextNear(partition, this.#atLow, 0)
      if (near < 0) return true
      const id = this.#atLow[near]!
      if (this.#assigned.get(id)!.length + 1 === this.#high) {
        this.#atLow.splice(near, 1)
        this.#countHigh()
      }
      this.#give(partition, id)
      return false
    })
  }

  #giveRound(partitions: readonly TopicPartition[]): void {
    let turn = 0
    for (const partition of partitions) {
      let id: string
      let isBelow = true
      if (turn < this.#below.length) id = this.#below[turn]!
      else if (this.#below.length > 0) {
        turn = 0
        id = this.#below[0]!
      } else {
        isBelow = false
        id = this.#atLow.shift()!
      }
      const count = this.#give(partition, id)
      if (isBelow && count === this.#low) {
        this.#below.splice(turn, 1)
        this.#atLow.push(id)
      } else {
        if (isBelow) turn += 1
        if (count === this.#high) this.#highCount += 1
      }
    }
  }

  #give(partition: TopicPartition, id: string): number {
    const mine = this.#assigned.get(id)!
    mine.push(partition)
    const key = keyOf(partition)
    const before = this.#released.get(key)
    if ((before !== undefined && before !== id) || this.#members.disputed.has(key)) this.#transferring.set(key, id)
    return mine.length
  }
}
