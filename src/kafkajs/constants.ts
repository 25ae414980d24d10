/** The numbers that kafkajs gives names to; programs spell them `CompressionTypes.GZIP`. Kafka's own, but for logLevel. */
import {
  ACL_OPERATIONS,
  ACL_PATTERN_TYPES,
  ACL_PERMISSION_TYPES,
  ACL_RESOURCE_TYPES,
} from '../client/admin/acl-codes.ts'

export const logLevel = { NOTHING: 0, ERROR: 1, WARN: 2, INFO: 4, DEBUG: 5 } as const
export type logLevel = (typeof logLevel)[keyof typeof logLevel]

export const CompressionTypes = { None: 0, GZIP: 1, Snappy: 2, LZ4: 3, ZSTD: 4 } as const
export type CompressionTypes = (typeof CompressionTypes)[keyof typeof CompressionTypes]

export const ConfigResourceTypes = { UNKNOWN: 0, TOPIC: 2, BROKER: 4, BROKER_LOGGER: 8 } as const
export type ConfigResourceTypes = (typeof ConfigResourceTypes)[keyof typeof ConfigResourceTypes]

export const ConfigSource = {
  UNKNOWN: 0,
  TOPIC_CONFIG: 1,
  DYNAMIC_BROKER_CONFIG: 2,
  DYNAMIC_DEFAULT_BROKER_CONFIG: 3,
  STATIC_BROKER_CONFIG: 4,
  DEFAULT_CONFIG: 5,
  DYNAMIC_BROKER_LOGGER_CONFIG: 6,
} as const
export type ConfigSource = (typeof ConfigSource)[keyof typeof ConfigSource]

/** Without what is newer than kafkajs. */
const { USER: _user, ...resourceTypes } = ACL_RESOURCE_TYPES
export const AclResourceTypes = resourceTypes
export type AclResourceTypes = (typeof AclResourceTypes)[keyof typeof AclResourceTypes]

const { CREATE_TOKENS: _create, DESCRIBE_TOKENS: _describe, TWO_PHASE_COMMIT: _commit, ...operations } = ACL_OPERATIONS
export const AclOperationTypes = operations
export type AclOperationTypes = (typeof AclOperationTypes)[keyof typeof AclOperationTypes]

export const AclPermissionTypes = ACL_PERMISSION_TYPES
export type AclPermissionTypes = (typeof AclPermissionTypes)[keyof typeof AclPermissionTypes]

export const ResourcePatternTypes = ACL_PATTERN_TYPES
export type ResourcePatternTypes = (typeof ResourcePatternTypes)[keyof typeof ResourcePatternTypes]

/** The name of a number in one of the tables above; null if it has none. */
export function nameIn<Name extends string>(table: Readonly<Record<Name, number>>, value: unknown): Name | null {
  return (Object.keys(table) as Name[]).find((name) => table[name] === value) ?? null
}
