/**
 * From properties to a `BrokerConfig`: every value parsed and validated, the keys that belong together combined, the
 * rules between them checked.
 */
import type { BrokerConfig, ProcessRole, QuorumVoter } from './broker-config.ts'
import { BROKER_FIELDS, type BrokerFields } from './broker-fields.ts'
import { checkGroupLimits, checkLimits, checkRoles } from './broker-rules.ts'
import { parseBootstrapServer, parseVoter, readConfigValue } from './config-key.ts'
import { ConfigError, type ConfigValue } from './config-value.ts'
import {
  parseListeners,
  parseMap,
  parseProtocolMap,
  withControllerNames,
  type ListenerConfig,
  type ProtocolMap,
} from './listeners.ts'
import { supportOf, type Support } from './support.ts'
import { BROKER_TABLE } from './tables.ts'
import { topicDefaults } from './topic-config.ts'

export interface ParsedBrokerConfig extends Support {
  readonly config: BrokerConfig
}

/**
 * What is not supported is reported, not thrown: `refused` keys must stop the start, the others are worth a log line.
 * @throws ConfigError for a bad value, a missing key or keys that contradict each other.
 */
export function parseBrokerConfig(properties: ReadonlyMap<string, string>): ParsedBrokerConfig {
  const config = brokerConfig(properties)
  return { config, ...supportOf(config) }
}

const REQUIRED = ['process.roles', 'node.id', 'controller.listener.names']

function brokerConfig(originals: ReadonlyMap<string, string>): BrokerConfig {
  const values = new Map(brokerValues(originals))
  const id = nodeId(values)
  values.set('broker.id', id)
  const listeners = listenersOf(values, originals)
  const logDirs = unique(list(values, 'log.dirs').length > 0 ? list(values, 'log.dirs') : list(values, 'log.dir'))
  const config: BrokerConfig = {
    ...brokerFields(values),
    ...listeners,
    nodeId: id,
    processRoles: new Set(list(values, 'process.roles').filter(isRole)),
    controllerListenerNames: list(values, 'controller.listener.names'),
    quorumVoters: quorumVoters(list(values, 'controller.quorum.voters')),
    quorumBootstrapServers: list(values, 'controller.quorum.bootstrap.servers').map((entry) =>
      parseBootstrapServer('controller.quorum.bootstrap.servers', entry),
    ),
    logDirs,
    metadataLogDir: text(values, 'metadata.log.dir') ?? logDirs[0] ?? '',
    maxConnectionsPerIpOverrides: connectionOverrides(text(values, 'max.connections.per.ip.overrides') ?? ''),
    topicDefaults: topicDefaults(values),
    values,
    originals,
  }
  checkRoles(values, originals, config)
  checkCordoned(values, logDirs)
  checkLimits(values, config)
  checkGroupLimits(values)
  return config
}

/** Every key of the table with its value: from the properties, or the default. */
export function brokerValues(originals: ReadonlyMap<string, string>): ReadonlyMap<string, ConfigValue> {
  for (const name of REQUIRED) {
    const raw = originals.get(name)
    const key = BROKER_TABLE.get(name)
    if (raw === undefined || key === undefined) {
      throw new ConfigError(`Missing required configuration "${name}" which has no default value.`)
    }
    // Kafka looks at one key after the other: a bad value goes before a later one that is missing.
    readConfigValue(key, raw)
  }
  const values = new Map<string, ConfigValue>()
  for (const key of BROKER_TABLE.values()) {
    const raw = originals.get(key.name)
    values.set(key.name, raw === undefined ? key.default : readConfigValue(key, raw))
  }
  return values
}

/** `BROKER_FIELDS` read from the values. */
export function brokerFields(values: ReadonlyMap<string, ConfigValue>): BrokerFields {
  const fields: { [name: string]: unknown } = {}
  for (const [name, field] of Object.entries(BROKER_FIELDS)) fields[name] = field.read(values.get(field.key) ?? null)
  // The one place where the list of fields becomes the type derived from it.
  return fields as unknown as BrokerFields
}

function nodeId(values: ReadonlyMap<string, ConfigValue>): number {
  const [node, broker] = [values.get('node.id'), values.get('broker.id')]
  if (typeof node !== 'number') throw new ConfigError('Missing required configuration "node.id"')
  if (broker !== -1 && broker !== node) {
    throw new ConfigError('You must set `node.id` to the same value as `broker.id`.')
  }
  return node
}

function isRole(role: string): role is ProcessRole {
  return role === 'broker' || role === 'controller'
}

type Listeners = Pick<
  BrokerConfig,
  | 'listeners'
  | 'controllerListeners'
  | 'advertisedListeners'
  | 'advertisedControllerListeners'
  | 'interBrokerListenerName'
