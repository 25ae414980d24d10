/**
 * Stored batches for fetchers that know only older formats (Fetch v0-1: magic 0, v2-3: magic 1), and the other way.
 *
 * Going down, headers and control batches are lost, and a producer's identity too. Offsets are kept: wrappers carry the
 * last one, and batches below the fetch offset are cut record by record where they are not compressed (an old consumer takes
 * the first record it gets). Batches whose magic is low enough pass as they are. Kafka 4 has dropped this; 3.9 does it so.
 */
import { KafkaError } from '../base/errors.ts'
import { recordsLength, type Records } from '../base/byte-writer.ts'
import { isControl } from './batch.ts'
import { buildBatch } from './batch-builder.ts'
import { BatchCursor, entryCodec, entryHasLogAppendTime, entryMaxTimestamp } from './batches.ts'
import { DECOMPRESSED_BYTES_MAX } from './compression/compression.ts'
import { buildMessageSet } from './message-builder.ts'
import { readRecords } from './record-reader.ts'

/**
 * Entries of any magic, whole ones only, in a form with magic at most `toMagic`.
 * @param firstOffset the offset that was asked for
 * @throws KafkaError UNSUPPORTED_COMPRESSION_TYPE for zstd, which old formats do not have
 */
export function downConvert(
  pieces: Records,
  toMagic: 0 | 1,
  firstOffset = 0,
  maxBytes = DECOMPRESSED_BYTES_MAX,
): Buffer[] {
  const converted: Buffer[] = []
  const entries = new BatchCursor().reset(joined(pieces))
  while (entries.next()) {
    const { bytes, at, position, magic } = entries
    if (magic >= 2 && isControl(bytes, at)) continue
    if (magic <= toMagic) {
      converted.push(bytes.subarray(at, position))
      continue
    }
    const codec = entryCodec(bytes, at)
    if (codec === null || codec === 'zstd') {
      throw new KafkaError('UNSUPPORTED_COMPRESSION_TYPE', 'batches compressed with zstd have no older format')
    }
    let records = readRecords(bytes, at, maxBytes)
    if (codec === 'none') records = records.filter((record) => record.offset >= firstOffset)
    if (records.length === 0) continue
    const appendTime = entryHasLogAppendTime(bytes, at) ? { logAppendTimeMs: entryMaxTimestamp(bytes, at) } : {}
    converted.push(buildMessageSet({ magic: toMagic, codec, ...appendTime, records }))
  }
  return converted
}

/** Each entry of magic 0 or 1 as a batch of magic 2 with the same offsets, times and codec; others as they are. */
export function upConvert(pieces: Records, maxBytes = DECOMPRESSED_BYTES_MAX): Buffer[] {
  const converted: Buffer[] = []
  const entries = new BatchCursor().reset(joined(pieces))
  while (entries.next()) {
    const { bytes, at, position, magic } = entries
    if (magic >= 2) {
      converted.push(bytes.subarray(at, position))
      continue
    }
    const records = readRecords(bytes, at, maxBytes)
    const baseOffset = records[0]?.offset ?? 0
    const appendTime = entryHasLogAppendTime(bytes, at) ? { logAppendTimeMs: entryMaxTimestamp(bytes, at) } : {}
    converted.push(buildBatch({ baseOffset, codec: entryCodec(bytes, at) ?? 'none', ...appendTime, records }))
  }
  return converted
}

/** Entries may lie across pieces. */
function joined(pieces: Records): Buffer {
  if (Buffer.isBuffer(pieces)) return pieces
  const [only] = pieces
  return only !== undefined && pieces.length === 1 ? only : Buffer.concat(pieces, recordsLength(pieces))
}
