/**
 * All logs of a node over all its log directories: loading, finding, creating, deleting, the periodic work, the end.
 *
 * A partition has one current log, and a future one beside it while it moves between directories (KIP-113). A directory
 * whose disk fails goes offline with all its logs, the others live on (KIP-112); who must act on it listens. Nothing
 * here knows of replication: high watermarks are taken from the logs, configurations are pushed in.
 */
import { KafkaError, OperationalError } from '../base/errors.ts'
import type { Uuid } from '../base/uuid.ts'
import type { LogConfig } from '../config/log-config.ts'
import { parentOf } from './atomic-file.ts'
import { forEachBounded } from './bounded.ts'
import { describeDirectories, type DirectoryDescription } from './directory-description.ts'
import { DirectoryRemovals } from './directory-removals.ts'
import { checkpointEntries } from './log-checkpoints.ts'
import type { CheckpointKind, LogDirectory } from './log-directory.ts'
import { isDiskFailure, loadDirectories, type LoadedDirectory, type OpenPartition } from './log-loading.ts'
import { startMaintenance } from './log-maintenance.ts'
import {
  newPartition,
  openLog,
  type CreateOptions,
  type DirectoryFailure,
  type LogManagerOptions,
  type ReplicaName,
  type ReplicaPlaces,
} from './log-manager-options.ts'
import { LogReplicas, type LogReplica } from './log-replicas.ts'
import { LogMoves } from './log-moves.ts'
import { placesForLog } from './log-placement.ts'
import { openFilesFor, type OpenFiles } from './open-files.ts'
import { NameLocks } from './name-locks.ts'
import type { PartitionLog } from './partition-log.ts'
import type { PeriodicTasks } from './periodic-task.ts'
import { TopicConfigs } from './topic-configs.ts'
import { markedDirectoryName, topicPartitionName } from './topic-partition.ts'

export type * from './log-manager-options.ts'

const CHECKPOINTS = ['recoveryPoint', 'logStart', 'highWatermark'] as const satisfies readonly CheckpointKind[]
/** What a file system takes; a future log has the whole name of the partition in its own. */
const NAME_LENGTH_MAX = 255
const FUTURE_SUFFIX_LENGTH = '.'.length + 32 + '-future'.length

export class LogManager {
  readonly #options: LogManagerOptions
  readonly #replicas = new LogReplicas()
  readonly #openFiles: OpenFiles
  readonly #directories: readonly LogDirectory[]
  readonly #removals: DirectoryRemovals
  readonly #configs: TopicConfigs
  /** Logs that are being made: those of one topic come at once, and are to be spread. */
  readonly #creating = new Map<LogDirectory, number>()
  readonly #preferredPaths = new Map<string, string>()
  readonly #locks = new NameLocks()
  readonly #offlinePartitions = new Set<string>()
  readonly #failureListeners: ((failure: DirectoryFailure) => void)[] = []
  readonly #movedListeners: ((log: PartitionLog) => void)[] = []
  readonly #failing = new Set<Promise<unknown>>()
  readonly #moves: LogMoves
  #places: ReplicaPlaces | null = null
  #maintenance: PeriodicTasks | null = null
  #previousBrokerEpoch = -1
  #closed = false

