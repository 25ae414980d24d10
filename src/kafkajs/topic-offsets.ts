/** Where the partitions of a topic begin and end, and what was written when. */
import { describeTopics } from '../client/admin/describe-topics.ts'
import { listOffsets, type OffsetSpec } from '../client/admin/offsets.ts'
import type { NetworkClient } from '../client/network-client.ts'
import type { SeekEntry } from './types.ts'

export async function partitionsOf(network: NetworkClient, topic: string): Promise<number[]> {
  const described = (await describeTopics(network, [topic])).get(topic)
  return described.partitions.map(({ partition }) => partition)
}

/** By partition; -1 where there is none. */
export async function offsetsAt(
  network: NetworkClient,
  topic: string,
  ids: readonly number[],
  spec: OffsetSpec,
): Promise<Map<number, number>> {
  const found = await listOffsets(
    network,
    ids.map((partition) => ({ topic, partition, spec })),
  )
  return new Map([...found.all()].map(([{ partition }, { offset }]) => [partition, offset]))
}

export async function fetchTopicOffsets(
  network: NetworkClient,
  topic: string,
): Promise<(SeekEntry & { high: string; low: string })[]> {
  const ids = await partitionsOf(network, topic)
  const [low, high] = await Promise.all([
    offsetsAt(network, topic, ids, 'earliest'),
    offsetsAt(network, topic, ids, 'latest'),
  ])
  return ids.map((partition) => {
    const end = String(high.get(partition))
    return { partition, offset: end, high: end, low: String(low.get(partition)) }
  })
}

/** The end of a partition in which nothing is as late; of all without `timestamp`. */
export async function fetchTopicOffsetsByTimestamp(
  network: NetworkClient,
  topic: string,
  timestamp: number | undefined,
): Promise<SeekEntry[]> {
  const ids = await partitionsOf(network, topic)
  // Programs give the text of a message's timestamp, too.
  const spec = timestamp === undefined ? 'latest' : { timestamp: Number(timestamp) }
  const [found, high] = await Promise.all([
    offsetsAt(network, topic, ids, spec),
    offsetsAt(network, topic, ids, 'latest'),
  ])
  return ids.map((partition) => {
    const offset = found.get(partition)!
    return { partition, offset: String(offset >= 0 ? offset : high.get(partition)) }
  })
}
