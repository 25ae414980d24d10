/**
 * Brings the future log of a partition, in another directory, up to the current one (KIP-113), as a follower would.
 *
 * First what the two do not share is cut off the future log, by leader epochs; then batches are copied as they are until
 * nothing is left. The current log is written on meanwhile: "caught up" is true only for the moment in which it is seen.
 * While more was copied than the quota allows, nothing is. Nor is a batch whose checksum is wrong, or what a disk reads wrong today would be
 * the replica for ever: it is read again after a pause, and the current log serves on.
 */
import { KafkaError } from '../base/errors.ts'
import type { ByteQuota } from '../metrics/byte-quota.ts'
import { baseOffset } from '../records/batch.ts'
import type { PartitionLog } from './partition-log.ts'

const COPY_BYTES = 1 << 20

export function isCaughtUp(current: PartitionLog, future: PartitionLog): boolean {
  return (
    current.writtenEnd === current.assignedEnd &&
    future.writtenEnd === future.assignedEnd &&
    future.assignedEnd === current.assignedEnd &&
    future.startOffset >= current.startOffset
  )
}

export interface CopyTerms {
  readonly quota: ByteQuota
  /** Resolves when the current log has written more, or the copy was stopped. */
  moreWritten(): Promise<void>
  /** Resolves after a while, or when the copy was stopped. */
  pause(): Promise<void>
  isStopped(): boolean
  /** The same batch may be refused at every try. */
  refused(error: KafkaError): void
}

/** Resolves when it was caught up, or stopped. */
export async function copyLog(
  current: PartitionLog,
  future: PartitionLog,
  { quota, moreWritten, pause, isStopped, refused }: CopyTerms,
): Promise<void> {
  await cutDifference(current, future)
  for (;;) {
    if (future.assignedEnd < current.startOffset || future.assignedEnd > current.assignedEnd) {
      await future.truncateFullyAndStartAt(current.startOffset)
    }
    future.setHighWatermark(Math.min(current.highWatermark, future.writtenEnd))
    if (current.startOffset > future.startOffset && current.startOffset <= future.highWatermark) {
      future.deleteRecordsBefore(current.startOffset)
    }
    if (isStopped() || isCaughtUp(current, future)) return
    if (current.writtenEnd <= future.assignedEnd) await moreWritten()
    else if (quota.isExceeded) await pause()
    else {
      try {
        quota.record(await copySome(current, future))
      } catch (error) {
        if (!(error instanceof KafkaError && error.code === 'CORRUPT_MESSAGE')) throw error
        refused(error)
        await pause()
      }
    }
  }
}

/** How many bytes it was. @throws KafkaError CORRUPT_MESSAGE. */
async function copySome(current: PartitionLog, future: PartitionLog): Promise<number> {
  const from = future.assignedEnd
  try {
    const read = await current.read(from, current.writtenEnd, COPY_BYTES, true)
    // The pieces are given back at once, the future log keeps what it appends: a copy of its own.
    const records = Buffer.concat(read.pieces)
    read.release()
    if (records.length === 0) return 0
    const first = baseOffset(records, 0)
    // The start offset lies inside a batch, which is copied whole.
    if (first < from && future.assignedEnd === future.startOffset) await future.truncateFullyAndStartAt(first)
    await future.appendAsFollower(records, Infinity)?.written
    return records.length
  } catch (error) {
    // Retention or DeleteRecords overtook the copy: the next round begins at the new start.
    if (!(error instanceof KafkaError && error.code === 'OFFSET_OUT_OF_RANGE')) throw error
    return 0
  }
}

async function cutDifference(current: PartitionLog, future: PartitionLog): Promise<void> {
  while (future.assignedEnd > future.startOffset) {
    const epoch = future.latestEpoch
    if (epoch < 0) {
      await future.truncateTo(Math.min(future.assignedEnd, current.highWatermark))
      return
    }
    const shared = current.endOffsetForEpoch(epoch)
    if (shared.epoch === epoch) {
      if (shared.endOffset < future.assignedEnd) await future.truncateTo(shared.endOffset)
      return
    }
    if (shared.epoch < 0) {
      await future.truncateFullyAndStartAt(current.startOffset)
      return
    }
    const end = Math.min(shared.endOffset, future.endOffsetForEpoch(shared.epoch).endOffset)
    if (end >= future.assignedEnd) return
    await future.truncateTo(Math.max(end, future.startOffset))
  }
}
