/**
 * AlterClientQuotas v0-1 (KIP-546, KIP-612): sets and removes bounds of users, clients and addresses. Each entity stands for itself and
 * is changed whole or not at all; all records go into one batch. A bound that is there already with the same value is not written again.
 */
import { KafkaError } from '../base/errors.ts'
import { QUOTA_TABLE } from '../config/tables.ts'
import { quotaKey, type QuotaEntity } from '../metadata/image.ts'
import { metadataRecord, type MetadataRecord } from '../metadata/metadata-records.ts'
import type { Init } from '../protocol/codec.ts'
import type { AlterClientQuotasRequest, AlterClientQuotasResponse } from '../protocol/generated/alter-client-quotas.ts'
import { NO_ERROR, RECORDS_MAX, attempt, errorFields, type ControllerState, type Decision } from './decision.ts'
import { isHost } from './host-name.ts'

const USER = 'user'
const CLIENT_ID = 'client-id'
const IP = 'ip'
const CLIENT_KEYS: ReadonlySet<string> = new Set([
  'producer_byte_rate',
  'consumer_byte_rate',
  'request_percentage',
  'controller_mutation_rate',
])
const IP_KEYS: ReadonlySet<string> = new Set(['connection_creation_rate'])
/** As the last double that is no larger than the largest 64-bit integer. */
const LONG_MAX = 2 ** 63
const INT_MAX = 0x7fff_ffff
/** What a bound that is a whole number may be off by. */
const FRACTION_MAX = 1e-6

type Parts = QuotaEntity['parts']
type Op = AlterClientQuotasRequest.OpData

/** @throws KafkaError POLICY_VIOLATION for more records than one batch may hold */
export function alterClientQuotas(
  { image }: ControllerState,
  { entries, validateOnly }: AlterClientQuotasRequest,
): Decision<Init<AlterClientQuotasResponse>> {
  const records: MetadataRecord[] = []
  const answers = new Map<string, AlterClientQuotasResponse['entries'][number]>()
  for (const { entity, ops } of entries) {
    const parts = partsOf(entity)
    const key = quotaKey(parts)
    const isAgain = answers.has(key) || new Set(ops.map((op) => op.key)).size !== ops.length
    const changes = attempt(() => {
      if (isAgain) throw new KafkaError('INVALID_REQUEST', `Ignoring duplicate entity ${inWords(parts)}`)
      return changeRecords(parts, ops, image.quotas.get(key)?.values ?? new Map<string, number>())
    })
    const outcome = changes instanceof KafkaError ? errorFields(changes.code, changes.message) : NO_ERROR
    if (!(changes instanceof KafkaError)) records.push(...changes)
    answers.set(key, { ...outcome, entity: parts.map(({ type, name }) => ({ entityType: type, entityName: name })) })
  }
  if (records.length > RECORDS_MAX) {
    throw new KafkaError('POLICY_VIOLATION', `More than ${RECORDS_MAX} quotas would change: ask in several requests.`)
  }
  return { records: validateOnly ? [] : records, answer: { ...NO_ERROR, entries: [...answers.values()] } }
}

/** In the order of their types. Of a type that stands twice the last counts. */
function partsOf(entity: readonly AlterClientQuotasRequest.EntityData[]): Parts {
  const names = new Map(entity.map(({ entityType, entityName }) => [entityType, entityName]))
  return [...names].map(([type, name]) => ({ type, name })).sort((one, other) => (one.type < other.type ? -1 : 1))
}

/** @throws KafkaError INVALID_REQUEST */
function changeRecords(parts: Parts, ops: readonly Op[], before: ReadonlyMap<string, number>): MetadataRecord[] {
  const allowed = keysOf(parts)
  const entity = parts.map(({ type, name }) => ({ entityType: type, entityName: name }))
  const records: MetadataRecord[] = []
  for (const { key, value, remove } of ops) {
    if (remove) {
      if (before.has(key)) records.push(metadataRecord('ClientQuotaRecord', 0, { entity, key, remove }))
      continue
    }
    checkBound(allowed, key, value)
    if (!Object.is(before.get(key), value)) records.push(metadataRecord('ClientQuotaRecord', 0, { entity, key, value }))
  }
  return records
}

/**
 * What may be bounded for such an entity.
 * @throws KafkaError INVALID_REQUEST
 */
function keysOf(parts: Parts): ReadonlySet<string> {
  const refuse = (detail: string): never => {
    throw new KafkaError('INVALID_REQUEST', detail)
  }
  if (parts.length === 0) refuse('Invalid empty client quota entity')
  for (const { type, name } of parts) {
    if (type !== USER && type !== CLIENT_ID && type !== IP) refuse(`Unhandled client quota entity type: ${type}`)
    if (name === '') refuse(`Empty ${type} not supported`)
  }
  const address = parts.find(({ type }) => type === IP)
  if (address === undefined) return CLIENT_KEYS
  if (parts.length > 1) {
    refuse('Invalid quota entity combination, IP entity shouldnot be combined with User or ClientId')
  }
  if (address.name !== null && !isHost(address.name)) refuse(`${address.name} is not a valid IP or resolvable host.`)
  return IP_KEYS
}

/** @throws KafkaError INVALID_REQUEST. Infinity, and what is no number, are let through as Kafka does: nothing is bounded by them. */
function checkBound(allowed: ReadonlySet<string>, key: string, value: number): void {
  const refuse = (detail: string): never => {
    throw new KafkaError('INVALID_REQUEST', detail)
  }
  if (!allowed.has(key)) refuse(`Invalid configuration key ${key}`)
  if (value <= 0) refuse(`Quota ${key} must be greater than 0`)
  const type = QUOTA_TABLE.get(key)?.type ?? 'DOUBLE'
  if (type === 'DOUBLE') return
  if (value > (type === 'INT' ? INT_MAX : LONG_MAX)) refuse(`Proposed value for ${key} is too large for ${an(type)}.`)
  if (Math.abs(value - Math.trunc(value)) > FRACTION_MAX) refuse(`${key} cannot be a fractional value.`)
}

const an = (type: string): string => (type === 'INT' ? `an ${type}` : `a ${type}`)

/** As Kafka prints an entity. */
const inWords = (parts: Parts): string =>
  `ClientQuotaEntity(entries={${parts.map(({ type, name }) => `${type}=${name}`).join(', ')}})`
