/**
 * Who leads and is no longer heard by those who decide: a controller that can't commit, a leader that can't ask for a smaller ISR. What
 * they promise meanwhile is lost when they die, so they must promise nothing.
 */
import { KlammClient } from '../../client/klamm.ts'
import type { SeededRandom } from '../seeded-random.ts'
import { expectedError } from './clients.ts'
import type { ClusterNode } from './cluster-node.ts'
import type { ClusterSim } from './cluster-sim.ts'
import { BROKER_PORT, REPLICAS } from './settings.ts'

/** Shorter than a leader of the quorum leads on unheard. */
const ASK_MS = 700
/** At once: each is asked of some broker, which may find no way to the controller that is alone. */
const ASKED = 4

/** The active controller is asked for topics when no other controller hears it, and dies. */
export async function controllerAlone(sim: ClusterSim, random: SeededRandom): Promise<void> {
  const active = sim.controllers.find(({ quorum }) => quorum?.isLeader === true)
  if (active === undefined || sim.controllers.length < 2) return
  sim.sometimes('controller alone')
  sim.note('network', `${active.name}, the active controller, is cut off from other controllers`)
  for (const other of sim.controllers) if (other !== active) sim.world.net.cut(active.name, other.name)
  const names = Array.from({ length: ASKED }, (_, index) => `lone-${Math.floor(sim.nowMs)}-${index}`)
  await Promise.all(names.map((name) => askForTopic(sim, active, name)))
  await active.end('crash', random.between(3000, 6000))
  sim.world.net.heal()
}

async function askForTopic(sim: ClusterSim, active: ClusterNode, name: string): Promise<void> {
  // It hears brokers still, and they pass on what they are asked.
  const heard = sim.brokers.filter((node) => node === active || !node.isController)
  if (heard.length === 0) return
  const kafka = new KlammClient(sim.world.node('operator-at-the-controller').world, {
    brokers: heard.map(({ name: host }) => `${host}:${BROKER_PORT}`),
    requestTimeoutMs: ASK_MS,
    connectTimeoutMs: ASK_MS,
    callTimeoutMs: ASK_MS,
  })
  sim.topics.set(name, 'perhaps')
  try {
    const outcomes = await kafka.admin().createTopics([{ name, numPartitions: 1, replicationFactor: REPLICAS }])
    if (!(outcomes.outcome(name) instanceof Error)) sim.topics.set(name, 'there')
  } catch (error) {
    sim.note('operator', `${name}: ${expectedError(sim, error)}`)
  }
  await kafka.close()
}

/**
 * A leader and one follower hear each other, and nobody else; the leader finds that the third lags, and can't have it taken out of
 * the ISR. Then both die: the third leads, and must have all that was acknowledged.
 */
export async function leaderAlone(sim: ClusterSim, random: SeededRandom): Promise<void> {
  const pair = random.shuffle(loneable(sim))[0]
  if (pair === undefined) return
  sim.sometimes('leader alone with one follower')
  sim.note('network', `${pair.map(({ name }) => name).join(' and ')} are cut off from other nodes`)
  for (const one of pair)
    for (const other of sim.nodes) if (!pair.includes(other)) sim.world.net.cut(one.name, other.name)
  const lagMs = Number(sim.settings.properties['replica.lag.time.max.ms'])
  await sim.sleep(lagMs + random.between(1000, 3000))
  await Promise.all([
    ...pair.map((node) => node.end('crash', random.between(6000, 9000))),
    sim.sleep(1).then(() => sim.world.net.heal()),
  ])
}

/** Leaders with a follower, without whom the quorum still has a majority, and a third in sync. */
function loneable(sim: ClusterSim): (readonly [ClusterNode, ClusterNode])[] {
  const active = sim.controllers.find(({ quorum }) => quorum?.isLeader === true)
  const voters = active?.quorum?.voters.map(({ id }) => id) ?? []
  const nodeOf = (id: number): ClusterNode | undefined => sim.nodes.find((node) => node.id === id)
  return sim.partitions.flatMap(({ topic, partition }) => {
    const { leader = -1, isr = [] } = sim.assignment(topic, partition) ?? {}
    if (isr.length < REPLICAS) return []
    return isr.flatMap((id) => {
      const pair = [nodeOf(leader), nodeOf(id)] as const
      const [first, second] = pair
      if (first === undefined || second === undefined || first === second) return []
      if (first === active || second === active) return []
      const left = voters.filter((voter) => voter !== first.id && voter !== second.id)
      return left.length * 2 > voters.length ? [[first, second] as const] : []
    })
  })
}
