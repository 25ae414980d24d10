/** kafka-metadata-quorum.sh: the controllers' quorum shown and changed. */
import { addressOf } from '../../base/address.ts'
import { parseUuid, ZERO_UUID, type Uuid } from '../../base/uuid.ts'
import type { AdminClient } from '../../client/admin/admin.ts'
import type { QuorumInfo, QuorumReplica, RaftVoterEndpoint } from '../../client/admin/quorum.ts'
import { readMetaProperties } from '../../storage/meta-properties.ts'
import type { Disk } from '../../world/world.ts'
import { setBootstrap } from '../clients/bootstrap.ts'
import { withAdmin } from '../clients/admin.ts'
import { commandConfig, type Properties } from '../clients/client-properties.ts'
import { argument, argumentTable, command, flagArgument, ONE_OF } from '../options/argument-table.ts'
import { parseArguments, type Arguments } from '../options/parse-arguments.ts'
import { javaError } from '../text/java-exceptions.ts'
import { prettyTable } from '../text/pretty-table.ts'
import { failure, ToolExit } from '../tool/tool-exit.ts'
import { isOutside, sentenceOf, type Terminal, type Tool, type ToolHost } from '../tool/tool.ts'
import { OperationalError } from '../../base/errors.ts'

const DRY_RUN = flagArgument('--dry-run', 'Only say what would be done.')
const TITLED = { exclusive: false, required: false, description: null }

export const METADATA_QUORUM_ARGUMENTS = argumentTable({
  program: 'kafka-metadata-quorum',
  description: 'Shows the quorum of controllers, and changes who belongs to it.',
  arguments: [
    argument('--bootstrap-server', 'host:port of one or more brokers, with commas.', { group: 'bootstrap' }),
    argument('--bootstrap-controller', 'host:port of one or more controllers, with commas.', { group: 'bootstrap' }),
    argument('--command-config', 'Properties file for the client; for add-controller also of the controller itself.'),
  ],
  groups: { bootstrap: ONE_OF },
  commands: [
    command(
      'describe',
      'Show the quorum.',
      [
        flagArgument('--status', 'In short.', { group: 'status' }),
        flagArgument('--replication', 'Each replica of the metadata log.', { group: 'replication' }),
        flagArgument('--human-readable', 'Times as how long ago they were.', { group: 'replication' }),
      ],
      { groups: { status: { ...TITLED, title: 'Status' }, replication: { ...TITLED, title: 'Replication' } } },
    ),
    command('add-controller', 'Make a controller a voter.', [DRY_RUN]),
    command('remove-controller', 'Make a controller no voter.', [
      argument('--controller-id -i', 'Its node id.', { type: 'Integer', required: true }),
      argument('--controller-directory-id -d', 'The id of its metadata directory.', { required: true }),
      DRY_RUN,
    ]),
  ],
})

export const metadataQuorum: Tool = async (argv, host) => {
  const args = parseArguments(METADATA_QUORUM_ARGUMENTS, argv)
  const { disk } = host.world
  const file = args.value('command-config')
  if (file !== null && (await disk.stat(file)) === null) throw failure(`Properties file ${file} does not exists!`)
  const properties = await commandConfig(disk, file)
  setBootstrap(properties, args.value('bootstrap-server'), args.value('bootstrap-controller'))
  try {
    await withAdmin(
      host,
      properties,
      (admin) => COMMANDS[args.command]?.(admin, args, host, properties) ?? Promise.resolve(),
    )
    return 0
  } catch (error) {
    if (error instanceof ToolExit || error instanceof OperationalError || !isOutside(error)) throw error
    throw new ToolExit(1, error.cause instanceof OperationalError ? sentenceOf(error) : javaError(error))
  }
}

type Command = (admin: AdminClient, args: Arguments, host: ToolHost, properties: Properties) => Promise<void>

const COMMANDS: Readonly<Record<string, Command>> = {
  describe: async (admin, args, { terminal, world }) => {
    const [status, replication] = [args.has('status'), args.has('replication')]
    if (status && replication) {
      throw failure('Only one of --status or --replication should be specified with describe sub-command')
    }
    if (replication) {
      const quorum = await admin.describeMetadataQuorum()
      // Behind the answer, or what the leader did last would lie in the future.
      const nowMs = args.has('human-readable') ? world.clock.wallMs() : null
      describeReplication(quorum, nowMs, terminal)
    } else if (status) {
      if (args.has('human-readable')) {
        throw failure('The option --human-readable is only supported along with --replication')
      }
      const { clusterId } = await admin.describeCluster()
      describeStatus(clusterId ?? 'null', await admin.describeMetadataQuorum(), terminal)
    } else throw failure('One of --status or --replication must be specified with describe sub-command')
  },
  'add-controller': async (admin, args, { terminal, world }, properties) => {
    if (!args.has('command-config')) {
      throw failure(
        'You must supply the configuration file of the controller you are adding when using add-controller.',
      )
    }
    const id = controllerId(properties)
    const directoryId = await metadataDirectoryId(world.disk, properties)
    const endpoints = controllerEndpoints(properties)
    const isDry = args.has('dry-run')
    if (!isDry) await admin.addRaftVoter(id, directoryId, endpoints)
    terminal.out(
      `${isDry ? 'DRY RUN of adding' : 'Added'} controller ${id} with directory id ${directoryId} and endpoints: ` +
        endpoints.map(endpointText).join(', '),
    )
  },
  'remove-controller': async (admin, args, { terminal }) => {
    const id = args.number('controller-id') ?? -1
    if (id < 0) throw failure(`Invalid negative --controller-id: ${id}`)
    const text = args.value('controller-directory-id') ?? ''
    const directoryId = parseUuid(text)
    if (directoryId === null) throw failure(`Failed to parse --controller-directory-id: ${text} is no id.`)
    const isDry = args.has('dry-run')
    if (!isDry) await admin.removeRaftVoter(id, directoryId)
    terminal.out(
      `${isDry ? 'DRY RUN of removing ' : 'Removed '} KRaft controller ${id} with directory id ${directoryId}`,
    )
  },
}

