/** kafka-reassign-partitions.sh: replicas moved between brokers and directories. */
import { KafkaError, OperationalError } from '../../base/errors.ts'
import type { AdminClient } from '../../client/admin/admin.ts'
import type { TopicDescription } from '../../client/admin/describe-topics.ts'
import { clientSentence, isKafkaError, withAdmin } from '../clients/admin.ts'
import { setBootstrap } from '../clients/bootstrap.ts'
import { commandConfig } from '../clients/client-properties.ts'
import { isInteger } from '../options/parse-options.ts'
import { javaError } from '../text/java-exceptions.ts'
import { duplicates, readText } from '../text/json-file.ts'
import { ToolExit } from '../tool/tool-exit.ts'
import { isOutside, type Terminal, type Tool, type ToolHost } from '../tool/tool.ts'
import { assignReplicas } from './assign-replicas.ts'
import {
  ANY_LOG_DIR,
  assignmentText,
  byName,
  nameOf,
  parseExecutable,
  parseReassignment,
  parseTopics,
  type PartitionReplicas,
} from './assignment-json.ts'
import { executeMoves, moveStates, replicaText, stateText } from './log-dir-moves.ts'
import { reassignOptions, type ReassignOption, type ReassignOptions } from './reassign-options.ts'
import { clearThrottles, throttleLogDirs, throttleMoves } from './throttles.ts'

const EXISTING =
  'Cannot execute because there is an existing partition assignment.  Use --additional to override this and create a new partition assignment in addition to the existing one. The --additional flag can also be used to change the throttle by resubmitting the current reassignment.'
const RUN_VERIFY =
  'Warning: You must run --verify periodically, until the reassignment completes, to ensure the throttle is removed.'

export const reassignPartitions: Tool = async (argv, host) => {
  const { options, action } = reassignOptions(argv)
  const run = { generate, execute, verify, cancel, list }[action]
  try {
    const properties = await commandConfig(host.world.disk, options.value('command-config'))
    if (!properties.has('client.id')) properties.set('client.id', 'reassign-partitions-tool')
    setBootstrap(properties, options.value('bootstrap-server'), options.value('bootstrap-controller'))
    await withAdmin(host, properties, (admin) => run(admin, options, host))
    return 0
  } catch (error) {
    if (!isOutside(error)) throw error
    const isTerse = error instanceof ToolExit && error.stream === 'out'
    host.terminal.out(isTerse ? error.message : `Error: ${clientSentence(error)}`)
    return 1
  }
}

/** What is said without `Error: `, on stdout. */
function terse(sentence: string): ToolExit {
  return new ToolExit(1, sentence, 'out')
}

function refused(sentence: string): OperationalError {
  return new OperationalError('CONFIG_INVALID', sentence)
}

function fileOf(options: ReassignOptions, name: ReassignOption, { world }: ToolHost): Promise<string> {
  return readText(world.disk, options.value(name) ?? '')
}

/** @throws KafkaError with Java's class in its message, which is what Kafka's tool prints. */
async function describe(admin: AdminClient, topics: Iterable<string>): Promise<TopicDescription[]> {
  const found: TopicDescription[] = []
  for (const [topic, outcome] of await admin.describeTopics([...new Set(topics)])) {
    if (isKafkaError(outcome, 'UNKNOWN_TOPIC_OR_PARTITION')) throw unknown(`Topic ${topic} not found.`)
    if (outcome instanceof Error) throw outcome
    found.push(outcome)
  }
  return found
}

function unknown(sentence: string): KafkaError {
  const code = 'UNKNOWN_TOPIC_OR_PARTITION'
  return new KafkaError(code, javaError(new KafkaError(code, sentence)))
}

function replicasOf({ name, partitions }: TopicDescription): PartitionReplicas[] {
  return partitions.map(({ partition, replicas }) => ({
    topic: name,
    partition,
    replicas: replicas.map(({ id }) => id),
  }))
}

/** With the directories that the replicas lie in. */
async function currentText(admin: AdminClient, current: readonly PartitionReplicas[]): Promise<string> {
  const replicas = current.flatMap(({ topic, partition, replicas: ids }) => {
    return ids.map((brokerId) => ({ topic, partition, brokerId }))
  })
  const told = (await admin.describeReplicaLogDirs(replicas)).values()
  const dirs = new Map([...told].map(([replica, info]) => [replicaText(replica), info.currentReplicaLogDir]))
  return assignmentText(current, ({ topic, partition }, brokerId) => {
    return dirs.get(replicaText({ topic, partition, brokerId })) ?? ANY_LOG_DIR
  })
}

