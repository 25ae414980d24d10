/** Limits on what reassignments may copy: configs of topics and brokers that --execute sets and --verify takes away. */
import type { AdminClient } from '../../client/admin/admin.ts'
import type { PartitionReassignment } from '../../client/admin/partitions.ts'
import type { TopicPartition } from '../../client/admin/admin-types.ts'
import type { Terminal } from '../tool/tool.ts'
import { nameOf, type PartitionReplicas } from './assignment-json.ts'

const BROKER_RATES = ['leader.replication.throttled.rate', 'follower.replication.throttled.rate'] as const
const LOG_DIR_RATE = 'replica.alter.log.dirs.io.max.bytes.per.second'
const TOPIC_LISTS = ['leader.replication.throttled.replicas', 'follower.replication.throttled.replicas'] as const

/** From where to where the replicas of a partition go. */
interface Move extends TopicPartition {
  readonly sources: ReadonlySet<number>
  readonly destinations: ReadonlySet<number>
}

function moves(
  running: ReadonlyMap<TopicPartition, PartitionReassignment>,
  proposed: readonly PartitionReplicas[],
  current: ReadonlyMap<string, readonly number[]>,
): Move[] {
  const byName = new Map<string, Move>()
  for (const [{ topic, partition }, { replicas, addingReplicas }] of running) {
    const sources = new Set(replicas.filter((id) => !addingReplicas.includes(id)))
    byName.set(nameOf({ topic, partition }), { topic, partition, sources, destinations: new Set(addingReplicas) })
  }
  for (const { topic, partition, replicas } of proposed) {
    const name = nameOf({ topic, partition })
    const sources = byName.get(name)?.sources ?? new Set(current.get(name))
    const destinations = new Set(replicas.filter((id) => !sources.has(id)))
    byName.set(name, { topic, partition, sources, destinations })
  }
  return [...byName.values()]
}

export async function throttleMoves(
  admin: AdminClient,
  rate: number,
  running: ReadonlyMap<TopicPartition, PartitionReassignment>,
  proposed: readonly PartitionReplicas[],
  current: ReadonlyMap<string, readonly number[]>,
  terminal: Pick<Terminal, 'out'>,
): Promise<void> {
  const all = moves(running, proposed, current)
  const topics = new Set(all.map(({ topic }) => topic))
  const listOf = (topic: string, side: 'sources' | 'destinations') => {
    const parts = all.filter((one) => one.topic === topic)
    return parts
      .flatMap((one) => [...one[side]].map((id) => `${one.partition}:${id}`))
      .sort()
      .join(',')
  }
  const alterations = [...topics].map((name) => ({
    resource: { type: 'TOPIC', name } as const,
    operations: [
      { name: TOPIC_LISTS[0], value: listOf(name, 'sources') },
      { name: TOPIC_LISTS[1], value: listOf(name, 'destinations') },
    ],
  }))
  ;(await admin.incrementalAlterConfigs(alterations)).all()
  const brokers = new Set(all.flatMap(({ sources, destinations }) => [...sources, ...destinations]))
  await setRates(admin, brokers, BROKER_RATES, rate)
  terminal.out(`The inter-broker throttle limit was set to ${rate} B/s`)
}

export async function throttleLogDirs(
  admin: AdminClient,
  rate: number,
  brokers: Iterable<number>,
  terminal: Terminal,
): Promise<void> {
  await setRates(admin, new Set(brokers), [LOG_DIR_RATE], rate)
  terminal.out(`The replica-alter-dir throttle limit was set to ${rate} B/s`)
}

async function setRates(admin: AdminClient, brokers: ReadonlySet<number>, names: readonly string[], rate: number) {
  const alterations = [...brokers]
    .sort((one, other) => one - other)
    .map((id) => ({
      resource: { type: 'BROKER', name: String(id) } as const,
      operations: names.map((name) => ({ name, value: String(rate) })),
    }))
  ;(await admin.incrementalAlterConfigs(alterations)).all()
}

/** All of them: nobody knows any more which brokers a reassignment copied from. */
export async function clearThrottles(
  admin: AdminClient,
  targets: readonly PartitionReplicas[],
  terminal: Terminal,
): Promise<void> {
  const known = (await admin.describeCluster()).nodes.map(({ id }) => id)
  const brokers = [...new Set([...known, ...targets.flatMap(({ replicas }) => replicas)])].sort((a, b) => a - b)
  const topics = [...new Set(targets.map(({ topic }) => topic))]
  const gone = (names: readonly string[]) => names.map((name) => ({ name, operation: 'DELETE' }) as const)
  terminal.out(`Clearing broker-level throttles on broker${brokers.length === 1 ? '' : 's'} ${brokers.join(',')}`)
  const ofBrokers = brokers.map((id) => ({
    resource: { type: 'BROKER', name: String(id) } as const,
    operations: gone([...BROKER_RATES, LOG_DIR_RATE]),
  }))
  ;(await admin.incrementalAlterConfigs(ofBrokers)).all()
  terminal.out(`Clearing topic-level throttles on topic${topics.length === 1 ? '' : 's'} ${topics.join(',')}`)
  const ofTopics = topics.map((name) => ({ resource: { type: 'TOPIC', name } as const, operations: gone(TOPIC_LISTS) }))
  ;(await admin.incrementalAlterConfigs(ofTopics)).all()
}
