/** The wall clock jumps, forth or back. */
import type { Fault } from '../fault.ts'

export const clockJump: Fault = {
  name: 'clock jump',
  inject(sim, random) {
    sim.sometimes('clock jumped')
    const byMs = random.between(-20_000, 20_000)
    sim.note('clock', `jumps by ${byMs} ms`)
    sim.world.main.jumpWallClock(byMs)
    return Promise.resolve()
  },
}
