/**
 * All logs of a node over all its log directories: loading, finding, creating, deleting, the periodic work, the end.
 *
 * A partition has one current log, and a future one beside it while it moves between directories (`replica-moves.ts`). A
 * directory whose disk fails goes offline with all its logs, the others live on (`directory-failures.ts`). What makes, moves
 * or deletes the logs of one partition takes its turn by the partition's name. Nothing here knows of replication: high
 * watermarks are taken from the logs, configurations are pushed in.
 */
import { KafkaError, OperationalError } from '../base/errors.ts'
import type { Uuid } from '../base/uuid.ts'
import type { LogConfig } from '../config/log-config.ts'
import { forEachBounded } from './bounded.ts'
import { DirectoryFailures } from './directory-failures.ts'
import { describeDirectories, type DirectoryDescription } from './directory-description.ts'
import { LogCheckpoints } from './log-checkpoints.ts'
import { LogCreation } from './log-creation.ts'
import type { CheckpointKind, LogDirectory } from './log-directory.ts'
import { loadDirectories } from './log-loading.ts'
import { startMaintenance } from './log-maintenance.ts'
import type { CreateOptions, DirectoryFailure, LogManagerOptions, ReplicaPlaces } from './log-manager-options.ts'
import { LogOpener } from './log-opener.ts'
import { LogRemoval } from './log-removal.ts'
import { LogReplicas } from './log-replicas.ts'
import { NameLocks } from './name-locks.ts'
import type { PartitionLog } from './partition-log.ts'
import type { PeriodicTasks } from './periodic-task.ts'
import { ReplicaMoves } from './replica-moves.ts'
import { TopicConfigs } from './topic-configs.ts'
import { topicPartitionName } from './topic-partition.ts'

export type * from './log-manager-options.ts'

/** What a file system takes; a future log has the whole name of the partition in its own. */
const NAME_LENGTH_MAX = 255
const FUTURE_SUFFIX_LENGTH = '.'.length + 32 + '-future'.length

export class LogManager {
  readonly #options: LogManagerOptions
  readonly #replicas = new LogReplicas()
  readonly #configs: TopicConfigs
  readonly #failures: DirectoryFailures
  readonly #checkpoints: LogCheckpoints
  readonly #opener: LogOpener
  readonly #creation: LogCreation
  readonly #removal: LogRemoval
  readonly #moves: ReplicaMoves
  readonly #locks = new NameLocks()
  #maintenance: PeriodicTasks | null = null
  #previousBrokerEpoch = -1
  #closed = false

