/**
 * Moves of replicas between the log directories of a node: beginning them, giving them up, and finding them again after a
 * start (KIP-113, KIP-858). How a log is copied and takes the other's place is `log-moves.ts`.
 *
 * The caller holds the partition's name lock in whatever ends or begins a move.
 */
import { KafkaError } from '../base/errors.ts'
import type { DirectoryFailures } from './directory-failures.ts'
import type { LogDirectory } from './log-directory.ts'
import { isDiskFailure } from './log-loading.ts'
import type { LogManagerOptions, ReplicaName, ReplicaPlaces } from './log-manager-options.ts'
import { LogMoves } from './log-moves.ts'
import type { LogOpener } from './log-opener.ts'
import type { LogRemoval } from './log-removal.ts'
import type { LogReplica, LogReplicas } from './log-replicas.ts'
import type { PartitionLog } from './partition-log.ts'
import { markedDirectoryName, topicPartitionName } from './topic-partition.ts'

export interface ReplicaMovesParts {
  readonly options: LogManagerOptions
  readonly replicas: LogReplicas
  readonly failures: DirectoryFailures
  readonly opener: LogOpener
  readonly removal: LogRemoval
}

export class ReplicaMoves {
  readonly #options: LogManagerOptions
  readonly #replicas: LogReplicas
  readonly #failures: DirectoryFailures
  readonly #opener: LogOpener
  readonly #removal: LogRemoval
  readonly #moves: LogMoves
  readonly #movedListeners: ((log: PartitionLog) => void)[] = []
  #places: ReplicaPlaces | null = null
  #isStarted = false
  #isClosed = false

  constructor({ options, replicas, failures, opener, removal }: ReplicaMovesParts) {
    this.#options = options
    this.#replicas = replicas
    this.#failures = failures
    this.#opener = opener
    this.#removal = removal
    const { clock, logger } = options
    this.#moves = new LogMoves({
      clock,
      logger,
      limits: options.moveLimits,
      claim: async (future) => this.#places?.claim(nameOf(future), future.directory.id),
      disclaim: (current) => {
        if (!this.#isClosed) this.#places?.disclaim(nameOf(current), current.directory.id)
      },
      swap: (current, future) => this.#swap(current, future),
      remove: (old) => this.#removal.setAside(old, 'delete').then(() => undefined),
      failed: (replica, error) => this.#failures.failedLog(replica, error),
    })
  }

  /** The current log is now this one, in another directory. Called before anything else happens. */
  onMoved(listener: (log: PartitionLog) => void): void {
    this.#movedListeners.push(listener)
  }

  /** Goes on with all that are under way. `places`: who is asked before a replica is served from elsewhere; null: nobody. */
  start(places: ReplicaPlaces | null): void {
    this.#places = places
    this.#isStarted = true
    for (const replica of [...this.#replicas.all()]) {
      const { topic, partition } = replica.log.topicPartition
      const current = this.#replicas.get(topic, partition)
      if (replica.isFuture && current !== null) this.#moves.start(current, replica)
    }
  }

  /** Instead of `earlier`, if there is such a move. Resolves when the future log is there. @throws KafkaError KAFKA_STORAGE_ERROR. */
  async begin(current: LogReplica, earlier: LogReplica | null, target: LogDirectory): Promise<void> {
    const { topic, partition } = current.log.topicPartition
    await this.#moves.stop(topic, partition)
    if (earlier !== null && this.#replicas.future(topic, partition) === earlier)
      await this.#removal.setAside(earlier, 'delete')
    // The earlier move may have ended by success.
    const source = this.#replicas.get(topic, partition)
    if (source === null || source.directory === target) return
    const directory = `${target.path}/${markedDirectoryName({ topic, partition }, 'future', this.#options.random)}`
    const { startOffset, topicId } = source.log
    try {
      const log = await this.#opener.openNew(topic, partition, directory, startOffset, topicId)
      await target.syncEntries()
      const future = { log, directory: target, isFuture: true }
      this.#opener.adopt(future)
      this.#moves.start(source, future)
    } catch (error) {
      if (!isDiskFailure(error)) throw error
      this.#failures.fail(target, error)
      throw new KafkaError('KAFKA_STORAGE_ERROR', `Log directory ${target.path} is offline`)
    }
  }

  /** Runs `change` while nothing is copied; the move goes on afterwards. @throws KafkaError KAFKA_STORAGE_ERROR: no log. */
  async pausedFor(topic: string, partition: number, change: (log: PartitionLog) => Promise<void>): Promise<void> {
    await this.#moves.stop(topic, partition)
    const current = this.#replicas.get(topic, partition)
    if (current === null) {
      throw new KafkaError('KAFKA_STORAGE_ERROR', `${topicPartitionName(topic, partition)} has no log here any more`)
    }
    await change(current.log)
    const future = this.#replicas.future(topic, partition)
    if (future !== null && !this.#isClosed && this.#replicas.get(topic, partition) === current)
      this.#moves.start(current, future)
  }

  /** A log was made anew, because the directory of the one before came back empty: what it was moving to may be left. */
  async resume(topic: string, partition: number): Promise<void> {
    const current = this.#replicas.get(topic, partition)
    const future = this.#replicas.future(topic, partition)
    if (current === null || future === null) return
    if (future.directory === current.directory) {
      const to = await this.#removal.setAside(future, 'stray')
      this.#options.logger.warn(`Found the log of a move that nothing is left to move from: renamed to ${to}`)
    } else if (this.#isStarted) this.#moves.start(current, future)
  }

  /**
   * At the start: future logs whose current one is in a directory that doesn't open take its place if the cluster agreed to
   * the move before. They had caught up then.
   */
  async recover(): Promise<void> {
    for (const replica of [...this.#replicas.all()]) if (replica.isFuture) await this.#recover(replica)
  }

  async #recover(future: LogReplica): Promise<void> {
    const { topic, partition } = future.log.topicPartition
    if (!this.#failures.hasOffline || this.#replicas.get(topic, partition) !== null) return
    if (this.#options.assignedDirectory(future.log) !== future.directory.id) return
    const to = `${future.directory.path}/${topicPartitionName(topic, partition)}`
    try {
      await future.log.renameDirectory(to, () => future.directory.syncEntries())
      this.#replace(future)
      this.#options.logger.info(`The log that was to become ${to} is served: the one before it is offline`)
    } catch (error) {
      this.#failures.failedLog(future, error)
    }
  }

  #swap(current: LogReplica, future: LogReplica): void {
    this.#replicas.remove(current)
    this.#replace(future)
    for (const listener of this.#movedListeners) listener(future.log)
  }

  #replace(future: LogReplica): void {
    this.#replicas.remove(future)
    this.#replicas.add({ ...future, isFuture: false })
  }

  /** Resolves when nothing of the partition's move runs any more. The future log is left as it is. */
  stop(topic: string, partition: number): Promise<void> {
    return this.#moves.stop(topic, partition)
  }

  /** No move is begun or gone on with. */
  close(): void {
    this.#isClosed = true
  }

  stopAll(): Promise<void> {
    return this.#moves.stopAll()
  }
}

function nameOf({ log: { topicPartition, topicId } }: LogReplica): ReplicaName {
  return { ...topicPartition, topicId }
}
