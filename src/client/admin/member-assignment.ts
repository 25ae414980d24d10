/** The partitions of a classic consumer's member, as its leader's assignor wrote them. */
import { ByteReader } from '../../base/byte-reader.ts'
import { ConsumerProtocolAssignment } from '../../protocol/generated/consumer-protocol-assignment.ts'
import type { TopicPartition } from './admin-types.ts'

/** Behind a version of 16 bits. What doesn't parse is no assignment: other programs may write what they like. */
export function memberAssignment(bytes: Buffer): readonly TopicPartition[] {
  if (bytes.length < 2) return []
  const told = bytes.readInt16BE(0)
  if (told < 0) return []
  const version = Math.min(told, ConsumerProtocolAssignment.highestVersion)
  try {
    const { assignedPartitions } = ConsumerProtocolAssignment.read(new ByteReader(bytes, 2), version)
    return assignedPartitions.flatMap(({ topic, partitions }) => partitions.map((partition) => ({ topic, partition })))
  } catch {
    return []
  }
}