function leaderOf({ leaderId, voters }: QuorumInfo): QuorumReplica {
  const leader = voters.find(({ replicaId }) => replicaId === leaderId)
  if (leader === undefined) throw failure('The quorum has no leader just now.')
  return leader
}

/** @param nowMs times are shown as how long ago they were; null: as they are. */
function describeReplication(quorum: QuorumInfo, nowMs: number | null, terminal: Terminal): void {
  const leader = leaderOf(quorum)
  const followers = quorum.voters.filter((voter) => voter !== leader)
  const time = (ms: number | null) => {
    if (ms === null) return '-1'
    return nowMs === null ? String(ms) : `${nowMs - ms} ms ago`
  }
  const rows = (replicas: readonly QuorumReplica[], status: string) =>
    replicas.map((replica) => [
      replica.replicaId,
      replica.replicaDirectoryId,
      replica.logEndOffset,
      leader.logEndOffset - replica.logEndOffset,
      time(replica.lastFetchTimestamp),
      time(replica.lastCaughtUpTimestamp),
      status,
    ])
  prettyTable(
    terminal,
    ['NodeId', 'DirectoryId', 'LogEndOffset', 'Lag', 'LastFetchTimestamp', 'LastCaughtUpTimestamp', 'Status'],
    [...rows([leader], 'Leader'), ...rows(followers, 'Follower'), ...rows(quorum.observers, 'Observer')],
  )
}

function describeStatus(clusterId: string, quorum: QuorumInfo, terminal: Terminal): void {
  const leader = leaderOf(quorum)
  const slowest = quorum.voters.reduce((least, one) => (one.logEndOffset < least.logEndOffset ? one : least))
  const [leaderMs, slowestMs] = [leader.lastCaughtUpTimestamp, slowest.lastCaughtUpTimestamp]
  const lagMs = leaderMs === null || slowestMs === null ? -1 : leaderMs - slowestMs
  const rows = [
    ['ClusterId:', clusterId],
    ['LeaderId:', quorum.leaderId],
    ['LeaderEpoch:', quorum.leaderEpoch],
    ['HighWatermark:', quorum.highWatermark],
    ['MaxFollowerLag:', leader.logEndOffset - slowest.logEndOffset],
    ['MaxFollowerLagTimeMs:', slowest === leader ? 0 : lagMs],
    ['CurrentVoters:', replicasText(quorum, quorum.voters)],
    ['CurrentObservers:', replicasText(quorum, quorum.observers)],
  ]
  for (const [name, value] of rows) terminal.out(String(name).padEnd(24) + String(value))
}

function replicasText({ nodes }: QuorumInfo, replicas: readonly QuorumReplica[]): string {
  const texts = replicas.map(({ replicaId, replicaDirectoryId }) => {
    const endpoints = nodes.find(({ nodeId }) => nodeId === replicaId)?.endpoints ?? []
    const directory = replicaDirectoryId === ZERO_UUID ? 'null' : `"${replicaDirectoryId}"`
    const places = endpoints.map((endpoint) => `"${endpointText(endpoint)}"`).join(', ')
    return `{"id": ${replicaId}, "directoryId": ${directory}${places === '' ? '' : `, "endpoints": [${places}]`}}`
  })
  return `[${texts.join(', ')}]`
}

function endpointText({ name, host, port }: RaftVoterEndpoint): string {
  return `${name}://${addressOf(host, port)}`
}

const IS_IT = 'Is this a valid controller configuration file?'

function controllerId(properties: Properties): number {
  const id = properties.get('node.id')
  if (id === undefined) throw failure(`node.id not found in configuration file. ${IS_IT}`)
  if (Number(id) < 0) throw failure(`node.id was negative in configuration file. ${IS_IT}`)
  if (!(properties.get('process.roles') ?? '').includes('controller')) {
    throw failure(`process.roles did not contain 'controller' in configuration file. ${IS_IT}`)
  }
  return Number(id)
}

async function metadataDirectoryId(disk: Disk, properties: Properties): Promise<Uuid> {
  const directory = properties.get('metadata.log.dir') ?? properties.get('log.dirs')?.split(',')[0]?.trim()
  if (directory === undefined || directory === '') {
    throw failure(`Neither metadata.log.dir nor log.dirs were found. ${IS_IT}`)
  }
  const meta = await readMetaProperties(disk, directory)
  if (meta === null) throw failure(`Unable to read meta.properties from ${directory}`)
  if (meta.directoryId === null) throw failure(`No directory id found in ${directory}`)
  return meta.directoryId
}

function controllerEndpoints(properties: Properties): readonly RaftVoterEndpoint[] {
  const names = properties.get('controller.listener.names')
  if (names === undefined) throw failure(`controller.listener.names was not found. ${IS_IT}`)
  const listeners = new Map<string, RaftVoterEndpoint>()
  for (const key of ['listeners', 'advertised.listeners']) {
    for (const text of (properties.get(key) ?? '').split(',')) {
      const [, name = '', host = '', port = ''] = /^([^:]+):\/\/\[?(.*?)\]?:(\d+)$/.exec(text.trim()) ?? []
      if (name !== '') listeners.set(name, { name, host: host === '' ? 'localhost' : host, port: Number(port) })
    }
  }
  return names.split(',').map((name) => {
    const endpoint = listeners.get(name.trim())
    if (endpoint === undefined) throw failure(`Cannot find information about controller listener name: ${name.trim()}`)
    return endpoint
  })
}
