/**
 * A node that is started on empty directories formats them itself: a new cluster of one, named in one log line.
 *
 * Only if none of them holds anything: a directory with logs but without meta.properties is a mistake that must be looked at,
 * and is refused where directories are opened.
 */
import type { Logger } from '../base/logger.ts'
import type { Uuid } from '../base/uuid.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import { bootstrapValues } from '../metadata/bootstrap.ts'
import { METADATA_VERSION_LATEST, newClusterFeatures } from '../metadata/features.ts'
import { formatDirectory } from '../quorum/format.ts'
import { KRAFT_VERSIONS, type Voter } from '../raft/voters.ts'
import { randomUuid } from '../storage/meta-properties.ts'
import type { World } from '../world/world.ts'

/** What an empty volume may hold. */
const NOTHING: ReadonlySet<string> = new Set(['.lock', 'lost+found'])

export async function formatIfEmpty(world: World, config: BrokerConfig, logger: Logger): Promise<void> {
  // A broker alone belongs to a cluster that exists: only its operator knows which.
  if (!config.processRoles.has('controller')) return
  const directories = [...new Set([config.metadataLogDir, ...config.logDirs])]
  for (const directory of directories) if (!(await isEmpty(world, directory))) return
  const clusterId = randomUuid(world.random)
  const values = bootstrapValues(METADATA_VERSION_LATEST, newClusterFeatures(METADATA_VERSION_LATEST))
  for (const directory of directories) {
    const directoryId = randomUuid(world.random)
    const votes = directory === config.metadataLogDir && config.quorumVoters.length === 0
    await formatDirectory({
      ...world,
      directory,
      clusterId,
      nodeId: config.nodeId,
      directoryId,
      bootstrapValues: values,
      voters: votes ? [voterOf(config, directoryId)] : null,
    })
  }
  logger.info(`Formatted ${directories.join(', ')} as node ${config.nodeId} of the new cluster ${clusterId}`)
}

function voterOf(config: BrokerConfig, directoryId: Uuid): Voter {
  const endpoints = config.controllerListeners.map(({ name, host, port }) => ({
    name,
    host: host || 'localhost',
    port,
  }))
  return { id: config.nodeId, directoryId, endpoints, kraftVersions: KRAFT_VERSIONS }
}

async function isEmpty(world: World, directory: string): Promise<boolean> {
  const entries = (await world.disk.list(directory)) ?? []
  return entries.every(({ name }) => NOTHING.has(name))
}
