/**
 * One node: wires the parts, starts them in order, stops them in the reverse order.
 *
 * Starting: bind (a taken port fails before a file is touched), format empty directories, open and lock them, load the metadata
 * log and become its leader, load the logs with what the metadata says of them, register, serve. Stopping: controlled shutdown, no
 * new connections, coordinators, logs with their clean-shutdown markers, metadata log. A broken invariant, or the last
 * log directory gone, stops the node without the niceties: `closed` rejects.
 */
import { KafkaError, OperationalError } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { BrokerConfig, ListenerConfig } from '../config/broker-config.ts'
import { TableConfigRules } from '../controller/config-rules.ts'
import { Controller } from '../controller/controller.ts'
import { GroupCoordinator } from '../coordinators/group/group-coordinator.ts'
import type { GroupCoordinatorConfig } from '../coordinators/group/group-config.ts'
import { bootstrapRecords, decodeBootstrap } from '../metadata/bootstrap.ts'
import { CONFIG_RESOURCE } from '../metadata/configs-image.ts'
import { METADATA_VERSION_LATEST, SUPPORTED_FEATURES } from '../metadata/features.ts'
import type { MetadataImage } from '../metadata/image.ts'
import { readBootstrap } from '../quorum/format.ts'
import { Quorum } from '../quorum/quorum.ts'
import { CODECS } from '../records/batch.ts'
import { ReplicaManager } from '../replication/replica-manager.ts'
import { openLogDirectories, type LogDirectories } from '../storage/log-directories.ts'
import { LogManager } from '../storage/log-manager.ts'
import { TailCache } from '../storage/tail-cache.ts'
import type { World } from '../world/world.ts'
import { formatIfEmpty, newUuid } from './auto-format.ts'
import { AutoTopics } from './auto-topics.ts'
import { BrokerLifecycle } from './broker-lifecycle.ts'
import { Dispatcher } from './dispatcher.ts'
import { DynamicConfigs } from './dynamic-configs.ts'
import { FetchSessions } from './fetch-sessions.ts'
import { followedController } from './followed-controller.ts'
import { HANDLERS } from './handler-table.ts'
import { MetadataPublisher } from './metadata-publisher.ts'
import { OffsetsWriter } from './offsets-writer.ts'
import { ProducerIds } from './producer-ids.ts'
import type { Services } from './services.ts'
import { SocketServer, type BoundListener } from './socket-server.ts'
import { CONSUMER_OFFSETS } from './topic-names.ts'

export interface NodeOptions {
  readonly world: World
  readonly config: BrokerConfig
  readonly logger: Logger
  /** What a listener without a host advertises; localhost if left out. */
  readonly hostName?: string
  /** Overwrite request memory that came free: finds a missing reference in tests. */
  readonly poison?: boolean
}

/** Bytes that were written last, kept for readers at the tail. */
const TAIL_CACHE_BYTES = 32 * 1024 * 1024
/** Disk operations of one directory under way while loading or closing: below the size of the thread pool. */
const DISK_OPERATIONS_MAX = 3
const CONTROLLED_SHUTDOWN_MS = 30_000
const DEFAULT_HOST_NAME = 'localhost'

export class Node {
  readonly listeners: readonly BoundListener[]
  readonly clusterId: string
  /** Resolves when the node has stopped as told; rejects if it had to stop by itself. */
  readonly closed: Promise<void>
  readonly #parts: Parts
  #settleClosed: { readonly resolve: () => void; readonly reject: (error: unknown) => void }
  #stopping: Promise<void> | null = null

  /** @internal Use `startNode`. */
  constructor(parts: Parts) {
    this.#parts = parts
    this.listeners = parts.listeners
    this.clusterId = parts.directories.clusterId
    let settle: { resolve: () => void; reject: (error: unknown) => void } = { resolve() {}, reject() {} }
    this.closed = new Promise((resolve, reject) => (settle = { resolve, reject }))
    this.closed.catch(() => undefined)
    this.#settleClosed = settle
  }

  /** Controlled shutdown: leadership moved, everything flushed, clean markers written. Idempotent. */
  close(): Promise<void> {
    this.#stopping ??= this.#close()
    return this.#stopping
  }

  /** What a killed process leaves: nothing is flushed or marked. */
  closeHard(): Promise<void> {
    this.#stopping ??= this.#closeHard()
    return this.#stopping
  }

