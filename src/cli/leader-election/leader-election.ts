/** kafka-leader-election.sh: leaders elected anew, the preferred ones or any. */
import type { TopicPartition } from '../../client/admin/admin-types.ts'
import type { ElectionType } from '../../client/admin/partitions.ts'
import { ClientError } from '../../client/errors.ts'
import { isKafkaError, withAdmin } from '../clients/admin.ts'
import { commandConfig } from '../clients/client-properties.ts'
import { toolOptions } from '../options/option-checks.ts'
import { COMMON_OPTIONS, flag, value, type OptionTable } from '../options/option-table.ts'
import { OptionError, type Options } from '../options/parse-options.ts'
import { javaError } from '../text/java-exceptions.ts'
import { duplicates, integerField, objectsOf, parseJsonObject, readText, textField } from '../text/json-file.ts'
import { failure } from '../tool/tool-exit.ts'
import type { Terminal, Tool, ToolHost } from '../tool/tool.ts'
import type { AdminClient } from '../../client/admin/admin.ts'

export const LEADER_ELECTION_OPTIONS = {
  ...COMMON_OPTIONS,
  'bootstrap-server': value('host:port', 'REQUIRED: host:port of one or more brokers, with commas.'),
  'admin.config': value('config file', 'The old name of --command-config.'),
  'command-config': value('Config file', 'Properties file for the client that the tool makes.'),
  'path-to-json-file': value(
    'Path to JSON file',
    'A file with the partitions:\n{"partitions":\n\t[{"topic": "foo", "partition": 1},\n\t {"topic": "foobar", "partition": 2}]\n}',
  ),
  topic: value('topic name', 'The topic of one partition.'),
  partition: value('partition id', 'The partition of --topic.', { type: 'Integer' }),
  'all-topic-partitions': flag('All partitions.'),
  'election-type': value('election type', 'REQUIRED: preferred, or unclean where no in-sync replica is left.'),
} satisfies OptionTable

type ElectionOptions = Options<keyof typeof LEADER_ELECTION_OPTIONS>

const ABOUT =
  'This tool attempts to elect a new leader for a set of topic partitions. The type of elections supported are preferred replicas and unclean replicas.'
const TIMEOUT_MS = 30_000

export const leaderElection: Tool = async (argv, host) => {
  const options: ElectionOptions = toolOptions(LEADER_ELECTION_OPTIONS, argv, ABOUT)
  checkOptions(options)
  if (options.has('admin.config')) {
    host.terminal.out(
      'Option --admin.config has been deprecated and will be removed in a future version. Use --command-config instead.',
    )
  }
  const type = electionType(options.value('election-type') ?? '')
  const partitions = await partitionsOf(options, host)
  const file = options.value('command-config') ?? options.value('admin.config')
  const properties = await commandConfig(host.world.disk, file)
  properties.set('bootstrap.servers', options.value('bootstrap-server') ?? '')
  if (!properties.has('default.api.timeout.ms')) properties.set('default.api.timeout.ms', String(TIMEOUT_MS))
  if (!properties.has('request.timeout.ms')) properties.set('request.timeout.ms', String(TIMEOUT_MS / 2))
  await withAdmin(host, properties, (admin) => elect(admin, type, partitions, host.terminal))
  return 0
}

function checkOptions(options: ElectionOptions): void {
  const missing = (['bootstrap-server', 'election-type'] as const).filter((name) => !options.has(name))
  if (missing.length > 0) throw failure(`Missing required option(s): ${missing.join(', ')}`)
  const scopes = ['topic', 'all-topic-partitions', 'path-to-json-file'] as const
  if (scopes.filter((name) => options.has(name)).length !== 1) {
    throw failure(`One and only one of the following options is required: ${scopes.join(', ')}`)
  }
  if (options.has('topic') && !options.has('partition')) throw failure('Missing required option(s): partition')
  if (!options.has('topic') && options.has('partition')) {
    throw failure('Option partition is only allowed if topic is used')
  }
}

function electionType(text: string): ElectionType {
  const type = text.toUpperCase()
  if (type === 'PREFERRED' || type === 'UNCLEAN') return type
  throw new OptionError(`Cannot parse argument '${text}' of option election-type`)
}

/** Null: all. */
async function partitionsOf(options: ElectionOptions, { world }: ToolHost): Promise<readonly TopicPartition[] | null> {
  const path = options.value('path-to-json-file')
  if (path === null) {
    const [topic, partition] = [options.value('topic'), options.integer('partition')]
    return topic === null || partition === null ? null : [{ topic, partition }]
  }
  const json = parseJsonObject(await readText(world.disk, path))
  if (json === null) throw failure('Replica election data is empty')
  const list = objectsOf(json, 'partitions')
  if (list === null) throw failure('Replica election data is missing "partitions" field')
  const partitions = list.map((one) => ({ topic: textField(one, 'topic'), partition: integerField(one, 'partition') }))
  const twice = duplicates(partitions.map(nameOf))
  if (twice.length > 0) throw failure(`Replica election data contains duplicate partitions: [${twice.join(', ')}]`)
  return partitions
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`
}

async function elect(
  admin: AdminClient,
  type: ElectionType,
  partitions: readonly TopicPartition[] | null,
  terminal: Terminal,
): Promise<void> {
  const told = (sentence: string, cause: unknown) => {
    terminal.out(sentence)
    return new ClientError('ILLEGAL_STATE', sentence, { cause })
  }
  const outcomes = await admin.electLeaders(type, partitions).catch((error: unknown) => {
    if (error instanceof ClientError && error.code === 'TIMED_OUT')
      throw told('Timeout waiting for election results', error)
    if (isKafkaError(error, 'CLUSTER_AUTHORIZATION_FAILED')) {
      throw told('Not authorized to perform leader election', error)
    }
    throw error
  })
  const [succeeded, needless]: [string[], string[]] = [[], []]
  const failed: [string, Error][] = []
  for (const [partition, outcome] of outcomes) {
    const name = nameOf(partition)
    if (!(outcome instanceof Error)) succeeded.push(name)
    else if (isKafkaError(outcome, 'ELECTION_NOT_NEEDED')) needless.push(name)
    else failed.push([name, outcome])
  }
  if (succeeded.length > 0) {
    terminal.out(`Successfully completed leader election (${type}) for partitions ${succeeded.join(', ')}`)
  }
  if (needless.length > 0) terminal.out(`Valid replica already elected for partitions ${needless.join(', ')}`)
  for (const [name, error] of failed) {
    terminal.out(`Error completing leader election (${type}) for partition: ${name}: ${javaError(error)}`)
  }
  if (failed.length > 0) throw failure(`${failed.length} replica(s) could not be elected`)
}

/** kafka-preferred-replica-election.sh, which went with 3.0 and is still typed: preferred leaders of all partitions, or of a file's. */
export const preferredReplicaElection: Tool = async (argv, host) => {
  host.terminal.out('This tool is deprecated. Please use kafka-leader-election tool. Tracking issue: KAFKA-8405')
  const isScoped = argv.some((word) => /^--?path-to-json-file(=|$)/.test(word))
  const isAsking = argv.length === 0 || argv.some((word) => /^--?(help|version)$/.test(word))
  const scope = isScoped ? [] : ['--all-topic-partitions']
  return leaderElection(isAsking ? argv : [...argv, '--election-type', 'preferred', ...scope], host)
}
