/** Opens logs with what all logs of a node share, and takes them into service: their failures are their directory's. */
import type { Uuid } from '../base/uuid.ts'
import type { DirectoryFailures } from './directory-failures.ts'
import type { LogCheckpoints } from './log-checkpoints.ts'
import type { OpenPartition } from './log-loading.ts'
import type { LogManagerOptions } from './log-manager-options.ts'
import type { LogReplica, LogReplicas } from './log-replicas.ts'
import { openFilesFor, type OpenFiles } from './open-files.ts'
import { PartitionLog } from './partition-log.ts'
import type { TopicConfigs } from './topic-configs.ts'

export class LogOpener {
  readonly #options: LogManagerOptions
  readonly #replicas: LogReplicas
  readonly #configs: TopicConfigs
  readonly #failures: DirectoryFailures
  readonly #checkpoints: LogCheckpoints
  readonly #openFiles: OpenFiles

  constructor(
    options: LogManagerOptions,
    replicas: LogReplicas,
    configs: TopicConfigs,
    failures: DirectoryFailures,
    checkpoints: LogCheckpoints,
  ) {
    this.#options = options
    this.#replicas = replicas
    this.#configs = configs
    this.#failures = failures
    this.#checkpoints = checkpoints
    this.#openFiles = openFilesFor(options.disk)
  }

  /** @throws as PartitionLog.open. */
  open(opening: OpenPartition, topicId: Uuid | null): Promise<PartitionLog> {
    const { disk, clock, random, logger, producerIdExpirationMs, tailCache } = this.#options
    const { topic, partition } = opening
    return PartitionLog.open({
      disk,
      clock,
      random,
      logger,
      directory: opening.directory,
      topicPartition: { topic, partition },
      topicId,
      config: this.#configs.of(topic),
      cleanShutdown: opening.cleanShutdown,
      recoveryPoint: opening.recoveryPoint,
      knowsRecoveryPoint: opening.knowsRecoveryPoint,
      logStartOffset: opening.logStartOffset,
      highWatermark: opening.highWatermark,
      producerIdExpirationMs,
      ownerSyncsParent: true,
      tailCache,
      openFiles: this.#openFiles,
    })
  }

  /** A log that does not exist yet: nothing is to be recovered. Its name is synced by the caller. */
  openNew(
    topic: string,
    partition: number,
    directory: string,
    logStartOffset: number,
    topicId: Uuid | null,
  ): Promise<PartitionLog> {
    const nothing = { cleanShutdown: true, recoveryPoint: 0, knowsRecoveryPoint: true, highWatermark: 0 }
    return this.open({ topic, partition, directory, logStartOffset, ...nothing }, topicId)
  }

  /** The replica is served from here on. */
  adopt(replica: LogReplica): void {
    this.#replicas.add(replica)
    replica.log.onFailed((error) => this.#failures.fail(replica.directory, error))
    replica.log.onRecoveryPointLowered(() => this.#checkpoints.write(replica.directory, 'recoveryPoint'))
  }
}
