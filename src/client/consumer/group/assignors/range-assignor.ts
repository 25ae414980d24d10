/**
 * `range`: of every topic each subscriber gets a run of partitions, the first ones one more. Topics with as many partitions and
 * the same subscribers are shared out alike, so that one member gets partition n of each.
 *
 * With racks (KIP-881) what can be read in a member's own rack is given first, without changing how many each gets; topics
 * that are shared out alike stay so. The rest follows as without racks.
 */
import type { TopicPartition } from '../../topic-partition.ts'
import type {
  AssignablePartition,
  AssignableTopics,
  MemberAssignment,
  PartitionAssignor,
  Subscriptions,
} from './assignor.ts'
import { compareStrings, inMemberOrder, racksMatter, racksOf, replicaRacks } from './member-order.ts'

export const rangeAssignor: PartitionAssignor = {
  name: 'range',
  isCooperative: false,
  assign(topics: AssignableTopics, members: Subscriptions): ReadonlyMap<string, MemberAssignment> {
    const racks = racksOf(members)
    const assigned = new Map<string, TopicPartition[]>([...members.keys()].map((id) => [id, []]))
    const ranges: TopicRange[] = []
    for (const [topic, partitions] of topics) {
      const subscribers = inMemberOrder([...members].filter(([, subscription]) => subscription.topics.includes(topic)))
      if (partitions.length > 0) ranges.push(new TopicRange(partitions, subscribers, racks, assigned))
    }
    const usesRacks = ranges.some(({ needsRacks }) => needsRacks)
    if (usesRacks) assignNear(ranges)
    for (const range of ranges) range.assignRuns(() => true)
    if (usesRacks) {
      for (const partitions of assigned.values()) {
        partitions.sort((one, other) => compareStrings(one.topic, other.topic) || one.partition - other.partition)
      }
    }
    return new Map([...assigned].map(([id, partitions]) => [id, { partitions }]))
  },
}

/** Topics that are alike move together. */
function assignNear(ranges: readonly TopicRange[]): void {
  const alike = new Map<string, TopicRange[]>()
  for (const range of ranges) {
    const kind = JSON.stringify([range.count, range.subscribers])
    const same = alike.get(kind)
    if (same === undefined) alike.set(kind, [range])
    else same.push(range)
  }
  for (const same of alike.values()) {
    const [first] = same
    if (same.length > 1) assignAlikeNear(same)
    else if (first?.needsRacks === true) first.assignRuns((member, index) => first.isNear(member, index))
  }
}

function assignAlikeNear(same: readonly TopicRange[]): void {
  const { count, subscribers } = same[0]!
  const left = new Set(subscribers)
  for (let index = 0; index < count && left.size > 0; index++) {
    for (const member of left) {
      if (!same.every((range) => range.isNear(member, index) && range.room(member) > 0)) continue
      for (const range of same) range.give(member, [index])
      if (same.every((range) => range.room(member) === 0)) left.delete(member)
      break
    }
  }
}

class TopicRange {
  readonly subscribers: readonly string[]
  readonly needsRacks: boolean
  readonly #partitions: readonly AssignablePartition[]
  readonly #replicaRacks: readonly ReadonlySet<string>[]
  readonly #racks: ReadonlyMap<string, string>
  readonly #assigned: ReadonlyMap<string, TopicPartition[]>
  /** Indexes that nobody has. */
  readonly #left: Set<number>
  readonly #given = new Map<string, number>()
  readonly #share: number
  #extra: number

  constructor(
    partitions: readonly AssignablePartition[],
    subscribers: readonly string[],
    racks: ReadonlyMap<string, string>,
    assigned: ReadonlyMap<string, TopicPartition[]>,
  ) {
    this.subscribers = subscribers
    this.#partitions = partitions
    this.#racks = racks
    this.#assigned = assigned
    this.#left = new Set(partitions.keys())
    const members = subscribers.length
    this.#share = members === 0 ? 0 : Math.floor(partitions.length / members)
    this.#extra = members === 0 ? 0 : partitions.length % members
    this.#replicaRacks = partitions.map(replicaRacks)
    const memberRacks = new Set(subscribers.map((id) => racks.get(id)).filter((rack) => rack !== undefined))
    this.needsRacks = racksMatter(memberRacks, this.#replicaRacks)
  }

  get count(): number {
    return this.#partitions.length
  }

  isNear(member: string, index: number): boolean {
    const rack = this.#racks.get(member)
    return rack === undefined || this.#replicaRacks[index]!.has(rack)
  }

  /** How many `member` may still get. */
  room(member: string): number {
    return Math.max(0, this.#share + (this.#extra > 0 ? 1 : 0) - (this.#given.get(member) ?? 0))
  }

  give(member: string, indexes: readonly number[]): void {
    const partitions = this.#assigned.get(member)!
    for (const index of indexes) {
      const { topic, partition } = this.#partitions[index]!
      partitions.push({ topic, partition })
      this.#left.delete(index)
    }
    const given = (this.#given.get(member) ?? 0) + indexes.length
    this.#given.set(member, given)
    if (given > this.#share) this.#extra -= 1
  }

  assignRuns(may: (member: string, index: number) => boolean): void {
    for (const member of this.subscribers) {
      const run = [...this.#left].filter((index) => may(member, index)).slice(0, this.room(member))
      if (run.length > 0) this.give(member, run)
    }
  }
}
