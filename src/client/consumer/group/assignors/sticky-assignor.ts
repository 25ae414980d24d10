/**
 * `sticky` and `cooperative-sticky`: shares as equal as can be, while members keep as much as possible of what they had.
 *
 * They come to the same assignment as Java's classes do, down to how ties are broken, because the leader of a group may be
 * on either side. `sticky` is eager: members remember what they had and tell it in their user data. `cooperative-sticky`
 * (KIP-429) goes by what members own; a partition that must move is given to nobody until its owner has let go of it.
 */
import { ByteReader, MalformedError } from '../../../../base/byte-reader.ts'
import { ByteWriter } from '../../../../base/byte-writer.ts'
import { byTopic, keyOf, type TopicPartition } from '../../topic-partition.ts'
import type {
  AssignableTopics,
  MemberAssignment,
  MemberSubscription,
  PartitionAssignor,
  Subscriptions,
} from './assignor.ts'
import { NO_GENERATION, StickyRacks, stickyMembers, type OwnedBefore, type ReadOwned } from './sticky-members.ts'
import { assignGeneral } from './sticky-general.ts'
import { assignUniform } from './sticky-uniform.ts'

export function stickyAssignor(): PartitionAssignor {
  let memory: { readonly partitions: readonly TopicPartition[]; readonly generation: number } | null = null
  const share = sharer(readRemembered)
  return {
    name: 'sticky',
    isCooperative: false,
    userData: () => (memory === null ? null : writeRemembered(memory.partitions, memory.generation)),
    assign: (topics, members) => inPlain(share(topics, members).assigned),
    assigned: ({ partitions }, generation) => (memory = { partitions, generation }),
  }
}

export function cooperativeStickyAssignor(): PartitionAssignor {
  let generation = NO_GENERATION
  const share = sharer(readOwned)
  return {
    name: 'cooperative-sticky',
    isCooperative: true,
    userData: () => {
      const data = Buffer.alloc(4)
      data.writeInt32BE(generation)
      return data
    },
    assign: (topics, members) => {
      const { assigned, transferring } = share(topics, members)
      const held = transferring ?? transferred(members, assigned)
      for (const [id, partitions] of assigned) {
        assigned.set(
          id,
          partitions.filter((partition) => held.get(keyOf(partition)) !== id),
        )
      }
      return inPlain(assigned)
    },
    assigned: (_, now) => (generation = now),
  }
}

/** `transferring` is null where the algorithm doesn't know what moves. */
function sharer(
  read: ReadOwned,
): (
  topics: AssignableTopics,
  members: Subscriptions,
) => { assigned: Map<string, TopicPartition[]>; transferring: ReadonlyMap<string, string> | null } {
  let maxGeneration = NO_GENERATION
  return (topics, subscriptions) => {
    const present = new Map([...topics].filter(([, partitions]) => partitions.length > 0))
    const members = stickyMembers(present, subscriptions, read, maxGeneration)
    maxGeneration = members.maxGeneration
    const racks = new StickyRacks(present, subscriptions)
    if (members.isUniform) return assignUniform(present, members, racks)
    return { assigned: assignGeneral(present, members, racks), transferring: null }
  }
}

/** Who gets what somebody else owns now. */
function transferred(
  members: Subscriptions,
  assigned: ReadonlyMap<string, readonly TopicPartition[]>,
): Map<string, string> {
  const come = new Map<string, string>()
  const gone = new Set<string>()
  for (const [id, partitions] of assigned) {
    const owned = new Set(members.get(id)!.ownedPartitions.map(keyOf))
    const now = new Set(partitions.map(keyOf))
    for (const key of now) if (!owned.has(key)) come.set(key, id)
    for (const key of owned) if (!now.has(key)) gone.add(key)
  }
  for (const key of come.keys()) if (!gone.has(key)) come.delete(key)
  return come
}

function inPlain(assigned: ReadonlyMap<string, TopicPartition[]>): Map<string, MemberAssignment> {
  return new Map([...assigned].map(([id, partitions]) => [id, { partitions }]))
}

function readOwned({ ownedPartitions, generationId, userData }: MemberSubscription): OwnedBefore {
  if (generationId >= 0) return { partitions: ownedPartitions, generation: generationId }
  if (userData === null) return { partitions: ownedPartitions, generation: null }
  return { partitions: ownedPartitions, generation: userData.length < 4 ? NO_GENERATION : userData.readInt32BE(0) }
}

function writeRemembered(partitions: readonly TopicPartition[], generation: number): Buffer {
  const writer = new ByteWriter()
  const topics = byTopic(partitions)
  writer.int32(topics.size)
  for (const [topic, parts] of topics) {
    writer.string(topic)
    writer.int32(parts.length)
    for (const { partition } of parts) writer.int32(partition)
  }
  writer.int32(generation)
  return Buffer.concat(writer.finish())
}

/** Before 2.3 members told no generation. */
function readRemembered({ userData }: MemberSubscription): OwnedBefore {
  if (userData === null || userData.length === 0) return { partitions: [], generation: null }
  try {
    const reader = new ByteReader(userData)
    const partitions: TopicPartition[] = []
    for (let topics = reader.count(6); topics > 0; topics--) {
      const topic = reader.string()
      for (let parts = reader.count(4); parts > 0; parts--) partitions.push({ topic, partition: reader.int32() })
    }
    return { partitions, generation: reader.remaining >= 4 ? reader.int32() : null }
  } catch (error) {
    if (error instanceof MalformedError) return { partitions: [], generation: NO_GENERATION }
    throw error
  }
}
