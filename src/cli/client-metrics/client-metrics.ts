/** kafka-client-metrics.sh: which metrics clients push to the brokers (KIP-714). */
import type { AdminClient } from '../../client/admin/admin.ts'
import { randomUuid } from '../../storage/meta-properties.ts'
import { clientSentence, withAdmin } from '../clients/admin.ts'
import { commandConfig } from '../clients/client-properties.ts'
import { checkInvalid, toolOptions, usageFailure } from '../options/option-checks.ts'
import {
  BOOTSTRAP_SERVER,
  COMMAND_CONFIG,
  COMMON_OPTIONS,
  flag,
  value,
  type OptionTable,
} from '../options/option-table.ts'
import { isInteger, type Options } from '../options/parse-options.ts'
import { failure, ToolExit } from '../tool/tool-exit.ts'
import { isOutside, type Tool, type ToolHost } from '../tool/tool.ts'

export const CLIENT_METRICS_OPTIONS = {
  ...COMMON_OPTIONS,
  'bootstrap-server': BOOTSTRAP_SERVER,
  'command-config': COMMAND_CONFIG,
  alter: flag('Set what is given; an empty value goes back to the default.'),
  delete: flag('Delete a subscription.'),
  describe: flag('Show subscriptions.'),
  list: flag('Name the subscriptions.'),
  name: value('name', 'The subscription.'),
  'generate-name': flag('A new name, made up.'),
  interval: value('push interval', 'Milliseconds between two pushes; empty: the default.'),
  match: value(
    'k1=v1,k2=v2',
    'Which clients: client_id, client_instance_id, client_software_name, client_software_version, client_source_address, client_source_port.',
    { separator: ',' },
  ),
  metrics: value('m1,m2', 'Prefixes of metrics.', { separator: ',' }),
} satisfies OptionTable

type MetricsOptions = Options<keyof typeof CLIENT_METRICS_OPTIONS>

const ABOUT = 'This tool helps to manipulate and describe client metrics configurations.'
const ACTIONS = ['alter', 'delete', 'describe', 'list'] as const

export const clientMetrics: Tool = async (argv, host) => {
  const options: MetricsOptions = toolOptions(CLIENT_METRICS_OPTIONS, argv, ABOUT, true)
  checkOptions(options)
  const properties = await commandConfig(host.world.disk, options.value('command-config'))
  properties.set('bootstrap.servers', options.value('bootstrap-server') ?? '')
  return withAdmin(host, properties, async (admin) => {
    try {
      await act(admin, options, host)
      return 0
    } catch (error) {
      if (!isOutside(error) || error instanceof ToolExit) throw error
      host.terminal.out(`Error while executing client metrics command : ${clientSentence(error)}`)
      return 1
    }
  })
}

function checkOptions(options: MetricsOptions): void {
  if (ACTIONS.filter((name) => options.has(name)).length !== 1) {
    throw usageFailure(
      CLIENT_METRICS_OPTIONS,
      'Command must include exactly one action: --alter, --delete, --describe or --list.',
    )
  }
  if (!options.has('bootstrap-server')) throw failure('--bootstrap-server must be specified.')
  const forAlter = ['generate-name', 'interval', 'match', 'metrics'] as const
  checkInvalid(options, 'list', 'name', ...forAlter)
  checkInvalid(options, 'describe', ...forAlter)
  checkInvalid(options, 'delete', ...forAlter)
  if (options.has('alter') && options.has('name') === options.has('generate-name')) {
    throw failure('One of --name or --generate-name must be specified with --alter.')
  }
  if (options.has('delete') && !options.has('name')) {
    throw failure('A client metrics resource name must be specified with --delete.')
  }
  const interval = options.value('interval')
  if (interval !== null && interval !== '' && !isInteger(interval)) {
    throw failure('Invalid interval value. Enter an integer, or leave empty to reset.')
  }
}

function act(admin: AdminClient, options: MetricsOptions, host: ToolHost): Promise<void> {
  if (options.has('alter')) return alter(admin, options, host)
  if (options.has('delete')) return remove(admin, options.value('name') ?? '', host)
  return options.has('describe') ? describe(admin, options.value('name'), host) : list(admin, host)
}

function resource(name: string) {
  return { type: 'CLIENT_METRICS', name } as const
}

async function alter(admin: AdminClient, options: MetricsOptions, { world, terminal }: ToolHost): Promise<void> {
  const name = options.value('name') ?? randomUuid(world.random)
  const wanted: [string, string][] = []
  if (options.has('interval')) wanted.push(['interval.ms', options.value('interval') ?? ''])
  if (options.has('metrics')) wanted.push(['metrics', options.values('metrics').join(',')])
  if (options.has('match')) wanted.push(['match', options.values('match').join(',')])
  const operations = wanted.map(([key, text]) => {
    return text === ''
      ? ({ name: key, operation: 'DELETE' } as const)
      : ({ name: key, value: text, operation: 'SET' } as const)
  })
  ;(await admin.incrementalAlterConfigs([{ resource: resource(name), operations }])).all()
  terminal.out(`Altered client metrics config for ${name}.`)
}

async function entriesOf(admin: AdminClient, name: string) {
  return (await admin.describeConfigs([resource(name)])).get(resource(name))
}

async function remove(admin: AdminClient, name: string, { terminal }: ToolHost): Promise<void> {
  const operations = (await entriesOf(admin, name)).map((entry) => ({ name: entry.name, operation: 'DELETE' }) as const)
  ;(await admin.incrementalAlterConfigs([{ resource: resource(name), operations }])).all()
  terminal.out(`Deleted client metrics config for ${name}.`)
}

async function describe(admin: AdminClient, name: string | null, { terminal }: ToolHost): Promise<void> {
  const known = await admin.listClientMetricsResources()
  if (name !== null && !known.includes(name)) {
    terminal.out(`The client metric resource ${name} doesn't exist and doesn't have dynamic config.`)
    return
  }
  for (const one of name === null ? known : [name]) {
    terminal.out(`Client metrics configs for ${one} are:`)
    for (const entry of await entriesOf(admin, one)) terminal.out(`  ${entry.name}=${entry.value}`)
  }
}

async function list(admin: AdminClient, { terminal }: ToolHost): Promise<void> {
  terminal.out((await admin.listClientMetricsResources()).join('\n'))
}
