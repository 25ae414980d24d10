/** Connections break, messages are late, machines do not reach each other. */
import { LATENCY_US } from '../../seeded-network.ts'
import type { Fault } from '../fault.ts'
import { CLIENT_MACHINES } from '../workload.ts'

export const resets: Fault = {
  name: 'connections reset',
  async inject(sim, random) {
    sim.sometimes('connections reset')
    sim.note('network', 'connections reset')
    if (random.chance(0.5)) sim.world.net.reset('main', CLIENT_MACHINES[random.below(CLIENT_MACHINES.length)])
    else {
      sim.world.net.breakRate = 0.02
      await sim.sleep(random.between(100, 2000))
      sim.world.net.breakRate = 0
    }
  },
}

export const partition: Fault = {
  name: 'partition',
  async inject(sim, random) {
    const client = CLIENT_MACHINES[random.below(CLIENT_MACHINES.length)] ?? 'client-a'
    const kind = random.below(3)
    sim.sometimes(kind === 0 ? 'partition' : 'one-way partition')
    sim.note('network', `${client} is cut off (${['both ways', 'requests', 'answers'][kind]})`)
    if (kind === 0) sim.world.net.cut(client, 'main')
    else if (kind === 1) sim.world.net.cut(client, 'main', { oneWay: true })
    else sim.world.net.cut('main', client, { oneWay: true })
    await sim.sleep(random.between(100, 6000))
    sim.world.net.heal()
    sim.note('network', 'healed')
  },
}

export const delays: Fault = {
  name: 'messages delayed',
  async inject(sim, random) {
    sim.sometimes('messages delayed')
    const { net } = sim.world
    net.latencyUs = [1000, random.between(10_000, 800_000)]
    await sim.sleep(random.between(100, 3000))
    net.latencyUs = LATENCY_US
  },
}
