/**
 * The rules of a broker's configuration that take more than one key, in Kafka's words. A value that is bad by itself
 * was refused before (`config-key.ts`).
 */
import { clampInt64 } from '../base/int64.ts'
import type { BrokerConfig } from './broker-config.ts'
import { ConfigError, type ConfigValue } from './config-value.ts'

type Values = ReadonlyMap<string, ConfigValue>

function must(holds: boolean, rule: string): asserts holds {
  // Kafka's sentence begins so: operators search for it.
  if (!holds) throw new ConfigError(`requirement failed: ${rule}`)
}

function number(values: Values, key: string): number {
  const value = values.get(key) ?? 0
  return typeof value === 'number' || typeof value === 'bigint' ? clampInt64(value) : 0
}

/** Limits that depend on each other. */
export function checkLimits(values: Values, config: BrokerConfig): void {
  const { segmentMs, segmentJitterMs, retentionMs } = config.topicDefaults
  must(segmentMs >= 1, 'log.roll.ms must be greater than or equal to 1')
  must(segmentJitterMs >= 0, 'log.roll.jitter.ms must be greater than or equal to 0')
  must(retentionMs >= 1 || retentionMs === -1, 'log.retention.ms must be unlimited (-1) or, greater than or equal to 1')
  const cleaners = number(values, 'log.cleaner.threads')
  // Kafka divides by zero here and dies of it; no cleaner needs no buffer.
  must(
    cleaners === 0 || number(values, 'log.cleaner.dedupe.buffer.size') / cleaners > 1024 * 1024,
    'log.cleaner.dedupe.buffer.size must be at least 1MB per cleaner thread.',
  )
  const fetchWaitMs = number(values, 'replica.fetch.wait.max.ms')
  must(
    fetchWaitMs <= number(values, 'replica.socket.timeout.ms'),
    'replica.socket.timeout.ms should always be at least replica.fetch.wait.max.ms to prevent unnecessary socket timeouts',
  )
  must(
    fetchWaitMs <= number(values, 'replica.lag.time.max.ms'),
    'replica.fetch.wait.max.ms should always be less than or equal to replica.lag.time.max.ms to prevent frequent changes in ISR',
  )
  const queued = number(values, 'queued.max.request.bytes')
  must(
    queued <= 0 || queued >= number(values, 'socket.request.max.bytes'),
    'queued.max.request.bytes must be larger or equal to socket.request.max.bytes',
  )
  must(
    config.maxConnectionsPerIp > 0 || config.maxConnectionsPerIpOverrides.size > 0,
    'max.connections.per.ip can be set to zero only if max.connections.per.ip.overrides property is set.',
  )
  const [delayMs, idleMs] = [number(values, 'connection.failed.authentication.delay.ms'), config.connectionsMaxIdleMs]
  must(
    idleMs < 0 || delayMs < idleMs,
    `connection.failed.authentication.delay.ms=${delayMs} should always be less than connections.max.idle.ms=${idleMs}` +
      ' to prevent failed authentication responses from timing out',
  )
  const codec = config.offsetsTopicCompressionCodec
  if (codec < 0 || codec > 4) throw new ConfigError(`Unknown compression type id: ${codec}`)
  const protocols = values.get('group.coordinator.rebalance.protocols')
  if (Array.isArray(protocols) && !protocols.includes('classic')) {
    throw new ConfigError("Disabling the 'classic' protocol is not supported.")
  }
}

/** min ≤ value ≤ max for the three kinds of groups, in the order in which Kafka looks. */
export function checkGroupLimits(values: Values): void {
  for (const [prefix, names] of GROUP_LIMITS) {
    for (const name of names) {
      const [plain, min, max] = [`${prefix}.${name}`, `${prefix}.min.${name}`, `${prefix}.max.${name}`]
      if (values.has(min) && values.has(max)) atMost(values, min, max, `${max} must be greater than or equal to ${min}`)
      if (values.has(min)) atMost(values, min, plain, `${plain} must be greater than or equal to ${min}`)
      if (!values.has(max)) continue
      const sentence = prefix === 'group.share' ? `${max} must be greater than or equal to ${plain}` : null
      atMost(values, plain, max, sentence ?? `${plain} must be less than or equal to ${max}`)
    }
    const [heartbeat, session] = [`${prefix}.heartbeat.interval.ms`, `${prefix}.session.timeout.ms`]
    if (number(values, heartbeat) >= number(values, session)) {
      throw new ConfigError(`${heartbeat} must be less than ${session}`)
    }
  }
}