  private constructor(options: LogManagerOptions) {
    this.#options = options
    this.#directories = options.directories.live
    this.#openFiles = openFilesFor(options.disk)
    this.#configs = new TopicConfigs(this.#replicas, options.defaultConfig, options.topicConfigs)
    const { clock, disk, logger } = options
    this.#removals = new DirectoryRemovals(clock, disk, logger, (directory, error) => this.#fail(directory, error))
    this.#moves = new LogMoves({
      clock,
      logger,
      limits: options.moveLimits,
      claim: async (future) => this.#places?.claim(nameOf(future), future.directory.id),
      disclaim: (current) => {
        if (!this.#closed) this.#places?.disclaim(nameOf(current), current.directory.id)
      },
      swap: (current, future) => this.#swap(current, future),
      remove: (old) => this.#setAside(old, 'delete').then(() => undefined),
      failed: (replica, error) => this.#failedLog(replica, error),
    })
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
    this.#places = places
    const { clock, logger, intervals } = this.#options
    this.#maintenance ??= startMaintenance(
      {
        clock,
        logger,
        replicas: this.#replicas,
        writeCheckpoints: (kind) => this.writeCheckpoints(kind),
        failed: (replica, error) => this.#failedLog(replica, error),
      },
      intervals,
    )
    for (const replica of [...this.#replicas.all()]) {
      const { topic, partition } = replica.log.topicPartition
      const current = this.#replicas.get(topic, partition)
      if (replica.isFuture && current !== null) this.#moves.start(current, replica)
    }
  }

  /** The epoch with which this broker shut down cleanly, for its next registration; -1 if any directory cannot tell. */
  get previousBrokerEpoch(): number {
    return this.#previousBrokerEpoch
  }

  get liveDirectories(): readonly { readonly path: string; readonly id: Uuid }[] {
    return this.#directories.filter((directory) => !directory.isOffline)
  }

  get hasOfflineDirectories(): boolean {
    const { offlinePaths } = this.#options.directories
    return offlinePaths.length > 0 || this.#directories.some((directory) => directory.isOffline)
  }

  onDirectoryFailed(listener: (failure: DirectoryFailure) => void): void {
    this.#failureListeners.push(listener)
  }

  /** A move ended: the partition's current log is now this one, in another directory. Called before anything else happens. */
  onMoved(listener: (log: PartitionLog) => void): void {
    this.#movedListeners.push(listener)
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
    return this.#offlinePartitions.has(topicPartitionName(topic, partition))
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
    const name = topicPartitionName(topic, partition)
    while (this.#locks.isHeld(name)) await this.#locks.released(name)
    const existing = this.get(topic, partition)
    if (existing !== null) return withTopicId(existing, options.topicId)
    const created = this.#create(topic, partition, options)
    return this.#locks.hold(name, created)
  }

  /** Where the next `getOrCreate` of the partition puts it: AlterReplicaLogDirs before the partition exists. */
  setPreferredDirectory(topic: string, partition: number, path: string): void {
    this.#preferredPaths.set(topicPartitionName(topic, partition), path)
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
    const target = this.#liveDirectory(path)
    while (this.#locks.isHeld(name)) await this.#locks.released(name)
    const current = this.#replicas.get(topic, partition)
    if (current === null) {
      if (this.#offlinePartitions.has(name))
        throw new KafkaError('KAFKA_STORAGE_ERROR', `${name} is on an offline log directory`)
      this.setPreferredDirectory(topic, partition, path)
      throw new KafkaError('REPLICA_NOT_AVAILABLE', `Replica ${name} is not here yet, it will be created in ${path}`)
    }
    const earlier = this.#replicas.future(topic, partition)
    if (earlier?.directory === target) return
    await this.#locks.hold(name, this.#beginMove(current, earlier, target))
  }

  /**
   * Runs a change that cuts the current log while no copy is made of it for a move: a copy compares the two only when it
   * begins, and would keep what was cut. The copy goes on afterwards.
   * @throws KafkaError KAFKA_STORAGE_ERROR if the log is gone, and what `change` rejects with.
   */
  async cut(topic: string, partition: number, change: (log: PartitionLog) => Promise<void>): Promise<void> {
    const name = topicPartitionName(topic, partition)
    while (this.#locks.isHeld(name)) await this.#locks.released(name)
    await this.#locks.hold(name, this.#cut(topic, partition, change))
  }

  async #cut(topic: string, partition: number, change: (log: PartitionLog) => Promise<void>): Promise<void> {
    await this.#moves.stop(topic, partition)
    const current = this.#replicas.get(topic, partition)
    if (current === null) {
      const name = topicPartitionName(topic, partition)
      throw new KafkaError('KAFKA_STORAGE_ERROR', `${name} has no log here any more`)
    }
    await change(current.log)
    const future = this.#replicas.future(topic, partition)
    if (future !== null && !this.#closed && this.#replicas.get(topic, partition) === current)
      this.#moves.start(current, future)
  }

  /**
   * Takes the partition's logs away, at once for everybody else; resolves when their directories are renamed. The files
   * go after file.delete.delay.ms.
   */
  async delete(topic: string, partition: number): Promise<void> {
    const name = topicPartitionName(topic, partition)
    this.#preferredPaths.delete(name)
    while (this.#locks.isHeld(name)) await this.#locks.released(name)
    this.#offlinePartitions.delete(name)
    const found = [this.#replicas.get(topic, partition), this.#replicas.future(topic, partition)]
    const gone = found.filter((replica) => replica !== null)
    for (const replica of gone) this.#replicas.remove(replica)
    const setAside = (): Promise<unknown> => Promise.all(gone.map((replica) => this.#setAside(replica, 'delete')))
    const leaving = this.#moves.stop(topic, partition).then(setAside)
    await this.#locks.hold(name, leaving)
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
    return describeDirectories(disk, this.#directories, directories.offlinePaths, this.#replicas)
  }

  async writeCheckpoints(kind: CheckpointKind): Promise<void> {
    await Promise.all(this.#directories.map((directory) => this.#writeCheckpoint(directory, kind)))
  }

  /** Clean shutdown: all flushed, all checkpoints, then the marker. A directory with an error gets no marker. */
  async close(brokerEpoch: number): Promise<void> {
    if (!(await this.#stop())) return
    await this.#options.disk.briskly(() =>
      Promise.all(this.#directories.map((directory) => this.#closeDirectory(directory, brokerEpoch))),
    )
  }

  async #closeDirectory(directory: LogDirectory, brokerEpoch: number): Promise<void> {
    if (directory.isOffline) return
    try {
      const replicas = this.#replicas.in(directory)
      await forEachBounded(replicas, this.#options.inFlightMax, (replica) => replica.log.close())
      await Promise.all(
        CHECKPOINTS.map((kind) => directory.writeCheckpoint(kind, () => checkpointEntries(kind, replicas))),
      )
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
    await Promise.all(this.#directories.map((directory) => directory.unlock().catch(() => undefined)))
  }

  async #load(): Promise<void> {
    const { clock, disk, logger, directories, inFlightMax, isKnown } = this.#options
    const openLog = (partition: OpenPartition): Promise<PartitionLog> => this.#openLog(partition, null)
    const loaded = await disk.briskly(() =>
      loadDirectories(directories.live, { clock, logger, openLog, inFlightMax, isKnown }),
    )
    for (const { directory, replicas, toDelete } of loaded.directories) {
      for (const replica of replicas) this.#add(replica)
      for (const path of toDelete) this.#removals.schedule(directory, path, this.#configs.fallback.fileDeleteDelayMs)
    }
    const epochs = new Set(loaded.directories.map(({ start }) => start.brokerEpoch))
    const [epoch] = epochs
    if (epochs.size === 1 && epoch !== undefined && !this.hasOfflineDirectories) this.#previousBrokerEpoch = epoch
    for (const { directory, error } of loaded.failed) this.#fail(directory, error)
    await this.#forgetAbsent(loaded.directories)
    for (const replica of [...this.#replicas.all()]) if (replica.isFuture) await this.#recoverMoved(replica)
    await forEachBounded(loaded.strays, inFlightMax, async (replica) => {
      const from = replica.log.directory
      const to = await this.#setAside(replica, 'stray')
      logger.warn(`Found stray log ${from}: renamed to ${to}`)
    })
    for (const replica of loaded.superseded) {
      const to = await this.#setAside(replica, 'stray')
      logger.warn(`Found the log that a move left behind, it is kept and not served: renamed to ${to}`)
    }
    if (this.liveDirectories.length === 0) {
      throw new OperationalError('DISK_FAILED', 'Shutdown broker because none of the log directories can be read')
    }
  }

  /**
   * A future log whose current one is in a directory that doesn't open takes its place if the cluster agreed to the move
   * before: it had caught up then.
   */
  async #recoverMoved(future: LogReplica): Promise<void> {
    const { topic, partition } = future.log.topicPartition
    if (!this.hasOfflineDirectories || this.#replicas.get(topic, partition) !== null) return
    if (this.#options.assignedDirectory(future.log) !== future.directory.id) return
    const to = `${future.directory.path}/${topicPartitionName(topic, partition)}`
    try {
      await future.log.renameDirectory(to, () => future.directory.syncEntries())
      this.#replicas.remove(future)
      this.#replicas.add({ ...future, isFuture: false })
      this.#options.logger.info(`The log that was to become ${to} is served: the one before it is offline`)
    } catch (error) {
      this.#failedLog(future, error)
    }
  }

  /** Entries of partitions that are not there: a log that gets their name later must not inherit them. */
  async #forgetAbsent(loaded: readonly LoadedDirectory[]): Promise<void> {
    await Promise.all(
      loaded.map(async ({ directory, start, replicas }) => {
        const names = new Set(
          replicas.map(({ log }) => topicPartitionName(log.topicPartition.topic, log.topicPartition.partition)),
        )
        const isStale = (offsets: ReadonlyMap<string, number>): boolean =>
          [...offsets.keys()].some((name) => !names.has(name))
        if (isStale(start.recoveryPoints)) await this.#writeCheckpoint(directory, 'recoveryPoint')
        if (isStale(start.logStarts)) await this.#writeCheckpoint(directory, 'logStart')
        if (isStale(start.highWatermarks)) await this.#writeCheckpoint(directory, 'highWatermark')
      }),
    )
  }

  async #create(topic: string, partition: number, options: CreateOptions): Promise<PartitionLog> {
    const name = topicPartitionName(topic, partition)
    const { logger } = this.#options
    if (!options.isNew && this.hasOfflineDirectories) {
      throw new KafkaError(
        'KAFKA_STORAGE_ERROR',
        `Can not create log for ${name} because log directories ${this.#offlinePaths().join(',')} are offline`,
      )
    }
    const wanted = { path: this.#preferredPaths.get(name) ?? null, directoryId: options.directoryId }
    const countIn = (directory: LogDirectory): number =>
      this.#replicas.countIn(directory) + (this.#creating.get(directory) ?? 0)
    const candidates = placesForLog(this.#directories, { countIn }, wanted)
    for (const directory of candidates) {
      this.#creating.set(directory, (this.#creating.get(directory) ?? 0) + 1)
      try {
        const opening = newPartition(topic, partition, `${directory.path}/${name}`, 0)
        const log = await this.#openLog(opening, options.topicId)
        await directory.syncEntries()
        if (this.#closed || directory.isOffline) {
          await log.closeHard()
          throw new KafkaError('KAFKA_STORAGE_ERROR', `Log directory ${directory.path} is offline`)
        }
        this.#add({ log, directory, isFuture: false })
        this.#preferredPaths.delete(name)
        this.#offlinePartitions.delete(name)
        logger.debug(`Created log for partition ${name} in ${log.directory}`)
        await this.#resumeMove(topic, partition)
        return log
      } catch (error) {
        if (!isDiskFailure(error)) throw error
        this.#fail(directory, error)
      } finally {
        this.#creating.set(directory, (this.#creating.get(directory) ?? 1) - 1)
      }
    }
    const tried = candidates.map(({ path }) => path).join(', ')
    throw new KafkaError('KAFKA_STORAGE_ERROR', `No log directories available. Tried ${tried}`)
  }

  /** A log was made anew, because the directory of the one before came back empty: what it was moving to may be left. */
  async #resumeMove(topic: string, partition: number): Promise<void> {
    const current = this.#replicas.get(topic, partition)
    const future = this.#replicas.future(topic, partition)
    if (current === null || future === null) return
    if (future.directory === current.directory) {
      const to = await this.#setAside(future, 'stray')
      this.#options.logger.warn(`Found the log of a move that nothing is left to move from: renamed to ${to}`)
    } else if (this.#maintenance !== null) this.#moves.start(current, future)
  }

  async #beginMove(current: LogReplica, earlier: LogReplica | null, target: LogDirectory): Promise<void> {
    const { topic, partition } = current.log.topicPartition
    await this.#moves.stop(topic, partition)
    if (earlier !== null && this.#replicas.future(topic, partition) === earlier) await this.#setAside(earlier, 'delete')
    // The earlier move may have ended by success.
    const source = this.#replicas.get(topic, partition)
    if (source === null || source.directory === target) return
    const directory = `${target.path}/${markedDirectoryName({ topic, partition }, 'future', this.#options.random)}`
    const { startOffset, topicId } = source.log
    try {
      const log = await this.#openLog(newPartition(topic, partition, directory, startOffset), topicId)
      await target.syncEntries()
      const future = { log, directory: target, isFuture: true }
      this.#add(future)
      this.#moves.start(source, future)
    } catch (error) {
      if (!isDiskFailure(error)) throw error
      this.#fail(target, error)
      throw new KafkaError('KAFKA_STORAGE_ERROR', `Log directory ${target.path} is offline`)
    }
  }

  #swap(current: LogReplica, future: LogReplica): void {
    this.#replicas.remove(current)
    this.#replicas.remove(future)
    this.#replicas.add({ ...future, isFuture: false })
    for (const listener of this.#movedListeners) listener(future.log)
  }

  #liveDirectory(path: string): LogDirectory {
    const directory = this.#directories.find((candidate) => candidate.path === path)
    if (directory !== undefined && !directory.isOffline) return directory
    if (directory === undefined && !this.#options.directories.offlinePaths.includes(path)) {
      throw new KafkaError('LOG_DIR_NOT_FOUND', `Log dir '${path}' is not found in the config.`)
    }
    throw new KafkaError('KAFKA_STORAGE_ERROR', `Log directory ${path} is offline`)
  }

  #openLog(partition: OpenPartition, topicId: Uuid | null): Promise<PartitionLog> {
    return openLog(this.#options, partition, topicId, this.#configs.of(partition.topic), this.#openFiles)
  }

  #add(replica: LogReplica): void {
    this.#replicas.add(replica)
    replica.log.onFailed((error) => this.#fail(replica.directory, error))
    replica.log.onRecoveryPointLowered(() => this.#writeCheckpoint(replica.directory, 'recoveryPoint'))
  }

  /**
   * Out of the maps at once, out of the checkpoints, then closed and its directory renamed. Resolves to the new path. The
   * checkpoints come first: after a crash a new log of that name must not be taken for flushed up to the old one's end.
   */
  async #setAside(replica: LogReplica, kind: 'delete' | 'stray'): Promise<string> {
    const { log, directory } = replica
    const { disk, random } = this.#options
    this.#replicas.remove(replica)
    const from = log.directory
    const to = `${parentOf(from)}/${markedDirectoryName(log.topicPartition, kind, random)}`
    try {
      await Promise.all(CHECKPOINTS.map((checkpoint) => this.#writeCheckpoint(directory, checkpoint)))
      await log.closeHard()
      await disk.rename(from, to)
      await directory.syncEntries()
      if (kind === 'delete') this.#removals.schedule(directory, to, log.config.fileDeleteDelayMs)
    } catch (error) {
      this.#fail(directory, error)
    }
    return to
  }

  async #writeCheckpoint(directory: LogDirectory, kind: CheckpointKind): Promise<void> {
    try {
      await directory.writeCheckpoint(kind, () => checkpointEntries(kind, this.#replicas.in(directory)))
    } catch (error) {
      this.#fail(directory, error)
    }
  }

  #failedLog(replica: LogReplica, error: unknown): void {
    if (isDiskFailure(error)) this.#fail(replica.directory, error)
    else this.#options.logger.error(`Uncaught error in periodic work on ${replica.log.directory}`, error)
  }

  /** The directory is offline from here on, with all its logs. */
  #fail(directory: LogDirectory, error: unknown): void {
    if (directory.isOffline || this.#closed) return
    directory.markOffline()
    const gone = this.#replicas.in(directory)
    for (const replica of gone) {
      this.#replicas.remove(replica)
      const { topic, partition } = replica.log.topicPartition
      if (!replica.isFuture) this.#offlinePartitions.add(topicPartitionName(topic, partition))
      void this.#moves.stop(topic, partition)
    }
    const partitions = gone.filter(({ isFuture }) => !isFuture).map(({ log }) => log.topicPartition)
    const names = partitions.map(({ topic, partition }) => topicPartitionName(topic, partition))
    this.#options.logger.error(
      `Stopping serving logs in dir ${directory.path}: logs for partitions ${names.join(',')} are offline`,
      error,
    )
    const letGo = Promise.all(gone.map(({ log }) => log.closeHard().catch(() => undefined)))
      .then(() => directory.unlock())
      .catch(() => undefined)
      .finally(() => this.#failing.delete(letGo))
    this.#failing.add(letGo)
    const liveDirectories = this.liveDirectories.length
    const failure = { path: directory.path, id: directory.id, error, partitions, liveDirectories }
    for (const listener of this.#failureListeners) listener(failure)
  }

  /** False if it was stopped before. */
  async #stop(): Promise<boolean> {
    if (this.#closed) return false
    this.#closed = true
    await this.#maintenance?.stop()
    await this.#removals.stop()
    await this.#moves.stopAll()
    await this.#locks.allReleased()
    await Promise.all(this.#failing)
    return true
  }

  #offlinePaths(): string[] {
    const failed = this.#directories.filter((directory) => directory.isOffline)
    return [...this.#options.directories.offlinePaths, ...failed.map(({ path }) => path)]
  }
}

function nameOf({ log: { topicPartition, topicId } }: LogReplica): ReplicaName {
  return { ...topicPartition, topicId }
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
