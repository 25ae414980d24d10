/** kafka-cluster.sh: the cluster's id, its nodes, and brokers taken off its books. */
import type { AdminClient } from '../../client/admin/admin.ts'
import { isKafkaError, withAdmin } from '../clients/admin.ts'
import { setBootstrap } from '../clients/bootstrap.ts'
import { commandConfig } from '../clients/client-properties.ts'
import { argument, argumentTable, command, flagArgument, ONE_OF, type ArgumentSpec } from '../options/argument-table.ts'
import { parseArguments, type Arguments } from '../options/parse-arguments.ts'
import { columns, widest } from '../text/columns.ts'
import { failure } from '../tool/tool-exit.ts'
import type { Terminal, Tool } from '../tool/tool.ts'

const GROUPS = { groups: { bootstrap: ONE_OF } }

function common(...more: readonly ArgumentSpec[]): readonly ArgumentSpec[] {
  return [
    argument('--bootstrap-server -b', 'host:port of one or more brokers, with commas.', { group: 'bootstrap' }),
    argument('--bootstrap-controller -C', 'host:port of one or more controllers, with commas.', { group: 'bootstrap' }),
    argument('--config', 'The old name of --command-config.'),
    argument('--command-config -c', 'Properties file for the client that the tool makes.'),
    ...more,
  ]
}

export const CLUSTER_ARGUMENTS = argumentTable({
  program: 'kafka-cluster',
  description: 'Shows a cluster and its nodes.',
  arguments: [],
  commands: [
    command('cluster-id', "Show the cluster's id.", common(), GROUPS),
    command(
      'unregister',
      'Take a broker that is gone for good off the books.',
      common(argument('--id -i', 'Its node id.', { type: 'Integer', required: true })),
      GROUPS,
    ),
    command(
      'list-endpoints',
      'Show the nodes.',
      common(flagArgument('--include-fenced-brokers', 'Also brokers that are not there.')),
      GROUPS,
    ),
  ],
})

export const cluster: Tool = async (argv, host) => {
  const args = parseArguments(CLUSTER_ARGUMENTS, argv, { helpExitCode: 1 })
  const { terminal } = host
  if (args.has('config')) {
    if (args.has('command-config')) throw failure('--config and --command-config cannot be specified together.')
    terminal.out(
      'Option --config has been deprecated and will be removed in a future version. Use --command-config instead.',
    )
  }
  const properties = await commandConfig(host.world.disk, args.value('command-config') ?? args.value('config'))
  setBootstrap(properties, args.value('bootstrap-server'), args.value('bootstrap-controller'))
  if (args.has('include-fenced-brokers') && args.has('bootstrap-controller')) {
    throw failure('The option --include-fenced-brokers is only supported with --bootstrap-server option')
  }
  await withAdmin(host, properties, (admin) => run(admin, args, terminal))
  return 0
}

async function run(admin: AdminClient, args: Arguments, terminal: Terminal): Promise<void> {
  if (args.command === 'cluster-id') {
    const { clusterId } = await admin.describeCluster()
    terminal.out(
      clusterId === null ? 'No cluster ID found. The Kafka version is probably too old.' : `Cluster ID: ${clusterId}`,
    )
  } else if (args.command === 'unregister') await unregister(admin, args.number('id') ?? -1, terminal)
  else await listEndpoints(admin, args, terminal)
}

async function unregister(admin: AdminClient, id: number, terminal: Terminal): Promise<void> {
  try {
    await admin.unregisterBroker(id)
    terminal.out(`Broker ${id} is no longer registered.`)
  } catch (error) {
    if (!isKafkaError(error, 'UNSUPPORTED_VERSION')) throw error
    terminal.out('The target cluster does not support the broker unregistration API.')
  }
}

async function listEndpoints(admin: AdminClient, args: Arguments, terminal: Terminal): Promise<void> {
  const isController = args.has('bootstrap-controller')
  const includeFencedBrokers = args.has('include-fenced-brokers')
  const { nodes } = await admin.describeCluster(isController ? {} : { includeFencedBrokers })
  const rows = [...nodes]
    .sort((one, other) => one.id - other.id)
    .map(({ id, host, port, rack, isFenced }) => [
      id,
      host,
      port,
      rack ?? 'null',
      ...(isController ? [] : [isFenced ? 'fenced' : 'unfenced']),
      isController ? 'controller' : 'broker',
    ])
  const header = ['ID', 'HOST', 'PORT', 'RACK', ...(isController ? [] : ['STATE']), 'ENDPOINT_TYPE']
  const hostWidth = widest(
    nodes.map(({ host }) => host),
    9,
  )
  const rackWidth = widest(
    nodes.map(({ rack }) => rack ?? 'null'),
    10,
  )
  const widths = [10, hostWidth, 10, rackWidth, ...(isController ? [] : [10]), 15]
  for (const row of [header, ...rows]) terminal.out(columns(widths, row))
}
