/**
 * Leaders that go one after another at the wrong moment. Chance alone seldom brings these together: a leader goes with what only it
 * has, a follower that can't fetch from one leader becomes the next, all that are in sync are gone but one that left in order.
 */
import { bucketOf, javaHashCode } from '../../base/java-hash.ts'
import type { SeededRandom } from '../seeded-random.ts'
import { clientOf, expectedError } from './clients.ts'
import type { ClusterNode } from './cluster-node.ts'
import type { ClusterSim } from './cluster-sim.ts'
import { GROUP } from './workloads.ts'

const OFFSETS = '__consumer_offsets'
/** Shorter than followers may lag: nobody leaves the ISR meanwhile. */
const CUT_MS_MAX = 800

/** The group's coordinator is cut off from who follows it and dies: what it has answered is committed nevertheless. */
export async function coordinatorLost(sim: ClusterSim, random: SeededRandom): Promise<void> {
  const count = Number(sim.settings.properties['offsets.topic.num.partitions'])
  const partition = bucketOf(javaHashCode(GROUP), count)
  const { leader = -1, isr = [] } = sim.assignment(OFFSETS, partition) ?? {}
  const coordinator = nodeOf(sim, leader)
  if (coordinator === null || isr.length < 2) return
  sim.sometimes('coordinator lost')
  sim.note('network', `${coordinator.name}, the coordinator of ${GROUP}, is cut off from other nodes`)
  for (const other of sim.nodes) if (other !== coordinator) sim.world.net.cut(coordinator.name, other.name)
  await sim.sleep(random.between(300, CUT_MS_MAX))
  const told = sim.records.lastCommitted()
  await Promise.all([
    coordinator.end('crash', random.between(5000, 8000)),
    sim.sleep(1).then(() => sim.world.net.heal()),
  ])
  await checkCommitted(sim, told)
}

async function checkCommitted(sim: ClusterSim, told: ReadonlyMap<string, number>): Promise<void> {
  const kafka = clientOf(sim, 'observer-of-offsets')
  try {
    const found = await kafka.consumer({ groupId: GROUP }).committed(sim.partitions)
    for (const [name, offset] of told) {
      const now = found.get(name)?.offset ?? 0
      sim.check(now >= offset, () => `${name} was committed at ${offset}, and is at ${now} at the next coordinator`)
    }
  } catch (error) {
    sim.note('observer', `offsets: ${expectedError(sim, error)}`)
  }
  await kafka.close()
}

/** A leader leaves, its successor can't be fetched from and dies: the third replica, in sync all the time, has everything. */
export async function leadersLost(sim: ClusterSim, random: SeededRandom): Promise<void> {
  const { leader, isr, replicas } = anyPartition(sim, random)
  const [first, second, third] = [leader, ...replicas.filter((id) => id !== leader)].map((id) => nodeOf(sim, id))
  if (!first || !second || !third || isr.length < 3) return
  sim.sometimes('leaders lost one after another')
  sim.note('network', `${second.name} to ${third.name} is cut`)
  sim.world.net.cut(second.name, third.name)
  await first.end('controlled shutdown', random.between(4000, 9000))
  await sim.sleep(random.below(CUT_MS_MAX))
  await second.end('crash', random.between(5000, 9000))
  sim.world.net.heal()
}

/** All replicas go, the ones in order and the last one not: who left in order may lead again, because all is in it. */
export async function lastReplicaLost(sim: ClusterSim, random: SeededRandom): Promise<void> {
  const { leader, replicas } = anyPartition(sim, random)
  const others = replicas.filter((id) => id !== leader).map((id) => nodeOf(sim, id))
  const last = nodeOf(sim, leader)
  if (last === null) return
  sim.sometimes('all replicas lost')
  for (const node of others) await node?.end('controlled shutdown', random.between(4000, 6000))
  await last.end('crash', random.between(8000, 12_000))
  await sim.sleep(random.between(6000, 9000))
}

function nodeOf(sim: ClusterSim, id: number): ClusterNode | null {
  return sim.nodes.find((node) => node.id === id) ?? null
}

function anyPartition(
  sim: ClusterSim,
  random: SeededRandom,
): { readonly leader: number; readonly isr: readonly number[]; readonly replicas: readonly number[] } {
  const { partitions } = sim
  const { topic, partition } = partitions[random.below(partitions.length)]!
  return sim.assignment(topic, partition) ?? { leader: -1, isr: [], replicas: [] }
}
