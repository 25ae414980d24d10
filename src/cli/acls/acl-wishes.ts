/** The ACLs that a command line of kafka-acls.sh means: resources, and what shall hold for each. */
import type { AclResourceType, AclPermissionType, PatternType } from '../../client/admin/acls.ts'
import type { AclOperation } from '../../client/admin/admin-types.ts'
import { usageFailure } from '../options/option-checks.ts'
import { OptionError } from '../options/parse-options.ts'
import { parsePrincipal, principalText } from '../text/principals.ts'
import { ACL_OPTIONS, type AclOptions } from './acl-options.ts'

export interface ResourcePattern {
  readonly resourceType: AclResourceType
  readonly resourceName: string
  readonly patternType: PatternType
}

export interface AclEntry {
  readonly principal: string
  readonly host: string
  readonly operation: AclOperation
  readonly permissionType: AclPermissionType
}

/** A resource with no entries means all of it. */
export interface AclWish {
  readonly pattern: ResourcePattern
  readonly entries: readonly AclEntry[]
}

const SUPPORTED: Partial<Record<AclResourceType, readonly AclOperation[]>> = {
  TOPIC: ['READ', 'ALTER_CONFIGS', 'ALTER', 'CREATE', 'DESCRIBE_CONFIGS', 'WRITE', 'DELETE', 'DESCRIBE'],
  GROUP: ['READ', 'ALTER_CONFIGS', 'DESCRIBE_CONFIGS', 'DELETE', 'DESCRIBE'],
  CLUSTER: ['ALTER_CONFIGS', 'ALTER', 'CREATE', 'DESCRIBE_CONFIGS', 'CLUSTER_ACTION', 'IDEMPOTENT_WRITE', 'DESCRIBE'],
  TRANSACTIONAL_ID: ['WRITE', 'DESCRIBE', 'TWO_PHASE_COMMIT'],
  DELEGATION_TOKEN: ['DESCRIBE'],
  USER: ['CREATE_TOKENS', 'DESCRIBE_TOKENS'],
}

const OPERATIONS: readonly AclOperation[] = [
  'ANY',
  'ALL',
  'READ',
  'WRITE',
  'CREATE',
  'DELETE',
  'ALTER',
  'DESCRIBE',
  'CLUSTER_ACTION',
  'DESCRIBE_CONFIGS',
  'ALTER_CONFIGS',
  'IDEMPOTENT_WRITE',
  'CREATE_TOKENS',
  'DESCRIBE_TOKENS',
  'TWO_PHASE_COMMIT',
]

const PATTERN_TYPES: readonly PatternType[] = ['ANY', 'MATCH', 'LITERAL', 'PREFIXED']

export const CLUSTER: ResourcePattern = {
  resourceType: 'CLUSTER',
  resourceName: 'kafka-cluster',
  patternType: 'LITERAL',
}

export function patternText({ resourceType, resourceName, patternType }: ResourcePattern): string {
  return `ResourcePattern(resourceType=${resourceType}, name=${resourceName}, patternType=${patternType})`
}

export function entryText({ principal, host, operation, permissionType }: AclEntry): string {
  return `(principal=${principal}, host=${host}, operation=${operation}, permissionType=${permissionType})`
}

/** @throws OptionError */
export function patternType(options: AclOptions): PatternType {
  const text = options.value('resource-pattern-type') ?? ''
  const type = PATTERN_TYPES.find((one) => one === text.toUpperCase())
  if (type === undefined) throw new OptionError(`Cannot parse argument '${text}' of option resource-pattern-type`)
  return type
}

/** Those that are named; none means, for a list, all. */
export function patterns(options: AclOptions): ResourcePattern[] {
  const type = patternType(options)
  const named = (name: 'topic' | 'group' | 'transactional-id' | 'delegation-token' | 'user-principal') => {
    const resourceType = RESOURCE_TYPES[name]
    return options
      .values(name)
      .map((text): ResourcePattern => ({ resourceType, resourceName: text.trim(), patternType: type }))
  }
  const isCluster = type === 'LITERAL' && (options.has('cluster') || options.has('idempotent'))
  return distinct(
    [
      ...named('topic'),
      ...(isCluster ? [CLUSTER] : []),
      ...named('group'),
      ...named('transactional-id'),
      ...named('delegation-token'),
      ...named('user-principal'),
    ],
    patternText,
  )
}