async function generate(admin: AdminClient, options: ReassignOptions, host: ToolHost): Promise<void> {
  const text = await fileOf(options, 'topics-to-move-json-file', host)
  const ids = (options.value('broker-list') ?? '').split(',')
  for (const id of ids) if (!isInteger(id)) throw refused(`For input string: "${id}"`)
  const twice = duplicates(ids)
  if (twice.length > 0) throw refused(`Broker list contains duplicate entries: [${twice.join(', ')}]`)
  const topics = await describe(admin, parseTopics(text))
  const isAware = !options.has('disable-rack-aware')
  const { nodes } = await admin.describeCluster()
  const brokers = nodes
    .filter(({ id }) => ids.some((one) => Number(one) === id))
    .map(({ id, rack }) => ({ id, rack: isAware ? rack : null }))
  const rackless = brokers.filter(({ rack }) => rack === null).length
  if (isAware && rackless > 0 && rackless < brokers.length) {
    throw refused(
      'Not all brokers have rack information. Add --disable-rack-aware in command line to make replica assignment without rack information.',
    )
  }
  const current = topics.flatMap(replicasOf)
  const proposed = topics.flatMap((topic) => {
    const [first] = topic.partitions
    const lists = assignReplicas(brokers, topic.partitions.length, first?.replicas.length ?? 0, host.world.random)
    return lists.map((replicas, partition) => ({ topic: topic.name, partition, replicas }))
  })
  host.terminal.out(`Current partition replica assignment\n${await currentText(admin, current)}\n`)
  host.terminal.out(`Proposed partition reassignment configuration\n${assignmentText(proposed)}`)
}

async function execute(admin: AdminClient, options: ReassignOptions, host: ToolHost): Promise<void> {
  const { terminal } = host
  const { partitions, moves } = parseExecutable(await fileOf(options, 'reassignment-json-file', host))
  const running = (await admin.listPartitionReassignments()).all()
  if (!options.has('additional') && running.size > 0) throw terse(EXISTING)
  const known = new Set((await admin.describeCluster()).nodes.map(({ id }) => id))
  const stranger = partitions.flatMap(({ replicas }) => replicas).find((id) => !known.has(id))
  if (stranger !== undefined) throw refused(`Unknown broker id ${stranger}`)
  const current = await currentOf(admin, partitions)
  terminal.out(
    `Current partition replica assignment\n\n${await currentText(admin, current)}\n\nSave this to use as the --reassignment-json-file option during rollback`,
  )
  const rate = options.integer('throttle') ?? -1
  const logDirRate = options.integer('replica-alter-log-dirs-throttle') ?? -1
  if (rate >= 0 || logDirRate >= 0) terminal.out(RUN_VERIFY)
  if (rate >= 0) {
    const replicas = new Map(current.map((one) => [nameOf(one), one.replicas]))
    await throttleMoves(admin, rate, running, partitions, replicas, terminal)
  }
  if (logDirRate >= 0) {
    await throttleLogDirs(
      admin,
      logDirRate,
      moves.map(({ brokerId }) => brokerId),
      terminal,
    )
  }
  const wishes = partitions.map(({ topic, partition, replicas }) => ({ topic, partition, targetReplicas: replicas }))
  const change = options.has('disallow-replication-factor-change') ? { allowReplicationFactorChange: false } : {}
  const errors = (await admin.alterPartitionReassignments(wishes, change)).errors()
  if (errors.size > 0) throw terse(`Error reassigning partition(s):\n${errorLines(errors)}`)
  const names = [...partitions].sort(byName).map(nameOf)
  terminal.out(`Successfully started partition reassignment${names.length === 1 ? '' : 's'} for ${names.join(',')}`)
  await executeMoves(admin, moves, options.integer('timeout') ?? 0, host)
}

function errorLines(errors: ReadonlyMap<PartitionName, Error>): string {
  const sorted = [...errors].sort(([one], [other]) => byName(one, other))
  return sorted.map(([partition, error]) => `${nameOf(partition)}: ${clientSentence(error)}`).join('\n')
}
type PartitionName = Parameters<typeof nameOf>[0]

