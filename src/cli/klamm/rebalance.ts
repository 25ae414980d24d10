/**
 * `klamm rebalance`: works out which replicas shall lie where so that brokers have about as many each, shows it, and with --execute has
 * the controller move them. As JSON the plan is a file for kafka-reassign-partitions.sh, which follows, ends or takes back the moves.
 */
import type { AdminClient } from '../../client/admin/admin.ts'
import { assignmentText, nameOf } from '../reassign-partitions/assignment-json.ts'
import { throttleMoves } from '../reassign-partitions/throttles.ts'
import { failure } from '../tool/tool-exit.ts'
import type { Run } from './command.ts'
import { notFound, usageError } from './exits.ts'
import { rebalancePlan, TooFewBrokers, type SpreadBroker, type SpreadPartition } from './rebalance-plan.ts'
import { describedTopics } from './topic-names.ts'

const CALLED = 'klamm rebalance'

export const rebalance: Run = async ({ words, host, output, withAdmin }) => {
  const removed = words.values('remove-broker').map(brokerId)
  const throttle = words.integer('throttle', 1)
  const isExecuted = words.has('execute')
  if (throttle !== null && !isExecuted) throw usageError('--throttle is for --execute.', CALLED)
  const { plan, before } = await withAdmin(async (admin) => {
    const brokers = await brokersLeft(admin, removed)
    const current = await replicasNow(admin, words.positionals)
    const planned = planFor(brokers, current)
    const replicas = new Map(current.map((one) => [nameOf(one), one.replicas]))
    if (isExecuted && planned.length > 0)
      await execute(admin, planned, replicas, throttle, (line) => host.terminal.error(line))
    return { plan: planned, before: replicas }
  })
  const rows = plan.map((one) => ({ ...one, before: before.get(nameOf(one)) ?? [] }))
  output.show(JSON.parse(assignmentText(plan)), () => [
    {
      title: null,
      columns: ['topic', 'partition', 'before', isExecuted ? 'to be' : 'planned'],
      rows: rows.map((one) => [one.topic, one.partition, one.before.join(','), one.replicas.join(',')]),
    },
  ])
  if (output.format !== 'table') return
  if (plan.length === 0) host.terminal.error('The partitions are spread already.')
  else if (!isExecuted) host.terminal.error('Nothing is changed yet: --execute does it.')
  else host.terminal.error('The moves have begun: kafka-reassign-partitions.sh --list shows those under way.')
}

function brokerId(text: string): number {
  if (!/^\d+$/.test(text)) throw usageError(`--remove-broker is the number of a broker, and not ${text}.`, CALLED)
  return Number(text)
}

async function brokersLeft(admin: AdminClient, removed: readonly number[]): Promise<SpreadBroker[]> {
  const { nodes } = await admin.describeCluster()
  const missing = removed.find((id) => nodes.every((node) => node.id !== id))
  if (missing !== undefined) {
    throw notFound(
      'broker',
      String(missing),
      nodes.map(({ id }) => String(id)),
    )
  }
  return nodes.filter(({ id }) => !removed.includes(id)).map(({ id, rack }) => ({ id, rack }))
}

/** Of the topics, or of all. @throws ToolExit while any of them moves. */
async function replicasNow(admin: AdminClient, topics: readonly string[]): Promise<SpreadPartition[]> {
  const running = (await admin.listPartitionReassignments()).all()
  const [first] = running.keys()
  if (first !== undefined) {
    const which = `${nameOf(first)}${running.size > 1 ? ` and ${running.size - 1} more` : ''}`
    throw failure(`klamm: Partitions are on the move already (${which}): wait until they have arrived.`)
  }
  const names = topics.length > 0 ? topics : (await admin.listTopics({ listInternal: true })).map(({ name }) => name)
  const described = await describedTopics(admin, [...names].sort())
  return described.flatMap(({ name, partitions }) =>
    partitions.map(({ partition, replicas }) => ({ topic: name, partition, replicas: replicas.map(({ id }) => id) })),
  )
}

function planFor(brokers: readonly SpreadBroker[], current: readonly SpreadPartition[]): SpreadPartition[] {
  try {
    return rebalancePlan(brokers, current)
  } catch (error) {
    if (!(error instanceof TooFewBrokers)) throw error
    throw failure(
      `klamm: ${error.message}, and ${brokers.length === 1 ? '1 broker is' : `${brokers.length} brokers are`} left. Start another, or give the topic fewer replicas first.`,
    )
  }
}

async function execute(
  admin: AdminClient,
  plan: readonly SpreadPartition[],
  before: ReadonlyMap<string, readonly number[]>,
  throttle: number | null,
  tell: (line: string) => void,
): Promise<void> {
  if (throttle !== null) await throttleMoves(admin, throttle, new Map(), plan, before, { out: tell })
  const wishes = plan.map(({ topic, partition, replicas }) => ({ topic, partition, targetReplicas: replicas }))
  ;(await admin.alterPartitionReassignments(wishes)).all()
}
