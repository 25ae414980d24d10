/**
 * A controller: opens the metadata log, follows it while another node leads it, and when it is elected itself answers the
 * controller's APIs by the deciders beside this file. While active it has duties of its own too (`active-duties.ts`). It has
 * snapshots written when they are due.
 *
 * The image that it publishes is the committed one; the broker in this process follows it through `onImage`.
 */
import { KafkaError } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import { METADATA_VERSION, metadataVersionName, unservedFeatures } from '../metadata/features.ts'
import type { MetadataImage } from '../metadata/image.ts'
import type { MetadataRecord } from '../metadata/metadata-records.ts'
import type { Uuid } from '../base/uuid.ts'
import type { Clock, Random } from '../world/world.ts'
import { ActiveDuties } from './active-duties.ts'
import {
  abortTransaction,
  bootstrapDecision,
  registerController,
  registrationRecords,
  type ControllerRegistration,
} from './activation.ts'
import { alterPartition } from './alter-partition.ts'
import { alterClientQuotas } from './alter-client-quotas.ts'
import { alterPartitionReassignments } from './alter-reassignments.ts'
import { alterConfigs, incrementalAlterConfigs } from './alter-configs.ts'
import { assignReplicasToDirs } from './assign-directories.ts'
import { BrokerSessions } from './broker-sessions.ts'
import { brokerHeartbeat, registerBroker, unregisterBroker } from './brokers.ts'
import type { ConfigRules } from './config-rules.ts'
import type { ControllerApi, ControllerContext } from './controller-api.ts'
import { createPartitions } from './create-partitions.ts'
import { createTopics } from './create-topics.ts'
import type { ControllerSettings, ControllerState, Decision, ErrorFields } from './decision.ts'
import { deleteTopics } from './delete-topics.ts'
import { describeQuorum } from './describe-quorum.ts'
import { writeDueSnapshot } from './due-snapshot.ts'
import { electLeaders } from './elect-leaders.ts'
import { ImageLoader } from './image-loader.ts'
import { listPartitionReassignments } from './list-reassignments.ts'
import type { LogContent, MetadataLog } from './metadata-log.ts'
import { UNBOUNDED, type MutationQuota, type MutationQuotas } from './mutation-quota.ts'
import { allocateProducerIds } from './producer-ids.ts'
import { ControllerRuntime, type ImageListener } from './runtime.ts'
import { updateFeatures } from './update-features.ts'
import { addRaftVoter, removeRaftVoter } from './voter-changes.ts'

export interface ControllerOptions {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly settings: ControllerSettings
  readonly rules: ConfigRules
  readonly mutationQuotas: MutationQuotas
  readonly registration: ControllerRegistration
  /** The incarnation of the broker in this process; null: there is none. */
  readonly broker: Uuid | null
  /** `Quorum.open` with its options. */
  readonly openLog: (content: LogContent) => Promise<MetadataLog>
  /** What an empty log begins with: of bootstrap.checkpoint, or bootstrapRecords(level). */
  readonly bootstrap: readonly MetadataRecord[]
}

/** Versions that can say THROTTLING_QUOTA_EXCEEDED; older ones are carried out, and their client waits afterwards. */
const STRICT_FROM = { createTopics: 6, deleteTopics: 5, createPartitions: 3 }

export class Controller implements ControllerApi {
  readonly #options: ControllerOptions
  readonly #log: MetadataLog
  readonly #loader: ImageLoader
  readonly #runtime: ControllerRuntime
  readonly #sessions = new BrokerSessions()
  readonly #duties: ActiveDuties
  #closed = false
  #isStarting = true
  /** Resolves `caughtUp`. */
  #tellCaughtUp = (): void => {}
  /**
   * Resolves when this controller is active, or has in its image what was committed when it heard of the one that is.
   */
  readonly caughtUp: Promise<void> = new Promise((resolve) => (this.#tellCaughtUp = resolve))
  #failed: ((error: Error) => void) | null = null

  private constructor(options: ControllerOptions, log: MetadataLog, loader: ImageLoader, image: MetadataImage) {
    this.#options = options
    this.#log = log
    this.#loader = loader
    this.#runtime = new ControllerRuntime(log, image, () => options.clock.wallMs())
    const { clock, logger, settings } = options
    this.#duties = new ActiveDuties({
      clock,
      logger,
      settings,
      sessions: this.#sessions,
      log,
      mayGoOn: () => this.isActive && !this.#closed,
      decide: (decide) => this.#decide(decide),
      failed: (error, what) => this.#unlessLost(error, what),
    })
    this.#runtime.onImage((committed) => this.#snapshotIfDue(committed))
    log.onFailed((error) => this.#fail(error))
    log.onCommitted((committedEnd) => this.#onCommitted(committedEnd))
    log.onRoleChanged(() => this.#stepDownIfLost())
  }

  /**
   * Loads the log. The only voter is active when it resolves; one of several stands by, and becomes active when it is elected.
   * @throws OperationalError if the directory can't be served. */
  static async start(options: ControllerOptions): Promise<Controller> {
    const loader = new ImageLoader()
    const log = await options.openLog(loader)
    try {
      const image = loader.take().image
      const controller = new Controller(options, log, loader, image)
      if (log.isAlone) {
        await log.lead()
        await controller.#activate(loader)
      } else {
        controller.#runtime.fail()
        log.start()
      }
      controller.#isStarting = false
      return controller
    } catch (error) {
      await log.close().catch(() => {})
      throw error
    }
  }

  /** Committed. */
  get image(): MetadataImage {
    return this.#runtime.committed
  }

  /** False once the metadata log is lost. */
  get isActive(): boolean {
    return this.#runtime.isActive
  }

  /** Called with each later committed image, and what changed in it. */
  onImage(listener: ImageListener): void {
    this.#runtime.onImage(listener)
  }

  /** The metadata log is lost: this node can't go on as a controller. Called at most once. */
  onFailed(listener: (error: Error) => void): void {
    this.#failed = listener
  }

  createTopics: ControllerApi['createTopics'] = (request, context) =>
    this.#withinQuota(context, STRICT_FROM.createTopics, (quota) =>
      this.#decide((state) => createTopics(state, request, quota)),
    )

  deleteTopics: ControllerApi['deleteTopics'] = (request, context) =>
    this.#withinQuota(context, STRICT_FROM.deleteTopics, (quota) =>
      this.#decide((state) => deleteTopics(state, request, context.apiVersion, quota)),
    )

  createPartitions: ControllerApi['createPartitions'] = (request, context) =>
    this.#withinQuota(context, STRICT_FROM.createPartitions, (quota) =>
      this.#decide((state) => createPartitions(state, request, quota)),
    )

