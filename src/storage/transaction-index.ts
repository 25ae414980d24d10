/**
 * `<base>.txnindex`: the aborted transactions whose marker lies in the segment, 34 bytes each, by marker offset.
 *
 * int16 version 0, int64 producerId, firstOffset, lastOffset (the marker), lastStableOffset after the decision. There is
 * no file before the first abort. Entries are few: all of a segment stay in memory once they were asked for.
 */
import { OperationalError } from '../base/errors.ts'
import { readInt64, readSafeInt64, writeInt64, type Int64 } from '../base/int64.ts'

/** Of one entry. */
export const TRANSACTION_BYTES = 34

export interface TransactionIndexEntry {
  readonly producerId: Int64
  readonly firstOffset: number
  readonly lastOffset: number
  readonly lastStableOffset: number
}

export function encodeTransactionIndex(entries: readonly TransactionIndexEntry[]): Buffer {
  const bytes = Buffer.alloc(entries.length * TRANSACTION_BYTES)
  for (let index = 0, at = 0; index < entries.length; index++, at += TRANSACTION_BYTES) {
    const entry = entries[index]!
    writeInt64(bytes, at + 2, entry.producerId)
    writeInt64(bytes, at + 10, entry.firstOffset)
    writeInt64(bytes, at + 18, entry.lastOffset)
    writeInt64(bytes, at + 26, entry.lastStableOffset)
  }
  return bytes
}

/** @throws OperationalError LOG_CORRUPT for a version above 0 or an entry below `baseOffset`: the segment is recovered. */
export function decodeTransactionIndex(bytes: Buffer, baseOffset: number, path: string): TransactionIndexEntry[] {
  const entries: TransactionIndexEntry[] = []
  for (let at = 0; at + TRANSACTION_BYTES <= bytes.length; at += TRANSACTION_BYTES) {
    // Readers of Kafka look at the first byte only.
    if (bytes.readInt8(at) > 0) throw new OperationalError('LOG_CORRUPT', `${path}: unexpected version of an entry`)
    const lastOffset = readSafeInt64(bytes, at + 18)
    if (lastOffset < baseOffset)
      throw new OperationalError('LOG_CORRUPT', `${path}: entry below the segment's base offset`)
    entries.push({
      producerId: readInt64(bytes, at + 2),
      firstOffset: readSafeInt64(bytes, at + 10),
      lastOffset,
      lastStableOffset: readSafeInt64(bytes, at + 26),
    })
  }
  return entries
}
