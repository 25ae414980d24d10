/**
 * Reads for one Fetch request: partitions in the request's order, within its byte limits, waiting if it may.
 *
 * Partitions that have to be read from files are read some at a time (read-ahead.ts).
 * The first partition that has data gives at least its first batch, however large; later ones give nothing once the total is
 * used. An error, or enough bytes, answers at once; else the fetch waits and then reads anew: what it held before is given back.
 */
import { KafkaError, OperationalError } from '../base/errors.ts'
import type { AbortedTransaction, LogRead } from '../storage/log-surface.ts'
import type { PartitionLog } from '../storage/partition-log.ts'
import { nextTurn } from '../world/next-turn.ts'
import { DiskError, type Clock } from '../world/world.ts'
import { DelayedFetch } from './delayed-fetch.ts'
import type { Reach } from './partition-readers.ts'
import type { Partition } from './partition.ts'
import { ReadAhead, type StartRead } from './read-ahead.ts'
import type { ReadBudget } from './read-budget.ts'

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
/** What one read of a file takes at most, whatever was asked for; only a single larger batch takes more. */
const FILE_READ_BYTES_MAX = 1 << 20
/** Read in one turn of the loop. */
const SLICE_TARGETS = 1000

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

/** Results stand in the order of `targets`; none if the fetch was cancelled while it waited. */
export async function fetchRecords(
  clock: Clock,
  targets: readonly FetchTarget[],
  limits: FetchLimits,
  fileReads: ReadBudget,
  onWaiting: (waiting: DelayedFetch) => void,
): Promise<FetchResult[]> {
  const deadlineMs = clock.monotonicMs() + limits.maxWaitMs
  for (let isFirst = true; ; isFirst = false) {
    const results = await readOnce(clock, targets, limits, fileReads, isFirst)
    let bytes = 0
    let urgent = limits.maxWaitMs <= 0 || targets.every(isAbsent)
    for (const [at, result] of results.entries()) {
      bytes += result.bytes
      if ((result.error !== null && !isAbsent(targets[at]!)) || result.divergingEpoch !== null) urgent = true
      if (result.preferredReplica >= 0) urgent = true
    }
    if (urgent || bytes >= limits.minBytes || clock.monotonicMs() >= deadlineMs) return results
    for (const result of results) result.release?.()
    // What became readable while a cold read was under way wakes nobody: look again instead of waiting.
    if (results.some((result, at) => hasMoved(targets[at]!, result, limits.reach))) continue
    const missingBytes = limits.minBytes - bytes
    const wanted = await waitForBytes(clock, deadlineMs, targets, missingBytes, limits.reach, onWaiting)
    if (!wanted) return []
  }
}

/** What the cluster does not know. The answer says so when it comes, and comes no sooner for it. */
function isAbsent({ partition, error }: FetchTarget): boolean {
  if (partition !== null) return false
  return error === null || error.code === 'UNKNOWN_TOPIC_OR_PARTITION' || error.code === 'UNKNOWN_TOPIC_ID'
}

function hasMoved({ partition }: FetchTarget, result: FetchResult, reach: Reach): boolean {
  const log = partition?.log ?? null
  if (log === null) return false
  if (reach === 'log end') return log.writtenEnd !== result.writtenEnd
  return log.highWatermark !== result.highWatermark || log.lastStableOffset !== result.lastStableOffset
}

function waitForBytes(
  clock: Clock,
  deadlineMs: number,
  targets: readonly FetchTarget[],
  missingBytes: number,
  reach: Reach,
  onWaiting: (waiting: DelayedFetch) => void,
): Promise<boolean> {
  const partitions = targets.flatMap(({ partition }) => (partition === null ? [] : [partition]))
  return new Promise((resolve) =>
    onWaiting(new DelayedFetch(clock, deadlineMs, partitions, missingBytes, reach, resolve)),
  )
}

async function readOnce(
  clock: Clock,
  targets: readonly FetchTarget[],
  limits: FetchLimits,
  fileReads: ReadBudget,
  isFirst: boolean,
): Promise<FetchResult[]> {
  const results: FetchResult[] = []
  let left = limits.maxBytes
  let minOneBatch = limits.minOneBatch
  let holding = false
  const ahead = new ReadAhead(targets.length, (index, rest) =>
    readAhead(targets[index]!, rest, limits, fileReads, isFirst),
  )
  try {
    for (const [index, target] of targets.entries()) {
      if (results.length > 0 && results.length % SLICE_TARGETS === 0) await nextTurn(clock)
      let maxBytes = Math.min(left, target.maxBytes)
      let result: FetchResult | null = null
      if (ahead.has(index)) {
        ahead.begin(index, left, maxBytes)
        result = await ahead.take(index, maxBytes, minOneBatch)
      }
      if (result === null) {
        let oneBatch = minOneBatch
        let reserved = readsFile(target) ? Math.min(FILE_READ_BYTES_MAX, Math.max(0, maxBytes)) : 0
        if (reserved > 0 && !fileReads.take(reserved)) {
          if (holding) {
            reserved = 0
            maxBytes = 0
            oneBatch = false
          } else {
            await ahead.drop()
            await fileReads.wait(reserved)
          }
        }
        const reading = readPartition(target, maxBytes, oneBatch, limits, isFirst)
        const read = reserved > 0 ? reservedRead(reading, reserved, fileReads) : reading
        if (read instanceof Promise) ahead.begin(index, left, maxBytes)
        result = read instanceof Promise ? await read : read
      }
      if (result.bytes > 0) {
        minOneBatch = false
        holding = true
      }
      left = Math.max(0, left - result.bytes)
      results.push(result)
    }
    return results
  } catch (error) {
    for (const result of results) result.release?.()
    throw error
  } finally {
    await ahead.drop()
  }
}

function readAhead(
  target: FetchTarget,
  rest: number,
  limits: FetchLimits,
  fileReads: ReadBudget,
  isFirst: boolean,
): ReturnType<StartRead> {
  const { maxBytes } = target
  if (maxBytes <= 0 || maxBytes > rest || !readsFile(target)) return null
  const reserved = Math.min(FILE_READ_BYTES_MAX, maxBytes)
  if (!fileReads.take(reserved)) return null
  return {
    reading: reservedRead(readPartition(target, maxBytes, false, limits, isFirst), reserved, fileReads),
    maxBytes,
  }
}

function readsFile({ partition, fetchOffset }: FetchTarget): boolean {
  return partition?.log?.readsFile(fetchOffset) ?? false
}

/** Gives back what was reserved with the result, at once where it holds nothing. */
async function reservedRead(
  reading: FetchResult | Promise<FetchResult>,
  reserved: number,
  fileReads: ReadBudget,
): Promise<FetchResult> {
  let held = false
  try {
    const result = await reading
    const { release } = result
    if (release === null || result.bytes === 0) return result
    held = true
    const releaseBoth = (): void => {
      release()
      fileReads.give(reserved)
    }
    return { ...result, release: releaseBoth }
  } finally {
    if (!held) fileReads.give(reserved)
  }
}

function readPartition(
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
    const read = partition.read(log, target.fetchOffset, limits.reach, maxBytes, minOneBatch)
    return read instanceof Promise ? read.then(finish).catch(failed) : finish(read)
  } catch (error) {
    return failed(error)
  }
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