  alterConfigs: ControllerApi['alterConfigs'] = (request) => this.#decide((state) => alterConfigs(state, request))

  incrementalAlterConfigs: ControllerApi['incrementalAlterConfigs'] = (request) =>
    this.#decide((state) => incrementalAlterConfigs(state, request))

  alterClientQuotas: ControllerApi['alterClientQuotas'] = (request) =>
    this.#decide((state) => alterClientQuotas(state, request))

  updateFeatures: ControllerApi['updateFeatures'] = (request, { apiVersion }) =>
    this.#decide((state) => {
      const decision = updateFeatures(state, request, apiVersion, this.#log)
      // In the turn of the decision: voters that tell of themselves can't come between, and the records come behind.
      if (decision.kraftVersion !== null) this.#log.upgradeKraftVersion(decision.kraftVersion)
      return decision
    })

  registerBroker: ControllerApi['registerBroker'] = (request, { apiVersion }) =>
    this.#answer(this.#decide((state) => registerBroker(state, request, apiVersion, this.#log.kraftVersion)))

  registerController: ControllerApi['registerController'] = (request) =>
    this.#answer(this.#decide((state) => registerController(state, request)))

  brokerHeartbeat: ControllerApi['brokerHeartbeat'] = (request) =>
    this.#answer(this.#decide((state) => brokerHeartbeat(state, request)))

  unregisterBroker: ControllerApi['unregisterBroker'] = (request) =>
    this.#answer(this.#decide((state) => unregisterBroker(state, request)))

  allocateProducerIds: ControllerApi['allocateProducerIds'] = (request) =>
    this.#answer(this.#decide((state) => allocateProducerIds(state, request)))

  /** Rejects with what is refused as a whole: its answer names every partition. */
  electLeaders: ControllerApi['electLeaders'] = (request) => this.#decide((state) => electLeaders(state, request))

  alterPartitionReassignments: ControllerApi['alterPartitionReassignments'] = (request) =>
    this.#answer(this.#decide((state) => alterPartitionReassignments(state, request)))

  listPartitionReassignments: ControllerApi['listPartitionReassignments'] = (request) =>
    this.#answer(this.#decide((state) => listPartitionReassignments(state, request)))

  alterPartition: ControllerApi['alterPartition'] = (request, { apiVersion }) =>
    this.#answer(this.#decide((state) => alterPartition(state, request, apiVersion)))

  assignReplicasToDirs: ControllerApi['assignReplicasToDirs'] = (request) =>
    this.#answer(this.#decide((state) => assignReplicasToDirs(state, request)))

  addRaftVoter: ControllerApi['addRaftVoter'] = (request) =>
    addRaftVoter(this.#log, this.#options.settings.clusterId, request)

  removeRaftVoter: ControllerApi['removeRaftVoter'] = (request) =>
    removeRaftVoter(this.#log, this.#options.settings.clusterId, request)

  describeQuorum: ControllerApi['describeQuorum'] = async (request, { apiVersion }) =>
    describeQuorum(this.#log, request, apiVersion)

  /** Stops deciding, waits for what is being written, closes the log. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#duties.stop()
    await this.#log.close()
    this.#runtime.fail()
  }

  #onCommitted(committedEnd: number): void {
    if (this.isActive) return this.#runtime.commit(committedEnd)
    try {
      const { image, delta } = this.#loader.take()
      this.#runtime.follow(image, delta)
    } catch (error) {
      return this.#fail(error instanceof Error ? error : new Error(String(error)))
    }
    const { isReadyToLead, isLeader, leaderCommittedEnd } = this.#log
    if (isReadyToLead) this.#takeOver()
    else if (!isLeader && leaderCommittedEnd !== null && committedEnd >= leaderCommittedEnd && !this.#loader.isEmpty) {
      this.#tellCaughtUp()
    }
  }

  /** Elected: everything that any leader before committed is in the image. */
  #takeOver(): void {
    this.#log.takeOver()
    this.#sessions.clear()
    this.#runtime.lead()
    this.#activate(this.#loader).catch((error: unknown) => this.#unlessLost(error, 'The activation failed'))
  }

  #stepDownIfLost(): void {
    if (!this.isActive || this.#isStarting || this.#log.isLeader || this.#closed) return
    const { logger } = this.#options
    logger.info(`[QuorumController id=${this.#log.nodeId}] No longer active, in epoch ${this.#log.epoch}`)
    this.#duties.stop()
    this.#runtime.fail()
    this.#loader.restart(this.#runtime.committed)
  }

  async #activate(loader: ImageLoader): Promise<void> {
    const { bootstrap, registration, rules, logger, clock } = this.#options
    const first = loader.inTransaction ? abortTransaction() : []
    if (loader.isEmpty) first.push(...bootstrapDecision(bootstrap, rules.fileValue('min.insync.replicas')))
    // One after the other into the log, and both with one sync.
    await Promise.all([
      this.#write(() => first),
      this.#write(({ features }) => registrationRecords(features.metadataVersion, this.#log.nodeId, registration)),
    ])
    const { features, cluster } = this.image
    // Brokers that were serving get a whole session to be heard of again; a former one of this node cannot be alive.
    for (const broker of cluster.brokers.values()) {
      const isGone = broker.id === this.#log.nodeId && broker.incarnationId !== this.#options.broker
      if (!broker.fenced && !isGone) this.#sessions.touch(broker.id, clock.monotonicMs())
    }
    const name = metadataVersionName(features.metadataVersion) ?? ''
    logger.info(
      `[QuorumController id=${this.#log.nodeId}] Active in epoch ${this.#log.epoch}; ${METADATA_VERSION} ${name}`,
    )
    const unserved = unservedFeatures(features.levels)
    if (unserved.length > 0) {
      logger.warn(
        `Finalized features that are not served yet; their records are kept as they are: ${unserved.join(', ')}`,
      )
    }
    this.#tellCaughtUp()
    this.#duties.start()
  }

  #decide<Answer>(decide: (state: ControllerState) => Decision<Answer>): Promise<Answer> {
    const { random, settings, rules, clock } = this.#options
    return this.#runtime.decide((image, nextOffset, partitions) =>
      decide({
        image,
        partitions,
        nextOffset,
        nowMs: clock.monotonicMs(),
        nodeId: this.#log.nodeId,
        random,
        settings,
        rules,
        sessions: this.#sessions,
      }),
    )
  }

  /** What the broker asks for itself is unbounded. */
  #withinQuota<Answer extends object>(
    { apiVersion, clientHost, clientId }: ControllerContext,
    strictFrom: number,
    decided: (quota: MutationQuota) => Promise<Answer>,
  ): Promise<Answer & { readonly throttleTimeMs?: number }> {
    const quota =
      clientHost === null ? null : this.#options.mutationQuotas.quotaFor(clientId ?? '', apiVersion >= strictFrom)
    if (quota === null) return decided(UNBOUNDED)
    return decided(quota).then((answer) => ({ ...answer, throttleTimeMs: quota.throttleMs() }))
  }

  /** A refused request is an answer too; only a lost log rejects. */
  async #answer<Answer extends object>(answer: Promise<Answer>): Promise<Answer | ErrorFields> {
    try {
      return await answer
    } catch (error) {
      if (!(error instanceof KafkaError) || error.code === 'NOT_CONTROLLER') throw error
      return { errorCode: error.errno, errorMessage: error.message }
    }
  }

  async #write(recordsOn: (appended: MetadataImage) => readonly MetadataRecord[]): Promise<void> {
    await this.#runtime.decide((appended) => ({ records: recordsOn(appended), answer: null }))
  }

  #snapshotIfDue(committed: MetadataImage): void {
    if (!this.isActive && this.#loader.inTransaction) return
    writeDueSnapshot(this.#log, committed, (error, what) => this.#unlessLost(error, what))
  }

  #unlessLost(error: unknown, what: string): void {
    if (error instanceof KafkaError && error.code === 'NOT_CONTROLLER') return
    this.#options.logger.error(`[QuorumController id=${this.#log.nodeId}] ${what}`, error)
  }

  #fail(error: Error): void {
    this.#duties.stop()
    this.#options.logger.error(`[QuorumController id=${this.#log.nodeId}] The metadata log is lost`, error)
    this.#runtime.fail()
    this.#failed?.(error)
  }
}
