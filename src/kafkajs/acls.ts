/** ACLs in kafkajs's numbers. */
import * as acls from '../client/admin/acls.ts'
import type { NetworkClient } from '../client/network-client.ts'
import type {
  AclEntry,
  AclFilter,
  DeleteAclFilterResponses,
  DeleteAclResponse,
  DescribeAclResource,
  DescribeAclResponse,
} from './admin-types.ts'
import { AclOperationTypes, AclPermissionTypes, AclResourceTypes, nameIn, ResourcePatternTypes } from './constants.ts'
import { KafkaJSNonRetriableError } from './errors.ts'

export async function describeAcls(network: NetworkClient, filter: AclFilter): Promise<DescribeAclResponse> {
  const bindings = await acls.describeAcls(network, filterOf(filter))
  const resources = new Map<string, DescribeAclResource>()
  for (const entry of bindings.map(entryOf)) {
    const { resourceType, resourceName, resourcePatternType, ...acl } = entry
    const key = `${resourceType} ${resourcePatternType} ${resourceName}`
    const resource = resources.get(key) ?? { resourceType, resourceName, resourcePatternType, acls: [] }
    resource.acls.push(acl)
    resources.set(key, resource)
  }
  return { throttleTime: 0, errorCode: 0, resources: [...resources.values()] }
}

export async function createAcls(network: NetworkClient, entries: readonly AclEntry[]): Promise<void> {
  const created = await acls.createAcls(network, entries.map(bindingOf))
  created.all()
}

export async function deleteAcls(network: NetworkClient, filters: readonly AclFilter[]): Promise<DeleteAclResponse> {
  const wanted = filters.map(filterOf)
  const deleted = await acls.deleteAcls(network, wanted)
  const filterResponses = wanted.map((filter): DeleteAclFilterResponses => {
    const matching = [...deleted.get(filter)]
    const failed = matching.find(([, outcome]) => outcome instanceof Error)
    if (failed !== undefined) throw failed[1] as Error
    return { errorCode: 0, matchingAcls: matching.map(([binding]) => ({ errorCode: 0, ...entryOf(binding) })) }
  })
  return { throttleTime: 0, filterResponses }
}

function bindingOf(entry: AclEntry): acls.AclBinding {
  const { principal, host, resourceName } = entry
  for (const [name, text] of Object.entries({ principal, host, resourceName })) {
    if (typeof text !== 'string') throw new KafkaJSNonRetriableError(`${name} of an ACL must be text: ${String(text)}.`)
  }
  return { principal, host, resourceName, ...kindsOf(entry) }
}

function filterOf(filter: AclFilter): acls.AclBindingFilter {
  const { principal = null, host = null, resourceName = null } = filter
  for (const [name, text] of Object.entries({ principal, host, resourceName })) {
    if (text !== null && typeof text !== 'string') {
      throw new KafkaJSNonRetriableError(`${name} of a filter must be text if it is given: ${String(text)}.`)
    }
  }
  return { principal, host, resourceName, ...kindsOf(filter) }
}

function kindsOf(
  of: AclFilter,
): Pick<acls.AclBinding, 'resourceType' | 'patternType' | 'operation' | 'permissionType'> {
  return {
    resourceType: named(AclResourceTypes, of.resourceType, 'resourceType'),
    patternType: named(ResourcePatternTypes, of.resourcePatternType, 'resourcePatternType'),
    operation: named(AclOperationTypes, of.operation, 'operation'),
    permissionType: named(AclPermissionTypes, of.permissionType, 'permissionType'),
  }
}

function named<Name extends string>(table: Readonly<Record<Name, number>>, value: unknown, what: string): Name {
  const name = nameIn(table, value)
  if (name !== null) return name
  throw new KafkaJSNonRetriableError(`${what} ${String(value)} is none of ${Object.keys(table).join(', ')}.`)
}

/** What kafkajs has no number for is unknown to it. */
function entryOf(binding: acls.AclBinding): AclEntry {
  const { principal, host, resourceName, resourceType, patternType, operation, permissionType } = binding
  return {
    principal,
    host,
    resourceName,
    resourceType: (AclResourceTypes as Record<string, AclResourceTypes>)[resourceType] ?? AclResourceTypes.UNKNOWN,
    resourcePatternType: ResourcePatternTypes[patternType],
    operation: (AclOperationTypes as Record<string, AclOperationTypes>)[operation] ?? AclOperationTypes.UNKNOWN,
    permissionType: AclPermissionTypes[permissionType],
  }
}
