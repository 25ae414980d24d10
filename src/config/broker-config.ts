/**
 * One node's configuration, parsed and checked: what the server reads instead of keys.
 *
 * Immutable; a dynamic change makes another one. Fields of single keys are declared in `broker-fields.ts`; what takes more
 * than one key (roles, listeners, directories, topic defaults) is here.
 */
import type { BrokerFields } from './broker-fields.ts'
import type { ConfigValue } from './config-value.ts'
import type { ListenerConfig } from './listeners.ts'
import type { LogConfig } from './log-config.ts'

export type { ListenerConfig, SecurityProtocol } from './listeners.ts'

export type ProcessRole = 'broker' | 'controller'
export interface QuorumVoter {
  readonly id: number
  readonly host: string
  readonly port: number
}

export interface BrokerConfig extends BrokerFields {
  readonly nodeId: number
  readonly processRoles: ReadonlySet<ProcessRole>
  /** Where clients and brokers connect: all of `listeners` that are not the controller's. */
  readonly listeners: readonly ListenerConfig[]
  readonly controllerListeners: readonly ListenerConfig[]
  readonly controllerListenerNames: readonly string[]
  /** Those of the broker; a host of '' stands for the machine's name, a port of 0 for the bound one. */
  readonly advertisedListeners: readonly ListenerConfig[]
  /** Where other nodes reach this controller; the same stand-ins. */
  readonly advertisedControllerListeners: readonly ListenerConfig[]
  readonly interBrokerListenerName: string
  /** The static quorum; empty when the quorum is dynamic. */
  readonly quorumVoters: readonly QuorumVoter[]
  readonly quorumBootstrapServers: readonly { readonly host: string; readonly port: number }[]
  /** At least one, in the order of the file, without repetition. */
  readonly logDirs: readonly string[]
  /** Where `__cluster_metadata-0` lives: metadata.log.dir or the first of logDirs. */
  readonly metadataLogDir: string
  readonly maxConnectionsPerIpOverrides: ReadonlyMap<string, number>
  /** What a topic without overrides gets. */
  readonly topicDefaults: LogConfig
  /** Every key of the table with its value in force, for DescribeConfigs. */
  readonly values: ReadonlyMap<string, ConfigValue>
  /** The properties as they were given, unknown keys too. */
  readonly originals: ReadonlyMap<string, string>
}
