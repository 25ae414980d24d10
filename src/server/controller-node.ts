/**
 * A node with the controller role only (process.roles=controller): the metadata log, its part in the quorum, and the listener
 * on which controllers elect and brokers follow the log, register and ask. It holds no partitions.
 */
import { bindController, openController } from './controller-half.ts'
import { openDirectories, unlock } from './node-directories.ts'
import { bringUp, type Node } from './node-life.ts'
import type { NodeOptions } from './node-options.ts'

/** @throws OperationalError: one sentence for the operator; nothing is left open. */
export function startControllerNode(options: NodeOptions): Promise<Node> {
  const { config, logger } = options
  return bringUp(options, async (life) => {
    const listener = await bindController(options, life)
    const directories = await openDirectories(options, life, [])
    const { controller, listeners, ...half } = await openController(options, life, listener, directories, null)
    const where = listeners.map(({ name, host, port }) => `${name}://${host}:${port}`).join(',')
    logger.info(`[ControllerServer id=${config.nodeId}] Klamm controls ${directories.clusterId} on ${where}`)
    const close = async (): Promise<void> => {
      await half.close().catch((error: unknown) => logger.error('The metadata log was not closed', error))
      await unlock(directories, () => true)
    }
    const { clusterId } = directories
    // A killed one leaves the same: every record was synced.
    return life.up({ listeners, clusterId, image: () => controller.image, close, closeHard: close })
  })
}
