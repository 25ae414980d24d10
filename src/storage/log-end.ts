/**
 * Where a log ends after a clean shutdown, found without reading it all: the batches behind the last index entry of its last
 * segment tell. If the index says what the log does not, the segment is recovered.
 */
import { entryLastOffset, entryMaxTimestamp } from '../records/batches.ts'
import { scanFile, type EntryVisitor } from './file-scan.ts'
import type { LoadOptions } from './log-loader.ts'
import type { Segment } from './segment.ts'
import type { RecoveredSegment } from './segment-recovery.ts'

/** The segment's indexes are made anew from headers up to this size, not read. */
const INDEXED_ANEW_BYTES_MAX = 1 << 16

/** The end of the last whole batch; a torn tail behind it is cut off, else the next append would hide behind it. */
export async function findEnd(
  segment: Segment,
  options: LoadOptions,
  recover: () => Promise<RecoveredSegment>,
): Promise<number> {
  const intervalBytes = options.config.indexIntervalBytes
  const isSmall = segment.writtenBytes <= INDEXED_ANEW_BYTES_MAX && !segment.knowsOffsets && !segment.knowsTimes
  // One read of the log tells more than the reads of two indexes.
  if (isSmall) segment.knowsTimes = true
  else if (!segment.knowsOffsets) await segment.offsetIndex.file.open()
  segment.knowsOffsets = true
  let endOffset = segment.baseOffset
  let indexedAt = 0
  if (segment.writtenBytes === 0) return endOffset
  const index = segment.offsetIndex
  const isIndexed = !isSmall && index.file.count > 0
  const from = isIndexed ? index.lastPosition : 0
  // Appends would go on at an offset that was given before if the scan began anywhere but at a batch.
  if (from < 0 || from >= segment.writtenBytes) return endWithoutIndex(segment, options, recover)
  let first: number | null = null
  const visit: EntryVisitor = (bytes, at, _size, place) => {
    if (place === 0) segment.firstBatchTimestamp = entryMaxTimestamp(bytes, at)
    endOffset = entryLastOffset(bytes, at) + 1
    first ??= endOffset - 1
    if (isSmall && segment.index(endOffset - 1, entryMaxTimestamp(bytes, at), place, indexedAt, intervalBytes))
      indexedAt = place
    return true
  }
  const { position, corruption } = await segment.use((file) => scanFile(file, from, segment.writtenBytes, false, visit))
  if (isSmall) segment.finish()
  if (isIndexed && (first === null || first > index.lastOffset || endOffset <= index.lastOffset)) {
    return endWithoutIndex(segment, options, recover)
  }
  if (position < segment.writtenBytes) {
    options.logger.warn(
      `${segment.path('.log')}: cut ${segment.writtenBytes - position} bytes after a clean shutdown (${corruption ?? 'torn tail'})`,
    )
    await segment.cutFile(position)
    segment.assignedBytes = segment.writtenBytes = position
  }
  return endOffset
}

/** After a clean shutdown whose index says what the log does not. */
async function endWithoutIndex(
  segment: Segment,
  { logger }: LoadOptions,
  recover: () => Promise<RecoveredSegment>,
): Promise<number> {
  const path = segment.path('.log')
  logger.warn(`${path}: its offset index names no batch of it: recovering the segment and rebuilding its indexes`)
  const { endOffset, truncatedBytes, reason } = await recover()
  if (truncatedBytes > 0) logger.warn(`${path}: cut ${truncatedBytes} bytes after a clean shutdown (${reason})`)
  return endOffset
}
