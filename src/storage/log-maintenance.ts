/**
 * The periodic work on all logs of a node, with Kafka's intervals: checkpoints, retention, flushes by time, and
 * forgetting idle producers. An error on one log is that log's: its directory goes offline, the others are still served.
 */
import type { Logger } from '../base/logger.ts'
import type { Clock } from '../world/world.ts'
import type { CheckpointKind } from './log-directory.ts'
import type { LogReplica, LogReplicas } from './log-replicas.ts'
import { PeriodicTasks } from './periodic-task.ts'

export interface MaintenanceIntervals {
  /** log.flush.offset.checkpoint.interval.ms */
  readonly recoveryPointCheckpointMs: number
  /** log.flush.start.offset.checkpoint.interval.ms */
  readonly logStartCheckpointMs: number
  /** replica.high.watermark.checkpoint.interval.ms */
  readonly highWatermarkCheckpointMs: number
  /** log.retention.check.interval.ms */
  readonly retentionCheckMs: number
  /** log.flush.scheduler.interval.ms */
  readonly flushSchedulerMs: number
  /** producer.id.expiration.check.interval.ms */
  readonly producerExpirationCheckMs: number
  /** log.initial.task.delay.ms: a node that just started has better things to do than to delete old segments. */
  readonly initialDelayMs: number
}

/** Kafka's defaults. */
export const DEFAULT_MAINTENANCE_INTERVALS: MaintenanceIntervals = {
  recoveryPointCheckpointMs: 60_000,
  logStartCheckpointMs: 60_000,
  highWatermarkCheckpointMs: 5_000,
  retentionCheckMs: 300_000,
  flushSchedulerMs: Number.MAX_SAFE_INTEGER,
  producerExpirationCheckMs: 600_000,
  initialDelayMs: 30_000,
}

export interface Maintained {
  readonly clock: Clock
  readonly logger: Logger
  readonly replicas: LogReplicas
  writeCheckpoints(kind: CheckpointKind): Promise<void>
  /** An error while working on a log. */
  failed(replica: LogReplica, error: unknown): void
}

export function startMaintenance(maintained: Maintained, intervals: MaintenanceIntervals): PeriodicTasks {
  const { clock, logger, replicas } = maintained
  const tasks = new PeriodicTasks(clock)
  const each = async (work: (replica: LogReplica) => Promise<unknown>): Promise<void> => {
    for (const replica of [...replicas.all()]) {
      if (replica.directory.isOffline) continue
      try {
        await work(replica)
      } catch (error) {
        maintained.failed(replica, error)
      }
    }
  }
  const checkpoint = (kind: CheckpointKind, everyMs: number, firstMs: number): void => {
    tasks.start({ firstMs, everyMs, run: () => maintained.writeCheckpoints(kind) })
  }
  checkpoint('recoveryPoint', intervals.recoveryPointCheckpointMs, intervals.initialDelayMs)
  checkpoint('logStart', intervals.logStartCheckpointMs, intervals.initialDelayMs)
  checkpoint('highWatermark', intervals.highWatermarkCheckpointMs, intervals.highWatermarkCheckpointMs)
  tasks.start({
    firstMs: intervals.initialDelayMs,
    everyMs: intervals.retentionCheckMs,
    run: async () => {
      const startedMs = clock.monotonicMs()
      let deleted = 0
      await each(async ({ log }) => {
        deleted += await log.deleteOldSegments(clock.wallMs())
      })
      const seconds = Math.round((clock.monotonicMs() - startedMs) / 1000)
      logger.debug(`Log cleanup completed. ${deleted} files deleted in ${seconds} seconds`)
    },
  })
  tasks.start({
    firstMs: intervals.initialDelayMs,
    everyMs: intervals.flushSchedulerMs,
    run: () =>
      each(async ({ log }) => {
        if (clock.monotonicMs() - log.lastFlushMs >= log.config.flushMs) await log.flush()
      }),
  })
  tasks.start({
    firstMs: intervals.producerExpirationCheckMs,
    everyMs: intervals.producerExpirationCheckMs,
    run: () => each(async ({ log }) => log.removeExpiredProducers(clock.wallMs())),
  })
  return tasks
}
