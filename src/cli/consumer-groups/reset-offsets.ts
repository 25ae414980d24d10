/** `kafka-consumer-groups.sh --reset-offsets`: works out new offsets, shows them, and sets them with `--execute`. */
import type { AdminClient } from '../../client/admin/admin.ts'
import type { TopicPartition } from '../../client/admin/admin-types.ts'
import {
  inOrder,
  nameOf,
  offsetsAt,
  partitionsOfTopics,
  planAt,
  planAtTime,
  planInRange,
  type PlannedOffset,
} from '../offsets/offset-plan.ts'
import { isLong } from '../options/parse-options.ts'
import { columns, widest } from '../text/columns.ts'
import { dateTimeMs, durationMs } from '../text/times.ts'
import { KafkaError, OperationalError } from '../../base/errors.ts'
import { brokerSentence } from '../text/broker-sentences.ts'
import type { ToolHost } from '../tool/tool.ts'
import { SCENARIOS, shown, usage, type ConsumerGroupsOptions } from './consumer-groups-options.ts'
import { groupIds } from './group-ids.ts'

export async function resetOffsets(admin: AdminClient, options: ConsumerGroupsOptions, host: ToolHost): Promise<void> {
  const { terminal } = host
  const ids = await groupIds(admin, options)
  const described = await admin.describeConsumerGroups(ids)
  const plans: [string, readonly PlannedOffset[]][] = []
  for (const [group, outcome] of described) {
    // A group that is not there yet may be given offsets; brokers from 4.0 say that it is not there.
    const isMissing = outcome instanceof Error && 'code' in outcome && outcome.code === 'GROUP_ID_NOT_FOUND'
    const state = isMissing ? 'Dead' : described.get(group).state
    if (state !== 'Empty' && state !== 'Dead') {
      terminal.out(
        `\nError: Assignments can only be reset if the group '${group}' is inactive, but the current state is ${state}.`,
      )
      plans.push([group, []])
      continue
    }
    const partitions = await partitionsToReset(admin, group, options)
    const plan = (await planFor(admin, group, partitions, options, host)).toSorted(inOrder)
    if (options.has('execute')) (await admin.alterConsumerGroupOffsets(group, plan)).all()
    plans.push([group, plan])
  }
  if (options.has('export')) exportPlans(plans, ids.length === 1, host)
  else showPlans(plans, host)
}

async function partitionsToReset(
  admin: AdminClient,
  group: string,
  options: ConsumerGroupsOptions,
): Promise<readonly TopicPartition[]> {
  if (options.has('all-topics')) return [...(await committedOf(admin, group)).keys()].map(partitionOf)
  if (options.has('topic')) {
    try {
      const partitions = await partitionsOfTopics(admin, options.values('topic'), usage)
      await checkPartitions(admin, partitions)
      return partitions
    } catch (error) {
      // Kafka tells this one without its class, unlike those of groups.
      if (error instanceof KafkaError) throw new OperationalError('CONFIG_INVALID', brokerSentence(error))
      throw error
    }
  }
  if (options.has('from-file')) return []
  throw usage('One of the reset scopes should be defined: --all-topics, --topic.')
}

async function checkPartitions(admin: AdminClient, partitions: readonly TopicPartition[]): Promise<void> {
  const topics = [...new Set(partitions.map(({ topic }) => topic))]
  const described = (await admin.describeTopics(topics)).all()
  const known = new Set(
    [...described.values()].flatMap(({ name, partitions: all }) =>
      all.map((one) => nameOf({ topic: name, partition: one.partition })),
    ),
  )
  const missing = partitions.map(nameOf).filter((name) => !known.has(name))
  if (missing.length > 0)
    throw new OperationalError('CONFIG_INVALID', `The partitions "${missing.join(',')}" do not exist`)
}

/** By `topic-partition`. */
async function committedOf(admin: AdminClient, group: string): Promise<Map<string, number>> {
  const committed = (await admin.listConsumerGroupOffsets([{ groupId: group }])).get(group)
  const offsets = new Map<string, number>()
  for (const [partition, offset] of committed.values()) {
    if (offset !== null) offsets.set(nameOf(partition), offset.offset)
  }
  return offsets
}

function partitionOf(name: string): TopicPartition {
  const dash = name.lastIndexOf('-')
  return { topic: name.slice(0, dash), partition: Number(name.slice(dash + 1)) }
}