  /** A broken invariant, or nothing left to serve. */
  fail(error: unknown): void {
    if (this.#stopping !== null) return
    this.#parts.logger.error('The node stops', error)
    this.#settleClosed.reject(error)
    void this.closeHard()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(): Promise<void> {
    const { lifecycle, sockets, groups, logs, controller, publisher, config, logger } = this.#parts
    logger.info('Shutting down')
    if (config.controlledShutdownEnable) await lifecycle.controlledShutdown(CONTROLLED_SHUTDOWN_MS)
    else lifecycle.close()
    await sockets.close()
    groups.close()
    await publisher.settled()
    await logs.close(lifecycle.epoch)
    await controller.close()
    await unlockMetadata(this.#parts)
    logger.info('Shut down')
    this.#settleClosed.resolve()
  }

  async #closeHard(): Promise<void> {
    const { lifecycle, sockets, groups, logs, controller } = this.#parts
    lifecycle.close()
    await sockets.close()
    groups.close()
    await logs.closeHard()
    await controller.close().catch(() => undefined)
    await unlockMetadata(this.#parts)
    this.#settleClosed.resolve()
  }
}

interface Parts {
  readonly config: BrokerConfig
  readonly logger: Logger
  readonly directories: LogDirectories
  readonly listeners: readonly BoundListener[]
  readonly sockets: SocketServer
  readonly controller: Controller
  readonly logs: LogManager
  readonly groups: GroupCoordinator
  readonly publisher: MetadataPublisher
  readonly lifecycle: BrokerLifecycle
}

/** @throws OperationalError: one sentence for the operator; nothing is left open. */
export async function startNode(options: NodeOptions): Promise<Node> {
  const { world, config, logger } = options
  checkRoles(config)
  const undo: (() => Promise<void>)[] = []
  try {
    const { network, clock } = world
    const configs = new DynamicConfigs(config, logger)
    const sockets = new SocketServer({
      network,
      clock,
      logger,
      config: () => configs.current,
      poison: options.poison ?? false,
    })
    undo.push(() => sockets.close())
    const listeners = await sockets.bind(config.listeners)
    await formatIfEmpty(world, config, logger)
    const directories = await openLogDirectories({
      ...world,
      logger,
      paths: [...new Set([...config.logDirs, config.metadataLogDir])],
      metadataPath: config.metadataLogDir,
      clusterId: null,
      nodeId: config.nodeId,
    })
    undo.push(async () => {
      for (const directory of directories.live) await directory.unlock().catch(() => undefined)
    })
    const opened = await startController(options, directories)
    const { controller } = opened
    undo.push(() => controller.close())
    const { image } = controller
    configs.follow(image)
    const logs = await loadLogs(options, directories, configs, image)
    undo.push(() => logs.closeHard())
    const replicas = new ReplicaManager({ nodeId: config.nodeId, logs, logger })
    const offsetsPartitions = image.topics.byName(CONSUMER_OFFSETS)?.partitions.length
    const groups = new GroupCoordinator({
      clock,
      random: world.random,
      logger,
      writer: new OffsetsWriter(replicas),
      config: groupConfig(configs.current, offsetsPartitions ?? configs.current.offsetsTopicNumPartitions),
    })
    const publisher = new MetadataPublisher(image, { nodeId: config.nodeId, logger, configs, logs, replicas, groups })
    await publisher.start()
    logs.start()
    const followed = followedController(controller, () => publisher.settled())
    const lifecycle = new BrokerLifecycle({
      clock,
      logger,
      controller: followed,
      heartbeatIntervalMs: config.brokerHeartbeatIntervalMs,
      registration: {
        nodeId: config.nodeId,
        clusterId: directories.clusterId,
        incarnationId: newUuid(world),
        listeners: advertised(options, listeners),
        features: SUPPORTED_FEATURES,
        rack: config.brokerRack,
        directories: logs.liveDirectories.map(({ id }) => id),
        previousBrokerEpoch: logs.previousBrokerEpoch,
      },
      metadataOffset: () => publisher.image.provenance.offset,
      offlineDirectories: () => directories.live.filter(({ isOffline }) => isOffline).map(({ id }) => id),
    })
    const node = new Node({
      config,
      logger,
      directories,
      listeners,
      sockets,
      controller,
      logs,
      groups,
      publisher,
      lifecycle,
    })
    controller.onImage((next, delta) => publisher.follow(delta, next, (error) => node.fail(error)))
    logs.onDirectoryFailed(({ liveDirectories, path }) => {
      if (liveDirectories === 0)
        node.fail(new OperationalError('DISK_FAILED', `All log directories failed, ${path} the last`))
    })
    await lifecycle.start()
    const services: Services = {
      nodeId: config.nodeId,
      clusterId: directories.clusterId,
      clock,
      random: world.random,
      logger,
      config: () => configs.current,
      configs,
      image: () => publisher.image,
      kraftVersion: () => opened.kraftVersion(),
      replicas,
      logs,
      controller: followed,
      groups,
      fetchSessions: new FetchSessions(clock, world.random, () => configs.current.maxIncrementalFetchSessionCacheSlots),
      autoTopics: new AutoTopics(followed, () => configs.current),
      producerIds: new ProducerIds(controller, () => ({ id: config.nodeId, epoch: lifecycle.epoch })),
      handlers: HANDLERS,
      supportedFeatures: SUPPORTED_FEATURES,
      onClosed: (connectionId, task) => sockets.onClosed(connectionId, task),
      fail: (error) => node.fail(error),
    }
    sockets.serve(new Dispatcher(services, HANDLERS))
    const where = listeners.map(({ name, host, port }) => `${name}://${host}:${port}`).join(',')
    logger.info(`[KafkaRaftServer nodeId=${config.nodeId}] Klamm serves ${where}, cluster ${directories.clusterId}`)
    return node
  } catch (error) {
    for (const step of undo.reverse()) await step().catch(() => undefined)
    if (error instanceof KafkaError) throw new OperationalError('CONFIG_INVALID', error.message, { cause: error })
    throw error
  }
}

function checkRoles(config: BrokerConfig): void {
  if (config.processRoles.has('broker') && config.processRoles.has('controller')) return
  throw new OperationalError(
    'NOT_SUPPORTED',
    'process.roles must be broker,controller: nodes with one role need a quorum, which this release does not have.',
  )
}

async function startController(
  options: NodeOptions,
  directories: LogDirectories,
): Promise<{ readonly controller: Controller; readonly kraftVersion: () => number }> {
  const { world, config, logger } = options
  const { clock, random, disk } = world
  const metadata = directories.live.find(({ path }) => path === config.metadataLogDir)
  if (metadata === undefined) {
    throw new OperationalError('DISK_FAILED', `The metadata log directory ${config.metadataLogDir} can't be read.`)
  }
  const bootstrap = await readBootstrap(disk, metadata.path)
  let quorum: Quorum | null = null
  const controller = await Controller.start({
    clock,
    random,
    logger,
    settings: {
      clusterId: directories.clusterId,
      defaultPartitions: config.numPartitions,
      defaultReplicationFactor: config.defaultReplicationFactor,
      deleteTopicEnable: config.deleteTopicEnable,
      brokerSessionTimeoutMs: config.brokerSessionTimeoutMs,
      maxIdleIntervalMs: config.metadataMaxIdleIntervalMs,
    },
    rules: new TableConfigRules({
      nodeId: config.nodeId,
      values: config.values,
      isSet: (key) => config.originals.has(key),
    }),
    registration: {
      incarnationId: newUuid(world),
      listeners: config.controllerListeners.map(({ name, host, port }) => ({
        name,
        host: host || (options.hostName ?? DEFAULT_HOST_NAME),
        port,
        securityProtocol: 0,
      })),
    },
    bootstrap: bootstrap === null ? bootstrapRecords(METADATA_VERSION_LATEST) : decodeBootstrap(bootstrap),
    openLog: async (content) => {
      quorum = await Quorum.open(
        {
          disk,
          clock,
          random,
          logger,
          logDirectory: metadata.path,
          nodeId: config.nodeId,
          directoryId: metadata.id,
          staticVoterIds: config.quorumVoters.map(({ id }) => id),
          logConfig: {
            ...config.topicDefaults,
            compact: false,
            delete: false,
            retentionMs: -1,
            retentionBytes: -1,
            segmentBytes: config.metadataLogSegmentBytes,
            segmentMs: config.metadataLogSegmentMs,
            maxMessageBytes: config.metadataLogSegmentBytes,
            preallocate: false,
          },
          snapshots: {
            recordBytesMax: config.metadataLogMaxRecordBytesBetweenSnapshots,
            intervalMs: config.metadataLogMaxSnapshotIntervalMs,
            retentionBytes: config.metadataMaxRetentionBytes,
            retentionMs: config.metadataMaxRetentionMs,
          },
        },
        content,
      )
      return quorum
    },
  })
  return { controller, kraftVersion: () => quorum?.kraftVersion ?? 0 }
}

async function loadLogs(
  { world, config, logger }: NodeOptions,
  directories: LogDirectories,
  configs: DynamicConfigs,
  image: MetadataImage,
): Promise<LogManager> {
  const topicConfigs = new Map(
    [...image.configs.all()]
      .filter(({ type }) => type === CONFIG_RESOURCE.TOPIC)
      .map(({ name }) => [name, configs.topicConfig(image, name)]),
  )
  const logs = await LogManager.load({
    ...world,
    logger,
    directories: { ...directories, live: directories.live.filter(({ path }) => config.logDirs.includes(path)) },
    defaultConfig: configs.current.topicDefaults,
    topicConfigs,
    producerIdExpirationMs: config.producerIdExpirationMs,
    tailCache: new TailCache(TAIL_CACHE_BYTES),
    intervals: {
      recoveryPointCheckpointMs: config.logFlushOffsetCheckpointIntervalMs,
      logStartCheckpointMs: config.logFlushStartOffsetCheckpointIntervalMs,
      highWatermarkCheckpointMs: config.replicaHighWatermarkCheckpointIntervalMs,
      retentionCheckMs: config.logRetentionCheckIntervalMs,
      flushSchedulerMs: config.logFlushSchedulerIntervalMs,
      producerExpirationCheckMs: config.producerIdExpirationCheckIntervalMs,
    },
    inFlightMax: DISK_OPERATIONS_MAX,
  })
  await logs.resolveStrays((topicId, topic, partition) => {
    // The id is written before the first record: a log without one that is empty can be taken over by its name.
    const isEmpty = topicId === null && logs.get(topic, partition)?.assignedEnd === 0
    const known = topicId !== null ? image.topics.byId(topicId) : isEmpty ? image.topics.byName(topic) : null
    return known?.partitions[partition]?.replicas.includes(config.nodeId) === true
  })
  return logs
}

function groupConfig(config: BrokerConfig, offsetsTopicPartitions: number): GroupCoordinatorConfig {
  return {
    offsetsTopicPartitions,
    offsetsTopicCodec: CODECS[config.offsetsTopicCompressionCodec] ?? 'none',
    minSessionTimeoutMs: config.groupMinSessionTimeoutMs,
    maxSessionTimeoutMs: config.groupMaxSessionTimeoutMs,
    initialRebalanceDelayMs: config.groupInitialRebalanceDelayMs,
    maxGroupSize: config.groupMaxSize,
    offsetMetadataMaxLength: config.offsetMetadataMaxBytes,
    writeTimeoutMs: config.offsetsCommitTimeoutMs,
    offsetsRetentionMs: config.offsetsRetentionMinutes * 60_000,
    offsetsRetentionCheckIntervalMs: config.offsetsRetentionCheckIntervalMs,
    appendLingerMs: config.groupCoordinatorAppendLingerMs,
  }
}

/** What clients are told to connect to: the configured address, with what is open in it filled in. */
function advertised(
  { config, hostName }: NodeOptions,
  bound: readonly BoundListener[],
): (BoundListener & Pick<ListenerConfig, 'securityProtocol'>)[] {
  return config.advertisedListeners.map(({ name, host, port }) => ({
    name,
    host: host || (hostName ?? DEFAULT_HOST_NAME),
    port: port || (bound.find((listener) => listener.name === name)?.port ?? 0),
    securityProtocol: config.listeners.find((listener) => listener.name === name)?.securityProtocol ?? 'PLAINTEXT',
  }))
}

/** A metadata directory that holds no logs of its own isn't unlocked by the log manager. */
async function unlockMetadata({ directories, config }: Parts): Promise<void> {
  if (config.logDirs.includes(config.metadataLogDir)) return
  await directories.live
    .find(({ path }) => path === config.metadataLogDir)
    ?.unlock()
    .catch(() => undefined)
}
