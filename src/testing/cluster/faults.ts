/**
 * What goes wrong in a simulated cluster. Each fault resolves when it is over, apart from what follows from it.
 *
 * The promise that faults keep to is Kafka's: what is acknowledged survives any crash of processes, and a power loss of
 * fewer than min.insync.replicas machines before the others have recovered. So power fails on one machine while everything
 * is calm, and nothing else goes wrong until it is calm again; unless records are synced before they are acknowledged.
 */
import { LATENCY_US } from '../seeded-network.ts'
import type { SeededRandom } from '../seeded-random.ts'
import type { ClusterNode } from './cluster-node.ts'
import { HEAL_MS_MAX, type ClusterSim } from './cluster-sim.ts'
import type { Fault } from './fault.ts'
import { controllerAlone, leaderAlone } from './lone-nodes.ts'
import { rotOfRecords, rotOfSnapshot } from './rot.ts'
import { coordinatorLost, lastReplicaLost, leadersLost } from './successions.ts'

function one<T>(random: SeededRandom, of: readonly T[]): T {
  return of[random.below(of.length)] as T
}

async function cut(sim: ClusterSim, random: SeededRandom, isOneWay: boolean): Promise<void> {
  const { net } = sim.world
  const node = one(random, sim.nodes)
  const others = sim.nodes.filter((other) => other !== node)
  const from = random.chance(0.6) ? others : random.shuffle(others).slice(0, random.between(1, others.length))
  sim.note('network', `${isOneWay ? 'one way from ' : ''}${node.name} to ${from.map(({ name }) => name).join()} is cut`)
  sim.sometimes(isOneWay ? 'one-way partition' : 'partition')
  for (const other of from) net.cut(node.name, other.name, { oneWay: isOneWay })
  await sim.sleep(random.between(200, 8000))
  net.heal()
  sim.note('network', 'whole again')
}

async function powerLossOf(sim: ClusterSim, random: SeededRandom, nodes: readonly ClusterNode[]): Promise<void> {
  await Promise.all(nodes.map((node) => node.end('power loss', random.below(3000))))
}

async function withDisk(
  sim: ClusterSim,
  random: SeededRandom,
  change: (node: ClusterNode) => () => void,
  msMax: number,
): Promise<void> {
  const undo = change(one(random, sim.nodes))
  await sim.sleep(random.between(50, msMax))
  undo()
}

export const FAULTS: readonly Fault[] = [
  {
    name: 'crash',
    inject: async (sim, random) => one(random, sim.nodes).end('crash', random.chance(0.5) ? 0 : random.below(8000)),
  },
  {
    name: 'crash of several',
    inject: async (sim, random) => {
      const nodes = random.shuffle(sim.nodes).slice(0, random.between(2, sim.nodes.length))
      await Promise.all(nodes.map((node) => node.end('crash', random.below(4000))))
    },
  },
  {
    name: 'power loss',
    isAlone: true,
    inject: async (sim: ClusterSim, random) => {
      if (!sim.settings.isDurable && !(await sim.waitFor(() => sim.isCalm, 20_000))) return
      if (sim.settings.isDurable && random.chance(0.3)) {
        sim.sometimes('power loss of all nodes')
        await powerLossOf(sim, random, sim.nodes)
      } else await powerLossOf(sim, random, [one(random, sim.nodes)])
      if (sim.settings.isDurable) return
      const isCalm = await sim.waitFor(() => sim.isCalm, HEAL_MS_MAX)
      sim.check(isCalm, () => `not calm ${HEAL_MS_MAX} ms after a power loss: ${sim.unrest}`)
    },
  },
  {
    name: 'controlled shutdown',
    inject: async (sim, random) => one(random, sim.nodes).end('controlled shutdown', random.below(3000)),
  },
  {
    name: 'rolling restart',
    isAlone: true,
    inject: async (sim, random) => {
      sim.sometimes('rolling restart')
      for (const node of random.shuffle(sim.nodes)) {
        await node.end('controlled shutdown', random.below(500))
        if (sim.stopping || !(await sim.waitFor(() => sim.isCalm, 30_000))) return
      }
    },
  },
  { name: 'partition', inject: (sim, random) => cut(sim, random, false) },
  { name: 'one-way partition', inject: (sim, random) => cut(sim, random, true) },
  {
    name: 'connections reset',
    inject: async (sim, random) => {
      sim.sometimes('connections reset')
      const { net } = sim.world
      if (random.chance(0.5)) net.reset(one(random, sim.nodes).name)
      else {
        net.breakRate = 0.01
        await sim.sleep(random.between(200, 3000))
        net.breakRate = 0
      }
    },
  },
  {
    name: 'messages delayed',
    inject: async (sim, random) => {
      sim.sometimes('messages delayed')
      const { net } = sim.world
      net.latencyUs = [1000, random.between(20_000, 400_000)]
      await sim.sleep(random.between(500, 5000))
      net.latencyUs = LATENCY_US
    },
  },
  {
    name: 'pause',
    inject: async (sim, random) => {
      const node = one(random, sim.nodes)
      const ms = random.between(100, 6000)
      sim.sometimes('pause')
      sim.note(node.name, `stands still for ${ms} ms`)
      node.machine.pause(ms)
      await sim.sleep(ms)
    },
  },
  {
    name: 'clock jump',
    inject: async (sim, random) => {
      const node = one(random, sim.nodes)
      const ms = random.between(-60_000, 60_000)
      sim.sometimes('clock jumped')
      sim.note(node.name, `the clock jumps by ${ms} ms`)
      node.machine.jumpWallClock(ms)
    },
  },
  {
    name: 'disk hung',
    inject: (sim, random) =>
      withDisk(
        sim,
        random,
        ({ machine, name }) => {
          sim.sometimes('disk hung')
          sim.note(name, 'the disk hangs')
          machine.disk.hang()
          return () => machine.disk.unhang()
        },
        4000,
      ),
  },
  {
    name: 'disk slow',
    inject: (sim, random) =>
      withDisk(
        sim,
        random,
        ({ machine }) => {
          sim.sometimes('disk slow')
          machine.disk.rates.slow = 0.3
          return () => (machine.disk.rates.slow = 0.002)
        },
        5000,
      ),
  },
  {
    name: 'disk error',
    inject: async (sim, random) => {
      const node = one(random, sim.nodes)
      const kind = one(random, ['write', 'sync', 'read'] as const)
      sim.note(node.name, `a ${kind} will fail`)
      node.machine.disk.failNext({ kinds: [kind], code: kind === 'write' && random.chance(0.5) ? 'ENOSPC' : 'EIO' })
      await sim.sleep(random.between(500, 3000))
      node.machine.disk.forgetRequested()
    },
  },
]

/** What needs more than chance to come about: each run begins with one of them, most often. */
export const ARRANGED: readonly Fault[] = [
  { name: 'coordinator lost', inject: coordinatorLost },
  { name: 'leaders lost', inject: leadersLost },
  { name: 'last replica lost', inject: lastReplicaLost },
  { name: 'controller alone', inject: controllerAlone },
  { name: 'leader alone', inject: leaderAlone },
  { name: 'bit rot', inject: rotOfRecords },
  { name: 'rotten snapshot', inject: rotOfSnapshot },
]
