/**
 * One seed: a cluster of five nodes, clients and faults drawn from it; then everything heals, the clients come to their end,
 * and all that was promised is checked: after each event, at rest, and once more when every node was started again.
 */
import { SeededWorld } from '../seeded-world.ts'
import type { SimOutcome, SimulateOptions } from '../sim-run.ts'
import type { SeededRandom } from '../seeded-random.ts'
import { AlwaysChecker } from './always.ts'
import { ClusterSim, HEAL_MS_MAX } from './cluster-sim.ts'
import type { Counter } from './counters.ts'
import type { Fault } from './fault.ts'
import { ARRANGED, FAULTS } from './faults.ts'
import { checkGroup, checkMetadata, checkReplicas, checkTopics, metadataText } from './final-checks.ts'
import { difference } from '../plain-image.ts'
import { drawSettings } from './settings.ts'
import { moveReplicas } from './directory-moves.ts'
import { checkStable, checkTransactions } from './transaction-checks.ts'
import { readCommitted, writeTransactions } from './transactions.ts'
import { throttle } from './throttles.ts'
import { changeVoters, raiseKraftVersion } from './voter-changes.ts'
import { consume, createTopics, operate, produce } from './workloads.ts'

export async function simulateCluster(seed: number, options: SimulateOptions): Promise<SimOutcome<Counter>> {
  const world = new SeededWorld(seed, { virtualMsMax: 1_200_000 })
  const settings = drawSettings(world.choices.fork('settings'), options.quick)
  const sim = new ClusterSim(world, settings)
  options.onStart?.((error) => sim.fail(error))
  const always = new AlwaysChecker(sim)
  world.afterEvent = () => always.check()
  return sim.play(() => story(sim))
}

async function story(sim: ClusterSim): Promise<void> {
  const { settings, nodes } = sim
  sim.note(
    'sim',
    `nodes: ${settings.nodes.map(({ id, role, isVoter }) => `${id} ${role}${isVoter ? ', voter' : ''}`).join('; ')}`,
  )
  const watched = <T>(task: Promise<T>): Promise<T | void> => task.catch((error: unknown) => sim.fail(error))
  for (const node of nodes) await node.format()
  for (const node of nodes) void watched(node.supervise())
  sim.check(
    await sim.waitFor(() => nodes.every(({ isUp }) => isUp), HEAL_MS_MAX),
    () => `the cluster doesn't come up: ${sim.unrest}`,
  )
  await createTopics(sim)
  sim.check(await sim.waitFor(() => sim.isCalm, HEAL_MS_MAX), () => `the new cluster is not calm: ${sim.unrest}`)
  const running = new Map<string, Promise<unknown>>()
  const run = (who: string, task: Promise<void>): void => {
    running.set(
      who,
      watched(task).finally(() => running.delete(who)),
    )
  }
  for (let at = 0; at < settings.producers; at++) run(`p${at}`, produce(sim, `p${at}`, sim.random(`p${at}`)))
  for (let at = 0; at < settings.consumers; at++) run(`c${at}`, consume(sim, `c${at}`, sim.random(`c${at}`)))
  for (let at = 0; at < settings.transactional; at++)
    run(`t${at}`, writeTransactions(sim, `t${at}`, sim.random(`t${at}`)))
  if (settings.transactional > 0) run('committed', readCommitted(sim))
  run('operator', operate(sim, sim.random('operator')))
  if (settings.votersChange) run('quorum operator', changeVoters(sim, sim.random('voters')))
  if (settings.isStatic) {
    sim.sometimes('static voters')
    run('quorum operator', raiseKraftVersion(sim, sim.random('voters')))
  }
  if (settings.logDirectories.length > 1) run('operator of directories', moveReplicas(sim, sim.random('directories')))
  if (settings.throttles) run('operator of throttles', throttle(sim, sim.random('throttles')))
  await breakThings(sim, sim.random('faults'))
  heal(sim)
  const isCalm = await sim.waitFor(() => sim.isCalm, HEAL_MS_MAX)
  sim.check(isCalm, () => `not calm ${HEAL_MS_MAX} ms after everything was mended: ${sim.unrest}`)
  await sim.sleep(1000)
  sim.stopping = true
  await Promise.race([Promise.all(running.values()), sim.sleep(HEAL_MS_MAX)])
  sim.check(running.size === 0, () => `still at work after everything has healed: ${[...running.keys()].join(', ')}`)
  sim.check(sim.records.acknowledgedCount > 0, () => 'nothing was acknowledged')
  await checkStable(sim)
  await checkGroup(sim)
  sim.check(await sim.waitFor(() => sim.isCalm, HEAL_MS_MAX), () => `not calm at rest: ${sim.unrest}`)
  // Followers hear of the last high watermark by their next fetch.
  await sim.sleep(2000)
  checkMetadata(sim)
  checkTopics(sim)
  await sim.places.check(HEAL_MS_MAX)
  await checkTransactions(sim, await checkReplicas(sim))
  await restartAll(sim)
}

async function restartAll(sim: ClusterSim): Promise<void> {
  const before = metadataText(sim)
  await Promise.all(sim.nodes.map((node) => node.end('crash', 500)))
  sim.check(
    await sim.waitFor(() => sim.isCalm, HEAL_MS_MAX),
    () => `not calm after a restart of all nodes: ${sim.unrest}`,
  )
  await sim.sleep(2000)
  const after = metadataText(sim)
  sim.check(after === before, () => `the metadata differs after a restart of all nodes: ${difference(before, after)}`)
  await checkReplicas(sim)
}

async function breakThings(sim: ClusterSim, random: SeededRandom): Promise<void> {
  const untilMs = sim.nowMs + sim.settings.faultMs
  // Some runs see few kinds of faults: what they do to each other hides what one does alone.
  const all = [...FAULTS, ...ARRANGED]
  const kinds = random.shuffle(all).slice(0, random.between(1, all.length))
  sim.note('sim', `faults: ${kinds.map(({ name }) => name).join(', ')}`)
  const gapMs = random.between(1000, 5000)
  const arranged = random.shuffle([...ARRANGED]).slice(0, random.below(3))
  let alone: Promise<void> | null = null
  const lane = async (): Promise<void> => {
    while (sim.nowMs < untilMs) {
      await sim.sleep(random.between(1, gapMs * 2))
      while (alone !== null) await alone
      if (sim.nowMs >= untilMs) return
      const fault = arranged.pop() ?? kinds[random.below(kinds.length)]
      if (fault !== undefined) await inject(fault)
    }
  }
  const inject = async (fault: Fault): Promise<void> => {
    if (fault.isAlone !== true) {
      sim.faultsUnderWay += 1
      await fault.inject(sim, random)
      sim.faultsUnderWay -= 1
      return
    }
    let over: () => void = () => {}
    alone = new Promise((resolve) => (over = resolve))
    await sim.waitFor(() => sim.faultsUnderWay === 0, HEAL_MS_MAX)
    await fault.inject(sim, random)
    alone = null
    over()
  }
  await Promise.all(random.chance(0.4) ? [lane(), lane()] : [lane()])
}

/** Machines, disks and connections are whole again. */
function heal(sim: ClusterSim): void {
  sim.note('sim', 'everything is mended')
  for (const { machine } of sim.nodes) machine.disk.heal()
  sim.world.net.heal()
  sim.world.net.breakRate = 0
  sim.healedAtMs = sim.nowMs
}
