/**
 * One seed: a broker, clients and faults drawn from it; then everything heals, the clients come to their end, and all that
 * was promised is checked: while the broker serves, when it has closed, and when it was started again.
 */
import { difference, plainImage, textOf } from '../plain-image.ts'
import { SeededWorld } from '../seeded-world.ts'
import type { SimOutcome, SimulateOptions } from '../sim-run.ts'
import { AlwaysChecker } from './checkers/always.ts'
import { checkCommittedOffsets } from './checkers/committed-offsets.ts'
import { checkNothingLeft } from './checkers/nothing-left.ts'
import { checkWholeLogs } from './checkers/whole-logs.ts'
import type { Counter } from './counters.ts'
import type { Fault } from './fault.ts'
import { FAULTS } from './faults/index.ts'
import { GroupTruth } from './group-truth.ts'
import { LogTruth } from './log-truth.ts'
import { drawSettings } from './settings.ts'
import { HEAL_MS_MAX, Sim } from './sim.ts'
import { SimBroker } from './sim-broker.ts'
import { SimClient } from './sim-client.ts'
import { TopicTruth } from './topic-truth.ts'
import { WORKLOADS } from './workloads/index.ts'
import { createTopic } from './workloads/topic-admin.ts'
import type { SeededRandom } from '../seeded-random.ts'

export async function simulate(seed: number, options: SimulateOptions): Promise<SimOutcome<Counter>> {
  const world = new SeededWorld(seed, { virtualMsMax: 600_000 })
  const settings = drawSettings(world.choices.fork('settings'), options.quick)
  world.main.disk.openFilesMax = settings.openFilesMax
  const sim = new Sim(world, settings, (self) => ({
    topics: new TopicTruth(self),
    logs: new LogTruth(self),
    groups: new GroupTruth(self),
    broker: new SimBroker(self),
  }))
  options.onStart?.((error) => sim.fail(error))
  const always = new AlwaysChecker(sim)
  world.afterEvent = () => {
    sim.broker.tick()
    always.check()
  }
  return sim.play(() => story(sim))
}

async function story(sim: Sim): Promise<void> {
  const random = sim.random('story')
  const watched = <T>(task: Promise<T>): Promise<T | void> => task.catch((error: unknown) => sim.fail(error))
  const supervised = watched(sim.broker.supervise())
  const founder = new SimClient(sim, 'observer', 'founder', 10_000)
  for (const topic of sim.settings.topics) await createTopic(sim, founder, topic)
  founder.close()
  const running = new Map<string, Promise<unknown>>()
  for (const { workload, least, most } of WORKLOADS) {
    for (let count = random.between(least, most), at = 0; at < count; at++) {
      const who = `${workload.name}${at}`
      const done = watched(workload.run(sim, who, sim.random(who)))
      running.set(
        who,
        done.finally(() => running.delete(who)),
      )
    }
  }
  await breakThings(sim, random)
  heal(sim)
  await sim.sleep(random.between(500, 3000))
  sim.stopping = true
  await Promise.race([Promise.all(running.values()), sim.sleep(HEAL_MS_MAX)])
  sim.check(running.size === 0, () => `still at work after everything has healed: ${[...running.keys()].join(', ')}`)
  await checkWholeLogs(sim)
  await checkCommittedOffsets(sim)
  await end(sim)
  void supervised
}

async function breakThings(sim: Sim, random: SeededRandom): Promise<void> {
  const untilMs = sim.nowMs + sim.settings.faultMs
  // Some runs see few kinds of faults: what they do to each other hides what one does alone.
  const kinds = random.shuffle(FAULTS).slice(0, random.between(1, FAULTS.length))
  const gapMs = random.between(200, 4000)
  const lane = async (): Promise<void> => {
    while (sim.nowMs < untilMs) {
      await sim.sleep(random.between(1, gapMs * 2))
      const fault: Fault | undefined = kinds[random.below(kinds.length)]
      if (fault !== undefined) await fault.inject(sim, random)
    }
  }
  await Promise.all(random.chance(0.3) ? [lane(), lane()] : [lane()])
}

/** Machines, disks and connections are whole again; a broker with a failed directory is started anew. */
function heal(sim: Sim): void {
  sim.note('sim', 'everything is mended')
  sim.broker.live()
  const { main } = sim.world
  main.disk.heal()
  main.disk.capacityBytes = 2 ** 40
  sim.world.net.heal()
  sim.world.net.breakRate = 0
  sim.healedAtMs = sim.nowMs
  const replicas = [...(sim.broker.inside?.services.replicas.partitions() ?? [])]
  if (replicas.some(({ log }) => log === null)) void sim.broker.end('crash', 0)
}

async function end(sim: Sim): Promise<void> {
  const { inside } = sim.broker
  sim.check(inside !== null, () => 'the broker is not up at the end')
  const image = describe(inside.services.image())
  await sim.broker.stop()
  await checkNothingLeft(sim, inside)
  sim.check(await sim.broker.startOnce(), () => 'the broker does not start after a clean end')
  const again = sim.broker.inside
  sim.check(again !== null, () => 'the broker is not up after its last start')
  const after = describe(again.services.image())
  sim.check(after === image, () => `the metadata differs after a restart: ${difference(image, after)}`)
  await checkWholeLogs(sim)
  await checkCommittedOffsets(sim)
  await sim.broker.stop()
}

/** Without what each registration changes. */
function describe(image: Parameters<typeof plainImage>[0]): string {
  const plain = { ...plainImage(image), brokers: null, controllers: null }
  return textOf(plain, ['leaderEpoch', 'partitionEpoch'])
}
