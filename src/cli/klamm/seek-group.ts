/** `klamm groups seek`: works out where the offsets of a group shall be, shows it, and with --execute sets them. */
import type { AdminClient } from '../../client/admin/admin.ts'
import type { TopicPartition } from '../../client/admin/admin-types.ts'
import { inOrder, nameOf, offsetsAt, partitionsOfTopics, planAt, planInRange } from '../offsets/offset-plan.ts'
import type { PlannedOffset } from '../offsets/offset-plan.ts'
import { isLong } from '../options/parse-options.ts'
import { readText } from '../text/json-file.ts'
import { failure } from '../tool/tool-exit.ts'
import type { ToolHost } from '../tool/tool.ts'
import type { Run } from './command.ts'
import { usageError } from './exits.ts'
import { instantOf, type Place } from './offset-range.ts'
import { describedTopics } from './topic-names.ts'

const CALLED = 'klamm groups seek'

export const seekGroup: Run = async ({ words, host, output, withAdmin }) => {
  const [group = ''] = words.positionals
  const to = words.value('to')
  const file = words.value('file')
  if ((to === null) === (file === null)) throw usageError('Say where to: --to or --file.', CALLED)
  const isExecuted = words.has('execute')
  const data = await withAdmin(async (admin) => {
    const committed = await committedOf(admin, group)
    const plan =
      file === null
        ? await planned(admin, await partitions(admin, committed, words.values('topic')), to ?? '', committed, host)
        : await planInRange(admin, linesOf(await readText(host.world.disk, file), file))
    if (plan.length === 0) {
      throw failure(`klamm: The group '${group}' has no offsets to move: name topics with --topic.`)
    }
    await checkIsIdle(admin, group)
    if (isExecuted) (await admin.alterConsumerGroupOffsets(group, plan)).all()
    return plan
      .toSorted(inOrder)
      .map((one) => ({ ...one, before: committed.get(nameOf(one)) ?? null }))
      .map(({ topic, partition, before, offset }) => ({ topic, partition, before, offset }))
  })
  output.show({ group, executed: isExecuted, offsets: data }, () => [
    {
      title: null,
      columns: ['topic', 'partition', 'before', isExecuted ? 'now' : 'planned'],
      rows: data.map((one) => [one.topic, one.partition, one.before, one.offset]),
    },
  ])
  if (!isExecuted && output.format === 'table') host.terminal.error('Nothing is changed yet: --execute does it.')
}

/** Brokers refuse it too, with less to go on. */
async function checkIsIdle(admin: AdminClient, group: string): Promise<void> {
  const outcome = (await admin.describeConsumerGroups([group])).outcome(group)
  if (outcome instanceof Error || outcome.members.length === 0) return
  throw failure(
    `klamm: The group '${group}' has members (${outcome.members.length}), which would go on where they are: stop them first.`,
  )
}

async function committedOf(admin: AdminClient, groupId: string): Promise<Map<string, number>> {
  const found = (await admin.listConsumerGroupOffsets([{ groupId }])).get(groupId).values()
  return new Map([...found].flatMap(([one, offset]) => (offset === null ? [] : [[nameOf(one), offset.offset]])))
}

async function partitions(
  admin: AdminClient,
  committed: ReadonlyMap<string, number>,
  topics: readonly string[],
): Promise<TopicPartition[]> {
  if (topics.length > 0) {
    await describedTopics(
      admin,
      topics.map((topic) => topic.split(':')[0] ?? ''),
    )
    return await partitionsOfTopics(admin, topics, (sentence) => usageError(`${sentence}.`, CALLED))
  }
  return [...committed.keys()].map((name) => {
    const dash = name.lastIndexOf('-')
    return { topic: name.slice(0, dash), partition: Number(name.slice(dash + 1)) }
  })
}

async function planned(
  admin: AdminClient,
  all: readonly TopicPartition[],
  to: string,
  committed: ReadonlyMap<string, number>,
  { world }: ToolHost,
): Promise<readonly PlannedOffset[]> {
  const shift = /^[+-]\d+$/.test(to) ? Number(to) : null
  if (shift !== null) {
    const missing = all.find((one) => !committed.has(nameOf(one)))
    if (missing !== undefined)
      throw failure(`klamm: ${nameOf(missing)} has no offset that ${to} could be counted from.`)
    return await planInRange(
      admin,
      all.map((one) => ({ ...one, offset: (committed.get(nameOf(one)) ?? 0) + shift })),
    )
  }
  const place = instantOf(to, world.clock.wallMs())
  if (place === null) {
    throw usageError(`--to ${to}: say start, end, an offset, +N, -N, @-1h or @2026-11-26T10:00.`, CALLED)
  }
  return await planTo(admin, all, place)
}

async function planTo(admin: AdminClient, all: readonly TopicPartition[], place: Place): Promise<PlannedOffset[]> {
  switch (place.kind) {
    case 'offset':
      return await planInRange(
        admin,
        all.map((one) => ({ ...one, offset: place.offset })),
      )
    case 'time': {
      const found = await offsetsAt(admin, all, { timestamp: place.timestampMs })
      const ends = await offsetsAt(admin, all, 'latest')
      // Where nothing is so late, the next record will be.
      const offsets = [...found].map(([name, offset]) => [name, offset < 0 ? (ends.get(name) ?? 0) : offset] as const)
      return planAt(all, new Map(offsets))
    }
    case 'start':
    case 'end': {
      const ends = await offsetsAt(admin, all, place.kind === 'start' ? 'earliest' : 'latest')
      const moved = [...ends].map(([name, offset]) => [name, offset + place.by] as const)
      return place.by === 0 ? planAt(all, ends) : await planInRange(admin, planAt(all, new Map(moved)))
    }
  }
}

function linesOf(text: string, path: string): PlannedOffset[] {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '')
  return lines.map((line) => {
    const [topic = '', partition = '', offset = '', more] = line.split(',').map((field) => field.trim())
    if (more !== undefined || !isLong(partition) || !isLong(offset)) {
      throw failure(`klamm: ${path}: '${line}' is not topic,partition,offset.`)
    }
    return { topic, partition: Number(partition), offset: Number(offset) }
  })
}
