/** kafka-broker-api-versions.sh: which versions of which APIs each broker serves. */
import { OperationalError } from '../../base/errors.ts'
import type { ResolvedClientOptions } from '../../client/client-options.ts'
import { NetworkClient } from '../../client/network-client.ts'
import { ApiVersions, type ApiVersionsResponse } from '../../protocol/generated/api-versions.ts'
import { APIS } from '../../protocol/generated/apis.ts'
import { errorOf } from '../../client/errors.ts'
import { adminOptions, clientSentence } from '../clients/admin.ts'
import { commandConfig, type Properties } from '../clients/client-properties.ts'
import { checkRequired, toolOptions } from '../options/option-checks.ts'
import { COMMAND_CONFIG, COMMON_OPTIONS, value, type OptionTable } from '../options/option-table.ts'
import { isOutside, type Tool, type ToolHost } from '../tool/tool.ts'

export const BROKER_API_VERSIONS_OPTIONS = {
  ...COMMON_OPTIONS,
  'command-config': COMMAND_CONFIG,
  'bootstrap-server': value(
    'server(s) to use for bootstrapping',
    'REQUIRED: host:port of one or more brokers, with commas.',
  ),
} satisfies OptionTable

/** What brokers say to each other and to controllers; the rest is for clients. */
const NOT_FOR_CLIENTS = new Set([4, 5, 6, 7, 52, 53, 54, 56, 58, 59, 62, 63, 67, 70, 73, 82])

export const brokerApiVersions: Tool = async (argv, host) => {
  const options = toolOptions(
    BROKER_API_VERSIONS_OPTIONS,
    argv,
    'This tool helps to retrieve broker version information.',
  )
  checkRequired(options, 'bootstrap-server')
  const properties = await commandConfig(host.world.disk, options.value('command-config'))
  properties.set('bootstrap.servers', options.value('bootstrap-server') ?? '')
  const client = new NetworkClient(host.world, await optionsOf(host, properties))
  try {
    const { nodes } = await client.ready()
    for (const { id, host: name, port, rack } of nodes.values()) {
      const node = `${name}:${port} (id: ${id} rack: ${rack} isFenced: false)`
      host.terminal.out(`${node} -> ${await versionsOf(client, id)}`)
    }
    return 0
  } finally {
    client.close()
  }
}

/** Kafka makes no Admin here, and names none where the addresses are none. */
async function optionsOf(host: ToolHost, properties: Properties): Promise<ResolvedClientOptions> {
  try {
    return await adminOptions(host, properties)
  } catch (error) {
    throw error instanceof OperationalError && error.cause instanceof OperationalError ? error.cause : error
  }
}

async function versionsOf(client: NetworkClient, id: number): Promise<string> {
  try {
    const software = { clientSoftwareName: 'klamm', clientSoftwareVersion: '1' }
    const answer = await client.request(id, ApiVersions, software)
    const error = errorOf(answer.errorCode)
    if (error !== null) throw error
    return versionsText(answer)
  } catch (error) {
    if (!isOutside(error)) throw error
    return `ERROR: ${clientSentence(error)}`
  }
}

function versionsText({ apiKeys }: ApiVersionsResponse): string {
  const lines = new Map<number, string>()
  for (const { key, name } of APIS.values()) {
    if (!NOT_FOR_CLIENTS.has(key)) lines.set(key, `${name}(${key}): UNSUPPORTED`)
  }
  for (const { apiKey, minVersion, maxVersion } of apiKeys) {
    const range = minVersion === maxVersion ? String(minVersion) : `${minVersion} to ${maxVersion}`
    const api = APIS.get(apiKey)
    if (api === undefined) {
      lines.set(apiKey, `UNKNOWN(${apiKey}): ${range}`)
      continue
    }
    const { lowestVersion, highestVersion } = api.request
    let usable = `usable: ${Math.min(highestVersion, maxVersion)}`
    if (highestVersion < minVersion) usable = 'unusable: node too new'
    else if (maxVersion < lowestVersion) usable = 'unusable: node too old'
    lines.set(apiKey, `${api.name}(${apiKey}): ${range} [${usable}]`)
  }
  const sorted = [...lines].sort(([one], [other]) => one - other).map(([, line]) => line)
  return `(\n\t${sorted.join(',\n\t')}\n)`
}
