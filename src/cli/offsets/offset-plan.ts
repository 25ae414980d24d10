/**
 * Where the offsets of a group shall be set: what `--reset-offsets` of kafka-consumer-groups.sh and kafka-share-groups.sh
 * work out before they change anything.
 */
import type { AdminClient } from '../../client/admin/admin.ts'
import type { TopicPartition } from '../../client/admin/admin-types.ts'
import type { ListOffsetsOptions, OffsetSpec } from '../../client/admin/offsets.ts'
import type { ToolExit } from '../tool/tool-exit.ts'
import type { Terminal } from '../tool/tool.ts'

export interface PlannedOffset extends TopicPartition {
  readonly offset: number
}

export function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`
}

export function inOrder(one: TopicPartition, other: TopicPartition): number {
  if (one.topic !== other.topic) return one.topic < other.topic ? -1 : 1
  return one.partition - other.partition
}

/**
 * `--topic a --topic b:0,1`: partitions as they stand, all of a topic without them.
 * @throws ToolExit (a usage refusal) through `refuse`
 */
export async function partitionsOfTopics(
  admin: AdminClient,
  topics: readonly string[],
  refuse: (sentence: string) => ToolExit,
): Promise<TopicPartition[]> {
  const given = topics.filter((topic) => topic.includes(':')).flatMap((topic) => partitionsGiven(topic, refuse))
  const whole = topics.filter((topic) => !topic.includes(':'))
  if (whole.length === 0) return given
  const described = (await admin.describeTopics(whole)).all()
  const all = [...described.values()].flatMap(({ name, partitions }) =>
    partitions.map(({ partition }) => ({ topic: name, partition })),
  )
  return [...given, ...all]
}

/** `topic:0,1,2` */
export function partitionsGiven(text: string, refuse: (sentence: string) => ToolExit): TopicPartition[] {
  const [topic = '', partitions, ...others] = text.split(':')
  if (partitions === undefined || partitions === '' || others.length > 0) {
    throw refuse(`Invalid topic arg '${text}', expected topic name and partitions`)
  }
  return partitions.split(',').map((partition) => {
    if (!/^\d+$/.test(partition)) throw refuse(`Invalid partition '${partition}' specified in topic arg '${text}''`)
    return { topic, partition: Number(partition) }
  })
}

/** The offset of each partition; an error of one fails all. */
export async function offsetsAt(
  admin: AdminClient,
  partitions: readonly TopicPartition[],
  spec: OffsetSpec,
  options: ListOffsetsOptions = {},
): Promise<Map<string, number>> {
  const asked = partitions.map(({ topic, partition }) => ({ topic, partition, spec }))
  const listed = await admin.listOffsets(asked, options)
  return new Map([...listed.all()].map(([partition, { offset }]) => [nameOf(partition), offset]))
}

export function planAt(partitions: readonly TopicPartition[], offsets: ReadonlyMap<string, number>): PlannedOffset[] {
  return partitions.map(({ topic, partition }) => ({
    topic,
    partition,
    offset: offsets.get(nameOf({ topic, partition })) ?? 0,
  }))
}

/** The first record not older than `timestampMs`; a partition without one gets its end, and the terminal says so. */
export async function planAtTime(
  admin: AdminClient,
  partitions: readonly TopicPartition[],
  timestampMs: number,
  terminal: Terminal,
): Promise<PlannedOffset[]> {
  const found = await offsetsAt(admin, partitions, { timestamp: timestampMs })
  const empty = partitions.filter((one) => (found.get(nameOf(one)) ?? -1) < 0)
  for (const { topic, partition } of empty) {
    terminal.out(`\nWarn: Partition ${partition} from topic ${topic} is empty. Falling back to latest known offset.`)
  }
  const ends = empty.length === 0 ? new Map<string, number>() : await offsetsAt(admin, empty, 'latest')
  return planAt(partitions, new Map([...found, ...ends]))
}

/** Offsets that lie outside of their log are moved to its start or end. */
export async function planInRange(admin: AdminClient, wanted: readonly PlannedOffset[]): Promise<PlannedOffset[]> {
  const [starts, ends] = await Promise.all([offsetsAt(admin, wanted, 'earliest'), offsetsAt(admin, wanted, 'latest')])
  return wanted.map((one) => {
    const start = starts.get(nameOf(one)) ?? one.offset
    const end = ends.get(nameOf(one)) ?? one.offset
    return { ...one, offset: Math.max(start, Math.min(end, one.offset)) }
  })
}
