/** A broker that was closed has no timer, no operation, no open file, no lock, no memory and no connection any more. */
import type { Inside } from '../../../server/node-options.ts'
import type { Sim } from '../sim.ts'

/** A socket tells its owner of the end in an event of its own. */
const SETTLE_MS = 2000

export async function checkNothingLeft(sim: Sim, inside: Inside): Promise<void> {
  await sim.sleep(SETTLE_MS)
  const { main } = sim.world
  const events = main.pending()
  sim.check(events.length === 0, () => `a closed broker still waits for: ${events.slice(0, 5).join(', ')}`)
  const held = main.disk.held()
  sim.check(held.length === 0, () => `a closed broker holds: ${held.slice(0, 5).join(', ')}`)
  const bytes = inside.memoryInUseBytes()
  sim.check(bytes === 0, () => `a closed broker holds ${bytes} bytes of request memory`)
}
