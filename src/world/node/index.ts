/**
 * The World of the real machine. Package entries and cli make one and hand it down; everybody else sees only the
 * interface. Each call makes an independent World, but locks of files exclude each other in the whole process.
 */
import type { World } from '../world.ts'
import { nodeClock } from './clock.ts'
import { nodeCompute } from './compute.ts'
import { NodeDisk } from './disk.ts'
import { NodeNetwork } from './network.ts'
import { nodeRandom } from './random.ts'

export function nodeWorld(): World {
  return {
    clock: nodeClock,
    random: nodeRandom,
    disk: new NodeDisk(),
    network: new NodeNetwork(),
    compute: nodeCompute,
  }
}