const RESOURCE_TYPES = {
  topic: 'TOPIC',
  group: 'GROUP',
  'transactional-id': 'TRANSACTIONAL_ID',
  'delegation-token': 'DELEGATION_TOKEN',
  'user-principal': 'USER',
} as const

/** @throws ToolExit, OperationalError */
export function aclWishes(options: AclOptions): AclWish[] {
  const found = patterns(options)
  const wishes = new Map<string, AclWish>()
  const add = (pattern: ResourcePattern, operations: readonly AclOperation[]) => {
    const entries = [...(wishes.get(patternText(pattern))?.entries ?? []), ...entriesOf(options, operations)]
    wishes.set(patternText(pattern), { pattern, entries: distinct(entries, entryText) })
  }
  const ofType = (type: AclResourceType) => found.filter(({ resourceType }) => resourceType === type)
  if (!options.has('producer') && !options.has('consumer')) {
    const operations = options.values('operation').map((text) => aclOperation(text.trim()))
    // Who is named must be named well, even where there is nothing to do.
    entriesOf(options, operations)
    for (const pattern of found) add(pattern, operations)
  }
  if (found.length === 0) {
    throw usageFailure(
      ACL_OPTIONS,
      'You must provide at least one resource: --topic <topic> or --cluster or --group <group> or --delegation-token <Delegation Token ID>',
    )
  }
  if (options.has('producer')) {
    for (const pattern of ofType('TOPIC')) add(pattern, ['WRITE', 'DESCRIBE', 'CREATE'])
    for (const pattern of ofType('TRANSACTIONAL_ID')) add(pattern, ['WRITE', 'DESCRIBE'])
    if (options.has('idempotent')) add(CLUSTER, ['IDEMPOTENT_WRITE'])
  }
  if (options.has('consumer')) {
    for (const pattern of ofType('TOPIC')) add(pattern, ['READ', 'DESCRIBE'])
    for (const pattern of ofType('GROUP')) add(pattern, ['READ'])
  }
  for (const { pattern, entries } of wishes.values()) checkOperations(pattern, entries)
  return [...wishes.values()]
}

function checkOperations({ resourceType }: ResourcePattern, entries: readonly AclEntry[]): void {
  const supported = [...(SUPPORTED[resourceType] ?? []), 'ALL']
  if (entries.every(({ operation }) => supported.includes(operation))) return
  throw usageFailure(ACL_OPTIONS, `ResourceType ${resourceType} only supports operations [${supported.join(', ')}]`)
}

/** `ClusterAction`, in any case. */
function aclOperation(text: string): AclOperation {
  return OPERATIONS.find((one) => one.replaceAll('_', '') === text.toUpperCase()) ?? 'UNKNOWN'
}

function entriesOf(options: AclOptions, operations: readonly AclOperation[]): AclEntry[] {
  const side = (
    principals: 'allow-principal' | 'deny-principal',
    hosts: 'allow-host' | 'deny-host',
    permissionType: AclPermissionType,
  ) => {
    const who = options.values(principals).map((text) => principalText(parsePrincipal(text.trim())))
    const where = options.has(hosts) ? options.values(hosts).map((text) => text.trim()) : ['*']
    return who.flatMap((principal) =>
      operations.flatMap((operation) => where.map((host) => ({ principal, host, operation, permissionType }))),
    )
  }
  const all = [...side('allow-principal', 'allow-host', 'ALLOW'), ...side('deny-principal', 'deny-host', 'DENY')]
  return distinct(all, entryText)
}

function distinct<Item>(items: readonly Item[], textOf: (item: Item) => string): Item[] {
  return [...new Map(items.map((item) => [textOf(item), item])).values()]
}
