/**
 * `klamm/kafkajs`: the API of kafkajs 2.2.4 on Klamm's client. Programs change the import and nothing else:
 *
 *     const { Kafka, logLevel, CompressionTypes } = require('klamm/kafkajs')
 *
 * The only file of it that chooses the machine. docs/KAFKAJS.md says what differs.
 */
import { KafkaClients } from './kafkajs/kafka.ts'
import { logLevel } from './kafkajs/constants.ts'
import type { logCreator } from './kafkajs/logger.ts'
import { partitionersOf, type ICustomPartitioner } from './kafkajs/partitioners.ts'
import type { KafkaConfig } from './kafkajs/types.ts'
import { nodeWorld } from './world/node/index.ts'

export { AssignerProtocol, PartitionAssigners } from './kafkajs/assigners.ts'
export type {
  Assigner,
  Assignment,
  Cluster,
  GroupMember,
  GroupMemberAssignment,
  GroupState,
  MemberAssignment,
  MemberMetadata,
  PartitionAssigner,
} from './kafkajs/assigners.ts'
export type { Admin } from './kafkajs/admin.ts'
export type * from './kafkajs/admin-types.ts'
export { CompressionCodecs, type CompressionCodec } from './kafkajs/compression-codecs.ts'
export type { Batch } from './kafkajs/batch.ts'
export {
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  CompressionTypes,
  ConfigResourceTypes,
  ConfigSource,
  logLevel,
  ResourcePatternTypes,
} from './kafkajs/constants.ts'
export type { Consumer } from './kafkajs/consumer.ts'
export type * from './kafkajs/consumer-types.ts'
export * from './kafkajs/errors.ts'
export type { InstrumentationEvent, RemoveInstrumentationEventListener } from './kafkajs/instrumentation.ts'
export type { LogEntry, logCreator, Logger, LoggerEntryContent } from './kafkajs/logger.ts'
export type { ICustomPartitioner, PartitionerArgs } from './kafkajs/partitioners.ts'
export type { Producer, ProducerConfig, ProducerEvents, Sender, Transaction } from './kafkajs/producer.ts'
export type { RequestEvent, RequestTimeoutEvent } from './kafkajs/request-events.ts'
export type { RetryOptions } from './kafkajs/retry.ts'
export type * from './kafkajs/types.ts'

export type DefaultPartitioner = ICustomPartitioner
export type LegacyPartitioner = ICustomPartitioner
export const Partitioners: Readonly<
  Record<'DefaultPartitioner' | 'LegacyPartitioner' | 'JavaCompatiblePartitioner', ICustomPartitioner>
> = partitionersOf(nodeWorld().random)

export class Kafka extends KafkaClients {
  /** @throws KafkaJSNonRetriableError with one sentence. */
  constructor(config: KafkaConfig) {
    super({ world: nodeWorld(), logCreator: toConsole }, { ...config, logLevel: levelOf(config.logLevel) })
  }
}

/** KAFKAJS_LOG_LEVEL goes before what the program says. */
function levelOf(level: logLevel = logLevel.INFO): logLevel {
  // oxlint-disable-next-line no-restricted-globals, no-restricted-properties -- this file chooses the machine
  const wanted = (process.env['KAFKAJS_LOG_LEVEL'] ?? '').toUpperCase()
  return (logLevel as Readonly<Record<string, logLevel | undefined>>)[wanted] ?? level
}

/** One JSON object a line. */
const toConsole: logCreator =
  () =>
  ({ namespace, level, label, log }) => {
    const message = namespace === '' ? log.message : `[${namespace}] ${log.message}`
    const line = JSON.stringify({ level: label, ...log, message })
    if (level === logLevel.ERROR) console.error(line)
    else if (level === logLevel.WARN) console.warn(line)
    else if (level === logLevel.INFO) console.info(line)
    else console.log(line)
  }