  private constructor(options: LogManagerOptions) {
    const { logger, directories } = options
    const replicas = this.#replicas
    this.#options = options
    this.#configs = new TopicConfigs(replicas, options.defaultConfig, options.topicConfigs)
    const failures = (this.#failures = new DirectoryFailures(directories, replicas, logger, ({ log }) => {
      void this.#moves.stop(log.topicPartition.topic, log.topicPartition.partition)
    }))
    const checkpoints = (this.#checkpoints = new LogCheckpoints(replicas, failures))
    const opener = (this.#opener = new LogOpener(options, replicas, this.#configs, failures, checkpoints))
    this.#creation = new LogCreation(logger, replicas, failures, opener)
    const removal = (this.#removal = new LogRemoval(options, replicas, failures, checkpoints))
    this.#moves = new ReplicaMoves({ options, replicas, failures, opener, removal })
  }

  /**
   * Loads all logs. On return nothing runs in the background yet: see `start`.
   * @throws OperationalError CONFIG_INVALID for a foreign or doubled directory, DISK_FAILED if no directory is left.
   */
  static async load(options: LogManagerOptions): Promise<LogManager> {
    const manager = new LogManager(options)
    await manager.#load()
    return manager
  }

  /**
   * Begins the periodic work and goes on with moves. Not before topic configurations are known: it deletes what they say is
   * too old. `places`: who is asked before a replica is served from another directory; null: nobody.
   */
  start(places: ReplicaPlaces | null): void {
    const { clock, logger, intervals } = this.#options
    this.#maintenance ??= startMaintenance(
      {
        clock,
        logger,
        replicas: this.#replicas,
        writeCheckpoints: (kind) => this.writeCheckpoints(kind),
        failed: (replica, error) => this.#failures.failedLog(replica, error),
      },
      intervals,
    )
    this.#moves.start(places)
  }

  /** The epoch with which this broker shut down cleanly, for its next registration; -1 if any directory cannot tell. */
  get previousBrokerEpoch(): number {
    return this.#previousBrokerEpoch
  }

  get liveDirectories(): readonly { readonly path: string; readonly id: Uuid }[] {
    return this.#failures.live
  }

  get hasOfflineDirectories(): boolean {
    return this.#failures.hasOffline
  }

  onDirectoryFailed(listener: (failure: DirectoryFailure) => void): void {
    this.#failures.onFailed(listener)
  }

  /** A move ended: the partition's current log is now this one, in another directory. Called before anything else happens. */
  onMoved(listener: (log: PartitionLog) => void): void {
    this.#moves.onMoved(listener)
  }

  /** The current log; null if there is none here, or its directory is offline. */
  get(topic: string, partition: number): PartitionLog | null {
    return this.#replicas.get(topic, partition)?.log ?? null
  }

  future(topic: string, partition: number): PartitionLog | null {
    return this.#replicas.future(topic, partition)?.log ?? null
  }

  /** True: the partition had a log here until its directory failed; requests for it answer KAFKA_STORAGE_ERROR. */
  isOffline(topic: string, partition: number): boolean {
    return this.#failures.isOffline(topic, partition)
  }

  /** The directory of the current log. */
  directoryOf(topic: string, partition: number): { readonly path: string; readonly id: Uuid } | null {
    return this.#replicas.get(topic, partition)?.directory ?? null
  }

  /** Current logs. */
  *all(): Generator<PartitionLog> {
    for (const { log, isFuture } of this.#replicas.all()) if (!isFuture) yield log
  }

  /**
   * @throws KafkaError KAFKA_STORAGE_ERROR if it may be on an offline directory, or no directory takes it;
   * INCONSISTENT_TOPIC_ID if a log of another topic has that name.
   */
  async getOrCreate(topic: string, partition: number, options: CreateOptions): Promise<PartitionLog> {
    return this.#locks.hold(topicPartitionName(topic, partition), async () => {
      const existing = this.get(topic, partition)
      return existing === null ? this.#create(topic, partition, options) : withTopicId(existing, options.topicId)
    })
  }

  /** Where the next `getOrCreate` of the partition puts it: AlterReplicaLogDirs before the partition exists. */
  setPreferredDirectory(topic: string, partition: number, path: string): void {
    this.#creation.prefer(topic, partition, path)
  }

  /**
   * Begins to move a partition to another directory; resolves when its future log is there. The move goes on by itself.
   * An earlier move elsewhere is given up; so is any when the partition is where it should be.
   * @throws KafkaError INVALID_TOPIC_EXCEPTION if the name leaves no room for a mark, LOG_DIR_NOT_FOUND, KAFKA_STORAGE_ERROR
   * if a directory is offline, REPLICA_NOT_AVAILABLE if there is no log here yet: then it will be created there.
   */
  async moveTo(topic: string, partition: number, path: string): Promise<void> {
    const name = topicPartitionName(topic, partition)
    if (name.length + FUTURE_SUFFIX_LENGTH > NAME_LENGTH_MAX) {
      throw new KafkaError('INVALID_TOPIC_EXCEPTION', 'The topic name is too long.')
    }
    const target = this.#failures.liveAt(path)
    await this.#locks.hold(name, async () => {
      const current = this.#replicas.get(topic, partition)
      if (current === null) {
        if (this.#failures.isOffline(topic, partition))
          throw new KafkaError('KAFKA_STORAGE_ERROR', `${name} is on an offline log directory`)
        this.setPreferredDirectory(topic, partition, path)
        throw new KafkaError('REPLICA_NOT_AVAILABLE', `Replica ${name} is not here yet, it will be created in ${path}`)
      }
      const earlier = this.#replicas.future(topic, partition)
      if (earlier?.directory !== target) await this.#moves.begin(current, earlier, target)
    })
  }

  /**
   * Runs a change that cuts the current log while no copy is made of it for a move: a copy compares the two only when it
   * begins, and would keep what was cut. The copy goes on afterwards.
   * @throws KafkaError KAFKA_STORAGE_ERROR if the log is gone, and what `change` rejects with.
   */
  async cut(topic: string, partition: number, change: (log: PartitionLog) => Promise<void>): Promise<void> {
    await this.#locks.hold(topicPartitionName(topic, partition), () => this.#moves.pausedFor(topic, partition, change))
  }

  /**
   * Takes the partition's logs away, at once for everybody else; resolves when their directories are renamed. The files
   * go after file.delete.delay.ms.
   */
  async delete(topic: string, partition: number): Promise<void> {
    this.#creation.forgetPreference(topic, partition)
    await this.#locks.hold(topicPartitionName(topic, partition), async () => {
      this.#failures.forget({ topic, partition })
      const found = [this.#replicas.get(topic, partition), this.#replicas.future(topic, partition)]
      const gone = found.filter((replica) => replica !== null)
      for (const replica of gone) this.#replicas.remove(replica)
      await this.#moves.stop(topic, partition)
      await Promise.all(gone.map((replica) => this.#removal.setAside(replica, 'delete')))
    })
  }

  /** Null: the topic has no overrides any more. */
  setTopicConfig(topic: string, config: LogConfig | null): void {
    this.#configs.setTopic(topic, config)
  }

  /** For topics without overrides; those of topics with some are set one by one. */
  setDefaultConfig(config: LogConfig): void {
    this.#configs.setFallback(config)
  }

  describe(): Promise<DirectoryDescription[]> {
    const { disk, directories } = this.#options
    return describeDirectories(disk, directories.live, directories.offlinePaths, this.#replicas)
  }

  async writeCheckpoints(kind: CheckpointKind): Promise<void> {
    const { live } = this.#options.directories
    await Promise.all(live.map((directory) => this.#checkpoints.write(directory, kind)))
  }

  /** Clean shutdown: all flushed, all checkpoints, then the marker. A directory with an error gets no marker. */
  async close(brokerEpoch: number): Promise<void> {
    if (!(await this.#stop())) return
    const { disk, directories } = this.#options
    await disk.briskly(() =>
      Promise.all(directories.live.map((directory) => this.#closeDirectory(directory, brokerEpoch))),
    )
  }

  async #closeDirectory(directory: LogDirectory, brokerEpoch: number): Promise<void> {
    if (directory.isOffline) return
    try {
      const replicas = this.#replicas.in(directory)
      await forEachBounded(replicas, this.#options.inFlightMax, (replica) => replica.log.close())
      await this.#checkpoints.writeLast(directory)
      await directory.writeCleanShutdown(brokerEpoch)
    } catch (error) {
      this.#options.logger.error(`Log directory ${directory.path} was not shut down cleanly`, error)
      for (const { log } of this.#replicas.in(directory)) await log.closeHard().catch(() => undefined)
    }
    await directory.unlock().catch(() => undefined)
  }

  /** Lets go of everything without writing: what a killed process leaves. */
  async closeHard(): Promise<void> {
    if (!(await this.#stop())) return
    await Promise.all([...this.#replicas.all()].map(({ log }) => log.closeHard().catch(() => undefined)))
    await Promise.all(this.#options.directories.live.map((directory) => directory.unlock().catch(() => undefined)))
  }

  async #load(): Promise<void> {
    const { clock, disk, logger, directories, inFlightMax, isKnown, assignedDirectory } = this.#options
    const loaded = await disk.briskly(() =>
      loadDirectories(directories.live, {
        clock,
        logger,
        openLog: (partition) => this.#opener.open(partition, null),
        inFlightMax,
        isKnown,
        assignedDirectory,
      }),
    )
    for (const { directory, replicas, toDelete } of loaded.directories) {
      for (const replica of replicas) this.#opener.adopt(replica)
      for (const path of toDelete) this.#removal.schedule(directory, path, this.#configs.fallback.fileDeleteDelayMs)
    }
    const epochs = new Set(loaded.directories.map(({ start }) => start.brokerEpoch))
    const [epoch] = epochs
    if (epochs.size === 1 && epoch !== undefined && !this.hasOfflineDirectories) this.#previousBrokerEpoch = epoch
    for (const { directory, error } of loaded.failed) this.#failures.fail(directory, error)
    await Promise.all(loaded.directories.map((directory) => this.#checkpoints.forgetAbsent(directory)))
    await this.#moves.recover()
    await forEachBounded(loaded.strays, inFlightMax, async (replica) => {
      const from = replica.log.directory
      const to = await this.#removal.setAside(replica, 'stray')
      logger.warn(`Found stray log ${from}: renamed to ${to}`)
    })
    for (const replica of loaded.superseded) {
      const to = await this.#removal.setAside(replica, 'stray')
      logger.warn(`Found the log that a move left behind, it is kept and not served: renamed to ${to}`)
    }
    if (this.liveDirectories.length === 0) {
      throw new OperationalError('DISK_FAILED', 'Shutdown broker because none of the log directories can be read')
    }
  }

  async #create(topic: string, partition: number, options: CreateOptions): Promise<PartitionLog> {
    const log = await this.#creation.create(topic, partition, options)
    await this.#moves.resume(topic, partition)
    return log
  }

  /** False if it was stopped before. */
  async #stop(): Promise<boolean> {
    if (this.#closed) return false
    this.#closed = true
    this.#failures.close()
    this.#creation.close()
    this.#moves.close()
    await this.#maintenance?.stop()
    await this.#removal.stop()
    await this.#moves.stopAll()
    await this.#locks.allReleased()
    await this.#failures.settled()
    return true
  }
}

function withTopicId(log: PartitionLog, topicId: Uuid | null): PartitionLog {
  if (topicId === null || log.topicId === topicId) return log
  if (log.topicId !== null) {
    const { topic, partition } = log.topicPartition
    throw new KafkaError(
      'INCONSISTENT_TOPIC_ID',
      `Tried to use topic id ${topicId} for ${topicPartitionName(topic, partition)}, but its log already has ${log.topicId}`,
    )
  }
  log.setTopicId(topicId)
  return log
}
