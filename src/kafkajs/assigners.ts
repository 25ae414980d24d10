/**
 * Who gets which partitions, in kafkajs's terms: its own RoundRobinAssigner, assigners of the user's, and the two messages that
 * they exchange (AssignerProtocol). A group may have members on kafkajs and on this at the same time: names and bytes are
 * the same.
 */
import { ByteReader } from '../base/byte-reader.ts'
import { ByteWriter } from '../base/byte-writer.ts'
import type { PartitionAssignor } from '../client/consumer/group/assignors/assignor.ts'
import { byTopic } from '../client/consumer/topic-partition.ts'
import { ConsumerProtocolAssignment } from '../protocol/generated/consumer-protocol-assignment.ts'
import { ConsumerProtocolSubscription } from '../protocol/generated/consumer-protocol-subscription.ts'
import type { Logger } from './logger.ts'
import type { PartitionMetadata } from './types.ts'

export interface Assignment {
  [topic: string]: number[]
}
export interface MemberMetadata {
  version: number
  topics: string[]
  userData: Buffer
}
export interface MemberAssignment {
  version: number
  assignment: Assignment
  userData: Buffer
}
export interface GroupMember {
  memberId: string
  memberMetadata: Buffer
}
export interface GroupMemberAssignment {
  memberId: string
  memberAssignment: Buffer
}
export interface GroupState {
  name: string
  metadata: Buffer
}
export interface Assigner {
  name: string
  version: number
  assign(group: { members: GroupMember[]; topics: string[] }): Promise<GroupMemberAssignment[]>
  protocol(subscription: { topics: string[] }): GroupState
}
/** What an assigner may ask of the cluster. */
export interface Cluster {
  findTopicPartitionMetadata(topic: string): PartitionMetadata[]
}
export type PartitionAssigner = (config: { cluster: Cluster; groupId: string; logger: Logger }) => Assigner

/** Of these messages kafkajs knows the fields of version 0, whatever the version says. */
const FIELDS_VERSION = 0

export const AssignerProtocol = {
  MemberMetadata: {
    encode({
      version,
      topics,
      userData = Buffer.alloc(0),
    }: Omit<MemberMetadata, 'userData'> & { userData?: Buffer }): Buffer {
      const writer = new ByteWriter()
      writer.int16(version)
      ConsumerProtocolSubscription.write(writer, { topics, userData }, FIELDS_VERSION)
      return Buffer.concat(writer.finish())
    },
    /** Null for no bytes. */
    decode(buffer: Buffer): MemberMetadata | null {
      if (buffer.length === 0) return null
      const reader = new ByteReader(buffer)
      const version = reader.int16()
      const { topics, userData } = ConsumerProtocolSubscription.read(reader, FIELDS_VERSION)
      return { version, topics: [...topics], userData: userData ?? Buffer.alloc(0) }
    },
  },
  MemberAssignment: {
    encode({
      version,
      assignment,
      userData = Buffer.alloc(0),
    }: Omit<MemberAssignment, 'userData'> & { userData?: Buffer }): Buffer {
      const writer = new ByteWriter()
      writer.int16(version)
      const assignedPartitions = Object.entries(assignment).map(([topic, partitions]) => ({ topic, partitions }))
      ConsumerProtocolAssignment.write(writer, { assignedPartitions, userData }, FIELDS_VERSION)
      return Buffer.concat(writer.finish())
    },
    /** Null for no bytes. */
    decode(buffer: Buffer): MemberAssignment | null {
      if (buffer.length === 0) return null
      const reader = new ByteReader(buffer)
      const version = reader.int16()
      const { assignedPartitions, userData } = ConsumerProtocolAssignment.read(reader, FIELDS_VERSION)
      const assignment = Object.fromEntries(assignedPartitions.map(({ topic, partitions }) => [topic, [...partitions]]))
      return { version, assignment, userData: userData ?? Buffer.alloc(0) }
    },
  },
}

/** All partitions of all topics in turn, to the members by their ids. */
const roundRobin: PartitionAssigner = ({ cluster }) => ({
  name: 'RoundRobinAssigner',
  version: 0,
  assign({ members, topics }) {
    const ids = members.map(({ memberId }) => memberId).toSorted()
    const assignments = new Map<string, Assignment>(ids.map((id) => [id, {}]))
    let turn = 0
    for (const topic of topics) {
      for (const { partitionId } of cluster.findTopicPartitionMetadata(topic)) {
        const assignment = assignments.get(ids[turn++ % ids.length]!)!
        ;(assignment[topic] ??= []).push(partitionId)
      }
    }
    return Promise.resolve(
      [...assignments].map(([memberId, assignment]) => ({
        memberId,
        memberAssignment: AssignerProtocol.MemberAssignment.encode({ version: 0, assignment }),
      })),
    )
  },
  protocol: ({ topics }) => ({
    name: 'RoundRobinAssigner',
    metadata: AssignerProtocol.MemberMetadata.encode({ version: 0, topics }),
  }),
})

export const PartitionAssigners = { roundRobin }

/** The same as the client's consumer takes it. `led` is called when this member shares out. */
export function assignorOf(
  make: PartitionAssigner,
  { groupId, logger, led }: { readonly groupId: string; readonly logger: Logger; readonly led: () => void },
): PartitionAssignor {
  let known = new Map<string, PartitionMetadata[]>()
  const assigner = make({ cluster: { findTopicPartitionMetadata: (topic) => known.get(topic) ?? [] }, groupId, logger })
  return {
    name: assigner.name,
    isCooperative: false,
    userData: (topics) => {
      const { metadata } = assigner.protocol({ topics: [...topics] })
      return AssignerProtocol.MemberMetadata.decode(metadata)?.userData ?? null
    },
    async assign(topics, members) {
      led()
      known = new Map(
        [...topics].map(([topic, partitions]) => [
          topic,
          partitions.map(({ partition }) => ({
            partitionErrorCode: 0,
            partitionId: partition,
            leader: -1,
            replicas: [],
            isr: [],
          })),
        ]),
      )
      const assigned = await assigner.assign({
        topics: [...new Set([...members.values()].flatMap((member) => member.topics))],
        members: [...members].map(([memberId, member]) => ({
          memberId,
          memberMetadata: AssignerProtocol.MemberMetadata.encode({
            version: assigner.version,
            topics: [...member.topics],
            ...(member.userData === null ? {} : { userData: member.userData }),
          }),
        })),
      })
      return new Map(
        assigned.map(({ memberId, memberAssignment }) => {
          const decoded = AssignerProtocol.MemberAssignment.decode(memberAssignment)
          const partitions = Object.entries(decoded?.assignment ?? {}).flatMap(([topic, ids]) => {
            return ids.map((partition) => ({ topic, partition }))
          })
          return [memberId, { partitions, userData: decoded?.userData ?? null }]
        }),
      )
    },
  }
}

/** Partitions under their topics. */
export function assignmentOf(
  partitions: readonly { readonly topic: string; readonly partition: number }[],
): Assignment {
  return Object.fromEntries(
    [...byTopic(partitions)].map(([topic, parts]) => [topic, parts.map((one) => one.partition)]),
  )
}
