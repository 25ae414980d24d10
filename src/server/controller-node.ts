/**
 * A node with the controller role only (process.roles=controller): the metadata log, its part in the quorum, and the listener
 * on which controllers elect and brokers follow the log, register and ask. It holds no partitions.
 */
import { KafkaError, OperationalError } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import { SUPPORTED_FEATURES } from '../metadata/features.ts'
import type { MetadataImage } from '../metadata/image.ts'
import { openLogDirectories, type LogDirectories } from '../storage/log-directories.ts'
import { formatIfEmpty } from './auto-format.ts'
import { REQUEST_TIMEOUT_MS, clusterConnections, quorumChannel } from './cluster-connections.ts'
import { CONTROLLER_HANDLERS } from './controller-handlers/table.ts'
import { ControllerRegistrar } from './controller-registrar.ts'
import type { ControllerServices } from './controller-services.ts'
import { Dispatcher } from './dispatcher.ts'
import { controllerEndpoints } from './listener-addresses.ts'
import type { NodeOptions } from './node-options.ts'
import { RemoteController } from './remote-controller.ts'
import { SocketServer, type BoundListener } from './socket-server.ts'
import { startController, type OwnController } from './start-controller.ts'

const REGISTRATION_RETRY_MS = 500

interface Parts {
  readonly logger: Logger
  readonly directories: LogDirectories
  readonly listeners: readonly BoundListener[]
  readonly sockets: SocketServer
  readonly controller: OwnController
  /** While this one stands by. */
  readonly active: RemoteController
}

export class ControllerNode {
  readonly listeners: readonly BoundListener[]
  readonly clusterId: string
  /** Resolves when the node has stopped as told; rejects if it had to stop by itself. */
  readonly closed: Promise<void>
  readonly #parts: Parts
  #settleClosed: { readonly resolve: () => void; readonly reject: (error: unknown) => void }
  #stopping: Promise<void> | null = null

  /** @internal Use `startControllerNode`. */
  constructor(parts: Parts) {
    this.#parts = parts
    this.listeners = parts.listeners
    this.clusterId = parts.directories.clusterId
    let settle: { resolve: () => void; reject: (error: unknown) => void } = { resolve() {}, reject() {} }
    this.closed = new Promise((resolve, reject) => (settle = { resolve, reject }))
    this.closed.catch(() => undefined)
    this.#settleClosed = settle
  }

  get image(): MetadataImage {
    return this.#parts.controller.image
  }

  /** Idempotent. */
  close(): Promise<void> {
    this.#stopping ??= this.#close()
    return this.#stopping
  }

  /** What a killed process leaves; of a controller, the same as what it leaves in order: every record was synced. */
  closeHard(): Promise<void> {
    return this.close()
  }

  /** A broken invariant, or the metadata log lost. */
  fail(error: unknown): void {
    if (this.#stopping !== null) return
    this.#parts.logger.error('The node stops', error)
    this.#settleClosed.reject(error)
    void this.close()
  }

  async #close(): Promise<void> {
    const { sockets, controller, directories, active, logger } = this.#parts
    logger.info('Shutting down')
    active.close()
    await sockets.close()
    await controller.close().catch((error: unknown) => logger.error('The metadata log was not closed', error))
    for (const directory of directories.live) await directory.unlock().catch(() => undefined)
    logger.info('Shut down')
    this.#settleClosed.resolve()
  }
}

/** @throws OperationalError: one sentence for the operator; nothing is left open. */
export async function startControllerNode(options: NodeOptions): Promise<ControllerNode> {
  const { world, config, logger } = options
  const undo: (() => Promise<void>)[] = []
  try {
    const { network, clock } = world
    const sockets = new SocketServer({
      network,
      clock,
      logger,
      config: () => config,
      poison: options.poison ?? false,
    })
    undo.push(() => sockets.close())
    const listeners = await sockets.bind(config.controllerListeners)
    await formatIfEmpty(world, config, logger)
    const directories = await openLogDirectories({
      ...world,
      logger,
      paths: [config.metadataLogDir],
      metadataPath: config.metadataLogDir,
      clusterId: null,
      nodeId: config.nodeId,
    })
    undo.push(async () => {
      for (const directory of directories.live) await directory.unlock().catch(() => undefined)
    })
    const controller = await startController(options, directories, {
      endpoints: controllerEndpoints(options, listeners),
      channel: quorumChannel(options, directories.clusterId),
    })
    undo.push(() => controller.close())
    const active = new RemoteController({
      clock,
      connection: clusterConnections(options),
      leader: () => (controller.quorum.isLeader ? null : controller.quorum.leader.endpoint),
      timeoutMs: REQUEST_TIMEOUT_MS,
      heartbeatTimeoutMs: REQUEST_TIMEOUT_MS,
      retryMs: REGISTRATION_RETRY_MS,
    })
    const registrar = new ControllerRegistrar({
      nodeId: config.nodeId,
      logger,
      registration: controller.registration,
      active,
      isActive: () => controller.controller.isActive,
    })
    controller.onImage((image) => registrar.look(image))
    const node = new ControllerNode({ logger, directories, listeners, sockets, controller, active })
    controller.onFailed((error) => node.fail(error))
    const services: ControllerServices = {
      nodeId: config.nodeId,
      clusterId: directories.clusterId,
      logger,
      quorum: controller.quorum,
      controller: controller.controller,
      image: () => controller.image,
      kraftVersion: () => controller.kraftVersion(),
      handlers: CONTROLLER_HANDLERS,
      supportedFeatures: SUPPORTED_FEATURES,
      fail: (error) => node.fail(error),
    }
    sockets.serve(new Dispatcher(services, CONTROLLER_HANDLERS))
    const where = listeners.map(({ name, host, port }) => `${name}://${host}:${port}`).join(',')
    logger.info(`[ControllerServer id=${config.nodeId}] Klamm controls ${directories.clusterId} on ${where}`)
    return node
  } catch (error) {
    for (const step of undo.reverse()) await step().catch(() => undefined)
    if (error instanceof KafkaError) throw new OperationalError('CONFIG_INVALID', error.message, { cause: error })
    throw error
  }
}
