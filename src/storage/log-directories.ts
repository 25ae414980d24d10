/**
 * Takes the node's log directories into possession: locks them, reads their identities, checks these against each other
 * and against the configuration. Nothing of their logs is read yet: the metadata log is opened between this and the
 * loading of the partitions.
 *
 * A directory that another process holds, or that belongs to another cluster or node, stops the node. A directory whose
 * disk fails is left out (it is offline) as long as another one works.
 */
import { OperationalError } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import { DiskError, type Clock, type Disk, type Random } from '../world/world.ts'
import { LogDirectory } from './log-directory.ts'
import {
  isReservedDirectoryId,
  randomUuid,
  readMetaProperties,
  verifyMetaProperties,
  writeMetaProperties,
  type MetaProperties,
} from './meta-properties.ts'

export interface OpenLogDirectoriesOptions {
  readonly disk: Disk
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly paths: readonly string[]
  /** Where `__cluster_metadata-0` may lie; null: anywhere. */
  readonly metadataPath: string | null
  /** Null: whatever the directories say. */
  readonly clusterId: string | null
  readonly nodeId: number
}

export interface LogDirectories {
  readonly clusterId: string
  readonly nodeId: number
  /** In the order of the configuration. */
  readonly live: readonly LogDirectory[]
  /** Their disks failed. */
  readonly offlinePaths: readonly string[]
}

export async function openLogDirectories(options: OpenLogDirectoriesOptions): Promise<LogDirectories> {
  const { disk, logger } = options
  const locked: LogDirectory[] = []
  const found = new Map<string, MetaProperties>()
  const offlinePaths: string[] = []
  try {
    for (const path of options.paths) {
      try {
        const directory = await LogDirectory.lock(disk, logger, path)
        locked.push(directory)
        const properties = await readMetaProperties(disk, path)
        if (properties === null) {
          throw new OperationalError(
            'CONFIG_INVALID',
            `No \`meta.properties\` found in ${path} (have you run \`kafka-storage.sh\` to format the directory?)`,
          )
        }
        await refuseForeignMetadata(directory, options.metadataPath)
        found.set(path, properties)
      } catch (error) {
        if (!(error instanceof DiskError)) throw error
        if (path === options.metadataPath) {
          throw new OperationalError(
            'DISK_FAILED',
            `Encountered I/O error in metadata log directory ${path}. Cannot continue.`,
            { cause: error },
          )
        }
        logger.error(`Failed to open log directory ${path}, it is offline`, error)
        offlinePaths.push(path)
      }
    }
    const [first] = found.values()
    if (first === undefined) {
      throw new OperationalError('DISK_FAILED', 'No readable meta.properties files found.')
    }
    verifyMetaProperties(found, { clusterId: options.clusterId, nodeId: options.nodeId })
    const live: LogDirectory[] = []
    for (const directory of locked) {
      const properties = found.get(directory.path)
      if (properties === undefined) {
        await directory.unlock().catch(() => undefined)
        continue
      }
      directory.identify(await withDirectoryId(options, directory.path, properties))
      live.push(directory)
    }
    return { clusterId: options.clusterId ?? first.clusterId ?? '', nodeId: options.nodeId, live, offlinePaths }
  } catch (error) {
    for (const directory of locked) await directory.unlock().catch(() => undefined)
    throw error
  }
}

async function refuseForeignMetadata(directory: LogDirectory, metadataPath: string | null): Promise<void> {
  if (metadataPath === null || metadataPath === directory.path || !(await directory.holdsMetadataLog())) return
  throw new OperationalError(
    'CONFIG_INVALID',
    `Found unexpected metadata location in data directory \`${directory.path}\` ` +
      `(the configured metadata directory is \`${metadataPath}\`).`,
  )
}

async function withDirectoryId(
  { disk, clock, random, logger }: OpenLogDirectoriesOptions,
  path: string,
  properties: MetaProperties,
): Promise<MetaProperties> {
  if (properties.directoryId !== null) return properties
  let directoryId = randomUuid(random)
  while (isReservedDirectoryId(directoryId)) directoryId = randomUuid(random)
  const identified = { ...properties, directoryId }
  logger.info(`Rewriting ${path}/meta.properties`)
  await writeMetaProperties(disk, path, identified, clock.wallMs())
  return identified
}
