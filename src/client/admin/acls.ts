/** Who may do what: access control lists (KIP-140, patterns KIP-290). */
import { KafkaError } from '../../base/errors.ts'
import { CreateAcls } from '../../protocol/generated/create-acls.ts'
import { DeleteAcls } from '../../protocol/generated/delete-acls.ts'
import { DescribeAcls } from '../../protocol/generated/describe-acls.ts'
import type { CallOptions } from '../call.ts'
import { errorOf, throwOnError } from '../errors.ts'
import type { NetworkClient } from '../network-client.ts'
import { ask, askByKey } from './admin-call.ts'
import {
  ACL_OPERATIONS,
  ACL_PATTERN_TYPES,
  ACL_PERMISSION_TYPES,
  ACL_RESOURCE_TYPES,
  type AclOperation,
  type AclPermissionType,
  type AclResourceType,
  type PatternType,
} from './acl-codes.ts'
import { Codes } from './admin-types.ts'
import { Outcomes, type KeyText } from './outcomes.ts'
import { routeTo } from './routes.ts'

const RESOURCE_TYPES = new Codes<AclResourceType>(ACL_RESOURCE_TYPES)
const PATTERN_TYPES = new Codes<PatternType>(ACL_PATTERN_TYPES)
const PERMISSION_TYPES = new Codes<AclPermissionType>(ACL_PERMISSION_TYPES)
const OPERATIONS = new Codes<AclOperation>(ACL_OPERATIONS)

export type { AclPermissionType, AclResourceType, PatternType }

export interface AclBinding {
  readonly resourceType: AclResourceType
  /** Of the cluster: `kafka-cluster`. */
  readonly resourceName: string
  readonly patternType: PatternType
  /** `User:alice`, or `User:*` for all. */
  readonly principal: string
  /** An address, or `*` for all. */
  readonly host: string
  readonly operation: AclOperation
  readonly permissionType: AclPermissionType
}

/** What is left out, or null, matches all. */
export interface AclBindingFilter {
  readonly resourceType?: AclResourceType
  readonly resourceName?: string | null
  readonly patternType?: PatternType
  readonly principal?: string | null
  readonly host?: string | null
  readonly operation?: AclOperation
  readonly permissionType?: AclPermissionType
}

function textOf(parts: AclBindingFilter): string {
  const { resourceType = 'ANY', resourceName = null, patternType = 'ANY', principal = null } = parts
  const { host = null, operation = 'ANY', permissionType = 'ANY' } = parts
  return JSON.stringify([resourceType, resourceName, patternType, principal, host, operation, permissionType])
}
const byBinding: KeyText<AclBinding> = textOf
const byFilter: KeyText<AclBindingFilter> = textOf

interface ToldAcl {
  readonly principal: string
  readonly host: string
  readonly operation: number
  readonly permissionType: number
}
interface ToldPattern {
  readonly resourceType: number
  readonly resourceName: string
  readonly patternType: number
}

function binding(pattern: ToldPattern, acl: ToldAcl): AclBinding {
  return {
    resourceType: RESOURCE_TYPES.name(pattern.resourceType, 'UNKNOWN'),
    resourceName: pattern.resourceName,
    patternType: PATTERN_TYPES.name(pattern.patternType, 'UNKNOWN'),
    principal: acl.principal,
    host: acl.host,
    operation: OPERATIONS.name(acl.operation, 'UNKNOWN'),
    permissionType: PERMISSION_TYPES.name(acl.permissionType, 'UNKNOWN'),
  }
}

/** Version 0 (before 2.0) knows literal patterns only; a filter for any means those there. */
function filterFields(filter: AclBindingFilter, version: number) {
  const { resourceType = 'ANY', resourceName = null, patternType = 'ANY', principal = null } = filter
  const { host = null, operation = 'ANY', permissionType = 'ANY' } = filter
  if (version === 0 && patternType !== 'LITERAL' && patternType !== 'ANY') throw onlyLiteral()
  return {
    resourceTypeFilter: RESOURCE_TYPES.code(resourceType),
    resourceNameFilter: resourceName,
    patternTypeFilter: PATTERN_TYPES.code(version === 0 ? 'LITERAL' : patternType),
    principalFilter: principal,
    hostFilter: host,
    operation: OPERATIONS.code(operation),
    permissionType: PERMISSION_TYPES.code(permissionType),
  }
}

function onlyLiteral(): KafkaError {
  return new KafkaError('UNSUPPORTED_VERSION', 'Version 0 only supports literal resource pattern types')
}

export async function describeAcls(
  client: NetworkClient,
  filter: AclBindingFilter = {},
  options: CallOptions = {},
): Promise<readonly AclBinding[]> {
  const question = { name: 'describeAcls', target: 'active', fromControllers: true } as const
  return ask(client, question, options, async (node) => {
    const answer = await node.ask(DescribeAcls, filterFields(filter, node.versions.choose(DescribeAcls)))
    throwOnError(answer.errorCode, answer.errorMessage)
    return answer.resources.flatMap((resource) => resource.acls.map((acl) => binding(resource, acl)))
  })
}

export async function createAcls(
  client: NetworkClient,
  bindings: readonly AclBinding[],
  options: CallOptions = {},
): Promise<Outcomes<AclBinding, void>> {
  return askByKey<AclBinding, void>(
    client,
    {
      name: 'createAcls',
      fromControllers: true,
      keys: bindings,
      textOf: byBinding,
      route: routeTo('active'),
      ask: async (node, keys) => {
        const version = node.versions.choose(CreateAcls)
        if (version === 0 && keys.some(({ patternType }) => patternType !== 'LITERAL')) throw onlyLiteral()
        const creations = keys.map((one) => ({
          resourceType: RESOURCE_TYPES.code(one.resourceType),
          resourceName: one.resourceName,
          resourcePatternType: PATTERN_TYPES.code(one.patternType),
          principal: one.principal,
          host: one.host,
          operation: OPERATIONS.code(one.operation),
          permissionType: PERMISSION_TYPES.code(one.permissionType),
        }))
        const answer = await node.ask(CreateAcls, { creations })
        // Answers stand in the order of the requests, and name nothing.
        return answer.results.map(({ errorCode, errorMessage }, index) => {
          return [keys[index]!, errorOf(errorCode, errorMessage) ?? undefined] as const
        })
      },
    },
    options,
  )
}

/** What each filter matched, and whether it is gone. */
export async function deleteAcls(
  client: NetworkClient,
  filters: readonly AclBindingFilter[],
  options: CallOptions = {},
): Promise<Outcomes<AclBindingFilter, Outcomes<AclBinding, void>>> {
  return askByKey<AclBindingFilter, Outcomes<AclBinding, void>>(
    client,
    {
      name: 'deleteAcls',
      fromControllers: true,
      keys: filters,
      textOf: byFilter,
      route: routeTo('active'),
      ask: async (node, keys) => {
        const version = node.versions.choose(DeleteAcls)
        const answer = await node.ask(DeleteAcls, { filters: keys.map((filter) => filterFields(filter, version)) })
        return answer.filterResults.map(({ errorCode, errorMessage, matchingAcls }, index) => {
          const entries = matchingAcls.map((acl): [AclBinding, Error | undefined] => {
            return [binding(acl, acl), errorOf(acl.errorCode, acl.errorMessage) ?? undefined]
          })
          const deleted = new Outcomes<AclBinding, void>(byBinding, entries)
          return [keys[index]!, errorOf(errorCode, errorMessage) ?? deleted] as const
        })
      },
    },
    options,
  )
}
