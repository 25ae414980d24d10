/** What the command lines of the verifiable tools have in common. */
import { readProperties, type Properties } from '../clients/client-properties.ts'
import { argument, type ArgumentTable, type GroupSpec } from '../options/argument-table.ts'
import { argumentRefusal, type Arguments } from '../options/parse-arguments.ts'
import { isOutside, sentenceOf, type ToolHost } from '../tool/tool.ts'

export const CONNECTION_GROUP: Readonly<Record<string, GroupSpec>> = {
  connection: {
    exclusive: true,
    required: true,
    title: 'Connection Group',
    description: 'Group of arguments for connection to brokers',
  },
}

export const BOOTSTRAP_ARGUMENT = argument('--bootstrap-server', 'host:port of one or more brokers, with commas.', {
  metavar: 'HOST1:PORT1[,HOST2:PORT2[...]]',
  group: 'connection',
})

export const COMMAND_CONFIG_ARGUMENT = argument(
  '--command-config',
  'Properties file for the client that the tool makes.',
  {
    metavar: 'CONFIG-FILE',
  },
)

export function oldConfigArgument(name: string) {
  return argument(name, 'Old name of --command-config.', { metavar: 'CONFIG-FILE' })
}

/**
 * The properties of the file that was given, under either name. Rejects with ToolExit.
 * @param old without dashes; null if the tool has no other name.
 */
export async function fileProperties(
  table: ArgumentTable,
  found: Arguments,
  old: string | null,
  { terminal, world }: ToolHost,
): Promise<Properties> {
  const isOld = old !== null && found.has(old)
  if (isOld && found.has('command-config')) {
    throw argumentRefusal(table, `Options --${old} and --command-config are mutually exclusive.`)
  }
  if (isOld) {
    terminal.out(
      `Option --${old} has been deprecated and will be removed in a future version. Use --command-config instead.`,
    )
  }
  const path = found.value(isOld ? old : 'command-config')
  if (path === null) return new Map()
  try {
    return await readProperties(world.disk, path)
  } catch (error) {
    if (!isOutside(error)) throw error
    throw argumentRefusal(table, sentenceOf(error).replace(/: no such file$/, ''))
  }
}
