/**
 * The metadata of a broker whose controllers are other nodes: observes their quorum, keeps its log and snapshots as every
 * node does, and asks the active controller through connections.
 */
import { OperationalError } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import { writeDueSnapshot } from '../controller/due-snapshot.ts'
import type { ImageListener } from '../controller/runtime.ts'
import type { MetadataImage } from '../metadata/image.ts'
import { Quorum } from '../quorum/quorum.ts'
import type { LogDirectories } from '../storage/log-directories.ts'
import type { ClusterMetadata } from './cluster-metadata.ts'
import { ImageLoader } from '../controller/image-loader.ts'
import { awaitOptions, awaitQuorum } from './await-quorum.ts'
import { quorumChannel } from './cluster-connections.ts'
import { metadataDirectory, quorumOptions } from './metadata-quorum.ts'
import type { NodeLife } from './node-life.ts'
import type { NodeOptions } from './node-options.ts'
import { activeController, type RemoteController } from './remote-controller.ts'

export async function followCluster(
  options: NodeOptions,
  life: NodeLife,
  directories: LogDirectories,
): Promise<FollowedCluster> {
  const { world, config, logger } = options
  const channel = quorumChannel(options, directories.clusterId)
  const follower = new ImageLoader()
  const bootstrapServers =
    config.quorumBootstrapServers.length > 0
      ? config.quorumBootstrapServers
      : config.quorumVoters.map(({ host, port }) => ({ host, port }))
  const quorum = await Quorum.open(
    {
      ...quorumOptions(world, config, logger, metadataDirectory(directories, config)),
      mayVote: false,
      endpoints: [],
      bootstrapServers,
      channel,
    },
    follower,
  )
  const controller = activeController(options, null, () => quorum.leader.endpoint)
  const cluster = new FollowedCluster(quorum, follower, controller, logger)
  life.undo(() => cluster.close())
  await awaitQuorum(life.during(cluster.start()), awaitOptions(options, quorum, bootstrapServers))
  cluster.onFailed((error) => life.fail(error))
  return cluster
}

export class FollowedCluster implements ClusterMetadata {
  readonly controller: RemoteController
  readonly #quorum: Quorum
  readonly #follower: ImageLoader
  readonly #logger: Logger
  readonly #listeners: ImageListener[] = []
  #caughtUp: (() => void) | null = null
  /** Something was committed and not published, because nobody listens yet. */
  #isBehind = false
  #failed: ((error: Error) => void) | null = null
  #failure: Error | null = null

  constructor(quorum: Quorum, follower: ImageLoader, controller: RemoteController, logger: Logger) {
    this.#quorum = quorum
    this.#follower = follower
    this.controller = controller
    this.#logger = logger
  }

  get image(): MetadataImage {
    return this.#follower.image
  }

  kraftVersion(): number {
    return this.#quorum.kraftVersion
  }

  /** Resolves when everything that was committed when the leader was found is in the image. */
  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#caughtUp = resolve
      this.onFailed(reject)
      this.#quorum.onFailed((error) => this.#fail(error))
      this.#quorum.onCommitted((end) => this.#publish(end))
      this.#quorum.start()
    })
  }

  onImage(listener: ImageListener): void {
    this.#listeners.push(listener)
    if (this.#isBehind) this.#publish(this.#quorum.committedEnd)
  }

  onFailed(listener: (error: Error) => void): void {
    this.#failed = listener
    if (this.#failure !== null) listener(this.#failure)
  }

  async close(): Promise<void> {
    this.controller.close()
    await this.#quorum.close()
  }

  #publish(end: number): void {
    // The node starts from the image that it caught up with: what comes meanwhile must not be lost to it.
    this.#isBehind = this.#caughtUp === null && this.#listeners.length === 0
    if (this.#isBehind) return
    try {
      const { image, delta } = this.#follower.take()
      for (const listener of this.#listeners) listener(image, delta)
      this.#snapshotIfDue(image)
    } catch (error) {
      return this.#fail(error instanceof Error ? error : new OperationalError('LOG_CORRUPT', String(error)))
    }
    const { leaderCommittedEnd } = this.#quorum
    if (leaderCommittedEnd === null || end < leaderCommittedEnd) return
    this.#caughtUp?.()
    this.#caughtUp = null
  }

  #snapshotIfDue(image: MetadataImage): void {
    if (this.#follower.inTransaction) return
    writeDueSnapshot(this.#quorum, image, (error, what) => this.#logger.error(what, error))
  }

  #fail(error: Error): void {
    if (this.#failure !== null) return
    this.#failure = error
    this.#failed?.(error)
  }
}
