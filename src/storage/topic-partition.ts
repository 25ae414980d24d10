/**
 * Names of partition directories.
 *
 * `<topic>-<partition>` is a live log; `<topic>-<partition>.<32 hex>-delete`, `-future` and `-stray` are a log that is
 * to be removed, the target of a move between directories, and a log that the cluster no longer knows. The suffix counts
 * only at the end (`x-delete-0` is partition 0 of topic `x-delete`), the topic is all before the LAST dash. Names stay
 * within 255 characters, the limit of common file systems: where a suffix would pass it, the topic is cut.
 */
import type { Random } from '../world/world.ts'

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

export type DirectoryKind = 'live' | 'delete' | 'future' | 'stray'

export interface PartitionDirectoryName extends TopicPartition {
  readonly kind: DirectoryKind
}

const NAME_CHARACTERS_MAX = 255
const PARTITION_MAX = 2 ** 31 - 1
const MARKED = /^(\S+-\S+)\.(\S+)-(delete|future|stray)$/
const MARKING_SUFFIX = /-(delete|future|stray)$/

/** One string for one partition: map key and directory name alike. */
export function topicPartitionName(topic: string, partition: number): string {
  return `${topic}-${partition}`
}

/** By topic, then partition. */
export function compareTopicPartitions(one: TopicPartition, other: TopicPartition): number {
  if (one.topic !== other.topic) return one.topic < other.topic ? -1 : 1
  return one.partition - other.partition
}

/** Null if a directory of that name is none of a partition. */
export function parsePartitionDirectory(name: string): PartitionDirectoryName | null {
  let kind: DirectoryKind = 'live'
  let plain = name
  const suffix = MARKING_SUFFIX.exec(name)
  if (suffix !== null) {
    if (!MARKED.test(name)) return null
    kind = suffix[1] === 'delete' ? 'delete' : suffix[1] === 'future' ? 'future' : 'stray'
    plain = name.slice(0, name.lastIndexOf('.'))
  }
  const dash = plain.lastIndexOf('-')
  if (dash <= 0) return null
  const digits = plain.slice(dash + 1)
  if (!/^[0-9]+$/.test(digits)) return null
  const partition = Number(digits)
  if (partition > PARTITION_MAX) return null
  return { topic: plain.slice(0, dash), partition, kind }
}

/** The name of a directory that is marked; each call draws another unique id. */
export function markedDirectoryName(
  { topic, partition }: TopicPartition,
  kind: Exclude<DirectoryKind, 'live'>,
  random: Random,
): string {
  const suffix = `-${partition}.${random.bytes(16).toString('hex')}-${kind}`
  return topic.slice(0, NAME_CHARACTERS_MAX - suffix.length) + suffix
}
