/**
 * Offsets of groups as kafkajs reads and sets them. -1 and -2 are committed as they are: kafkajs means the end and the
 * beginning by them, but whoever reads on then begins where its `fromBeginning` says.
 */
import { commitForGroup, listGroupOffsets } from '../client/admin/group-offsets.ts'
import { byTopic, type TopicPartition } from '../client/consumer/topic-partition.ts'
import type { NetworkClient } from '../client/network-client.ts'
import type { FetchOffsetsPartition } from './admin-types.ts'
import { describeGroups } from './describe-groups.ts'
import { KafkaJSNonRetriableError } from './errors.ts'
import { offsetsAt, partitionsOf } from './topic-offsets.ts'
import type { SeekEntry } from './types.ts'

const ENDS = [
  ['-1', 'latest'],
  ['-2', 'earliest'],
] as const
const RUNNING: ReadonlySet<string> = new Set(['Stable', 'PreparingRebalance', 'CompletingRebalance'])

export interface TopicOffsets {
  topic: string
  partitions: FetchOffsetsPartition[]
}

/** Of all topics of the group if none are named; -1 where nothing is committed. */
export async function fetchOffsets(
  network: NetworkClient,
  groupId: string,
  topics: readonly string[],
): Promise<TopicOffsets[]> {
  const asked: TopicPartition[] = []
  for (const topic of topics) {
    for (const partition of await partitionsOf(network, topic)) asked.push({ topic, partition })
  }
  const negative = 'told' as const
  const spec = topics.length === 0 ? { groupId, negative } : { groupId, negative, partitions: asked }
  const outcomes = await listGroupOffsets(network, 'listConsumerGroupOffsets', [spec])
  const offsets = [...outcomes.get(groupId).all()].map(([{ topic, partition }, committed]) => ({
    topic,
    partition,
    offset: String(committed?.offset ?? -1),
    metadata: committed === null || committed.metadata === '' ? null : committed.metadata,
  }))
  return [...byTopic(offsets)].map(([topic, parts]) => ({
    topic,
    partitions: parts.map(({ partition, offset, metadata }) => ({ partition, offset, metadata })),
  }))
}

/** Sets partitions at -1 to their ends and those at -2 to their beginnings, in the group too. */
export async function resolveOffsets(
  network: NetworkClient,
  groupId: string,
  fetched: readonly TopicOffsets[],
): Promise<void> {
  for (const { topic, partitions } of fetched) {
    for (const [offset, spec] of ENDS) {
      const open = partitions.filter((part) => part.offset === offset)
      if (open.length === 0) continue
      const ids = open.map(({ partition }) => partition)
      const found = await offsetsAt(network, topic, ids, spec)
      for (const part of open) part.offset = String(found.get(part.partition))
    }
    await setOffsets(network, groupId, topic, partitions)
  }
}

/** Of a group that nobody is in. */
export async function setOffsets(
  network: NetworkClient,
  groupId: string,
  topic: string,
  partitions: readonly SeekEntry[],
): Promise<void> {
  const { groups } = await describeGroups(network, [groupId])
  const { state } = groups[0]!
  if (RUNNING.has(state)) {
    throw new KafkaJSNonRetriableError(`The group ${groupId} has members (${state}): stop them first.`)
  }
  const offsets = partitions.map(({ partition, offset }) => {
    const number = Number(offset)
    if (!Number.isSafeInteger(number)) throw new KafkaJSNonRetriableError(`Invalid offset: ${String(offset)}`)
    return { topic, partition, offset: number }
  })
  ;(await commitForGroup(network, 'setOffsets', groupId, offsets)).all()
}
