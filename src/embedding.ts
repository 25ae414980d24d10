/** What `startBroker` and `startCluster` share: settings made of properties, and errors of one sentence. */
import { OperationalError } from './base/errors.ts'
import { likelyMeant } from './base/likely-meant.ts'
import { SILENT, type Logger } from './base/logger.ts'
import type { BrokerConfig } from './config/broker-config.ts'
import { ConfigError } from './config/config-value.ts'
import { parseBrokerConfig } from './config/parse-broker-config.ts'
import { memoryDisk } from './world/memory-disk.ts'
import { nodeWorld } from './world/node/index.ts'
import { DiskError, type World } from './world/world.ts'

/** undefined leaves the default. */
export type PropertyValue = string | number | boolean | readonly string[] | undefined

/** What stands for a directory while data is in memory. */
export const MEMORY_DIRECTORY = '/klamm'

/** @param logger of the caller; without one, concerns are warnings of the process. @throws ConfigError, OperationalError */
export function embeddedConfig(properties: ReadonlyMap<string, string>, logger: Logger | undefined): BrokerConfig {
  const { config, refused, unsupported, warnings } = parseBrokerConfig(properties)
  if (refused.length > 0) throw new OperationalError('NOT_SUPPORTED', refused.join('; '))
  const concerns = [...warnings]
  if (unsupported.length > 0) concerns.push(`Not supported yet and without effect: ${unsupported.join(', ')}`)
  for (const concern of concerns) {
    if (logger === undefined) process.emitWarning(concern, 'KlammWarning')
    else logger.warn(concern)
  }
  return config
}

/** @param inMemory a disk of its own, that is gone with the world. */
export function embeddedWorld(world: World | undefined, inMemory: boolean): World {
  const real = world ?? nodeWorld()
  return inMemory && world === undefined ? { ...real, disk: memoryDisk(real.clock) } : real
}

/** Runs what starts something: whatever is wrong outside becomes an OperationalError. */
export async function starting<Started>(
  start: (logger: Logger) => Promise<Started>,
  logger = SILENT,
): Promise<Started> {
  try {
    return await start(logger)
  } catch (error) {
    if (error instanceof ConfigError) throw new OperationalError('CONFIG_INVALID', error.message, { cause: error })
    if (error instanceof DiskError) throw new OperationalError('DISK_FAILED', error.message, { cause: error })
    throw error
  }
}

/**
 * Refuses names that are no options: whoever writes `prot: 1` means something by it. @param names all there are, and whether
 * users are told of them. @throws OperationalError CONFIG_INVALID
 */
export function checkOptionNames<Options extends object>(
  options: Options,
  names: Readonly<Record<keyof Options & string, 'public' | 'internal'>>,
): void {
  const name = Object.keys(options).find((key) => !Object.hasOwn(names, key))
  if (name === undefined) return
  const known = Object.entries(names).flatMap(([key, access]) => (access === 'public' ? [key] : []))
  const [meant] = likelyMeant(name, known)
  const hint = name.includes('.')
    ? 'settings of server.properties stand in config'
    : meant === undefined
      ? `there are ${known.join(', ')}`
      : `did you mean ${meant}?`
  throw new OperationalError('CONFIG_INVALID', `There is no option ${name}: ${hint}${hint.endsWith('?') ? '' : '.'}`)
}

/** @throws OperationalError CONFIG_INVALID for a path that log.dirs can't name. */
export function checkDirectory(directory: string): void {
  if (/^[^,\s]([^,]*[^,\s])?$/.test(directory)) return
  throw new OperationalError(
    'CONFIG_INVALID',
    `The directory '${directory}' can't be used: its path is empty, holds a comma, or begins or ends with a space.`,
  )
}
