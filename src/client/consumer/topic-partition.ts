/** A partition by its topic's name, and as the key of a map: `orders-3`; and what may be an offset in it. */
import { ClientError } from '../errors.ts'

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

export function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`
}

/** The same partitions by topic, in the order in which they came. */
export function byTopic<T extends TopicPartition>(partitions: Iterable<T>): Map<string, T[]> {
  const topics = new Map<string, T[]>()
  for (const partition of partitions) {
    const known = topics.get(partition.topic)
    if (known === undefined) topics.set(partition.topic, [partition])
    else known.push(partition)
  }
  return topics
}

/** @throws ClientError INVALID_ARGUMENT: the protocol would take another number for it, and a group would go back or lose its place. */
export function checkOffset(offset: number): void {
  if (Number.isSafeInteger(offset) && offset >= 0) return
  throw new ClientError('INVALID_ARGUMENT', `An offset is a whole number from 0, and not ${String(offset)}.`)
}

/** The same of each. @throws ClientError INVALID_ARGUMENT. */
export function checkOffsets<T extends TopicPartition & { readonly offset: number }>(
  points: Iterable<T>,
): readonly T[] {
  const checked = [...points]
  for (const { topic, partition, offset } of checked) {
    if (typeof topic !== 'string' || topic === '' || !Number.isInteger(partition) || partition < 0) {
      throw new ClientError('INVALID_ARGUMENT', `${topic}-${partition} is not a partition of a topic.`)
    }
    checkOffset(offset)
  }
  return checked
}
