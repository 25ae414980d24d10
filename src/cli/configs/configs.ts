/** kafka-configs.sh: settings of topics, brokers, groups …, quotas and SCRAM credentials. */
import type { AdminClient } from '../../client/admin/admin.ts'
import { makeAdmin, clientSentence } from '../clients/admin.ts'
import { commandConfig, readProperties, type Properties } from '../clients/client-properties.ts'
import { usageFailure } from '../options/option-checks.ts'
import { OptionError } from '../options/parse-options.ts'
import { failure, ToolExit } from '../tool/tool-exit.ts'
import { isOutside, type Terminal, type Tool, type ToolHost } from '../tool/tool.ts'
import { checkKeys, CONFIGS_OPTIONS, configsOptions, configsToAdd } from './configs-options.ts'
import type { ConfigEntities, ConfigsOptions, EntityType } from './configs-options.ts'
import { alterQuotas, describeQuotas } from './quotas.ts'
import { alterResource, describeResources } from './resources.ts'
import { alterScram, describeScram, isScram } from './scram.ts'

export const configs: Tool = async (argv, host) => {
  try {
    const { options, entities } = configsOptions(argv)
    const admin = await makeAdmin(host, await bootstrapProperties(options, host))
    try {
      if (options.has('describe')) await describe(admin, entities, options.has('all'), host.terminal)
      else await alter(admin, entities, options, host)
    } finally {
      await admin.close()
    }
    return 0
  } catch (error) {
    if (error instanceof ToolExit || error instanceof OptionError || !isOutside(error)) throw error
    const cause = error.cause instanceof Error ? `\n${error.cause.message}` : ''
    throw new ToolExit(
      1,
      `Error while executing config command with args '${argv.join(' ')}'\n${clientSentence(error)}${cause}`,
    )
  }
}

async function bootstrapProperties(options: ConfigsOptions, { world }: ToolHost): Promise<Properties> {
  const properties = await commandConfig(world.disk, options.value('command-config'))
  const [server, controller] = [options.value('bootstrap-server'), options.value('bootstrap-controller')]
  if (server === null && controller === null) {
    throw usageFailure(CONFIGS_OPTIONS, 'You must specify either --bootstrap-controller or --bootstrap-server.')
  }
  properties.delete('bootstrap.servers')
  properties.delete('bootstrap.controllers')
  if (server !== null) properties.set('bootstrap.servers', server)
  else properties.set('bootstrap.controllers', controller ?? '')
  return properties
}

async function describe(admin: AdminClient, entities: ConfigEntities, all: boolean, terminal: Terminal): Promise<void> {
  const { types, names } = entities
  const type = types[0] ?? 'topics'
  if (type !== 'users' && type !== 'clients' && type !== 'ips') {
    return await describeResources(admin, type, names[0] ?? null, all, terminal)
  }
  await describeQuotas(admin, entities, terminal)
  if (type !== 'ips' && !types.includes('clients') && !names.includes('')) await describeScram(admin, names, terminal)
}

const QUOTAS = ['producer_byte_rate', 'consumer_byte_rate', 'request_percentage', 'controller_mutation_rate']
const IP_QUOTAS = ['connection_creation_rate']

async function alter(
  admin: AdminClient,
  entities: ConfigEntities,
  options: ConfigsOptions,
  host: ToolHost,
): Promise<void> {
  const { types, names } = entities
  const [type = 'topics'] = types
  const [name = ''] = names
  if (types.length !== names.length) throw failure('An entity name must be specified for every entity type')
  const toAdd = await additions(options, host)
  const toDelete = options.values('delete-config').map((key) => key.trim())
  checkKeys(toDelete)
  if (type === 'users' || type === 'clients') await alterUser(admin, entities, toAdd, toDelete)
  else if (type === 'ips') {
    const unknown = [...toAdd.keys(), ...toDelete].filter((key) => !IP_QUOTAS.includes(key))
    if (unknown.length > 0) {
      throw failure(
        `Only connection quota configs can be added for 'ips' using --bootstrap-server. Unexpected config names: ${unknown.join(',')}`,
      )
    }
    await alterQuotas(admin, entities, toAdd, toDelete)
  } else await alterResource(admin, type, name, toAdd, toDelete)
  host.terminal.out(
    name === ''
      ? `Completed updating default config for ${type} in the cluster.`
      : `Completed updating config for ${type.slice(0, -1)} ${name}.`,
  )
}

async function additions(options: ConfigsOptions, { world }: ToolHost): Promise<ReadonlyMap<string, string>> {
  const file = options.value('add-config-file')
  if (file === null) return configsToAdd(options.value('add-config'))
  const properties = await readProperties(world.disk, file)
  checkKeys(properties.keys())
  return properties
}

async function alterUser(
  admin: AdminClient,
  entities: ConfigEntities,
  toAdd: ReadonlyMap<string, string>,
  toDelete: readonly string[],
): Promise<void> {
  const added = [...toAdd.keys()]
  const isQuota = (key: string) => QUOTAS.includes(key)
  const onlyQuotas = entities.types[0] === 'clients' || entities.types.length === 2
  checkUserKeys('added', onlyQuotas, added, isQuota)
  checkUserKeys('deleted', onlyQuotas, toDelete, isQuota)
  const hasScram = [...added, ...toDelete].some(isScram)
  const hasQuota = [...added, ...toDelete].some(isQuota)
  if (!onlyQuotas && hasScram) {
    if (entities.names.includes('')) {
      throw failure(
        'The use of --entity-default or --user-defaults is not allowed with User SCRAM Credentials using --bootstrap-server.',
      )
    }
    if (hasQuota) {
      throw failure(
        "Cannot alter both quota and SCRAM credential configs simultaneously for 'users' using --bootstrap-server.",
      )
    }
  }
  if (hasQuota) await alterQuotas(admin, entities, toAdd, toDelete)
  else await alterScram(admin, entities.names[0] ?? '', toAdd, toDelete)
}

function checkUserKeys(
  done: 'added' | 'deleted',
  onlyQuotas: boolean,
  keys: readonly string[],
  isQuota: (key: string) => boolean,
): void {
  const unknown = keys.filter((key) => !isQuota(key) && (onlyQuotas || !isScram(key)))
  if (unknown.length === 0) return
  const kinds = onlyQuotas ? 'quota' : 'quota and SCRAM credential'
  const type: EntityType = onlyQuotas ? 'clients' : 'users'
  const collection = done === 'added' ? 'Set' : 'List'
  throw failure(
    `Only ${kinds} configs can be ${done} for '${type}' using --bootstrap-server. ` +
      `Unexpected config names: ${collection}(${unknown.join(', ')})`,
  )
}
