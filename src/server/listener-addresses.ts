/** Addresses of listeners: bound, advertised, registered. */
import type { ListenerConfig } from '../config/broker-config.ts'
import type { VoterEndpoint } from '../raft/voters.ts'
import type { NodeOptions } from './node-options.ts'
import type { BoundListener } from './socket-server.ts'

const DEFAULT_HOST_NAME = 'localhost'

export function hostNameOf({ hostName }: NodeOptions): string {
  return hostName ?? DEFAULT_HOST_NAME
}

/** Where other nodes reach this controller, with what is open in the configured addresses filled in. */
export function controllerEndpoints(options: NodeOptions, bound: readonly BoundListener[]): VoterEndpoint[] {
  return options.config.advertisedControllerListeners.map(({ name, host, port }) => ({
    name,
    host: host || hostNameOf(options),
    port: port || (bound.find((listener) => listener.name === name)?.port ?? 0),
  }))
}

/** What clients are told to connect to: the configured address, with what is open in it filled in. */
export function advertisedListeners(
  options: NodeOptions,
  bound: readonly BoundListener[],
): (BoundListener & Pick<ListenerConfig, 'securityProtocol'>)[] {
  const { config } = options
  return config.advertisedListeners.map(({ name, host, port }) => ({
    name,
    host: host || hostNameOf(options),
    port: port || (bound.find((listener) => listener.name === name)?.port ?? 0),
    securityProtocol: config.listeners.find((listener) => listener.name === name)?.securityProtocol ?? 'PLAINTEXT',
  }))
}
