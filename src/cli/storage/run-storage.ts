/** kafka-storage.sh: from a command line to what it prints and its exit code. */
import { OperationalError } from '../../base/errors.ts'
import type { BrokerConfig } from '../../config/broker-config.ts'
import { ConfigError } from '../../config/config-value.ts'
import { parseBrokerConfig } from '../../config/parse-broker-config.ts'
import { randomUuid } from '../../storage/meta-properties.ts'
import { DiskError, type World } from '../../world/world.ts'
import { readPropertiesFile } from '../server/server-file.ts'
import { parseSubcommand, UsageEnd, type Parsed } from '../terminal/subcommands.ts'
import { formatStorage } from './format-storage.ts'
import { featureDependencies, versionMapping } from './release-features.ts'
import { STORAGE_ARGUMENTS } from './storage-arguments.ts'
import { storageInfo } from './storage-info.ts'

export interface Terminal {
  readonly out: (line: string) => void
  readonly error: (line: string) => void
}

/** Resolves to the exit code. */
export async function runStorage(argv: readonly string[], world: World, terminal: Terminal): Promise<number> {
  try {
    return await run(parseSubcommand(STORAGE_ARGUMENTS, argv), world, terminal)
  } catch (error) {
    if (error instanceof UsageEnd) {
      ;(error.exitCode === 0 ? terminal.out : terminal.error)(error.message)
      return error.exitCode
    }
    const isOutside = error instanceof OperationalError || error instanceof ConfigError || error instanceof DiskError
    if (!isOutside) throw error
    terminal.error(error.message)
    return 1
  }
}

async function run(args: Parsed, world: World, terminal: Terminal): Promise<number> {
  switch (args.command) {
    case 'info':
      return await storageInfo(world.disk, configOf(args), terminal.out)
    case 'format':
      await formatStorage(world, configOf(args), args, terminal.out)
      return 0
    case 'version-mapping':
      terminal.out(versionMapping(args.value('release-version')))
      return 0
    case 'feature-dependencies':
      terminal.out(featureDependencies(args.values('feature')))
      return 0
    default:
      terminal.out(randomUuid(world.random))
      return 0
  }
}

function configOf(args: Parsed): BrokerConfig {
  return parseBrokerConfig(readPropertiesFile(args.value('config') ?? '')).config
}
