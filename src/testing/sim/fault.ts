/** Something that goes wrong with the machine or its surroundings; resolves when it is over. */
import type { SeededRandom } from '../seeded-random.ts'
import type { Sim } from './sim.ts'

export interface Fault {
  readonly name: string
  inject(sim: Sim, random: SeededRandom): Promise<void>
}
