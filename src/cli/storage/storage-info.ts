/** `kafka-storage.sh info`: the log directories of a node, what they belong to, and what is wrong with them. */
import type { BrokerConfig } from '../../config/broker-config.ts'
import { readMetaProperties, type MetaProperties } from '../../storage/meta-properties.ts'
import type { Disk } from '../../world/world.ts'

/** The exit code: 1 if there is a problem. */
export async function storageInfo(disk: Disk, config: BrokerConfig, print: (line: string) => void): Promise<number> {
  const directories: string[] = []
  const problems: string[] = []
  const found: MetaProperties[] = []
  for (const directory of [...new Set([config.metadataLogDir, ...config.logDirs])].sort()) {
    const stat = await disk.stat(directory)
    if (stat === null) {
      problems.push(`${directory} does not exist`)
      continue
    }
    if (!stat.isDirectory) {
      problems.push(`${directory} is not a directory`)
      continue
    }
    directories.push(directory)
    const properties = await readMetaProperties(disk, directory)
    if (properties === null) problems.push(`${directory} is not formatted.`)
    else found.push(properties)
  }
  if (new Set(found.map((one) => one.clusterId)).size > 1) {
    problems.push('Mismatched cluster IDs between storage directories.')
  }
  if (new Set(found.map((one) => one.nodeId)).size > 1) {
    problems.push('Mismatched node IDs between storage directories.')
  }
  if (found.some((one) => one.version === 0)) {
    problems.push('A directory was written by a ZooKeeper broker, but the configuration is for KRaft mode.')
  }
  section(directories.length === 1 ? 'Found log directory:' : 'Found log directories:', directories, print)
  if (found[0]) print(`Found metadata: ${metadataText(found[0])}\n`)
  section(problems.length === 1 ? 'Found problem:' : 'Found problems:', problems, print)
  return problems.length > 0 ? 1 : 0
}

function section(title: string, lines: readonly string[], print: (line: string) => void): void {
  if (lines.length === 0) return
  print(title)
  for (const line of lines) print(`  ${line}`)
  print('')
}

/** A Java map, keys in order. */
function metadataText({ version, clusterId, nodeId, directoryId }: MetaProperties): string {
  const entries = [
    ['broker.id', version === 0 ? nodeId : null],
    ['cluster.id', clusterId],
    ['directory.id', directoryId],
    ['node.id', version === 1 ? nodeId : null],
    ['version', version],
  ]
  const texts = entries.filter(([, value]) => value !== null).map(([key, value]) => `${key}=${value}`)
  return `{${texts.join(', ')}}`
}
