/** `klamm configs list, get, set, unset` */
import type { AdminClient } from '../../client/admin/admin.ts'
import type { ConfigResource, ConfigResourceType } from '../../client/admin/admin-types.ts'
import type { ConfigEntry } from '../../client/admin/config-entry.ts'
import type { AlterConfigOp } from '../../client/admin/configs.ts'
import type { Invocation, Run } from './command.ts'
import { notFound, usageError } from './exits.ts'
import { describedTopics } from './topic-names.ts'

const TYPES: ReadonlyMap<string, ConfigResourceType> = new Map<string, ConfigResourceType>([
  ['topic', 'TOPIC'],
  ['broker', 'BROKER'],
  ['group', 'GROUP'],
  ['client-metrics', 'CLIENT_METRICS'],
])

function resourceOf([word = '', name = '']: readonly string[]): ConfigResource {
  const type = TYPES.get(word)
  if (type !== undefined) return { type, name }
  throw usageError(`'${word}' has no settings: say ${[...TYPES.keys()].join(', ')}.`, 'klamm configs')
}

async function settingsOf(admin: AdminClient, resource: ConfigResource): Promise<readonly ConfigEntry[]> {
  if (resource.type === 'TOPIC') await describedTopics(admin, [resource.name])
  return (await admin.describeConfigs([resource])).get(resource)
}

function show(entries: readonly ConfigEntry[], { output }: Invocation): void {
  const data = entries.map(({ name, value, source, isSensitive, isReadOnly, isDefault }) => {
    return { name, value, source, sensitive: isSensitive, readOnly: isReadOnly, default: isDefault }
  })
  output.show(data, () => [
    {
      title: null,
      columns: ['name', 'value', 'source'],
      rows: data.map((one) => [one.name, one.sensitive ? '********' : one.value, one.source]),
    },
  ])
}

export const listConfigs: Run = async (invocation) => {
  const { words, withAdmin } = invocation
  const resource = resourceOf(words.positionals)
  const entries = await withAdmin((admin) => settingsOf(admin, resource))
  const isShown = ({ source, isDefault }: ConfigEntry): boolean =>
    words.has('all') ||
    (!isDefault && source.startsWith('DYNAMIC') && source !== 'DYNAMIC_DEFAULT_BROKER_CONFIG') ||
    (source === 'DYNAMIC_DEFAULT_BROKER_CONFIG' && resource.type === 'BROKER')
  show(entries.filter(isShown), invocation)
}

export const getConfigs: Run = async (invocation) => {
  const { words, withAdmin } = invocation
  const resource = resourceOf(words.positionals)
  const entries = await withAdmin((admin) => settingsOf(admin, resource))
  const chosen = words.positionals.slice(2).map((key) => {
    const entry = entries.find(({ name }) => name === key)
    if (entry !== undefined) return entry
    throw notFound(
      'setting',
      key,
      entries.map(({ name }) => name),
    )
  })
  show(chosen, invocation)
}

export const setConfigs: Run = async (invocation) => {
  const operations = invocation.words.positionals.slice(2).map((word) => {
    const equals = word.indexOf('=')
    if (equals > 0) return { name: word.slice(0, equals), value: word.slice(equals + 1) }
    throw usageError(`'${word}' is not KEY=VALUE.`, 'klamm configs set')
  })
  await alter(operations, invocation)
}

export const unsetConfigs: Run = async (invocation) => {
  const operations = invocation.words.positionals.slice(2).map((name) => ({ name, operation: 'DELETE' as const }))
  await alter(operations, invocation)
}

async function alter(operations: readonly AlterConfigOp[], { words, output, withAdmin }: Invocation): Promise<void> {
  const resource = resourceOf(words.positionals)
  const validateOnly = words.has('dry-run')
  await withAdmin(async (admin) => {
    if (resource.type === 'TOPIC') await describedTopics(admin, [resource.name])
    ;(await admin.incrementalAlterConfigs([{ resource, operations }], { validateOnly })).all()
  })
  const status = validateOnly ? 'valid' : 'done'
  output.done(
    operations.map(({ name, value = null }) => ({ name, value, status })),
    operations.map(({ name, value = null }) => {
      const what = value === null ? 'unset' : `set to ${value}`
      return `${name}: ${validateOnly ? 'could be ' : ''}${what}.`
    }),
  )
}
