/** kafka-share-groups.sh: share groups (KIP-932) listed, described, deleted; where they start set and forgotten. */
import { KafkaError } from '../../base/errors.ts'
import type { AdminClient } from '../../client/admin/admin.ts'
import type { GroupState } from '../../client/admin/group-types.ts'
import type { TopicPartition } from '../../client/admin/admin-types.ts'
import { clientSentence, isKafkaError, makeAdmin } from '../clients/admin.ts'
import { commandConfig } from '../clients/client-properties.ts'
import {
  inOrder,
  offsetsAt,
  partitionsOfTopics,
  planAt,
  planAtTime,
  type PlannedOffset,
} from '../offsets/offset-plan.ts'
import { OptionError } from '../options/parse-options.ts'
import { columns, widest } from '../text/columns.ts'
import { javaError } from '../text/java-exceptions.ts'
import { dateTimeMs } from '../text/times.ts'
import { failure, ToolExit } from '../tool/tool-exit.ts'
import { isOutside, type Terminal, type Tool, type ToolHost } from '../tool/tool.ts'
import { describeShareGroups } from './describe-share-groups.ts'
import { shareGroupsOptions, usage, type ShareGroupsAction, type ShareGroupsOptions } from './share-groups-options.ts'

const STATES: readonly GroupState[] = ['Empty', 'Stable', 'Dead']

export const shareGroups: Tool = async (argv, host) => {
  const { action, options } = shareGroupsOptions(argv)
  const properties = await commandConfig(host.world.disk, options.value('command-config'))
  properties.set('bootstrap.servers', options.value('bootstrap-server') ?? '')
  properties.set('default.api.timeout.ms', options.value('timeout') ?? '30000')
  const admin = await makeAdmin(host, properties)
  try {
    await run(admin, action, options, host)
    return 0
  } catch (error) {
    if (error instanceof OptionError) throw usage(error.message)
    if (error instanceof ToolExit || !isOutside(error)) throw error
    // Of a broker's error Kafka names the class too, but where it plans offsets.
    const namesClass = error instanceof KafkaError && action !== 'reset-offsets'
    const text = namesClass ? javaError(error) : clientSentence(error)
    host.terminal.out(`\nError: Executing share group command failed due to ${text}`)
    return 0
  } finally {
    await admin.close()
  }
}

async function run(
  admin: AdminClient,
  action: ShareGroupsAction,
  options: ShareGroupsOptions,
  host: ToolHost,
): Promise<void> {
  const { terminal } = host
  switch (action) {
    case 'list':
      return await listShareGroups(admin, options, terminal)
    case 'describe':
      return await describeShareGroups(admin, await wantedGroups(admin, options), options, terminal)
    case 'delete':
      return await deleteShareGroups(admin, options, terminal)
    case 'delete-offsets':
      return await deleteOffsets(admin, options, terminal)
    case 'reset-offsets':
      return await resetOffsets(admin, options, host)
  }
}

async function listings(admin: AdminClient, states: readonly GroupState[] = []) {
  const groups = (await admin.listGroups({ types: ['Share'], states })).all()
  return [...groups].sort((one, other) => (one.groupId < other.groupId ? -1 : 1))
}

async function listShareGroups(admin: AdminClient, options: ShareGroupsOptions, terminal: Terminal): Promise<void> {
  const groups = await listings(admin, chosenStates(options.value('state')))
  if (!options.has('state')) {
    for (const { groupId } of groups) terminal.out(groupId)
    return
  }
  const width = widest(
    groups.map(({ groupId }) => groupId),
    15,
  )
  const rows = groups.map(({ groupId, state }) => [groupId, state ?? 'Unknown'])
  for (const row of [['GROUP', 'STATE'], ...rows]) terminal.out(columns([width, 0], row))
}

function chosenStates(text: string | null): GroupState[] {
  if (text === null || text === '') return []
  return text.split(',').map((part) => {
    const state = STATES.find((one) => one.toLowerCase() === part.trim().toLowerCase())
    if (state === undefined) throw usage(`Invalid state list '${text}'. Valid states are: ${STATES.join(', ')}`)
    return state
  })
}

async function wantedGroups(admin: AdminClient, options: ShareGroupsOptions): Promise<readonly string[]> {
  if (!options.has('all-groups')) return [...new Set(options.values('group'))]
  return (await listings(admin)).map(({ groupId }) => groupId)
}

