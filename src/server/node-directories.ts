/**
 * The log directories of a node: formatted if they are empty, opened and locked. What is still locked when the node fails to come
 * up, or has ended, is unlocked; a directory of logs is unlocked by its log manager.
 */
import { openLogDirectories, type LogDirectories } from '../storage/log-directories.ts'
import { formatIfEmpty } from './auto-format.ts'
import type { NodeLife } from './node-life.ts'
import type { NodeOptions } from './node-options.ts'

/**
 * @param paths besides the metadata log's directory
 * @throws OperationalError: one sentence for the operator
 */
export async function openDirectories(
  options: NodeOptions,
  life: NodeLife,
  paths: readonly string[],
): Promise<LogDirectories> {
  const { world, config, logger } = options
  await formatIfEmpty(world, config, logger)
  const directories = await openLogDirectories({
    ...world,
    logger,
    paths: [...new Set([...paths, config.metadataLogDir])],
    metadataPath: config.metadataLogDir,
    clusterId: null,
    nodeId: config.nodeId,
  })
  life.undo(() => unlock(directories, () => true))
  return directories
}

/** Unlocks those of them whose path `isMeant` takes. */
export async function unlock(directories: LogDirectories, isMeant: (path: string) => boolean): Promise<void> {
  for (const directory of directories.live) {
    if (isMeant(directory.path)) await directory.unlock().catch(() => undefined)
  }
}
