/** Quotas of users, client ids and addresses, for kafka-configs.sh. */
import type { AdminClient } from '../../client/admin/admin.ts'
import type { ClientQuotaFilterComponent, ClientQuotas } from '../../client/admin/quotas.ts'
import { javaDouble } from '../../base/java-double.ts'
import { failure } from '../tool/tool-exit.ts'
import type { Terminal } from '../tool/tool.ts'
import type { ConfigEntities, EntityType } from './configs-options.ts'

const TYPES: Partial<Record<EntityType, string>> = { users: 'user', clients: 'client-id', ips: 'ip' }
const SHOWN = [
  ['user', 'user-principal'],
  ['client-id', 'client-id'],
  ['ip', 'ip'],
] as const

export async function describeQuotas(admin: AdminClient, entities: ConfigEntities, terminal: Terminal): Promise<void> {
  for (const { entity, quotas } of await quotasOf(admin, entities)) {
    const parts = SHOWN.filter(([type]) => entity[type] !== undefined).map(([type, shown]) => {
      const name = entity[type] ?? null
      return name === null ? `the default ${shown}` : `${shown} '${name}'`
    })
    const values = Object.entries(quotas).map(([key, value]) => `${key}=${javaDouble(value)}`)
    terminal.out(`Quota configs for ${parts.join(', ')} are ${values.join(', ')}`)
  }
}

async function quotasOf(admin: AdminClient, { types, names }: ConfigEntities): Promise<readonly ClientQuotas[]> {
  if (names.length > types.length) throw failure('More entity names specified than entity types')
  const components = types.map((type, index): ClientQuotaFilterComponent => {
    const entityType = TYPES[type] ?? type
    const name = names[index]
    if (name === undefined) return { entityType }
    return { entityType, match: name === '' ? null : name }
  })
  return await admin.describeClientQuotas({ components, strict: true })
}

export async function alterQuotas(
  admin: AdminClient,
  entities: ConfigEntities,
  toAdd: ReadonlyMap<string, string>,
  toDelete: readonly string[],
): Promise<void> {
  const { types, names } = entities
  const [known] = await quotasOf(admin, entities)
  const missing = toDelete.filter((key) => known?.quotas[key] === undefined)
  if (missing.length > 0) throw failure(`Invalid config(s): ${missing.join(',')}`)
  const entity = Object.fromEntries(types.map((type, index) => [TYPES[type] ?? type, names[index] || null]))
  const quotas: Record<string, number | null> = {}
  for (const [key, text] of toAdd) {
    const value = Number(text)
    if (text.trim() === '' || Number.isNaN(value)) {
      throw failure(`Cannot parse quota configuration value for ${key}: ${text}`)
    }
    quotas[key] = value
  }
  for (const key of toDelete) quotas[key] = null
  ;(await admin.alterClientQuotas([{ entity, quotas }])).all()
}
