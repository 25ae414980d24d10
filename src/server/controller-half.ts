/**
 * The controller of a node: its listener, on which controllers elect and brokers follow the log, register and ask, the log
 * that it has a vote in, and the way to the active controller while that is another node. All of a node with the controller
 * role only, half of one that is a broker too.
 */
import type { Uuid } from '../base/uuid.ts'
import { SUPPORTED_FEATURES } from '../metadata/features.ts'
import type { LogDirectories } from '../storage/log-directories.ts'
import { quorumChannel, quorumMemory } from './cluster-connections.ts'
import { CONTROLLER_HANDLERS } from './controller-handlers/table.ts'
import { ControllerRegistrar } from './controller-registrar.ts'
import type { ControllerServices } from './controller-services.ts'
import { Dispatcher } from './dispatcher.ts'
import { controllerEndpoints } from './listener-addresses.ts'
import type { NodeLife } from './node-life.ts'
import type { NodeOptions } from './node-options.ts'
import { activeController, type RemoteController } from './remote-controller.ts'
import { ConnectionRates } from './quotas/connection-rates.ts'
import { SocketServer, type BoundListener } from './socket-server.ts'
import { startController, type OwnController } from './start-controller.ts'

export interface ControllerHalf extends OwnController {
  readonly listeners: readonly BoundListener[]
  /** The active controller: this one, or another. */
  readonly active: RemoteController
  close(): Promise<void>
}

export interface ControllerListener {
  readonly rates: ConnectionRates
  readonly sockets: SocketServer
  readonly bound: readonly BoundListener[]
}

/** @throws OperationalError ADDRESS_IN_USE. */
export async function bindController(options: NodeOptions, life: NodeLife): Promise<ControllerListener> {
  const { world, config, logger } = options
  const { network, clock } = world
  const rates = new ConnectionRates(clock, config)
  const pool = quorumMemory(options)
  const sockets = new SocketServer({ network, clock, logger, config: () => config, pool, rates })
  life.undo(() => sockets.close())
  return { rates, sockets, bound: await sockets.bind(config.controllerListeners) }
}

/** `broker`: the incarnation of the broker in this process; null: there is none. */
export async function openController(
  options: NodeOptions,
  life: NodeLife,
  { rates, sockets, bound }: ControllerListener,
  directories: LogDirectories,
  broker: Uuid | null,
): Promise<ControllerHalf> {
  const { config, logger } = options
  const own = await startController(options, directories, {
    endpoints: controllerEndpoints(options, bound),
    channel: quorumChannel(options, directories.clusterId),
    broker,
  })
  life.undo(() => own.controller.close())
  options.inspectQuorum?.(own.quorum)
  const { controller, quorum, registration } = own
  controller.onFailed((error) => life.fail(error))
  rates.follow(controller.image.quotas.values())
  controller.onImage((image, delta) => {
    if (delta.quotasChanged) rates.follow(image.quotas.values())
  })
  const active = activeController(options, controller, () => (quorum.isLeader ? null : quorum.leader.endpoint))
  life.undo(() => active.close())
  const { nodeId } = config
  const registrar = new ControllerRegistrar({ nodeId, logger, registration, active })
  controller.onImage((image) => registrar.look(image))
  const services: ControllerServices = {
    nodeId,
    clusterId: directories.clusterId,
    logger,
    quotas: null,
    quorum,
    controller,
    image: () => controller.image,
    kraftVersion: () => quorum.kraftVersion,
    handlers: CONTROLLER_HANDLERS,
    supportedFeatures: SUPPORTED_FEATURES,
    fail: (error) => life.fail(error),
  }
  // Before a broker in this process goes on: it may need the votes of others, and they this one's.
  sockets.serve(new Dispatcher(services, CONTROLLER_HANDLERS))
  return {
    ...own,
    listeners: bound,
    active,
    close: async () => {
      active.close()
      await sockets.close()
      await controller.close()
    },
  }
}
