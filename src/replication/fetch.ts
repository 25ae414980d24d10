/**
 * Reads for one Fetch request: partitions in the request's order, within its byte limits, waiting if it may.
 *
 * Partitions that have to be read from files are read some at a time (read-ahead.ts).
 * The first partition that has data gives at least its first batch, however large; later ones give nothing once the total is
 * used. An error, or enough bytes, answers at once; else the fetch waits and then reads anew: what it held before is given back.
 */
import { nextTurn } from '../world/next-turn.ts'
import type { Clock } from '../world/world.ts'
import { DelayedFetch } from './delayed-fetch.ts'
import type { Reach } from './partition-readers.ts'
import type { Partition } from './partition.ts'
import { isHeldBack, readPartition, type FetchLimits, type FetchResult, type FetchTarget } from './partition-read.ts'
import { ReadAhead, type StartRead } from './read-ahead.ts'
import type { ReadBudget } from './read-budget.ts'

/** What one read of a file takes at most, whatever was asked for; only a single larger batch takes more. */
const FILE_READ_BYTES_MAX = 1 << 20
/** Read in one turn of the loop. */
const SLICE_TARGETS = 1000

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
    const wanted = await waitForBytes(clock, deadlineMs, targets, missingBytes, limits, onWaiting)
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
  limits: FetchLimits,
  onWaiting: (waiting: DelayedFetch) => void,
): Promise<boolean> {
  const partitions = targets.flatMap(({ partition }) => (partition === null ? [] : [partition]))
  const isHeld = (partition: Partition): boolean => isHeldBack(partition, limits)
  return new Promise((resolve) =>
    onWaiting(new DelayedFetch(clock, deadlineMs, partitions, missingBytes, limits.reach, isHeld, resolve)),
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