const INTERVALS = ['heartbeat.interval.ms', 'session.timeout.ms', 'assignment.interval.ms']
const LOCKS = ['record.lock.duration.ms', 'delivery.count.limit', 'partition.max.record.locks']

const GROUP_LIMITS: readonly (readonly [string, readonly string[]])[] = [
  ['group.consumer', INTERVALS],
  ['group.share', [...INTERVALS, ...LOCKS]],
  ['group.streams', INTERVALS],
]

function atMost(values: Values, left: string, right: string, rule: string): void {
  if (number(values, left) > number(values, right)) throw new ConfigError(rule)
}

/** What the listeners and the quorum must look like for these roles. */
export function checkRoles(values: Values, originals: ReadonlyMap<string, string>, config: BrokerConfig): void {
  const isBroker = config.processRoles.has('broker')
  const isController = config.processRoles.has('controller')
  const voters = new Set(config.quorumVoters.map((voter) => voter.id))
  if (voters.size === 0 && config.quorumBootstrapServers.length === 0) {
    throw new ConfigError(
      'If using process.roles, either controller.quorum.bootstrap.servers must contain the set of bootstrap controllers' +
        ' or controller.quorum.voters must contain a parseable set of controllers.',
    )
  }
  const votersText = `controller.quorum.voters=Set(${[...voters].join(', ')})`
  const controllerNames = config.controllerListenerNames
  if (!isController) {
    must(
      !voters.has(config.nodeId),
      `If process.roles contains just the 'broker' role, the node id ${config.nodeId} must not be included in the set of voters ${votersText}`,
    )
    must(
      config.controllerListeners.length === 0,
      "controller.listener.names must not contain a value appearing in the 'listeners' configuration when running KRaft with just the broker role",
    )
    must(
      values.get('controller.quorum.auto.join.enable') !== true,
      "controller.quorum.auto.join.enable is only supported when process.roles contains the 'controller' role.",
    )
  } else {
    must(
      voters.size === 0 || voters.has(config.nodeId),
      `If process.roles contains the 'controller' role, the node id ${config.nodeId} must be included in the set of voters ${votersText}`,
    )
  }
  if (!isBroker) {
    must(
      config.listeners.length === 0,
      'The listeners config must only contain KRaft controller listeners from controller.listener.names when process.roles=controller',
    )
    must(
      !originals.has('inter.broker.listener.name') || !controllerNames.includes(config.interBrokerListenerName),
      "controller.listener.names must not contain an explicitly set inter.broker.listener.name configuration value when process.roles=controller'",
    )
  }
  if (isController) {
    must(
      config.controllerListeners.length > 0,
      "controller.listener.names must contain at least one value appearing in the 'listeners' configuration when running the KRaft controller role",
    )
  }
  if (isBroker) checkAdvertised(config)
}

function checkAdvertised(config: BrokerConfig): void {
  must(
    config.advertisedListeners.length > 0,
    'There must be at least one broker advertised listener. Perhaps all listeners appear in controller.listener.names?',
  )
  must(
    config.advertisedListeners.every((listener) => listener.host !== '0.0.0.0'),
    'advertised.listeners cannot use the nonroutable meta-address 0.0.0.0. Use a routable IP address.',
  )
  const names = config.advertisedListeners.map((listener) => listener.name)
  must(
    names.includes(config.interBrokerListenerName),
    `inter.broker.listener.name must be a listener name defined in advertised.listeners. The valid options based on currently configured listeners are ${names.join(',')}`,
  )
  const listening = config.listeners.map((listener) => listener.name)
  must(
    names.every((name) => listening.includes(name)),
    `advertised.listeners listener names must be equal to or a subset of the ones defined in listeners. Found ${names.join(',')}. The valid options based on the current configuration are ${listening.join(',')}`,
  )
}
