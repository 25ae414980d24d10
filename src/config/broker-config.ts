/**
 * One node's configuration, parsed and checked: what the server reads instead of keys.
 *
 * Immutable; a dynamic change makes another one. Fields of single keys are declared in `broker-fields.ts`; what takes more
 * than one key (roles, listeners, directories, topic defaults) is here.
 */
import type { BrokerFields } from './broker-fields.ts'
import type { ConfigValue } from './config-value.ts'
import type { LogConfig } from './log-config.ts'

export type ProcessRole = 'broker' | 'controller'
export type SecurityProtocol = 'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL'

export interface ListenerConfig {
  /** Upper case, as in the metadata log. */
  readonly name: string
  readonly securityProtocol: SecurityProtocol
  /** Empty: all interfaces. IPv6 without brackets. */
  readonly host: string
  /** 0: any free one. */
  readonly port: number
}

/** What is advertised; a host of '' stands for the machine's name, a port of 0 for the bound one. */
export interface AdvertisedListener {
  readonly name: string
  readonly host: string
  readonly port: number
}

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
  readonly advertisedListeners: readonly AdvertisedListener[]
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
