/**
 * Opens every partition directory of the node's log directories, some of them at a time.
 *
 * All directories are worked on in parallel. Live and future logs are opened; `-delete` directories are reported for
 * removal, `-stray` ones left alone. A disk error takes its directory out of the result, not the start with it. What the
 * cluster does not know (its topic was deleted while the directory was offline, and maybe created again) is a stray log.
 * Two live directories for one partition are what a crash at the end of a move leaves (KIP-113): the log that goes further
 * serves. If they are not of one topic, nobody can know which of them is right, and the start stops.
 */
import { OperationalError } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { Uuid } from '../base/uuid.ts'
import { DiskError, type Clock } from '../world/world.ts'
import { forEachBounded } from './bounded.ts'
import type { DirectoryStart, FoundPartition, LogDirectory } from './log-directory.ts'
import type { LogReplica } from './log-replicas.ts'
import type { PartitionLog } from './partition-log.ts'
import { topicPartitionName, type TopicPartition } from './topic-partition.ts'

const PROGRESS_INTERVAL_MS = 5000

export interface OpenPartition extends TopicPartition {
  readonly directory: string
  readonly cleanShutdown: boolean
  readonly recoveryPoint: number
  readonly knowsRecoveryPoint: boolean
  readonly logStartOffset: number
  readonly highWatermark: number
}

export interface LoadOptions {
  readonly clock: Clock
  readonly logger: Logger
  readonly openLog: (partition: OpenPartition) => Promise<PartitionLog>
  /** Logs of one directory that are opened at once. */
  readonly inFlightMax: number
  /** Whether the cluster has this replica here. */
  readonly isKnown: (log: PartitionLog) => boolean
  /** Where the cluster has this replica; null: it doesn't say. */
  readonly assignedDirectory: (log: PartitionLog) => Uuid | null
}

export interface LoadedDirectory {
  readonly directory: LogDirectory
  readonly start: DirectoryStart
  readonly replicas: readonly LogReplica[]
  /** Full paths of directories that wait for their removal. */
  readonly toDelete: readonly string[]
}

export interface Loaded {
  readonly directories: readonly LoadedDirectory[]
  readonly failed: readonly { readonly directory: LogDirectory; readonly error: Error }[]
  /** The old logs of moves that ended when the process did; not among the replicas of their directories. */
  readonly superseded: readonly LogReplica[]
  /** What the cluster does not know; not among the replicas of their directories. */
  readonly strays: readonly LogReplica[]
}

export async function loadDirectories(directories: readonly LogDirectory[], options: LoadOptions): Promise<Loaded> {
  const { clock, logger } = options
  const startedMs = clock.monotonicMs()
  logger.info(`Loading logs from log dirs ${directories.map((directory) => directory.path).join(', ')}`)
  const loaded: LoadedDirectory[] = []
  const failed: { directory: LogDirectory; error: Error }[] = []
  let fatal: { readonly error: unknown } | null = null
  await Promise.all(
    directories.map(async (directory) => {
      const replicas: LogReplica[] = []
      try {
        loaded.push(await loadDirectory(directory, replicas, options))
      } catch (error) {
        await Promise.all(replicas.map((replica) => replica.log.closeHard().catch(() => undefined)))
        if (isDiskFailure(error)) failed.push({ directory, error })
        else fatal ??= { error }
      }
    }),
  )
  const all = loaded.flatMap(({ replicas }) => replicas)
  const strays = new Set(all.filter(({ log }) => !options.isKnown(log)))
  let superseded: ReadonlySet<LogReplica>
  try {
    if (fatal !== null) throw (fatal as { readonly error: unknown }).error
    superseded = findSuperseded(
      all.filter((replica) => !strays.has(replica)),
      options.assignedDirectory,
    )
  } catch (error) {
    await Promise.all(all.map((replica) => replica.log.closeHard().catch(() => undefined)))
    throw error
  }
  const position = (entry: { readonly directory: LogDirectory }): number => directories.indexOf(entry.directory)
  loaded.sort((a, b) => position(a) - position(b))
  logger.info(`Loaded ${all.length} logs in ${Math.round(clock.monotonicMs() - startedMs)}ms`)
  const left = loaded.map((entry) => ({
    ...entry,
    replicas: entry.replicas.filter((replica) => !superseded.has(replica) && !strays.has(replica)),
  }))
  return { directories: left, failed, superseded: [...superseded], strays: [...strays] }
}

/** Errors that cost a directory and leave the rest of the node alone. */
export function isDiskFailure(error: unknown): error is DiskError | OperationalError {
  if (error instanceof DiskError) return true
  return error instanceof OperationalError && ['LOG_CORRUPT', 'DISK_FULL', 'DISK_FAILED'].includes(error.code)
}

