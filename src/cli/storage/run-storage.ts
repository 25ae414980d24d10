/** kafka-storage.sh: from a command line to what it prints and its exit code. */
import type { BrokerConfig } from '../../config/broker-config.ts'
import { parseBrokerConfig } from '../../config/parse-broker-config.ts'
import { randomUuid } from '../../storage/meta-properties.ts'
import { parseArguments, type Arguments } from '../options/parse-arguments.ts'
import { readPropertiesFile } from '../server/server-file.ts'
import type { Tool } from '../tool/tool.ts'
import { formatStorage } from './format-storage.ts'
import { featureDependencies, versionMapping } from './release-features.ts'
import { STORAGE_ARGUMENTS } from './storage-arguments.ts'
import { storageInfo } from './storage-info.ts'

export const storage: Tool = async (argv, { world, terminal }) => {
  const args = parseArguments(STORAGE_ARGUMENTS, argv)
  const print = (line: string) => terminal.out(line)
  switch (args.command) {
    case 'info':
      return await storageInfo(world.disk, configOf(args), print)
    case 'format':
      await formatStorage(world, configOf(args), args, print)
      return 0
    case 'version-mapping':
      print(versionMapping(args.value('release-version')))
      return 0
    case 'feature-dependencies':
      print(featureDependencies(args.values('feature')))
      return 0
    default:
      print(randomUuid(world.random))
      return 0
  }
}

function configOf(args: Arguments): BrokerConfig {
  return parseBrokerConfig(readPropertiesFile(args.value('config') ?? '')).config
}
