/**
 * Makes the log of a partition that has none here, in the directory that was asked for, else in the one with the fewest
 * logs; in the next one if that one's disk fails.
 */
import { KafkaError } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import { DIRECTORY_UNASSIGNED } from '../base/uuid.ts'
import type { DirectoryFailures } from './directory-failures.ts'
import type { LogDirectory } from './log-directory.ts'
import { isDiskFailure } from './log-loading.ts'
import type { CreateOptions } from './log-manager-options.ts'
import type { LogOpener } from './log-opener.ts'
import { placesForLog } from './log-placement.ts'
import type { LogReplicas } from './log-replicas.ts'
import type { PartitionLog } from './partition-log.ts'
import { topicPartitionName } from './topic-partition.ts'

export class LogCreation {
  readonly #logger: Logger
  readonly #replicas: LogReplicas
  readonly #failures: DirectoryFailures
  readonly #opener: LogOpener
  /** Logs that are being made: those of one topic come at once, and are to be spread. */
  readonly #creating = new Map<LogDirectory, number>()
  readonly #preferredPaths = new Map<string, string>()
  #isClosed = false

  constructor(logger: Logger, replicas: LogReplicas, failures: DirectoryFailures, opener: LogOpener) {
    this.#logger = logger
    this.#replicas = replicas
    this.#failures = failures
    this.#opener = opener
  }

  /** Where the partition's log is made, once it is. */
  prefer(topic: string, partition: number, path: string): void {
    this.#preferredPaths.set(topicPartitionName(topic, partition), path)
  }

  forgetPreference(topic: string, partition: number): void {
    this.#preferredPaths.delete(topicPartitionName(topic, partition))
  }

  /** @throws KafkaError KAFKA_STORAGE_ERROR if it may be on an offline directory, or no directory takes it. */
  async create(topic: string, partition: number, options: CreateOptions): Promise<PartitionLog> {
    const name = topicPartitionName(topic, partition)
    if (this.#mayBeOffline(options)) {
      throw new KafkaError(
        'KAFKA_STORAGE_ERROR',
        `Can not create log for ${name} because log directories ${this.#failures.offlinePaths.join(',')} are offline`,
      )
    }
    const wanted = { path: this.#preferredPaths.get(name) ?? null, directoryId: options.directoryId }
    const countIn = (directory: LogDirectory): number =>
      this.#replicas.countIn(directory) + (this.#creating.get(directory) ?? 0)
    const candidates = placesForLog(this.#failures.live, { countIn }, wanted)
    for (const directory of candidates) {
      this.#creating.set(directory, (this.#creating.get(directory) ?? 0) + 1)
      try {
        const log = await this.#opener.openNew(topic, partition, `${directory.path}/${name}`, 0, options.topicId)
        await directory.syncEntries()
        if (this.#isClosed || directory.isOffline) {
          await log.closeHard()
          if (this.#isClosed) throw new KafkaError('KAFKA_STORAGE_ERROR', `The log of ${name} is not made any more`)
          // Another of its logs failed meanwhile.
          continue
        }
        this.#opener.adopt({ log, directory, isFuture: false })
        this.forgetPreference(topic, partition)
        this.#failures.forget(log.topicPartition)
        this.#logger.debug(`Created log for partition ${name} in ${log.directory}`)
        return log
      } catch (error) {
        if (!isDiskFailure(error)) throw error
        this.#failures.fail(directory, error)
      } finally {
        this.#creating.set(directory, (this.#creating.get(directory) ?? 1) - 1)
      }
    }
    const tried = candidates.map(({ path }) => path).join(', ')
    throw new KafkaError('KAFKA_STORAGE_ERROR', `No log directories available. Tried ${tried}`)
  }

  /** As Kafka has it: one that was never said to lie anywhere is taken for one that lies nowhere. */
  #mayBeOffline({ isNew, directoryId }: CreateOptions): boolean {
    if (isNew || directoryId === DIRECTORY_UNASSIGNED || !this.#failures.hasOffline) return false
    return !this.#failures.live.some(({ id }) => id === directoryId)
  }

  /** What is being made is let go of when it is. */
  close(): void {
    this.#isClosed = true
  }
}