async function deleteShareGroups(admin: AdminClient, options: ShareGroupsOptions, terminal: Terminal): Promise<void> {
  const known = new Map((await listings(admin)).map(({ groupId, state }) => [groupId, state]))
  const wanted = options.has('all-groups') ? [...known.keys()] : [...new Set(options.values('group'))]
  const failed = new Map<string, Error>()
  for (const group of wanted) {
    const state = known.get(group)
    // What is no error of a broker is shown as Java's IllegalArgumentException.
    if (state === undefined) failed.set(group, new Error(`Group '${group}' is not a share group.`))
    else if (state !== 'Empty') {
      failed.set(group, new KafkaError('NON_EMPTY_GROUP', `Share group '${group}' is not EMPTY.`))
    }
  }
  const rest = wanted.filter((group) => !failed.has(group))
  const outcomes = rest.length === 0 ? null : await admin.deleteShareGroups(rest)
  for (const [group, error] of outcomes?.errors() ?? []) failed.set(group, error)
  const deleted = [...(outcomes?.values().keys() ?? [])].map((group) => `'${group}'`).join(', ')
  if (failed.size === 0) return terminal.out(`Deletion of requested share groups (${deleted}) was successful.`)
  terminal.out('\nError: Deletion of some share groups failed:')
  for (const [group, error] of failed) {
    terminal.out(`* Group '${group}' could not be deleted due to: ${javaError(error)}`)
  }
  if (deleted !== '') terminal.out(`\nThese share groups were deleted successfully: ${deleted}`)
}

async function deleteOffsets(admin: AdminClient, options: ShareGroupsOptions, terminal: Terminal): Promise<void> {
  const topics = [...new Set(options.values('topic'))].sort()
  const outcomes = await admin.deleteShareGroupOffsets(options.value('group') ?? '', topics)
  const [first] = outcomes.errors().values()
  // What the group as a whole is refused for is told above the table.
  if (first !== undefined && !isOfTopic(first)) terminal.out(`\nError: ${clientSentence(first)}`)
  const rows = [...outcomes].map(([topic, outcome]) => [
    topic,
    outcome instanceof Error ? `Error: ${clientSentence(outcome)}` : 'Successful',
  ])
  terminal.out('')
  for (const row of [['TOPIC', 'STATUS'], ...rows]) terminal.out(columns([widest(topics, 15), 0], row))
}

function isOfTopic(error: Error): boolean {
  return isKafkaError(error, 'UNKNOWN_TOPIC_OR_PARTITION') || isKafkaError(error, 'TOPIC_AUTHORIZATION_FAILED')
}

async function resetOffsets(admin: AdminClient, options: ShareGroupsOptions, host: ToolHost): Promise<void> {
  const { terminal } = host
  const group = options.value('group') ?? ''
  const outcome = (await admin.describeShareGroups([group])).outcome(group)
  // A group that is not there yet may be given offsets.
  if (outcome instanceof Error) {
    if (!isKafkaError(outcome, 'GROUP_ID_NOT_FOUND')) throw outcome
  } else if (outcome.state !== 'Empty' && outcome.state !== 'Dead') {
    throw failure(`Share group '${group}' is not empty.`)
  }
  const partitions = await partitionsToReset(admin, group, options)
  const plan = (await planFor(admin, partitions, options, host)).toSorted(inOrder)
  if (options.has('execute')) {
    const offsets = plan.map(({ topic, partition, offset }) => ({ topic, partition, startOffset: offset }))
    ;(await admin.alterShareGroupOffsets(group, offsets)).all()
  }
  const topicWidth = widest(
    plan.map(({ topic }) => topic),
    15,
  )
  const rows = plan.map(({ topic, partition, offset }) => [group, topic, partition, offset])
  terminal.out('')
  for (const row of [['GROUP', 'TOPIC', 'PARTITION', 'NEW-OFFSET'], ...rows]) {
    terminal.out(columns([widest([group], 15), topicWidth, 10, 0], row))
  }
}

async function partitionsToReset(
  admin: AdminClient,
  group: string,
  options: ShareGroupsOptions,
): Promise<readonly TopicPartition[]> {
  if (options.has('topic')) return await partitionsOfTopics(admin, options.values('topic'), usage)
  const known = (await admin.listShareGroupOffsets([{ groupId: group }])).get(group)
  return [...known].map(([partition]) => partition)
}

async function planFor(
  admin: AdminClient,
  partitions: readonly TopicPartition[],
  options: ShareGroupsOptions,
  { terminal }: ToolHost,
): Promise<readonly PlannedOffset[]> {
  if (options.has('to-earliest')) return planAt(partitions, await offsetsAt(admin, partitions, 'earliest'))
  if (options.has('to-latest')) return planAt(partitions, await offsetsAt(admin, partitions, 'latest'))
  const date = options.value('to-datetime') ?? ''
  const ms = dateTimeMs(date)
  if (ms === null) throw usage(`Unparseable date: "${date}"`)
  return await planAtTime(admin, partitions, ms, terminal)
}
