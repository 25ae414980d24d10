/**
 * Batches of a log file as Kafka's file reader finds them: all in order, or one by its position, as checks of indexes ask.
 * Recovery (storage/file-scan.ts) is stricter: it stops at a magic or a size that cannot be.
 */
import { OperationalError } from '../../base/errors.ts'
import { BATCH_HEADER_BYTES, ENTRY_PREFIX_BYTES, entryBytes, LOG_OVERHEAD_BYTES, magic } from '../../records/batch.ts'
import { entryLastOffset } from '../../records/batches.ts'
import { visitRecords } from '../../records/record-reader.ts'
import type { Int64 } from '../../base/int64.ts'
import type { Disk, DiskFile } from '../../world/world.ts'

export interface OpenedLog {
  readonly path: string
  readonly file: DiskFile
  readonly size: number
}

export interface LogBatch {
  readonly size: number
  readonly lastOffset: number
  /** Of its records; -1 without any. */
  readonly maxTimestamp: Int64
}

const CHUNK_BYTES = 1 << 20
/** Below it Kafka's reader gives up; above, a batch that is not there whole ends the file. */
const LENGTH_MIN = 14

/** The bytes of a log, and where in them a batch begins; the buffer is used again. */
export interface FoundBatch {
  readonly bytes: Buffer
  readonly at: number
  readonly size: number
  /** In the file. */
  readonly position: number
}

/**
 * Every batch that begins and ends before `end`.
 * @throws OperationalError LOG_CORRUPT, in Kafka's words, for a size that cannot be.
 */
export async function* logBatches(log: OpenedLog, end: number): AsyncGenerator<FoundBatch> {
  let buffer = Buffer.allocUnsafe(CHUNK_BYTES)
  let position = 0
  for (;;) {
    const filled = await log.file.read(buffer.subarray(0, Math.min(buffer.length, end - position)), position)
    let at = 0
    let needed = ENTRY_PREFIX_BYTES
    while (filled - at > ENTRY_PREFIX_BYTES) {
      const size = entryBytes(buffer, at)
      if (size < LOG_OVERHEAD_BYTES + LENGTH_MIN) throw tooSmall(log, size)
      if (position + at + size > end) return
      needed = size
      if (at + size > filled) break
      if (magic(buffer, at) >= 2 && size < BATCH_HEADER_BYTES) throw tooSmall(log, size)
      yield { bytes: buffer, at, size, position: position + at }
      at += size
    }
    position += at
    if (end - position <= ENTRY_PREFIX_BYTES || (at === 0 && needed <= filled)) return
    if (needed > buffer.length) buffer = Buffer.allocUnsafe(needed)
  }
}

function tooSmall(log: OpenedLog, size: number): OperationalError {
  const length = size - LOG_OVERHEAD_BYTES
  return new OperationalError(
    'LOG_CORRUPT',
    `Found record size ${length} smaller than minimum record overhead (14) in file ${log.path}.`,
  )
}

export async function openLog(disk: Disk, path: string): Promise<OpenedLog> {
  const file = await disk.open(path, 'read')
  return { path, file, size: await file.size() }
}

/** Null where no whole batch of at most `maxBytes` begins. @throws MalformedError if its records cannot be read. */
export async function batchAt(log: OpenedLog, position: number, maxBytes: number): Promise<LogBatch | null> {
  const header = Buffer.alloc(BATCH_HEADER_BYTES)
  if (position < 0 || (await log.file.read(header, position)) < ENTRY_PREFIX_BYTES) return null
  const size = entryBytes(header, 0)
  if (size < ENTRY_PREFIX_BYTES || size > maxBytes || position + size > log.size || magic(header, 0) < 0) return null
  const bytes = Buffer.alloc(size)
  await log.file.read(bytes, position)
  let maxTimestamp: Int64 = -1
  visitRecords(bytes, 0, (record) => {
    if (record.timestamp > maxTimestamp) maxTimestamp = record.timestamp
  })
  return { size, lastOffset: entryLastOffset(bytes, 0), maxTimestamp }
}
