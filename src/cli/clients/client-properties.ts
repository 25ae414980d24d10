/**
 * What a tool's client is told: Java's property names, from `--command-config` files and options, as the client's own
 * options.
 */
import { OperationalError } from '../../base/errors.ts'
import { isInteger } from '../options/parse-options.ts'
import { parseProperties } from '../../config/properties.ts'
import type { ClientOptions } from '../../client/client-options.ts'
import { ClientError } from '../../client/errors.ts'
import { optionsFromJavaProperties } from '../../client/java-properties.ts'
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

/** Java says of which type a number is; whoever reads them later says less. */
const NUMBERS = {
  'request.timeout.ms': 'INT',
  'default.api.timeout.ms': 'INT',
  'socket.connection.setup.timeout.ms': 'LONG',
  'reconnect.backoff.ms': 'LONG',
  'reconnect.backoff.max.ms': 'LONG',
  'retry.backoff.ms': 'LONG',
  'retry.backoff.max.ms': 'LONG',
  'metadata.max.age.ms': 'LONG',
} as const

/** What every client is told, but for its addresses. @throws OperationalError CONFIG_INVALID */
export async function commonClientOptions(
  disk: Disk,
  properties: Properties,
): Promise<Omit<Partial<ClientOptions>, 'brokers' | 'controllers'>> {
  const told = Object.fromEntries(properties)
  delete told['bootstrap.servers']
  delete told['bootstrap.controllers']
  for (const [key, type] of Object.entries(NUMBERS)) {
    const text = told[key]
    if (text === undefined || isInteger(text.trim())) continue
    throw invalid(`Invalid value ${text} for configuration ${key}: Not a number of type ${type}`)
  }
  try {
    return (await optionsFromJavaProperties(told, (path) => disk.readFile(path))).options
  } catch (error) {
    if (error instanceof ClientError) throw invalid(error.message)
    throw error
  }
}

function invalid(sentence: string): OperationalError {
  return new OperationalError('CONFIG_INVALID', sentence)
}
