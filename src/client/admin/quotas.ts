/** Quotas of users, client ids and addresses (KIP-546). */
import { AlterClientQuotas } from '../../protocol/generated/alter-client-quotas.ts'
import { DescribeClientQuotas } from '../../protocol/generated/describe-client-quotas.ts'
import type { CallOptions } from '../call.ts'
import { errorOf, throwOnError } from '../errors.ts'
import type { NetworkClient } from '../network-client.ts'
import { ask, askByKey } from './admin-call.ts'
import type { KeyText, Outcomes } from './outcomes.ts'
import { routeTo } from './routes.ts'

/** Whom a quota is for, by type (`user`, `client-id`, `ip`). Null: the default for all of that type. */
export type ClientQuotaEntity = Readonly<Record<string, string | null>>

const byEntity: KeyText<ClientQuotaEntity> = (entity) => {
  return JSON.stringify(Object.entries(entity).toSorted(([one], [other]) => (one < other ? -1 : 1)))
}

export interface ClientQuotaFilterComponent {
  readonly entityType: string
  /** A name; null: the default; left out: any, the default too. */
  readonly match?: string | null
}

export interface ClientQuotaFilter {
  /** All of them must match; none: everything. */
  readonly components?: readonly ClientQuotaFilterComponent[]
  /** Only entities that have no other types than those of the components. */
  readonly strict?: boolean
}

export interface ClientQuotas {
  readonly entity: ClientQuotaEntity
  /** By key: `producer_byte_rate`, `consumer_byte_rate`, `request_percentage` … */
  readonly quotas: Readonly<Record<string, number>>
}

const EXACT = 0
const DEFAULT = 1
const ANY = 2

export async function describeClientQuotas(
  client: NetworkClient,
  { components = [], strict = false }: ClientQuotaFilter = {},
  options: CallOptions = {},
): Promise<readonly ClientQuotas[]> {
  return ask(client, { name: 'describeClientQuotas', target: 'any' }, options, async (node) => {
    const answer = await node.ask(DescribeClientQuotas, {
      components: components.map(({ entityType, match }) => ({
        entityType,
        matchType: match === undefined ? ANY : match === null ? DEFAULT : EXACT,
        match: match ?? null,
      })),
      strict,
    })
    throwOnError(answer.errorCode, answer.errorMessage)
    return (answer.entries ?? []).map(({ entity, values }) => ({
      entity: Object.fromEntries(entity.map(({ entityType, entityName }) => [entityType, entityName])),
      quotas: Object.fromEntries(values.map(({ key, value }) => [key, value])),
    }))
  })
}

export interface ClientQuotaAlteration {
  readonly entity: ClientQuotaEntity
  /** By key; null takes the quota away. */
  readonly quotas: Readonly<Record<string, number | null>>
}

export interface AlterClientQuotasOptions extends CallOptions {
  readonly validateOnly?: boolean
}

export async function alterClientQuotas(
  client: NetworkClient,
  alterations: readonly ClientQuotaAlteration[],
  options: AlterClientQuotasOptions = {},
): Promise<Outcomes<ClientQuotaEntity, void>> {
  const { validateOnly = false } = options
  const wanted = new Map(alterations.map(({ entity, quotas }) => [byEntity(entity), quotas]))
  return askByKey<ClientQuotaEntity, void>(
    client,
    {
      name: 'alterClientQuotas',
      keys: alterations.map(({ entity }) => entity),
      textOf: byEntity,
      route: routeTo('any'),
      ask: async (node, keys) => {
        const entries = keys.map((entity) => ({
          entity: Object.entries(entity).map(([entityType, entityName]) => ({ entityType, entityName })),
          ops: Object.entries(wanted.get(byEntity(entity))!).map(([key, value]) => ({
            key,
            value: value ?? 0,
            remove: value === null,
          })),
        }))
        const answer = await node.ask(AlterClientQuotas, { entries, validateOnly })
        return answer.entries.map(({ entity, errorCode, errorMessage }) => [
          Object.fromEntries(entity.map(({ entityType, entityName }) => [entityType, entityName])),
          errorOf(errorCode, errorMessage) ?? undefined,
        ])
      },
    },
    options,
  )
}
