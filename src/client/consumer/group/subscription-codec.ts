/**
 * What classic members tell each other through the coordinator, which does not look inside: subscriptions to the leader,
 * assignments back. Both begin with an int16 version; a newer one than ours is read as far as we know it.
 */
import { ByteReader } from '../../../base/byte-reader.ts'
import { ByteWriter } from '../../../base/byte-writer.ts'
import { ConsumerProtocolAssignment } from '../../../protocol/generated/consumer-protocol-assignment.ts'
import { ConsumerProtocolSubscription } from '../../../protocol/generated/consumer-protocol-subscription.ts'
import type { TopicPartition } from '../topic-partition.ts'
import { byTopic } from '../topic-partition.ts'
import type { MemberAssignment, MemberSubscription } from './assignors/assignor.ts'

const VERSION = 3

function inTopics(partitions: Iterable<TopicPartition>): { topic: string; partitions: number[] }[] {
  return [...byTopic(partitions)].map(([topic, parts]) => ({
    topic,
    partitions: parts.map(({ partition }) => partition),
  }))
}

function inPlaces(topics: readonly { topic: string; partitions: readonly number[] }[]): TopicPartition[] {
  return topics.flatMap(({ topic, partitions }) => partitions.map((partition) => ({ topic, partition })))
}

export function writeSubscription(subscription: MemberSubscription): Buffer {
  const { topics, userData, ownedPartitions, generationId, rackId } = subscription
  const writer = new ByteWriter()
  writer.int16(VERSION)
  const message = {
    topics: topics.toSorted(),
    userData,
    ownedPartitions: inTopics(ownedPartitions),
    generationId,
    rackId,
  }
  ConsumerProtocolSubscription.write(writer, message, VERSION)
  return Buffer.concat(writer.finish())
}

/** @throws MalformedError. */
export function readSubscription(bytes: Buffer, groupInstanceId: string | null): MemberSubscription {
  const reader = new ByteReader(bytes)
  const version = Math.min(Math.max(reader.int16(), 0), VERSION)
  const told = ConsumerProtocolSubscription.read(reader, version)
  const { topics, userData, generationId, rackId } = told
  return { topics, userData, ownedPartitions: inPlaces(told.ownedPartitions), generationId, rackId, groupInstanceId }
}

export function writeAssignment({ partitions, userData = null }: MemberAssignment): Buffer {
  const writer = new ByteWriter()
  writer.int16(VERSION)
  ConsumerProtocolAssignment.write(writer, { assignedPartitions: inTopics(partitions), userData }, VERSION)
  return Buffer.concat(writer.finish())
}

/** No bytes at all mean nothing is assigned. @throws MalformedError. */
export function readAssignment(bytes: Buffer): MemberAssignment {
  if (bytes.length === 0) return { partitions: [] }
  const reader = new ByteReader(bytes)
  const version = Math.min(Math.max(reader.int16(), 0), VERSION)
  const { assignedPartitions, userData } = ConsumerProtocolAssignment.read(reader, version)
  return { partitions: inPlaces(assignedPartitions), userData }
}