async function loadDirectory(
  directory: LogDirectory,
  replicas: LogReplica[],
  { clock, logger, openLog, inFlightMax }: LoadOptions,
): Promise<LoadedDirectory> {
  const start = await directory.begin()
  const toOpen = start.partitions.filter(({ kind }) => kind === 'live' || kind === 'future')
  const toDelete = start.partitions.filter(({ kind }) => kind === 'delete')
  for (const stray of start.partitions.filter(({ kind }) => kind === 'stray')) {
    logger.warn(`Found stray log: ${directory.path}/${stray.directoryName}, it is kept and not served`)
  }
  if (start.clean) {
    logger.info(`Skipping recovery of ${toOpen.length} logs from ${directory.path} since clean shutdown file was found`)
  } else if (toOpen.length > 0) {
    logger.info(`Recovering ${toOpen.length} logs from ${directory.path} since no clean shutdown file was found`)
  }
  let progressMs = clock.monotonicMs()
  await forEachBounded(toOpen, inFlightMax, async (found) => {
    const log = await openLog(openPartition(directory, start, found))
    replicas.push({ log, directory, isFuture: found.kind === 'future' })
    if (clock.monotonicMs() - progressMs < PROGRESS_INTERVAL_MS) return
    progressMs = clock.monotonicMs()
    logger.info(`Loaded ${replicas.length} of ${toOpen.length} logs in ${directory.path}`)
  })
  // What a process created and did not sync before it died is served from now on, and flushed logs must stay.
  if (!start.clean && toOpen.length > 0) await directory.syncEntries()
  const pathOf = (found: FoundPartition): string => `${directory.path}/${found.directoryName}`
  return { directory, start, replicas, toDelete: toDelete.map(pathOf) }
}

function openPartition(directory: LogDirectory, start: DirectoryStart, found: FoundPartition): OpenPartition {
  const { topic, partition, directoryName } = found
  const name = topicPartitionName(topic, partition)
  return {
    topic,
    partition,
    directory: `${directory.path}/${directoryName}`,
    cleanShutdown: start.clean,
    recoveryPoint: start.recoveryPoints.get(name) ?? 0,
    knowsRecoveryPoint: start.knowsRecoveryPoints,
    logStartOffset: start.logStarts.get(name) ?? 0,
    highWatermark: start.highWatermarks.get(name) ?? 0,
  }
}

/** Of two logs the one that has more stays; of two that are equal the one in the directory that the cluster was told of. */
function findSuperseded(
  replicas: readonly LogReplica[],
  assignedDirectory: LoadOptions['assignedDirectory'],
): Set<LogReplica> {
  const superseded = new Set<LogReplica>()
  const seen = new Map<string, LogReplica>()
  for (const replica of replicas) {
    const { topic, partition } = replica.log.topicPartition
    const name = topicPartitionName(topic, partition)
    const key = `${name}${replica.isFuture ? ' future' : ''}`
    const other = seen.get(key)
    if (other === undefined) {
      seen.set(key, replica)
      continue
    }
    if (replica.isFuture || !areOfOneTopic(replica.log, other.log)) {
      throw new OperationalError(
        'CONFIG_INVALID',
        `Duplicate log directories for ${name} are found in both ${other.log.directory} and ${replica.log.directory}. ` +
          'It is likely because log directory failure happened while broker was replacing current replica with future ' +
          'replica. Recover broker from this failure by manually deleting one of the two directories for this ' +
          'partition. It is recommended to delete the partition in the log directory that is known to have failed recently.',
      )
    }
    const isAssigned = assignedDirectory(replica.log) === replica.directory.id
    const ahead = isAhead(replica.log, other.log) || (isAssigned && !isAhead(other.log, replica.log))
    superseded.add(ahead ? other : replica)
    if (ahead) seen.set(key, replica)
  }
  return superseded
}

function isAhead(log: PartitionLog, other: PartitionLog): boolean {
  if (log.latestEpoch !== other.latestEpoch) return log.latestEpoch > other.latestEpoch
  return log.writtenEnd > other.writtenEnd
}

/** A log gets its topic's id with its first record. */
function areOfOneTopic(log: PartitionLog, other: PartitionLog): boolean {
  const isNew = ({ topicId, startOffset, writtenEnd }: PartitionLog): boolean =>
    topicId === null && startOffset === writtenEnd
  return isNew(log) || isNew(other) || (log.topicId !== null && log.topicId === other.topicId)
}
