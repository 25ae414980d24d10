/** The process or the machine ends, at any event. */
import type { Fault } from '../fault.ts'
import { CLIENT_MACHINES } from '../workload.ts'

export const crash: Fault = {
  name: 'process crash',
  async inject(sim, random) {
    sim.broker.dieAfter(random.between(1, 3000), 'crash')
    await sim.sleep(random.between(10, 1500))
  },
}

/** What it has written it cannot tell any more: whoever asks its successor again must be known there. */
export const endUnheard: Fault = {
  name: 'end with lost answers',
  async inject(sim, random) {
    sim.sometimes('answers lost in an end')
    sim.note('network', 'no answer of the broker arrives')
    for (const client of CLIENT_MACHINES) sim.world.net.cut('main', client, { oneWay: true })
    await sim.sleep(random.chance(0.5) ? random.between(1, 40) : random.between(40, 500))
    await sim.broker.end(random.chance(0.3) ? 'crash' : 'close', random.below(300))
    sim.world.net.heal()
  },
}

export const powerLoss: Fault = {
  name: 'power loss',
  async inject(sim, random) {
    if (!sim.settings.powerLoss) return
    sim.broker.dieAfter(random.between(1, 3000), 'power loss')
    await sim.sleep(random.between(10, 1500))
  },
}

export const cleanRestart: Fault = {
  name: 'clean restart',
  inject: (sim, random) => sim.broker.end('close', random.below(300)),
}

export const restartWithin: Fault = {
  name: 'restart within the process',
  inject: (sim) => sim.broker.end('kill and start in the same process', 0),
}

/** A process that dies again and again while it starts. */
export const crashLoop: Fault = {
  name: 'crash loop',
  async inject(sim, random) {
    for (let times = random.between(2, 5); times > 0; times--) {
      await sim.broker.end('crash', 0)
      await sim.sleep(random.between(1, 60))
    }
  },
}
