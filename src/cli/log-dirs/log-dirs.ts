/** kafka-log-dirs.sh: what lies in the log directories of brokers, as JSON. */
import type { LogDirs } from '../../client/admin/log-dirs.ts'
import { withAdmin } from '../clients/admin.ts'
import { commandConfig } from '../clients/client-properties.ts'
import { checkRequired, toolOptions } from '../options/option-checks.ts'
import { COMMON_OPTIONS, flag, value, type OptionTable } from '../options/option-table.ts'
import { isInteger } from '../options/parse-options.ts'
import { javaClass } from '../text/java-exceptions.ts'
import { failure } from '../tool/tool-exit.ts'
import type { Tool } from '../tool/tool.ts'

export const LOG_DIRS_OPTIONS = {
  ...COMMON_OPTIONS,
  'bootstrap-server': value(
    'The server(s) to use for bootstrapping',
    'REQUIRED: host:port of one or more brokers, with commas.',
  ),
  'command-config': value('Admin client property file', 'Properties file for the client that the tool makes.'),
  describe: flag('Show the directories.'),
  'topic-list': value('Topic list', 'Only these topics, with commas.', { defaultValue: '' }),
  'broker-list': value('Broker list', 'Only these brokers, with commas.', { defaultValue: '' }),
} satisfies OptionTable

const ABOUT = 'This tool helps to query log directory usage on the specified brokers.'

export const logDirs: Tool = async (argv, host) => {
  const options = toolOptions(LOG_DIRS_OPTIONS, argv, ABOUT)
  checkRequired(options, 'bootstrap-server', 'describe')
  const listed = (text: string | null) => (text ?? '').split(',').filter((one) => one !== '')
  const topics = new Set(listed(options.value('topic-list')))
  const wanted = listed(options.value('broker-list')).map((id) => {
    if (!isInteger(id)) throw failure(`For input string: "${id}"`)
    return Number(id)
  })
  const properties = await commandConfig(host.world.disk, options.value('command-config'))
  properties.set('bootstrap.servers', options.value('bootstrap-server') ?? '')
  const { terminal } = host
  await withAdmin(host, properties, async (admin) => {
    const known = (await admin.describeCluster()).nodes.map(({ id }) => id)
    const missing = wanted.filter((id) => !known.includes(id))
    if (missing.length > 0) {
      throw failure(
        `ERROR: The given brokers do not exist from --broker-list: ${missing.join(',')}. ` +
          `Current existent brokers: ${known.join(',')}`,
      )
    }
    const brokers = (wanted.length === 0 ? known : [...new Set(wanted)]).sort((one, other) => one - other)
    terminal.out('Querying brokers for log directories information')
    const described = (await admin.describeLogDirs(brokers)).all()
    terminal.out(`Received log directory information from brokers ${brokers.join(',')}`)
    const shown = [...described].map(([broker, directories]) => ({
      broker,
      logDirs: directoriesOf(directories, topics),
    }))
    terminal.out(JSON.stringify({ brokers: shown, version: 1 }))
  })
  return 0
}

function directoriesOf(directories: LogDirs, topics: ReadonlySet<string>) {
  return [...directories].map(([logDir, outcome]) => {
    if (outcome instanceof Error) return { partitions: [], error: javaClass(outcome), logDir }
    const partitions = outcome.replicas
      .filter(({ topic }) => topics.size === 0 || topics.has(topic))
      .map(({ topic, partition, size, offsetLag, isFuture }) => ({
        partition: `${topic}-${partition}`,
        size,
        offsetLag,
        isFuture,
      }))
      .sort((one, other) => (one.partition < other.partition ? -1 : 1))
    return { partitions, error: null, logDir }
  })
}
