/** The command line of kafka-configs.sh, and what is checked of it, in Kafka's order. */
import { checkInvalid, toolOptions, usageFailure } from '../options/option-checks.ts'
import { COMMAND_CONFIG, COMMON_OPTIONS, flag, value, type OptionTable } from '../options/option-table.ts'
import { isInteger, type Options } from '../options/parse-options.ts'
import { failure } from '../tool/tool-exit.ts'

export const CONFIGS_OPTIONS = {
  ...COMMON_OPTIONS,
  'bootstrap-server': value('server to connect to', 'host:port of one or more brokers, with commas.'),
  'bootstrap-controller': value('controller to connect to', 'host:port of one or more controllers, with commas.'),
  'command-config': COMMAND_CONFIG,
  alter: flag('Change settings.'),
  describe: flag('Show settings.'),
  all: flag('Show all settings, also those of files and defaults.'),
  'entity-type': value(null, 'topics, clients, users, brokers, broker-loggers, ips, client-metrics or groups.'),
  'entity-name': value(null, 'Whose settings: a topic, client id, user, broker id, address, subscription or group.'),
  'entity-default': flag('The defaults for all clients, users, brokers or ips.'),
  'add-config': value(null, "Settings as 'k1=v1,k2=[v1,v2],k3=v3': brackets keep commas of a value together."),
  'add-config-file': value(null, 'A properties file with the settings to add.'),
  'delete-config': value(null, "Settings to take away, as 'k1,k2'.", { separator: ',' }),
  topic: value(null, 'A topic.'),
  client: value(null, 'A client id.'),
  'client-defaults': flag('The defaults for all clients.'),
  user: value(null, 'A user.'),
  'user-defaults': flag('The defaults for all users.'),
  broker: value(null, 'The id of a broker.'),
  'broker-defaults': flag('The defaults for all brokers.'),
  'broker-logger': value(null, 'The id of a broker, for the levels of its loggers.'),
  ip: value(null, 'An address.'),
  'ip-defaults': flag('The defaults for all addresses.'),
  group: value(null, 'A group.'),
  'client-metrics': value(null, 'A subscription of client metrics.'),
} satisfies OptionTable

export type ConfigsOptions = Options<keyof typeof CONFIGS_OPTIONS>

const ENTITY_TYPES = [
  'topics',
  'clients',
  'users',
  'brokers',
  'ips',
  'client-metrics',
  'groups',
  'broker-loggers',
] as const
export type EntityType = (typeof ENTITY_TYPES)[number]

/** Whose settings are meant: one entity, or a user and a client. */
export interface ConfigEntities {
  readonly types: readonly EntityType[]
  /** Empty: the default. Fewer than types: all of the others. */
  readonly names: readonly string[]
}

const NAME_FLAGS = [
  ['topic', 'topics'],
  ['client', 'clients'],
  ['user', 'users'],
  ['broker', 'brokers'],
  ['broker-logger', 'broker-loggers'],
  ['ip', 'ips'],
  ['client-metrics', 'client-metrics'],
  ['group', 'groups'],
] as const
const DEFAULT_FLAGS = [
  ['client-defaults', 'clients'],
  ['user-defaults', 'users'],
  ['broker-defaults', 'brokers'],
  ['ip-defaults', 'ips'],
] as const

const ABOUT =
  'This tool helps to manipulate and describe entity config for a topic, client, user, broker, ip, client-metrics or group'

/** @throws ToolExit, OptionError */
export function configsOptions(argv: readonly string[]): {
  readonly options: ConfigsOptions
  readonly entities: ConfigEntities
} {
  const options: ConfigsOptions = toolOptions(CONFIGS_OPTIONS, argv, ABOUT)
  if (options.has('alter') === options.has('describe')) {
    throw usageFailure(CONFIGS_OPTIONS, 'Command must include exactly one action: --describe, --alter')
  }
  checkInvalid(options, 'describe', 'alter', 'add-config', 'delete-config')
  const entities = { types: entityTypes(options), names: entityNames(options, argv) }
  checkConnection(options)
  checkNames(options, entities)
  if (options.has('describe')) checkDescribe(options, entities)
  else checkAlter(options, entities)
  return { options, entities }
}

function entityTypes(options: ConfigsOptions): readonly EntityType[] {
  const flags = [...NAME_FLAGS, ...DEFAULT_FLAGS].filter(([name]) => options.has(name)).map(([, type]) => type)
  const types = [...options.values('entity-type'), ...flags]
  const twice = types.filter((type, index) => types.indexOf(type) !== index)
  if (twice.length > 0) throw failure(`Duplicate entity type(s) specified: ${twice.join(',')}`)
  const known: EntityType[] = []
  for (const type of types) {
    const entityType = ENTITY_TYPES.find((one) => one === type)
    if (entityType === undefined) {
      throw failure(
        `Invalid entity type ${type}, the entity type must be one of ${ENTITY_TYPES.join(', ')} with a --bootstrap-server or --bootstrap-controller argument`,
      )
    }
    known.push(entityType)
  }
  if (known.length === 0) throw failure('At least one entity type must be specified')
  if (known.length > 1 && known.some((type) => type !== 'users' && type !== 'clients')) {
    throw failure("Only 'users' and 'clients' entity types may be specified together")
  }
  const isGeneral = options.has('entity-name') || options.has('entity-type') || options.has('entity-default')
  if (isGeneral && flags.length > 0) {
    throw failure('--entity-{type,name,default} should not be used in conjunction with specific entity flags')
  }
  return known
}

