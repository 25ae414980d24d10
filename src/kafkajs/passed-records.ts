/**
 * Takes for resolved what a partition has passed without a message for the user's function: markers of transactions, records
 * of aborted ones. kafkajs hands out an empty batch for them, and commits it; without that a group would keep a lag at the
 * end of such a partition.
 *
 * Only the loop that polls may ask, and only about partitions of which no batch is worked on: then the consumer's position is
 * where all before it is done. What the user has set meanwhile stays.
 */
import { ClientError } from '../client/errors.ts'
import type { Consumer } from '../client/consumer/consumer.ts'
import { keyOf, type TopicPartition } from '../client/consumer/topic-partition.ts'
import type { OffsetKeeper } from './offset-keeper.ts'

/** Resolves to the keys of the partitions that have passed something. */
export async function resolvePassed(
  consumer: Consumer,
  offsets: OffsetKeeper,
  idle: readonly TopicPartition[],
): Promise<Set<string>> {
  const passed = new Set<string>()
  const unknown = idle.filter((partition) => offsets.next(partition) === null)
  if (unknown.length > 0) {
    const committed = await consumer.committed(unknown)
    for (const partition of unknown) {
      const position = await positionOf(consumer, partition)
      // Not known where it begins; or another assignment, or the user's seek, has begun it meanwhile.
      if (position === null || offsets.next(partition) !== null) continue
      const offset = committed.get(keyOf(partition))?.offset ?? position
      offsets.begin(partition, position)
      if (offset >= position) continue
      offsets.committed(partition, offset)
      passed.add(keyOf(partition))
    }
  }
  for (const partition of idle) {
    const before = offsets.next(partition)
    const position = await positionOf(consumer, partition)
    if (before === null || position === null || offsets.next(partition) !== before || position <= before) continue
    offsets.set(partition, position)
    passed.add(keyOf(partition))
  }
  return passed
}

/** Null where it is not known yet, or the partition is gone. */
async function positionOf(consumer: Consumer, partition: TopicPartition): Promise<number | null> {
  try {
    return await consumer.position(partition, { timeoutMs: 0 })
  } catch (error) {
    if (error instanceof ClientError) return null
    throw error
  }
}
