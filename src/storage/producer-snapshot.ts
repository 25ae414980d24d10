/**
 * `<offset>.snapshot`: producer state as of all records below that offset, in Kafka's version 1.
 *
 * int16 version, uint32 CRC-32C of what follows, int32 count, 46 bytes a producer. Only the last batch of each producer is
 * kept; the window of five lives in memory.
 */
import { OperationalError } from '../base/errors.ts'
import { readInt64, readSafeInt64, writeInt64, type Int64 } from '../base/int64.ts'
import { crc32c } from '../records/crc32c.ts'

const VERSION = 1
const HEADER_BYTES = 10
const CRC_FROM = 6
const ENTRY_BYTES = 46

export interface SnapshotEntry {
  readonly producerId: Int64
  readonly producerEpoch: number
  /** -1: only a marker is known. */
  readonly lastSequence: number
  readonly lastOffset: number
  /** lastOffset - firstOffset of the last batch. */
  readonly offsetDelta: number
  readonly timestamp: Int64
  readonly coordinatorEpoch: number
  /** -1: no open transaction. */
  readonly currentTxnFirstOffset: number
}

export function encodeProducerSnapshot(entries: readonly SnapshotEntry[]): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES + entries.length * ENTRY_BYTES)
  bytes.writeInt16BE(VERSION, 0)
  bytes.writeInt32BE(entries.length, CRC_FROM)
  let at = HEADER_BYTES
  for (const entry of entries) {
    writeInt64(bytes, at, entry.producerId)
    bytes.writeInt16BE(entry.producerEpoch, at + 8)
    bytes.writeInt32BE(entry.lastSequence, at + 10)
    writeInt64(bytes, at + 14, entry.lastOffset)
    bytes.writeInt32BE(entry.offsetDelta, at + 22)
    writeInt64(bytes, at + 26, entry.timestamp)
    bytes.writeInt32BE(entry.coordinatorEpoch, at + 34)
    writeInt64(bytes, at + 38, entry.currentTxnFirstOffset)
    at += ENTRY_BYTES
  }
  bytes.writeUInt32BE(crc32c(bytes, CRC_FROM), 2)
  return bytes
}

/** @throws OperationalError LOG_CORRUPT: the file is deleted and an older one tried. */
export function decodeProducerSnapshot(bytes: Buffer): SnapshotEntry[] {
  if (bytes.length < HEADER_BYTES) throw corrupt(`Snapshot failed schema validation: ${bytes.length} bytes are too few`)
  const version = bytes.readInt16BE(0)
  if (version !== VERSION) throw corrupt(`Snapshot contained an unknown file version ${version}`)
  const count = bytes.readInt32BE(CRC_FROM)
  if (count < 0 || HEADER_BYTES + count * ENTRY_BYTES > bytes.length) {
    throw corrupt(`Snapshot failed schema validation: ${count} entries are declared, and fewer are there`)
  }
  const stored = bytes.readUInt32BE(2)
  const computed = crc32c(bytes, CRC_FROM)
  if (stored !== computed) {
    throw corrupt(`Snapshot is corrupt (CRC is no longer valid). Stored crc: ${stored}. Computed crc: ${computed}`)
  }
  const entries: SnapshotEntry[] = []
  for (let at = HEADER_BYTES; entries.length < count; at += ENTRY_BYTES) {
    entries.push({
      producerId: readInt64(bytes, at),
      producerEpoch: bytes.readInt16BE(at + 8),
      lastSequence: bytes.readInt32BE(at + 10),
      lastOffset: readSafeInt64(bytes, at + 14),
      offsetDelta: bytes.readInt32BE(at + 22),
      timestamp: readInt64(bytes, at + 26),
      coordinatorEpoch: bytes.readInt32BE(at + 34),
      currentTxnFirstOffset: readSafeInt64(bytes, at + 38),
    })
  }
  return entries
}

function corrupt(detail: string): OperationalError {
  return new OperationalError('LOG_CORRUPT', detail)
}