/** Names and defaults in the order in which they stand: each belongs to the type at its place. */
function entityNames(options: ConfigsOptions, argv: readonly string[]): readonly string[] {
  const given = [...options.values('entity-name')]
  const inOrder = argv.flatMap((word) => {
    if (/^--?entity-name(=|$)/.test(word)) return given.splice(0, 1)
    return /^--?entity-default(=|$)/.test(word) ? [''] : []
  })
  const named = NAME_FLAGS.filter(([name]) => options.has(name)).map(([name]) => options.value(name) ?? '')
  const defaults = DEFAULT_FLAGS.filter(([name]) => options.has(name)).map(() => '')
  return [...inOrder, ...named, ...defaults]
}

function checkConnection(options: ConfigsOptions): void {
  const [server, controller] = [options.has('bootstrap-server'), options.has('bootstrap-controller')]
  if (!server && !controller) {
    throw failure('Either --bootstrap-server or --bootstrap-controller must be specified.')
  }
  if (server && controller) throw failure('Only one of --bootstrap-server or --bootstrap-controller can be specified')
}

function checkNames(options: ConfigsOptions, { types, names }: ConfigEntities): void {
  if (!names.some((name) => name !== '')) return
  const [type = ''] = types
  if (type !== 'brokers' && type !== 'broker-loggers') return
  for (const option of ['entity-name', 'broker', 'broker-logger'] as const) {
    const id = options.has(option) ? (options.value(option) ?? '') : '0'
    if (!isInteger(id)) throw failure(`The entity name for ${type} must be a valid integer broker id, but it is: ${id}`)
  }
}

const WITH_DEFAULTS: readonly EntityType[] = ['users', 'clients', 'brokers', 'ips']

function checkDescribe(options: ConfigsOptions, { types, names }: ConfigEntities): void {
  const shown = types.join(',')
  if (options.has('entity-default') && !types.some((type) => WITH_DEFAULTS.includes(type))) {
    throw failure(`--entity-default must not be specified with --describe of ${shown}`)
  }
  if (types.includes('broker-loggers') && names.length === 0) {
    throw failure(`An entity name must be specified with --describe of ${shown}`)
  }
}

function checkAlter(options: ConfigsOptions, { types, names }: ConfigEntities): void {
  if (types.some((type) => WITH_DEFAULTS.includes(type))) {
    if (names.length === 0) {
      throw failure('An entity-name or default entity must be specified with --alter of users, clients, brokers or ips')
    }
  } else if (!names.some((name) => name !== '')) {
    throw failure(`An entity name must be specified with --alter of ${types.join(',')}`)
  }
  const [add, file, remove] = [options.has('add-config'), options.has('add-config-file'), options.has('delete-config')]
  if (add && file) throw failure('Only one of --add-config or --add-config-file must be specified')
  if (!add && !file && !remove) {
    throw failure('At least one of --add-config, --add-config-file, or --delete-config must be specified with --alter')
  }
}

/**
 * `k1=v1,k2=[v1,v2],k3=v3`; commas and equals signs in brackets belong to the value. Null is nothing.
 * @throws ToolExit
 */
export function configsToAdd(text: string | null): Map<string, string> {
  const pairs = text === null ? [] : text.split(/,(?=[^\]]*(?:\[|$))/)
  // As Java splits: commas at the end are none, but an empty text is a pair.
  if (text !== '') while (pairs.at(-1) === '') pairs.pop()
  const configs = new Map<string, string>()
  for (const pair of pairs) {
    const [name = '', value, ...rest] = pair.split(/\s*=\s*(?![^[\]]*\])/)
    if (value === undefined || rest.length > 0) {
      throw failure(
        'requirement failed: Invalid entity config: all configs to be added must be in the format "key=val" or  "key=[val1,val2]" to group values which contain commas.',
      )
    }
    configs.set(name.trim(), value.replace(/\[?([^\]]*)\]?/, '$1').trim())
  }
  checkKeys(configs.keys())
  return configs
}

/** @throws ToolExit */
export function checkKeys(keys: Iterable<string>): void {
  for (const key of keys) {
    if (!/^[a-zA-Z0-9._-]*$/.test(key)) throw failure(`Invalid character found for config key: ${key}`)
  }
}
