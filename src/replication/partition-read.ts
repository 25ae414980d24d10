/**
 * One partition's part of a fetch: who may read here, how far, and what the answer says beside the records. What a replica asks
 * for tells how far it is, unless it has to cut its log first; one that is not in sync gets no records over the leader's throttle.
 */
import { KafkaError, OperationalError } from '../base/errors.ts'
import type { AbortedTransaction, LogRead } from '../storage/log-surface.ts'
import type { PartitionLog } from '../storage/partition-log.ts'
import { DiskError } from '../world/world.ts'
import type { Reach } from './partition-readers.ts'
import type { Partition } from './partition.ts'
import type { ReplicationQuota } from './replication-quota.ts'

export interface FetchTarget {
  /** Null: not hosted here, for the reason in `error`. */
  readonly partition: Partition | null
  readonly error: KafkaError | null
  readonly fetchOffset: number
  readonly maxBytes: number
  readonly currentLeaderEpoch: number
  /** -1: not told. */
  readonly lastFetchedEpoch: number
  /** Where the log of a replica that fetches begins; -1: not told. */
  readonly logStartOffset: number
}

export interface FetchLimits {
  readonly maxWaitMs: number
  readonly minBytes: number
  readonly maxBytes: number
  readonly reach: Reach
  /** The broker that replicates; -1: a consumer. */
  readonly replicaId: number
  readonly replicaEpoch: number
  /** Holds back what is read for replicas; null: for a consumer. */
  readonly quota: ReplicationQuota | null
  /** Only from the leader; else from any replica (KIP-392). */
  readonly leaderOnly: boolean
  /** The broker that a consumer should rather read from; null: here. */
  readonly choose: ((partition: Partition, fetchOffset: number) => number | null) | null
  /** Fetch v3 and later: the first batch is returned even if it is larger than every limit. */
  readonly minOneBatch: boolean
}

export interface FetchResult {
  readonly error: KafkaError | null
  readonly highWatermark: number
  readonly lastStableOffset: number
  readonly logStartOffset: number
  /** Read from there instead (KIP-392); -1: no such advice. */
  readonly preferredReplica: number
  /** Where the log ended. */
  readonly writtenEnd: number
  /** Null where the request's isolation does not ask for it. */
  readonly abortedTransactions: readonly AbortedTransaction[] | null
  readonly divergingEpoch: { readonly epoch: number; readonly endOffset: number } | null
  readonly pieces: readonly Buffer[]
  readonly bytes: number
  /** Gives the pieces' memory back; call once, after they were sent. */
  readonly release: (() => void) | null
}

const NOTHING: readonly Buffer[] = []

function failure(error: KafkaError): FetchResult {
  return {
    error,
    highWatermark: -1,
    lastStableOffset: -1,
    logStartOffset: -1,
    preferredReplica: -1,
    writtenEnd: -1,
    abortedTransactions: null,
    divergingEpoch: null,
    pieces: NOTHING,
    bytes: 0,
    release: null,
  }
}

/** At once where the tail cache has it. `isFirst`: not read anew after waiting. */
export function readPartition(
  target: FetchTarget,
  maxBytes: number,
  minOneBatch: boolean,
  limits: FetchLimits,
  isFirst: boolean,
): FetchResult | Promise<FetchResult> {
  const { partition } = target
  if (partition === null) {
    return failure(target.error ?? new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', 'the partition is not hosted here'))
  }
  try {
    // Here every negative epoch is none, unlike in other requests.
    const epoch = Math.max(target.currentLeaderEpoch, -1)
    const log = limits.leaderOnly ? partition.leaderLog(epoch) : partition.localLog(epoch)
    if (limits.replicaId >= 0) partition.checkReplica(limits.replicaId, epoch)
    const divergingEpoch = divergence(target, log)
    // What the replica has moves the high watermark before it waits, and only once: a later read is of the same fetch.
    if (limits.replicaId >= 0 && isFirst && divergingEpoch === null) noteProgress(partition, log, target, limits)
    const { writtenEnd } = log
    const preferredReplica = limits.choose?.(partition, target.fetchOffset) ?? -1
    const finish = (read: LogRead | null): FetchResult | Promise<FetchResult> => {
      const done = (abortedTransactions: readonly AbortedTransaction[] | null): FetchResult => ({
        error: null,
        highWatermark: log.highWatermark,
        lastStableOffset: log.lastStableOffset,
        logStartOffset: log.startOffset,
        preferredReplica,
        writtenEnd,
        abortedTransactions,
        divergingEpoch,
        pieces: read?.pieces ?? NOTHING,
        bytes: read?.bytes ?? 0,
        release: read === null ? null : () => read.release(),
      })
      // Nothing is read behind a divergence, and nothing said of what was aborted.
      if (limits.reach !== 'stable' || read === null) return done(null)
      // Of a first batch that is too large for the limit nothing is said either.
      const isTooLarge = maxBytes > 0 && target.fetchOffset < log.lastStableOffset
      if (read.bytes === 0) return done(isTooLarge ? null : [])
      const refused = (error: unknown): FetchResult => {
        read.release()
        return failed(error)
      }
      try {
        const aborted = log.abortedTransactions(target.fetchOffset, read.nextOffset)
        return aborted instanceof Promise ? aborted.then(done, refused) : done(aborted)
      } catch (error) {
        return refused(error)
      }
    }
    if (divergingEpoch !== null || preferredReplica >= 0) return finish(null)
    // An offset that is out of range is refused all the same.
    const isHeld = isHeldBack(partition, limits)
    const read = partition.read(log, target.fetchOffset, limits.reach, isHeld ? 0 : maxBytes, minOneBatch && !isHeld)
    return read instanceof Promise ? read.then(finish).catch(failed) : finish(read)
  } catch (error) {
    return failed(error)
  }
}

/** A replica that is not in sync gets no records of it now. */
export function isHeldBack(partition: Partition, { quota, replicaId }: FetchLimits): boolean {
  return quota !== null && !partition.assignment.isr.includes(replicaId) && quota.holdsBack(partition)
}

function noteProgress(
  partition: Partition,
  log: PartitionLog,
  { fetchOffset, logStartOffset }: FetchTarget,
  { replicaId, replicaEpoch }: FetchLimits,
): void {
  // The read refuses what is out of range.
  if (fetchOffset < log.startOffset || fetchOffset > log.writtenEnd) return
  partition.replicaFetched(log, { replicaId, brokerEpoch: replicaEpoch, offset: fetchOffset, logStartOffset })
}

/** What the follower's (or consumer's) last epoch says about a truncation it missed (KIP-320). */
function divergence(target: FetchTarget, log: PartitionLog): FetchResult['divergingEpoch'] {
  if (target.lastFetchedEpoch < 0) return null
  const end = log.endOffsetForEpoch(target.lastFetchedEpoch)
  if (end.epoch < 0 || end.endOffset < 0) {
    throw new KafkaError('OFFSET_OUT_OF_RANGE', `epoch ${target.lastFetchedEpoch} is unknown to the leader`)
  }
  return end.epoch < target.lastFetchedEpoch || end.endOffset < target.fetchOffset ? end : null
}

/** A disk that can't be read fails the partition, not what else was asked for. */
function failed(error: unknown): FetchResult {
  if (error instanceof KafkaError) return failure(error)
  if (error instanceof DiskError || error instanceof OperationalError) {
    return failure(new KafkaError('KAFKA_STORAGE_ERROR', error.message))
  }
  throw error
}
