/**
 * Which keys this release honours, and what happens to the others.
 *
 * - honoured: the server reads it;
 * - without effect: Klamm is built so that there is nothing to set (thread counts of a single event loop);
 * - not supported yet: named once at start when it is set to something else than its default; only function is lost;
 * - refused: ignoring it would weaken security or lose data; the node does not start.
 */
import type { BrokerConfig } from './broker-config.ts'
import { BROKER_FIELDS } from './broker-fields.ts'
import { configText, type ConfigValue } from './config-value.ts'
import { BROKER_TABLE, DYNAMIC_QUOTA_TABLE } from './tables.ts'
import { TOPIC_SYNONYMS } from './topic-config.ts'

export type SupportLevel = 'honoured' | 'without effect' | 'not supported yet' | 'refused'

export interface Support {
  /** Worth a WARN line each. */
  readonly warnings: readonly string[]
  /** Keys that are set and do nothing yet; for one line together. */
  readonly unsupported: readonly string[]
  /** Sentences; with any of them the node must not start. */
  readonly refused: readonly string[]
}

/** Keys that several fields of `BrokerConfig` are made of. */
const COMBINED = [
  'process.roles',
  'node.id',
  'broker.id',
  'listeners',
  'advertised.listeners',
  'listener.security.protocol.map',
  'inter.broker.listener.name',
  'security.inter.broker.protocol',
  'controller.listener.names',
  'controller.quorum.voters',
  'controller.quorum.bootstrap.servers',
  'log.dir',
  'log.dirs',
  'metadata.log.dir',
  'max.connections.per.ip.overrides',
]

/** Topic keys whose function does not exist yet: compaction, tiered storage. */
export const TOPIC_KEYS_NOT_YET: ReadonlySet<string> = new Set([
  'delete.retention.ms',
  'max.compaction.lag.ms',
  'min.cleanable.dirty.ratio',
  'min.compaction.lag.ms',
  'local.retention.bytes',
  'local.retention.ms',
  'remote.log.copy.disable',
  'remote.log.delete.on.disable',
  'remote.storage.enable',
])

const WITHOUT_EFFECT: ReadonlySet<string> = new Set([
  'background.threads',
  'num.io.threads',
  'num.network.threads',
  'num.recovery.threads.per.data.dir',
  'group.coordinator.background.threads',
  'group.coordinator.threads',
  'share.coordinator.threads',
  'socket.receive.buffer.bytes',
  'socket.send.buffer.bytes',
  'replica.socket.receive.buffer.bytes',
  'delete.records.purgatory.purge.interval.requests',
  'fetch.purgatory.purge.interval.requests',
  'producer.purgatory.purge.interval.requests',
  'share.fetch.purgatory.purge.interval.requests',
  'kafka.metrics.polling.interval.secs',
  'metrics.num.samples',
  'metrics.recording.level',
  'metrics.sample.window.ms',
  'controller.performance.always.log.threshold.ms',
  'controller.performance.sample.period.ms',
  'server.max.startup.time.ms',
])

/** Security, policies and code that Klamm would have to load: never silently ignored. */
const REFUSED =
  /^(sasl\.|ssl\.|security\.providers$|authorizer\.class\.name$|delegation\.token\.|principal\.builder\.class$)/
const REFUSED_KEYS: ReadonlySet<string> = new Set([
  'alter.config.policy.class.name',
  'create.topic.policy.class.name',
  'client.quota.callback.class',
  'config.providers',
  'connections.max.reauth.ms',
  'remote.log.storage.system.enable',
])

const HONOURED: ReadonlySet<string> = new Set([
  ...Object.values(BROKER_FIELDS).map((field) => field.key),
  ...COMBINED,
  ...[...TOPIC_SYNONYMS]
    .filter(([topicKey]) => !TOPIC_KEYS_NOT_YET.has(topicKey))
    .flatMap(([, synonyms]) => synonyms.map((synonym) => synonym.key)),
])

/** What a broker key does in this release. */
export function supportLevel(key: string): SupportLevel {
  if (WITHOUT_EFFECT.has(key)) return 'without effect'
  if (HONOURED.has(key)) return 'honoured'
  return REFUSED.test(key) || REFUSED_KEYS.has(key) ? 'refused' : 'not supported yet'
}

export function supportOf(config: BrokerConfig): Support {
  const warnings: string[] = []
  const unsupported: string[] = []
  const refused: string[] = []
  for (const listener of [...config.listeners, ...config.controllerListeners]) {
    if (listener.securityProtocol === 'PLAINTEXT') continue
    refused.push(`listener ${listener.name} asks for ${listener.securityProtocol}; only PLAINTEXT is supported yet`)
  }
  for (const name of config.originals.keys()) {
    const key = BROKER_TABLE.get(name)
    if (key) {
      if (sameValue(config.values.get(name) ?? null, key.default)) continue
      const level = supportLevel(name)
      if (level === 'refused') refused.push(`${name} is not supported yet, and ignoring it would be unsafe`)
      else if (level === 'not supported yet') unsupported.push(name)
    } else if (isListenerKey(name)) {
      const plain = name.replace(/^listener\.name\.[^.]+\./, '')
      if (REFUSED.test(plain.replace(/^[^.]+\.(?=sasl\.)/, ''))) {
        refused.push(`${name} is not supported yet, and ignoring it would be unsafe`)
      } else unsupported.push(name)
    } else if (DYNAMIC_QUOTA_TABLE.has(name)) {
      warnings.push(`${name} is a dynamic configuration: it has no effect in a file`)
    } else {
      warnings.push(`Unknown configuration ${name}: ignored`)
    }
  }
  return { warnings, unsupported, refused }
}

function isListenerKey(name: string): boolean {
  return name.startsWith('listener.name.')
}

function sameValue(left: ConfigValue, right: ConfigValue): boolean {
  return configText(left) === configText(right)
}
