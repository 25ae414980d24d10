/**
 * Which log directories of a node are alive, and what happens when one isn't any more (KIP-112): it is offline until a
 * restart, with all its logs, and the others live on. Who must act on it listens; what can't be read any more is let go of
 * in the background.
 */
import { KafkaError } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { LogDirectories } from './log-directories.ts'
import type { LogDirectory } from './log-directory.ts'
import { isDiskFailure } from './log-loading.ts'
import type { DirectoryFailure } from './log-manager-options.ts'
import type { LogReplica, LogReplicas } from './log-replicas.ts'
import { topicPartitionName, type TopicPartition } from './topic-partition.ts'

export class DirectoryFailures {
  readonly #directories: LogDirectories
  readonly #replicas: LogReplicas
  readonly #logger: Logger
  readonly #gone: (replica: LogReplica) => void
  readonly #listeners: ((failure: DirectoryFailure) => void)[] = []
  /** Had a log here until its directory failed. */
  readonly #offlinePartitions = new Set<string>()
  readonly #lettingGo = new Set<Promise<unknown>>()
  #isClosed = false

  /** `gone`: nothing may work on this replica any more. */
  constructor(directories: LogDirectories, replicas: LogReplicas, logger: Logger, gone: (replica: LogReplica) => void) {
    this.#directories = directories
    this.#replicas = replicas
    this.#logger = logger
    this.#gone = gone
  }

  onFailed(listener: (failure: DirectoryFailure) => void): void {
    this.#listeners.push(listener)
  }

  get live(): readonly LogDirectory[] {
    return this.#directories.live.filter((directory) => !directory.isOffline)
  }

  get hasOffline(): boolean {
    const { live, offlinePaths } = this.#directories
    return offlinePaths.length > 0 || live.some((directory) => directory.isOffline)
  }

  get offlinePaths(): string[] {
    const failed = this.#directories.live.filter((directory) => directory.isOffline)
    return [...this.#directories.offlinePaths, ...failed.map(({ path }) => path)]
  }

  /** @throws KafkaError LOG_DIR_NOT_FOUND, KAFKA_STORAGE_ERROR if it is offline. */
  liveAt(path: string): LogDirectory {
    const directory = this.#directories.live.find((candidate) => candidate.path === path)
    if (directory !== undefined && !directory.isOffline) return directory
    if (directory === undefined && !this.#directories.offlinePaths.includes(path)) {
      throw new KafkaError('LOG_DIR_NOT_FOUND', `Log dir '${path}' is not found in the config.`)
    }
    throw new KafkaError('KAFKA_STORAGE_ERROR', `Log directory ${path} is offline`)
  }

  /** True: the partition had a log here until its directory failed. */
  isOffline(topic: string, partition: number): boolean {
    return this.#offlinePartitions.has(topicPartitionName(topic, partition))
  }

  /** It has a log here again, or is not to have one. */
  forget({ topic, partition }: TopicPartition): void {
    this.#offlinePartitions.delete(topicPartitionName(topic, partition))
  }

  /** An error of periodic or background work on a log; only one of the disk costs the directory. */
  failedLog(replica: LogReplica, error: unknown): void {
    if (isDiskFailure(error)) this.fail(replica.directory, error)
    else this.#logger.error(`Uncaught error in periodic work on ${replica.log.directory}`, error)
  }

  /** The directory is offline from here on, with all its logs. */
  fail(directory: LogDirectory, error: unknown): void {
    if (directory.isOffline || this.#isClosed) return
    directory.markOffline()
    const gone = this.#replicas.in(directory)
    for (const replica of gone) {
      this.#replicas.remove(replica)
      const { topic, partition } = replica.log.topicPartition
      if (!replica.isFuture) this.#offlinePartitions.add(topicPartitionName(topic, partition))
      this.#gone(replica)
    }
    const partitions = gone
      .filter(({ isFuture }) => !isFuture)
      .map(({ log: { topicPartition, topicId } }) => ({ ...topicPartition, topicId }))
    const names = partitions.map(({ topic, partition }) => topicPartitionName(topic, partition))
    this.#logger.error(
      `Stopping serving logs in dir ${directory.path}: logs for partitions ${names.join(',')} are offline`,
      error,
    )
    this.#letGo(directory, gone)
    const { path, id } = directory
    const failure = { path, id, error, partitions, liveDirectories: this.live.length }
    for (const listener of this.#listeners) listener(failure)
  }

  #letGo(directory: LogDirectory, gone: readonly LogReplica[]): void {
    const letGo = Promise.all(gone.map(({ log }) => log.closeHard().catch(() => undefined)))
      .then(() => directory.unlock())
      .catch(() => undefined)
      .finally(() => this.#lettingGo.delete(letGo))
    this.#lettingGo.add(letGo)
  }

  /** Failures count no more. */
  close(): void {
    this.#isClosed = true
  }

  /** What failed was let go of. */
  async settled(): Promise<void> {
    await Promise.all(this.#lettingGo)
  }
}
