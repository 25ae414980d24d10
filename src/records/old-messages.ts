/**
 * Messages of magic 0 and 1 as old producers send them (Produce v0-2), checked and built into ONE batch of magic 2, which
 * is all that the log holds. Uncompressed messages come one by one, compressed ones in exactly one wrapper.
 */
import type { Int64 } from '../base/int64.ts'
import { NO_TIMESTAMP, type Codec } from './batch.ts'
import { buildBatch } from './batch-builder.ts'
import { BatchCursor, MESSAGE_CRC_AT, entryCodec, entryHasLogAppendTime, isEntryCrcValid } from './batches.ts'
import { producedBytesMax } from './compression/compression.ts'
import { levelOf, refuse, result, targetCodec } from './produce-options.ts'
import type { ProduceOptions, ValidatedRecords } from './produce-options.ts'
import { RecordErrors } from './record-errors.ts'
import { RecordCursor } from './record-reader.ts'
import type { RecordInit } from './record.ts'

/**
 * @param bytes whole entries of one magic whose own checksums are right
 * @throws InvalidRecords, or MalformedError for messages that cannot be read
 */
export function convertMessages(bytes: Buffer, options: ProduceOptions): ValidatedRecords {
  const maxBytes = options.decompressedBytesMax ?? producedBytesMax(bytes.length)
  const records: RecordInit[] = []
  const entries = new BatchCursor().reset(bytes)
  const cursor = new RecordCursor()
  let source: Codec = 'none'
  let count = 0
  let maxTimestamp: Int64 = NO_TIMESTAMP
  while (entries.next()) {
    const codec = entryCodec(bytes, entries.at) ?? 'none'
    if (codec !== 'none') source = codec
    if (++count > 1 && source !== 'none') {
      throw refuse('INVALID_RECORD', options, 'compressed messages must come in exactly one wrapper')
    }
    const appendTime = entryHasLogAppendTime(bytes, entries.at)
    const errors = new RecordErrors(options)
    let index = 0
    cursor.open(bytes, entries.at, maxBytes)
    while (cursor.next()) {
      if (codec !== 'none' && !isEntryCrcValid(cursor.bytes, cursor.recordAt, cursor.recordEnd - cursor.recordAt)) {
        const stored = cursor.bytes.readUInt32BE(cursor.recordAt + MESSAGE_CRC_AT)
        throw refuse('CORRUPT_MESSAGE', options, `record is corrupt (stored crc = ${stored})`)
      }
      errors.check(cursor, index++, appendTime)
      if (cursor.timestamp > maxTimestamp) maxTimestamp = cursor.timestamp
      records.push({ timestamp: cursor.timestamp, key: cursor.key(), value: cursor.value() })
    }
    errors.throwIfAny()
  }

  const appendTime = options.timestampType === 'LogAppendTime'
  const target = targetCodec(options.compression, source)
  const built = buildBatch({
    codec: target,
    ...levelOf(options.compression, target),
    ...(appendTime ? { logAppendTimeMs: options.nowMs } : {}),
    records,
  })
  return result(built, options, records.length, appendTime ? options.nowMs : maxTimestamp, true)
}
