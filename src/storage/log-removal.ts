/**
 * Takes a log out of service: out of the maps at once, out of the checkpoints, then closed and its directory renamed, to
 * `-delete` (whose files go after file.delete.delay.ms) or to `-stray` (kept, and not served).
 *
 * The checkpoints come before the rename: after a crash a new log of that name must not be taken for flushed up to the old
 * one's end.
 */
import { parentOf } from './atomic-file.ts'
import type { DirectoryFailures } from './directory-failures.ts'
import { DirectoryRemovals } from './directory-removals.ts'
import type { LogCheckpoints } from './log-checkpoints.ts'
import type { LogDirectory } from './log-directory.ts'
import type { LogManagerOptions } from './log-manager-options.ts'
import type { LogReplica, LogReplicas } from './log-replicas.ts'
import { markedDirectoryName } from './topic-partition.ts'

export class LogRemoval {
  readonly #options: LogManagerOptions
  readonly #replicas: LogReplicas
  readonly #failures: DirectoryFailures
  readonly #checkpoints: LogCheckpoints
  readonly #removals: DirectoryRemovals

  constructor(
    options: LogManagerOptions,
    replicas: LogReplicas,
    failures: DirectoryFailures,
    checkpoints: LogCheckpoints,
  ) {
    const { clock, disk, logger } = options
    this.#options = options
    this.#replicas = replicas
    this.#failures = failures
    this.#checkpoints = checkpoints
    this.#removals = new DirectoryRemovals(clock, disk, logger, (directory, error) => failures.fail(directory, error))
  }

  /** Resolves to the new path when the directory is renamed. */
  async setAside(replica: LogReplica, kind: 'delete' | 'stray'): Promise<string> {
    const { log, directory } = replica
    const { disk, random } = this.#options
    this.#replicas.remove(replica)
    const from = log.directory
    const to = `${parentOf(from)}/${markedDirectoryName(log.topicPartition, kind, random)}`
    try {
      await this.#checkpoints.writeAll(directory)
      await log.closeHard()
      await disk.rename(from, to)
      await directory.syncEntries()
      if (kind === 'delete') this.#removals.schedule(directory, to, log.config.fileDeleteDelayMs)
    } catch (error) {
      this.#failures.fail(directory, error)
    }
    return to
  }

  /** The files of a directory that an earlier process renamed. */
  schedule(directory: LogDirectory, path: string, delayMs: number): void {
    this.#removals.schedule(directory, path, delayMs)
  }

  stop(): Promise<void> {
    return this.#removals.stop()
  }
}
