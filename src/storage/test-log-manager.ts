/** Set-up that tests of the log manager share: one over some directories, with settings that nothing comes in the way of. */
import { SILENT } from '../base/logger.ts'
import { DEFAULT_LOG_CONFIG } from '../config/log-config.ts'
import type { World } from '../world/world.ts'
import { openLogDirectories } from './log-directories.ts'
import { DEFAULT_MAINTENANCE_INTERVALS } from './log-maintenance.ts'
import { LogManager, type LogManagerOptions } from './log-manager.ts'
import { unlimitedMoves } from './log-moves.ts'

export async function openTestManager(
  { disk, clock, random }: Pick<World, 'disk' | 'clock' | 'random'>,
  paths: readonly string[],
  change: Partial<LogManagerOptions> = {},
): Promise<LogManager> {
  const logger = change.logger ?? SILENT
  const identity = { metadataPath: null, clusterId: 'c', nodeId: 1 }
  return LogManager.load({
    disk,
    clock,
    random,
    logger,
    directories: await openLogDirectories({ disk, clock, random, logger, paths, ...identity }),
    defaultConfig: DEFAULT_LOG_CONFIG,
    topicConfigs: new Map(),
    producerIdExpirationMs: 86_400_000,
    tailCache: null,
    intervals: DEFAULT_MAINTENANCE_INTERVALS,
    inFlightMax: 4,
    isKnown: () => true,
    assignedDirectory: () => null,
    moveLimits: unlimitedMoves(clock),
    ...change,
  })
}
