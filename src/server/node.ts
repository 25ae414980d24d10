/**
 * One node with a broker: wires the parts, starts them in order, stops them in the reverse order.
 *
 * Starting: bind (a taken port fails before a file is touched), format empty directories, open and lock them, load the metadata
 * log and come to lead or to follow it, load the logs with what the metadata says of them, register, serve. Stopping: controlled
 * shutdown, no new connections, coordinators, logs with their clean-shutdown markers, metadata log. A broken invariant, or the
 * last log directory gone, stops the node without the niceties: `closed` rejects.
 */
import { OperationalError, assert } from '../base/errors.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import { isKnownSelector } from '../config/replica-selectors.ts'
import { SUPPORTED_FEATURES } from '../metadata/features.ts'
import { IsrChanges } from '../replication/isr-changes.ts'
import { ReadBudget } from '../replication/read-budget.ts'
import type { ReplicaFetchers } from '../replication/replica-fetchers.ts'
import { ReplicaManager } from '../replication/replica-manager.ts'
import { ChunkPool } from '../rpc/chunk-pool.ts'
import type { LogDirectories } from '../storage/log-directories.ts'
import type { LogManager } from '../storage/log-manager.ts'
import { randomUuid } from '../storage/meta-properties.ts'
import { followLeaders } from './follow-leaders.ts'
import { AutoTopics } from './auto-topics.ts'
import { brokerCoordinators, type BrokerCoordinators } from './broker-coordinators.ts'
import { BrokerPeers } from './broker-peers.ts'
import { BrokerLifecycle } from './broker-lifecycle.ts'
import { brokerStates } from './broker-states.ts'
import { bindController } from './controller-half.ts'
import type { ClusterMetadata } from './cluster-metadata.ts'
import { ControllerIsrWriter } from './controller-isr-writer.ts'
import { DirectoryAssignments } from './directory-assignments.ts'
import { Dispatcher } from './dispatcher.ts'
import { DynamicConfigs } from './dynamic-configs.ts'
import { FetchSessions } from './fetch-sessions.ts'
import { followCluster } from './followed-cluster.ts'
import { followedController } from './followed-controller.ts'
import { HANDLERS } from './handler-table.ts'
import { advertisedListeners } from './listener-addresses.ts'
import { loadLogs } from './load-logs.ts'
import { MetadataPublisher } from './metadata-publisher.ts'
import { openDirectories, unlock } from './node-directories.ts'
import { bringUp, type Node } from './node-life.ts'
import type { NodeOptions } from './node-options.ts'
import { ProducerIds } from './producer-ids.ts'
import { ownMetadata } from './own-metadata.ts'
import { ClientQuotas } from './quotas/client-quotas.ts'
import { ConnectionRates } from './quotas/connection-rates.ts'
import { ReplicationQuotas } from './replication-quotas.ts'
import type { Services } from './services.ts'
import { SocketServer } from './socket-server.ts'

const CONTROLLED_SHUTDOWN_MS = 30_000
/** Of fetches together: what was read from files and not yet sent. */
const FILE_READ_BYTES_MAX = 64 * 1024 * 1024
/** After so long without any of it coming free a client that takes nothing is let go, if there is one. */
const FILE_READ_STARVED_MS = 1000
/**
 * Memory kept for what clients send and leaders answer next. Of both together: followers receive what the tail cache holds on to
 * as leaders do, and with fresh memory for it collecting garbage took a third of a node's CPU (bench/clusters.mjs).
 */
const FREE_RECEIVE_BYTES_MAX = 32 * 1024 * 1024

interface Parts {
  readonly config: BrokerConfig
  readonly directories: LogDirectories
  readonly sockets: SocketServer
  readonly metadata: ClusterMetadata
  readonly logs: LogManager
  readonly fetchers: ReplicaFetchers
  readonly coordinators: BrokerCoordinators
  readonly peers: BrokerPeers
  readonly publisher: MetadataPublisher
  readonly lifecycle: BrokerLifecycle
  readonly isrChanges: IsrChanges
  readonly assignments: DirectoryAssignments
}

/** Its end, in order. */
async function close(parts: Parts): Promise<void> {
  const { lifecycle, fetchers, logs, metadata, publisher, config } = parts
  if (config.controlledShutdownEnable) await lifecycle.controlledShutdown(CONTROLLED_SHUTDOWN_MS)
  else lifecycle.close()
  await stopServing(parts)
  await publisher.settled()
  await fetchers.close()
  await logs.close(lifecycle.epoch)
  await metadata.close()
  await unlockMetadata(parts)
}

