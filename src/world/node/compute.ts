/**
 * Heavy work. A closure cannot be sent to another thread, so it runs here, in a turn of its own, after I/O that is ready.
 * Pieces of work that must not hold the loop for long divide themselves.
 */
import type { Compute } from '../world.ts'

export const nodeCompute: Compute = {
  async run(task) {
    await new Promise((turn) => setImmediate(turn))
    return task()
  },
}