async function planFor(
  admin: AdminClient,
  group: string,
  partitions: readonly TopicPartition[],
  options: ConsumerGroupsOptions,
  host: ToolHost,
): Promise<readonly PlannedOffset[]> {
  const offset = options.integer('to-offset')
  if (offset !== null)
    return await planInRange(
      admin,
      partitions.map((one) => ({ ...one, offset })),
    )
  if (options.has('to-earliest')) return planAt(partitions, await offsetsAt(admin, partitions, 'earliest'))
  if (options.has('to-latest')) return planAt(partitions, await offsetsAt(admin, partitions, 'latest'))
  const shift = options.integer('shift-by')
  if (shift !== null) {
    const committed = await committedOf(admin, group)
    return await planInRange(
      admin,
      partitions.map((one) => shifted(one, committed, shift)),
    )
  }
  const time = timeMs(options, host)
  if (time !== null) return await planAtTime(admin, partitions, time, host.terminal)
  const file = options.value('from-file')
  if (file !== null) return await planInRange(admin, await planOfFile(group, file, options, host))
  if (options.has('to-current')) return await planAtCurrent(admin, group, partitions)
  throw usage(`Option '[reset-offsets]' requires one of the following scenarios: [${SCENARIOS.map(shown).join(', ')}]`)
}

function shifted(one: TopicPartition, committed: ReadonlyMap<string, number>, by: number): PlannedOffset {
  const offset = committed.get(nameOf(one))
  if (offset === undefined) {
    throw usage(`Cannot shift offset for partition ${nameOf(one)} since there is no current committed offset`)
  }
  return { ...one, offset: offset + by }
}

/** Kafka names the class of the one, and not of the other. */
function dateFault(date: string): string {
  if (date.includes('T')) return `Unparseable date: "${date}"`
  return "java.text.ParseException: Error parsing timestamp. It does not contain a 'T' according to ISO8601 format"
}

function timeMs(options: ConsumerGroupsOptions, { world }: ToolHost): number | null {
  const date = options.value('to-datetime')
  if (date !== null) {
    const ms = dateTimeMs(date)
    if (ms === null) throw new OperationalError('CONFIG_INVALID', dateFault(date))
    return ms
  }
  const duration = options.value('by-duration')
  if (duration === null) return null
  const ms = durationMs(duration)
  if (ms === null) throw new OperationalError('CONFIG_INVALID', 'Text cannot be parsed to a Duration')
  return world.clock.wallMs() - ms
}

async function planAtCurrent(
  admin: AdminClient,
  group: string,
  partitions: readonly TopicPartition[],
): Promise<readonly PlannedOffset[]> {
  const committed = await committedOf(admin, group)
  const others = partitions.filter((one) => !committed.has(nameOf(one)))
  const ends = others.length === 0 ? new Map<string, number>() : await offsetsAt(admin, others, 'latest')
  return planAt(partitions, new Map([...ends, ...committed]))
}

/** Lines of `topic,partition,offset`, or with the group in front where there are several. */
async function planOfFile(
  group: string,
  path: string,
  options: ConsumerGroupsOptions,
  { world, terminal }: ToolHost,
): Promise<readonly PlannedOffset[]> {
  const bytes = await world.disk.readFile(path)
  if (bytes === null) throw new OperationalError('CONFIG_INVALID', `java.io.IOException: Unable to read file ${path}`)
  const lines = bytes
    .toString()
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '')
  const isShort = options.values('group').length === 1 && lines.every((line) => line.split(',').length === 3)
  const planned: PlannedOffset[] = []
  for (const line of lines) {
    const fields = line.split(',').map((field) => field.trim().replace(/^"(.*)"$/, '$1'))
    const [owner = '', topic = '', partition = '', offset = ''] = isShort ? [group, ...fields] : fields
    if (!isLong(partition) || !isLong(offset)) {
      throw new OperationalError('CONFIG_INVALID', `${path}: '${line}' is not topic,partition,offset.`)
    }
    if (owner === group) planned.push({ topic, partition: Number(partition), offset: Number(offset) })
  }
  if (planned.length === 0) terminal.out(`\nError: No reset plan for group ${group} found`)
  return planned
}

function showPlans(plans: readonly (readonly [string, readonly PlannedOffset[]])[], { terminal }: ToolHost): void {
  const rows = plans.flatMap(([group, plan]) =>
    plan.map((one) => [group, one.topic, one.partition, one.offset] as const),
  )
  const groupWidth = widest(
    plans.map(([group]) => group),
    15,
  )
  const topicWidth = widest(
    rows.map(([, topic]) => topic),
    15,
  )
  terminal.out('')
  for (const row of [['GROUP', 'TOPIC', 'PARTITION', 'NEW-OFFSET'], ...rows]) {
    terminal.out(columns([groupWidth, topicWidth, 10, 0], row))
  }
}

function exportPlans(
  plans: readonly (readonly [string, readonly PlannedOffset[]])[],
  isSingle: boolean,
  { terminal }: ToolHost,
): void {
  const lines = plans.flatMap(([group, plan]) =>
    plan.map(({ topic, partition, offset }) => `${isSingle ? '' : `${group},`}${topic},${partition},${offset}\n`),
  )
  terminal.out(lines.join(''))
}
