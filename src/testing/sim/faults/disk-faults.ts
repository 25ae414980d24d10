/** The disk fails, fills up, is slow, hangs, or gives back what was not written. */
import type { DiskOperation } from '../../../world/memory-volume.ts'
import type { Fault } from '../fault.ts'
import type { Sim } from '../sim.ts'
import type { SeededRandom } from '../../seeded-random.ts'
import type { Counter } from '../counters.ts'

/** Some file of some directory: the metadata log too. */
function failing(name: Counter, kinds: readonly DiskOperation['kind'][]): Fault {
  return {
    name,
    async inject(sim, random) {
      const directory = sim.settings.logDirectories[random.below(sim.settings.logDirectories.length)] ?? ''
      const bytes = random.chance(0.5) ? random.below(200) : 0
      sim.note('disk', `${name} in ${directory}`)
      sim.world.main.disk.failNext({
        kinds,
        path: directory,
        code: 'EIO',
        writtenBytes: bytes,
        times: random.between(1, 3),
      })
      sim.sometimes(name)
      await sim.sleep(random.between(100, 2000))
      sim.world.main.disk.forgetRequested()
    },
  }
}

export const writeError = failing('write error', ['write', 'writeNow'])
export const syncError = failing('sync error', ['sync', 'syncDirectory'])
export const readError = failing('read error', ['read'])

export const diskFull: Fault = {
  name: 'disk full',
  async inject(sim, random) {
    const { disk } = sim.world.main
    disk.capacityBytes = disk.usedBytes() + random.below(3000)
    sim.note('disk', 'is nearly full')
    sim.sometimes('disk full')
    await sim.sleep(random.between(100, 3000))
    disk.capacityBytes = 2 ** 40
    sim.note('disk', 'has room again')
  },
}

export const slowDisk: Fault = {
  name: 'slow disk',
  async inject(sim, random) {
    await during(sim, random, 'disk slow', (on) => (sim.world.main.disk.rates.slow = on ? 0.5 : 0.002))
  },
}

export const hungDisk: Fault = {
  name: 'hung disk',
  async inject(sim, random) {
    await during(sim, random, 'disk hung', (on) => (on ? sim.world.main.disk.hang() : sim.world.main.disk.unhang()))
  },
}

/** Only while the broker serves: a recovery that reads wrong bytes must cut the log there. */
export const bitRot: Fault = {
  name: 'bit rot',
  async inject(sim, random) {
    if (!sim.broker.isUp) return
    const { incarnation } = sim.broker
    sim.rotting = true
    sim.world.main.disk.rates.rot = 0.2
    await sim.sleep(random.between(100, 1500))
    sim.world.main.disk.rates.rot = 0
    // What was read meanwhile may still be on its way.
    await sim.sleep(5000)
    if (sim.broker.incarnation === incarnation) sim.rotting = false
  },
}

async function during(sim: Sim, random: SeededRandom, name: Counter, set: (on: boolean) => void): Promise<void> {
  sim.sometimes(name)
  sim.note('disk', name)
  set(true)
  await sim.sleep(random.between(50, 5000))
  set(false)
  sim.note('disk', `no longer: ${name}`)
}
