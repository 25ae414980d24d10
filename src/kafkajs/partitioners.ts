/**
 * Where kafkajs puts a message that names no partition: by its key, or else one partition after the other among those that
 * have a leader, from one at random. `DefaultPartitioner` hashes as Java does; `LegacyPartitioner` as kafkajs did before 2.0,
 * whose products are floating point and lose their low bits: topics that were filled so must go on so.
 */
import { murmur2 } from '../client/producer/murmur2.ts'
import type { Random } from '../world/world.ts'
import type { Message, PartitionMetadata } from './types.ts'

export interface PartitionerArgs {
  topic: string
  partitionMetadata: PartitionMetadata[]
  message: Message
}
export type ICustomPartitioner = () => (args: PartitionerArgs) => number

export function keyBytes(key: unknown): Buffer {
  return Buffer.isBuffer(key) ? key : Buffer.from(String(key))
}

const SEED = 0x9747_b28c
const M = 0x5bd1_e995

/** Not rounded to 32 bits between the steps, and with a fourth of a word too many: that is its point. */
export function legacyMurmur2(key: Uint8Array): number {
  const { length } = key
  const at = (index: number): number => key[index] ?? 0
  let hash = SEED ^ length
  for (let word = 0; word < length / 4; word++) {
    const start = word * 4
    let part = at(start) + (at(start + 1) << 8) + (at(start + 2) << 16) + (at(start + 3) << 24)
    part *= M
    part ^= part >>> 24
    part *= M
    hash *= M
    hash ^= part
  }
  const tail = length & ~3
  if (length % 4 >= 3) hash ^= at(tail + 2) << 16
  if (length % 4 >= 2) hash ^= at(tail + 1) << 8
  if (length % 4 >= 1) {
    hash ^= at(tail)
    hash *= M
  }
  hash ^= hash >>> 13
  hash *= M
  return hash ^ (hash >>> 15)
}

/** @param random where keyless messages of a topic begin */
export function partitionersOf(
  random: Random,
): Record<'DefaultPartitioner' | 'LegacyPartitioner' | 'JavaCompatiblePartitioner', ICustomPartitioner> {
  const partitioner = (hash: (key: Uint8Array) => number): ICustomPartitioner => {
    return () => {
      const turns = new Map<string, number>()
      return ({ topic, partitionMetadata, message }) => {
        if (message.partition !== undefined && message.partition !== null) return message.partition
        if (message.key !== undefined && message.key !== null) {
          return (hash(keyBytes(message.key)) & 0x7fff_ffff) % partitionMetadata.length
        }
        const turn = (turns.get(topic) ?? random.uint32()) + 1
        turns.set(topic, turn)
        const available = partitionMetadata.filter(({ leader }) => leader >= 0)
        const index = turn & 0x7fff_ffff
        if (available.length === 0) return index % partitionMetadata.length
        return available[index % available.length]!.partitionId
      }
    }
  }
  const javas = partitioner(murmur2)
  return {
    DefaultPartitioner: javas,
    LegacyPartitioner: partitioner(legacyMurmur2),
    JavaCompatiblePartitioner: javas,
  }
}