async function closeHard(parts: Parts): Promise<void> {
  const { lifecycle, fetchers, logs, metadata } = parts
  lifecycle.close()
  await stopServing(parts)
  await Promise.all([fetchers.close(), logs.closeHard()])
  await metadata.close().catch(() => undefined)
  await unlockMetadata(parts)
}

async function stopServing(parts: Parts): Promise<void> {
  const { sockets, coordinators, isrChanges, assignments, peers } = parts
  await sockets.close()
  coordinators.close()
  isrChanges.close()
  assignments.close()
  peers.close()
}

/** @throws OperationalError: one sentence for the operator; nothing is left open. */
export function startNode(options: NodeOptions): Promise<Node> {
  const { world, config, logger } = options
  assert(config.processRoles.has('broker'), 'a node without the broker role is a controller-node.ts')
  return bringUp(options, async (life) => {
    checkSelector(config)
    const { network, clock } = world
    const configs = new DynamicConfigs(config, logger)
    const pool = new ChunkPool({ freeBytesMax: FREE_RECEIVE_BYTES_MAX, poison: options.poison ?? false })
    const rates = new ConnectionRates(clock, config)
    const sockets = new SocketServer({ network, clock, logger, config: () => configs.current, pool, rates })
    life.undo(() => sockets.close())
    const listeners = await sockets.bind(config.listeners)
    const isController = config.processRoles.has('controller')
    const controllerListener = isController ? await bindController(options, life) : null
    const directories = await openDirectories(options, life, config.logDirs)
    const incarnationId = randomUuid(world.random)
    const metadata =
      controllerListener === null
        ? await followCluster(options, life, directories)
        : await ownMetadata(options, life, controllerListener, directories, incarnationId)
    const { controller, image } = metadata
    configs.follow(image)
    const quotas = new ReplicationQuotas(clock, config, logger)
    quotas.follow(configs.sources.dynamic)
    const clientQuotas = new ClientQuotas(clock, config)
    for (const followed of [clientQuotas, rates]) followed.follow(image.quotas.values())
    const logs = await loadLogs(options, directories, configs, image, quotas.logDirs)
    life.undo(() => logs.closeHard())
    const isrChanges = new IsrChanges({
      clock,
      logger,
      writer: new ControllerIsrWriter({
        nodeId: config.nodeId,
        controller,
        brokerEpoch: () => lifecycle.epoch,
        metadataVersion: () => publisher.image.features.metadataVersion,
      }),
      lagTimeMaxMs: () => config.replicaLagTimeMaxMs,
    })
    life.undo(() => isrChanges.close())
    const context = {
      nodeId: config.nodeId,
      clock,
      // The newest one: a change that takes a broker away comes into force here partition by partition, before it is published.
      brokers: brokerStates(() => metadata.image),
      isrChanges,
      lagTimeMaxMs: () => config.replicaLagTimeMaxMs,
    }
    const peers = new BrokerPeers({
      clock,
      network,
      random: world.random,
      pool,
      logger,
      nodeId: config.nodeId,
      requestTimeoutMs: () => configs.current.requestTimeoutMs,
    })
    const fetchers = followLeaders(world.clock, config, {
      logs,
      logger,
      peers,
      image: () => metadata.image,
      configs,
      brokerEpoch: () => lifecycle.epoch,
      quota: quotas.follower,
      broken: (error) => life.fail(error),
    })
    life.undo(() => fetchers.close())
    const replicas = new ReplicaManager({
      context,
      logs,
      logger,
      followers: fetchers,
    })
    const producerIds = new ProducerIds(controller, () => ({ id: config.nodeId, epoch: lifecycle.epoch }))
    const coordinators = brokerCoordinators(
      {
        world,
        logger,
        config: () => configs.current,
        peers,
        replicas,
        producerIds,
        image: () => publisher.image,
      },
      image,
    )
    const { groups, transactions, verification } = coordinators
    const publisher: MetadataPublisher = new MetadataPublisher(image, {
      nodeId: config.nodeId,
      incarnationId,
      logger,
      configs,
      quotas,
      clientQuotas: [clientQuotas, rates],
      logs,
      replicas,
      groups,
      transactions,
      shown: options.shown ?? (() => {}),
    })
    await publisher.start()
    const followed = followedController(controller, () => publisher.settled())
    const lifecycle: BrokerLifecycle = new BrokerLifecycle({
      clock,
      logger,
      controller: followed,
      heartbeatIntervalMs: config.brokerHeartbeatIntervalMs,
      sessionTimeoutMs: config.brokerSessionTimeoutMs,
      registrationTimeoutMs: config.initialBrokerRegistrationTimeoutMs,
      registration: {
        nodeId: config.nodeId,
        clusterId: directories.clusterId,
        incarnationId,
        listeners: advertisedListeners(options, listeners),
        features: SUPPORTED_FEATURES,
        rack: config.brokerRack,
        directories: logs.liveDirectories.map(({ id }) => id),
        previousBrokerEpoch: logs.previousBrokerEpoch,
      },
      metadataOffset: () => publisher.image.provenance.offset,
      offlineDirectories: () => directories.live.filter(({ isOffline }) => isOffline).map(({ id }) => id),
      directoryFailureTimeoutMs: config.logDirFailureTimeoutMs,
      giveUp: (error) => life.fail(error),
    })
    life.undo(() => lifecycle.close())
    const assignments = new DirectoryAssignments({
      nodeId: config.nodeId,
      clock,
      logger,
      logs,
      controller: followed,
      image: () => publisher.image,
      brokerEpoch: () => lifecycle.epoch,
    })
    life.undo(() => assignments.close())
    logs.start(assignments)
    metadata.onImage((next, delta) => {
      publisher.follow(delta, next, (error) => life.fail(error))
      lifecycle.follow(next)
      const changed = delta.changedTopics().map(({ after }) => after.name)
      void publisher.settled().then(() => assignments.check(changed))
    })
    logs.onDirectoryFailed((failure) => {
      if (failure.liveDirectories === 0)
        life.fail(new OperationalError('DISK_FAILED', `All log directories failed, ${failure.path} the last`))
      else lifecycle.directoryFailed(failure)
    })
    await life.during(lifecycle.start())
    fetchers.start()
    // Clients must not see a broker that is still fenced.
    await publisher.settled()
    assignments.start()
    isrChanges.start(() => replicas.shrinkIsrs())
    const services: Services = {
      nodeId: config.nodeId,
      clusterId: directories.clusterId,
      clock,
      random: world.random,
      logger,
      config: () => configs.current,
      configs,
      image: () => publisher.image,
      kraftVersion: () => metadata.kraftVersion(),
      replicas,
      logs,
      controller: followed,
      groups,
      fileReads: new ReadBudget(FILE_READ_BYTES_MAX, {
        clock,
        afterMs: FILE_READ_STARVED_MS,
        relieve: () => sockets.closeStalled(),
      }),
      replicationQuota: quotas.leader,
      quotas: clientQuotas,
      fetchSessions: new FetchSessions(clock, world.random, () => configs.current.maxIncrementalFetchSessionCacheSlots),
      autoTopics: new AutoTopics(followed, () => configs.current),
      verification,
      producerIds,
      transactions,
      handlers: HANDLERS,
      supportedFeatures: SUPPORTED_FEATURES,
      onClosed: (connectionId, task) => sockets.onClosed(connectionId, task),
      fail: (error) => life.fail(error),
    }
    options.inspect?.({ services, memoryInUseBytes: () => pool.usedBytes })
    sockets.serve(new Dispatcher(services, HANDLERS, options.around))
    const where = listeners.map(({ name, host, port }) => `${name}://${host}:${port}`).join(',')
    logger.info(`[KafkaRaftServer nodeId=${config.nodeId}] Klamm serves ${where}, cluster ${directories.clusterId}`)
    const parts = {
      config,
      directories,
      sockets,
      metadata,
      logs,
      fetchers,
      coordinators,
      peers,
      publisher,
      lifecycle,
      isrChanges,
      assignments,
    }
    return life.up({
      listeners,
      clusterId: directories.clusterId,
      image: () => publisher.image,
      close: () => close(parts),
      closeHard: () => closeHard(parts),
    })
  })
}

/** @throws OperationalError CONFIG_INVALID, as Kafka that doesn't find a class. */
function checkSelector({ replicaSelectorClass }: BrokerConfig): void {
  if (isKnownSelector(replicaSelectorClass)) return
  throw new OperationalError(
    'CONFIG_INVALID',
    `replica.selector.class=${replicaSelectorClass} is neither RackAwareReplicaSelector nor LeaderSelector of Kafka; no other class can be loaded.`,
  )
}

/** A metadata directory that holds no logs of its own isn't unlocked by the log manager. */
function unlockMetadata({ directories, config }: Parts): Promise<void> {
  return unlock(directories, (path) => path === config.metadataLogDir && !config.logDirs.includes(path))
}
