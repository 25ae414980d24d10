/**
 * The three checkpoint files of each log directory: recovery points, log starts and high watermarks of its logs.
 *
 * An entry of a partition that is not there must not stay: a log that gets its name later would inherit it.
 */
import type { OffsetEntry } from './checkpoint-file.ts'
import type { DirectoryFailures } from './directory-failures.ts'
import type { CheckpointKind, LogDirectory } from './log-directory.ts'
import type { LoadedDirectory } from './log-loading.ts'
import type { LogReplica, LogReplicas } from './log-replicas.ts'
import { topicPartitionName } from './topic-partition.ts'

const CHECKPOINTS = ['recoveryPoint', 'logStart', 'highWatermark'] as const satisfies readonly CheckpointKind[]

export class LogCheckpoints {
  readonly #replicas: LogReplicas
  readonly #failures: DirectoryFailures

  constructor(replicas: LogReplicas, failures: DirectoryFailures) {
    this.#replicas = replicas
    this.#failures = failures
  }

  /** An error takes the directory offline. */
  async write(directory: LogDirectory, kind: CheckpointKind): Promise<void> {
    try {
      await this.#write(directory, kind)
    } catch (error) {
      this.#failures.fail(directory, error)
    }
  }

  async writeAll(directory: LogDirectory): Promise<void> {
    await Promise.all(CHECKPOINTS.map((kind) => this.write(directory, kind)))
  }

  /** The last ones of a clean shutdown: an error is the caller's. */
  async writeLast(directory: LogDirectory): Promise<void> {
    await Promise.all(CHECKPOINTS.map((kind) => this.#write(directory, kind)))
  }

  /** After the logs were loaded. */
  async forgetAbsent({ directory, start, replicas }: LoadedDirectory): Promise<void> {
    const names = new Set(
      replicas.map(({ log }) => topicPartitionName(log.topicPartition.topic, log.topicPartition.partition)),
    )
    const isStale = (offsets: ReadonlyMap<string, number>): boolean =>
      [...offsets.keys()].some((name) => !names.has(name))
    // A log that it doesn't name is one that came behind it.
    if (!start.knowsRecoveryPoints || isStale(start.recoveryPoints)) await this.write(directory, 'recoveryPoint')
    if (isStale(start.logStarts)) await this.write(directory, 'logStart')
    if (isStale(start.highWatermarks)) await this.write(directory, 'highWatermark')
  }

  #write(directory: LogDirectory, kind: CheckpointKind): Promise<void> {
    return directory.writeCheckpoint(kind, () => checkpointEntries(kind, this.#replicas.in(directory)))
  }
}

function checkpointEntries(kind: CheckpointKind, replicas: Iterable<LogReplica>): OffsetEntry[] {
  const entries: OffsetEntry[] = []
  for (const { log } of replicas) {
    const offset = offsetOf(kind, log)
    if (offset === null) continue
    const { topic, partition } = log.topicPartition
    entries.push({ topic, partition, offset })
  }
  return entries
}

function offsetOf(kind: CheckpointKind, log: LogReplica['log']): number | null {
  switch (kind) {
    case 'recoveryPoint':
      return log.recoveryPoint
    case 'highWatermark':
      return log.highWatermark
    case 'logStart':
      // Where the first segment says it already, nothing needs to be stored.
      return log.startOffset > log.firstSegmentOffset ? log.startOffset : null
  }
}
