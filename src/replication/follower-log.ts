/**
 * How a follower's log becomes a copy of its leader's: what is cut off, by leader epochs (KIP-101, KIP-279, KIP-595), and what
 * is appended. Every change is told to the partition; who calls sees to it that one change of a log ends before the next begins.
 */
import type { Logger } from '../base/logger.ts'
import type { Retainable } from '../base/retainable.ts'
import { BATCH_HEADER_BYTES, baseOffset } from '../records/batch.ts'
import { entryLastOffset } from '../records/batches.ts'
import type { LogManager } from '../storage/log-manager.ts'
import type { EpochEnd } from '../storage/log-surface.ts'
import type { PartitionLog } from '../storage/partition-log.ts'
import type { Partition } from './partition.ts'

const UNKNOWN_OFFSET = -1
const UNKNOWN_EPOCH = -1

/** The part of LogManager that cuts a log while it may be on its way to another directory. */
export type LogCutter = Pick<LogManager, 'cut'>

/**
 * Where the logs of leader and follower part, as far as the leader's answer tells: it says where the largest epoch of its
 * own that is not above the follower's last one ends. Another answer, about a lower epoch, may have to follow.
 */
export function divergencePoint(log: PartitionLog, leader: EpochEnd): number {
  const end = log.writtenEnd
  if (leader.endOffset === UNKNOWN_OFFSET) return Math.min(log.highWatermark, end)
  if (leader.epoch === UNKNOWN_EPOCH) return Math.min(leader.endOffset, end)
  const own = log.endOffsetForEpoch(leader.epoch)
  if (own.endOffset === UNKNOWN_OFFSET) return Math.min(leader.endOffset, end)
  // The leader has an epoch that this log has not: only what is below both ends can be shared.
  if (own.epoch !== leader.epoch) return Math.min(own.endOffset, end)
  return Math.min(own.endOffset, leader.endOffset, end)
}

export class FollowerLog {
  readonly #logs: LogCutter
  readonly #logger: Logger

  constructor(logs: LogCutter, logger: Logger) {
    this.#logs = logs
    this.#logger = logger
  }

  /**
   * Ends what a leader or another follower's epoch left under way. A log without epochs, of old formats, can't tell where it
   * parts from the leader's: all above the high watermark goes.
   */
  async prepare(partition: Partition, log: PartitionLog): Promise<void> {
    await log.settled()
    if (log.latestEpoch < 0 && log.writtenEnd > log.highWatermark) await this.cutTo(partition, log.highWatermark)
  }

  cutTo(partition: Partition, offset: number): Promise<void> {
    return this.#cut(partition, async (log) => {
      if (offset < log.highWatermark) {
        this.#logger.warn(`Truncating ${partition.name} to offset ${offset} below high watermark ${log.highWatermark}`)
      }
      await log.truncateTo(offset)
    })
  }

  /** Everything goes, and the log goes on at `offset`. */
  startAnewAt(partition: Partition, offset: number): Promise<void> {
    return this.#cut(partition, (log) => log.truncateFullyAndStartAt(offset))
  }

  /** Appended and written when it resolves. @throws see PartitionLog.appendAsFollower. */
  async append(
    partition: Partition,
    log: PartitionLog,
    records: Buffer,
    memory: Retainable | null,
    leader: { readonly epoch: number; readonly startOffset: number },
  ): Promise<void> {
    let at = log
    const hasNothing = Math.max(log.startOffset, leader.startOffset) >= log.assignedEnd
    if (hasNothing && beginsInside(records, log.assignedEnd)) {
      // The leader's log starts inside of its first batch, which is sent whole. What is here is deleted there.
      await this.startAnewAt(partition, baseOffset(records, 0))
      at = partition.followedLog(leader.epoch) ?? log
    }
    try {
      await at.appendAsFollower(records, leader.epoch, memory)?.written
    } catch (error) {
      // What was in front of the batch that can't be appended may still be on its way.
      await at.settled()
      throw error
    }
  }

  /** What the leader says of its own log, once all that came with it is written here. */
  learn(
    partition: Partition,
    log: PartitionLog,
    leader: { readonly highWatermark: number; readonly startOffset: number },
  ): void {
    partition.raiseHighWatermark(log, leader.highWatermark)
    if (leader.startOffset > log.startOffset) log.deleteRecordsBefore(Math.min(leader.startOffset, log.highWatermark))
  }

  async #cut(partition: Partition, change: (log: PartitionLog) => Promise<void>): Promise<void> {
    await this.#logs.cut(partition.topic, partition.index, async (log) => {
      await change(log)
      partition.wasCut(log)
    })
  }
}

function beginsInside(records: Buffer, offset: number): boolean {
  // A message of an older format that is shorter holds one offset only.
  if (records.length < BATCH_HEADER_BYTES || baseOffset(records, 0) >= offset) return false
  return entryLastOffset(records, 0) >= offset
}
