/**
 * What a tool's client is told: Java's property names, from `--command-config` files and options, as the client's own
 * options. What the client cannot do yet is refused, not left out.
 */
import { OperationalError } from '../../base/errors.ts'
import { isInteger } from '../options/parse-options.ts'
import { parseProperties } from '../../config/properties.ts'
import type { ClientOptions } from '../../client/client-options.ts'
import type { Disk } from '../../world/world.ts'

export type Properties = Map<string, string>

/** @throws OperationalError CONFIG_INVALID */
export async function readProperties(disk: Disk, path: string): Promise<Properties> {
  const bytes = await disk.readFile(path)
  if (bytes === null) throw new OperationalError('CONFIG_INVALID', `${path}: no such file`)
  try {
    return parseProperties(bytes)
  } catch (error) {
    if (error instanceof SyntaxError) throw new OperationalError('CONFIG_INVALID', `${path}: ${error.message}`)
    throw error
  }
}

/** Empty without a file. */
export async function commandConfig(disk: Disk, path: string | null): Promise<Properties> {
  return path === null ? new Map() : await readProperties(disk, path)
}

/** `key=value` of `--command-property` and its like; a later one wins. A value may be empty, and hold equals signs. */
export function keyValues(texts: readonly string[]): Properties {
  const properties: Properties = new Map()
  for (const text of texts) {
    const equals = text.indexOf('=')
    properties.set(equals < 0 ? text : text.slice(0, equals), equals < 0 ? '' : text.slice(equals + 1))
  }
  return properties
}

const MILLISECONDS = {
  'request.timeout.ms': 'requestTimeoutMs',
  'default.api.timeout.ms': 'callTimeoutMs',
  'socket.connection.setup.timeout.ms': 'connectTimeoutMs',
  'reconnect.backoff.ms': 'reconnectBackoffMs',
  'reconnect.backoff.max.ms': 'reconnectBackoffMaxMs',
  'retry.backoff.ms': 'retryBackoffMs',
  'retry.backoff.max.ms': 'retryBackoffMaxMs',
  'metadata.max.age.ms': 'metadataMaxAgeMs',
  'metadata.recovery.rebootstrap.trigger.ms': 'rebootstrapTriggerMs',
} as const

/** What every client is told, but for its addresses. @throws OperationalError CONFIG_INVALID, NOT_SUPPORTED */
export function commonClientOptions(properties: Properties): Omit<ClientOptions, 'brokers'> {
  const protocol = properties.get('security.protocol') ?? 'PLAINTEXT'
  if (protocol.toUpperCase() !== 'PLAINTEXT') {
    throw new OperationalError(
      'NOT_SUPPORTED',
      `security.protocol=${protocol} is not supported yet, only PLAINTEXT is.`,
    )
  }
  const options: { -readonly [Key in keyof ClientOptions]?: ClientOptions[Key] } = {}
  const clientId = properties.get('client.id')
  if (clientId !== undefined && clientId !== '') options.clientId = clientId
  for (const [key, option] of Object.entries(MILLISECONDS)) {
    const text = properties.get(key)
    if (text === undefined) continue
    if (!isInteger(text.trim())) {
      const type = key === 'request.timeout.ms' || key === 'default.api.timeout.ms' ? 'INT' : 'LONG'
      throw new OperationalError(
        'CONFIG_INVALID',
        `Invalid value ${text} for configuration ${key}: Not a number of type ${type}`,
      )
    }
    options[option] = Number(text)
  }
  return options
}
