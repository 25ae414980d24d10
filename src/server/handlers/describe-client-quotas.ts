/**
 * DescribeClientQuotas v0-1 (KIP-546): the quotas of the published metadata that a filter lets through. Each component names a type of
 * entity and which of it: one, the default, or any that is set. Strict: entities have no types but those that are named.
 */
import { KafkaError } from '../../base/errors.ts'
import type { QuotaEntity } from '../../metadata/image.ts'
import {
  DescribeClientQuotas,
  type DescribeClientQuotasRequest,
  type DescribeClientQuotasResponse,
} from '../../protocol/generated/describe-client-quotas.ts'
import type { Init } from '../../protocol/codec.ts'
import { handler } from '../handler.ts'

const TYPES: ReadonlySet<string> = new Set(['user', 'client-id', 'ip'])
const MATCH = { exact: 0, default: 1, specified: 2 }

/** By type of entity: its name, null for the default, or any. */
type Filter = ReadonlyMap<string, { readonly name: string | null } | 'any'>

export const describeClientQuotasHandler = handler(DescribeClientQuotas, {
  handle: (services, { components, strict }) => {
    const filter = filterOf(components)
    const found = [...services.image().quotas.values()].filter((entity) => matches(entity, filter, strict))
    return { entries: found.map(entryOf) }
  },
  failed: (_request, error) => ({ errorCode: error.errno, errorMessage: error.message, entries: null }),
})

/** @throws KafkaError INVALID_REQUEST, or UNSUPPORTED_VERSION for a type that there isn't. */
function filterOf(components: readonly DescribeClientQuotasRequest.ComponentData[]): Filter {
  const filter = new Map<string, { name: string | null } | 'any'>()
  for (const { entityType, matchType, match } of components) {
    if (entityType === '') throw new KafkaError('INVALID_REQUEST', 'Invalid empty entity type.')
    if (filter.has(entityType)) {
      throw new KafkaError('INVALID_REQUEST', `Entity type ${entityType} cannot appear more than once in the filter.`)
    }
    if (!TYPES.has(entityType)) throw new KafkaError('UNSUPPORTED_VERSION', `Unsupported entity type ${entityType}`)
    filter.set(entityType, matchOf(matchType, match))
  }
  if (filter.has('ip') && filter.size > 1) {
    const detail =
      'Invalid entity filter component combination. IP filter component should not be used with user or clientId filter component.'
    throw new KafkaError('INVALID_REQUEST', detail)
  }
  return filter
}

/** @throws KafkaError INVALID_REQUEST */
function matchOf(type: number, match: string | null): { readonly name: string | null } | 'any' {
  if (type === MATCH.exact) {
    if (match !== null) return { name: match }
    throw new KafkaError('INVALID_REQUEST', 'Request specified MATCH_TYPE_EXACT, but set match string to null.')
  }
  if (type !== MATCH.default && type !== MATCH.specified) {
    throw new KafkaError('INVALID_REQUEST', `Unknown match type ${type}`)
  }
  if (match !== null) {
    const name = type === MATCH.default ? 'MATCH_TYPE_DEFAULT' : 'MATCH_TYPE_SPECIFIED'
    throw new KafkaError('INVALID_REQUEST', `Request specified ${name}, but also specified a match string.`)
  }
  return type === MATCH.default ? { name: null } : 'any'
}

function matches({ parts }: QuotaEntity, filter: Filter, strict: boolean): boolean {
  if (strict && parts.length !== filter.size) return false
  for (const [type, wanted] of filter) {
    const part = parts.find((one) => one.type === type)
    if (part === undefined || (wanted !== 'any' && part.name !== wanted.name)) return false
  }
  return true
}

function entryOf({ parts, values }: QuotaEntity): Init<DescribeClientQuotasResponse.EntryData> {
  return {
    entity: parts.map(({ type, name }) => ({ entityType: type, entityName: name })),
    values: [...values].map(([key, value]) => ({ key, value })),
  }
}