>

function listenersOf(values: ReadonlyMap<string, ConfigValue>, originals: ReadonlyMap<string, string>): Listeners {
  const controllerNames = list(values, 'controller.listener.names')
  const map = protocolMap(values, originals, controllerNames)
  const isController = (listener: ListenerConfig) => controllerNames.includes(listener.name)
  const all = parseListeners(list(values, 'listeners'), map, true)
  const advertised = list(values, 'advertised.listeners')
  const named = advertised.length === 0 ? all : parseListeners(advertised, map, false)
  const isBroker = list(values, 'process.roles').includes('broker')
  for (const name of isBroker ? controllerNames : []) {
    if (map.has(name.toUpperCase())) continue
    throw new ConfigError(
      `Controller listener with name ${name} defined in controller.listener.names not found in listener.security.protocol.map` +
        '  (an explicit security mapping for each controller listener is required if listener.security.protocol.map is' +
        ' non-empty, or if there are security protocols other than PLAINTEXT in use)',
    )
  }
  for (const name of list(values, 'early.start.listeners')) {
    if (all.some((listener) => listener.name === name.toUpperCase()) || controllerNames.includes(name)) continue
    throw new ConfigError(
      `early.start.listeners contains listener ${name}, but this is not contained in listeners or controller.listener.names`,
    )
  }
  return {
    listeners: all.filter((listener) => !isController(listener)),
    controllerListeners: all.filter(isController),
    advertisedListeners: named.filter((listener) => !isController(listener)),
    advertisedControllerListeners: (named.some(isController) ? named : all).filter(isController),
    interBrokerListenerName: interBrokerListener(values, originals, map),
  }
}

function protocolMap(
  values: ReadonlyMap<string, ConfigValue>,
  originals: ReadonlyMap<string, string>,
  controllerNames: readonly string[],
): ProtocolMap {
  const map = parseProtocolMap(text(values, 'listener.security.protocol.map') ?? '')
  if (originals.has('listener.security.protocol.map')) return map
  return withControllerNames(map, controllerNames, list(values, 'listeners'))
}

function interBrokerListener(
  values: ReadonlyMap<string, ConfigValue>,
  originals: ReadonlyMap<string, string>,
  map: ProtocolMap,
): string {
  const name = values.get('inter.broker.listener.name')
  if (typeof name !== 'string') return text(values, 'security.inter.broker.protocol') ?? 'PLAINTEXT'
  if (originals.has('security.inter.broker.protocol')) {
    throw new ConfigError('Only one of inter.broker.listener.name and security.inter.broker.protocol should be set.')
  }
  if (name === '') throw new ConfigError('The provided listener name is null or empty string')
  if (map.has(name.toUpperCase())) return name.toUpperCase()
  throw new ConfigError(
    `Listener with name ${name} defined in inter.broker.listener.name not found in listener.security.protocol.map.`,
  )
}

function quorumVoters(entries: readonly string[]): readonly QuorumVoter[] {
  const voters = new Map<number, QuorumVoter>()
  for (const entry of entries) {
    const voter = parseVoter('controller.quorum.voters', entry)
    voters.set(voter.id, voter)
  }
  return [...voters.values()]
}

function connectionOverrides(value: string): ReadonlyMap<string, number> {
  const overrides = new Map<string, number>()
  for (const [host, limit] of parseMap('max.connections.per.ip.overrides', value)) {
    if (!/^[+-]?\d+$/.test(limit)) {
      throw ConfigError.invalid('max.connections.per.ip.overrides', value, `${limit} is not a number`)
    }
    overrides.set(host, Number(limit))
  }
  return overrides
}

function checkCordoned(values: ReadonlyMap<string, ConfigValue>, logDirs: readonly string[]): void {
  const missing = list(values, 'cordoned.log.dirs').filter(
    (directory) => directory !== '*' && !logDirs.includes(directory),
  )
  if (missing.length === 0) return
  const rule = 'requirement failed: All entries in cordoned.log.dirs must be present in log.dirs or log.dir.'
  throw new ConfigError(`${rule} Missing entries : ${missing.join(', ')}`)
}

function list(values: ReadonlyMap<string, ConfigValue>, key: string): readonly string[] {
  const value = values.get(key) ?? null
  return typeof value === 'object' && value !== null ? value : []
}

/** Null when the key is unset or empty. */
function text(values: ReadonlyMap<string, ConfigValue>, key: string): string | null {
  const value = values.get(key)
  return typeof value === 'string' && value !== '' ? value : null
}

function unique(elements: readonly string[]): readonly string[] {
  return [...new Set(elements)]
}
