/** Something that goes wrong in a simulated cluster. */
import type { SeededRandom } from '../seeded-random.ts'
import type { ClusterSim } from './cluster-sim.ts'

export interface Fault {
  readonly name: string
  /** Nothing else goes wrong meanwhile. */
  readonly isAlone?: boolean
  /** Resolves when it is over, apart from what follows from it. */
  inject(sim: ClusterSim, random: SeededRandom): Promise<void>
}