/** @throws KafkaError if one is missing. */
async function currentOf(admin: AdminClient, wanted: readonly PartitionReplicas[]): Promise<PartitionReplicas[]> {
  const names = new Set(wanted.map(nameOf))
  const topics = await describe(
    admin,
    wanted.map(({ topic }) => topic),
  )
  const found = topics.flatMap(replicasOf).filter((one) => names.delete(nameOf(one)))
  if (names.size > 0) throw unknown(`Unable to find partition: ${[...names].join(', ')}`)
  return found
}

async function verify(admin: AdminClient, options: ReassignOptions, host: ToolHost): Promise<void> {
  const { terminal } = host
  const { partitions, moves } = parseReassignment(await fileOf(options, 'reassignment-json-file', host))
  const running = (await admin.listPartitionReassignments()).all()
  const isRunning = new Set([...running.keys()].map(nameOf))
  const rest = partitions.filter((one) => !isRunning.has(nameOf(one)))
  const described = await admin.describeTopics([...new Set(rest.map(({ topic }) => topic))])
  terminal.out('Status of partition reassignment:')
  for (const one of [...partitions].sort(byName)) {
    if (isRunning.has(nameOf(one))) terminal.out(`Reassignment of partition ${nameOf(one)} is still in progress.`)
    else terminal.out(endText(one, described.outcome(one.topic)))
  }
  const states = await moveStates(admin, moves)
  terminal.out(states.map(stateText).join('\n'))
  const areMoving = states.some(({ future }) => future !== null)
  if (running.size === 0 && !areMoving && !options.has('preserve-throttles')) {
    await clearThrottles(admin, partitions, terminal)
  }
}

function endText(one: PartitionReplicas, outcome: TopicDescription | Error): string {
  if (outcome instanceof Error && !isKafkaError(outcome, 'UNKNOWN_TOPIC_OR_PARTITION')) throw outcome
  const found = outcome instanceof Error ? undefined : outcome.partitions[one.partition]
  const replicas = found?.replicas.map(({ id }) => id).join(',') ?? ''
  if (replicas === one.replicas.join(',')) return `Reassignment of partition ${nameOf(one)} is completed.`
  return `There is no active reassignment of partition ${nameOf(one)}, but replica set is ${replicas} rather than ${one.replicas.join(',')}.`
}

async function cancel(admin: AdminClient, options: ReassignOptions, host: ToolHost): Promise<void> {
  const { terminal } = host
  const { partitions, moves } = parseReassignment(await fileOf(options, 'reassignment-json-file', host))
  const wanted = partitions.map(({ topic, partition }) => ({ topic, partition }))
  const running = [...(await admin.listPartitionReassignments(wanted)).all()]
    .filter(([, { addingReplicas, removingReplicas }]) => addingReplicas.length > 0 || removingReplicas.length > 0)
    .map(([partition]) => partition)
  if (running.length === 0) terminal.out('None of the specified partition reassignments are active.')
  else {
    const errors = (
      await admin.alterPartitionReassignments(running.map((one) => ({ ...one, targetReplicas: null })))
    ).errors()
    if (errors.size > 0) {
      throw terse(`Error cancelling partition reassignment${errors.size === 1 ? '' : 's'} for:\n${errorLines(errors)}`)
    }
    const names = running.sort(byName).map(nameOf)
    terminal.out(
      `Successfully cancelled partition reassignment${names.length === 1 ? '' : 's'} for: ${names.join(',')}`,
    )
  }
  const back = (await moveStates(admin, moves)).flatMap(({ current, future, ...move }) => {
    return current !== null && future !== null ? [{ ...move, logDir: current }] : []
  })
  if (back.length === 0) terminal.write('None of the specified partition moves are active.')
  else await executeMoves(admin, back, options.integer('timeout') ?? 0, host)
  if (!options.has('preserve-throttles')) await clearThrottles(admin, partitions, terminal)
}

async function list(
  admin: AdminClient,
  _options: ReassignOptions,
  { terminal }: { terminal: Terminal },
): Promise<void> {
  const running = [...(await admin.listPartitionReassignments()).all()].sort(([one], [other]) => byName(one, other))
  if (running.length === 0) return terminal.out('No partition reassignments found.')
  const lines = running.map(([partition, { replicas, addingReplicas, removingReplicas }]) => {
    const adding = addingReplicas.length === 0 ? '' : ` adding: ${addingReplicas.join(',')}.`
    const removing = removingReplicas.length === 0 ? '' : ` removing: ${removingReplicas.join(',')}.`
    return `${nameOf(partition)}: replicas: ${replicas.join(',')}.${adding}${removing}`
  })
  terminal.out(`Current partition reassignments:\n${lines.join('\n')}`)
}
