/** A client of the simulation: begins with the run, ends by itself soon after `sim.stopping`. */
import type { SeededRandom } from '../seeded-random.ts'
import type { Sim } from './sim.ts'

export interface Workload {
  readonly name: string
  run(sim: Sim, who: string, random: SeededRandom): Promise<void>
}

const MACHINES = ['client-a', 'client-b'] as const

export function machineFor(random: SeededRandom): string {
  return MACHINES[random.below(MACHINES.length)] ?? MACHINES[0]
}

export const CLIENT_MACHINES: readonly string[] = MACHINES

/** Some clients give up early, some hardly ever. */
export function timeoutFor(random: SeededRandom): number {
  return [800, 3000, 15_000][random.below(3)] ?? 3000
}
