/**
 * What the leader checks before it appends what a producer sent, in Kafka's order and with Kafka's codes.
 *
 * The result is always batches of magic 2. A batch whose codec the topic keeps stays as it is: its records are walked
 * (decompressed only for that), and at most its max timestamp, timestamp type and CRC are patched IN PLACE. It is built
 * anew only if the topic's compression.type says another codec, if offsets inside a compressed batch do not run 0, 1, 2 …
 * (old clients), or if it came as messages of magic 0 or 1 (old-messages.ts). Base offset and leader epoch are left to the log.
 */
import { MalformedError } from '../base/byte-reader.ts'
import { clampInt64, type Int64 } from '../base/int64.ts'
import * as batch from './batch.ts'
import { assembleBatch, buildBatch } from './batch-builder.ts'
import { BatchCursor, entryCodec, isEntryCrcValid, MESSAGE_CRC_AT } from './batches.ts'
import { DecompressionError, decompressOnce, producedBytesMax } from './compression/compression.ts'
import { crc32c } from './crc32c.ts'
import { InvalidRecords } from './invalid-records.ts'
import { convertMessages } from './old-messages.ts'
import { levelOf, refuse, result, targetCodec } from './produce-options.ts'
import type { ProduceOptions, TimestampType, ValidatedRecords } from './produce-options.ts'
import { RecordErrors } from './record-errors.ts'
import { RecordCursor, readRecords } from './record-reader.ts'
import { newRecordWalk, walkRecords } from './record-walk.ts'

export type { ProduceOptions, TimestampType, TopicCompression, ValidatedRecords } from './produce-options.ts'
export { InvalidRecords, type RecordError } from './invalid-records.ts'

const ZSTD_VERSION_MIN = 7
const MAGIC_2_VERSION_MIN = 3
/** Attribute bits that mean something. */
const KNOWN_ATTRIBUTES = 0x7f

const entries = new BatchCursor()
const walk = newRecordWalk()

/** @throws InvalidRecords */
export function validateProduce(records: Buffer, options: ProduceOptions): ValidatedRecords {
  try {
    return validate(records, options)
  } catch (error) {
    // Kafka has no code for it, and one that clients retry would make them send the same bytes for minutes.
    if (error instanceof DecompressionError) throw refuse('UNKNOWN_SERVER_ERROR', options, error.message)
    if (error instanceof MalformedError) throw refuse('INVALID_RECORD', options, error.message)
    throw error
  }
}

function validate(records: Buffer, options: ProduceOptions): ValidatedRecords {
  const magic = checkEntries(records, options)
  const whole = entries.position === records.length ? records : records.subarray(0, entries.position)
  // Nothing at all is accepted from producers so old, and appends nothing.
  if (whole.length === 0) return result(whole, options, 0, batch.NO_TIMESTAMP, false)
  const validated = magic < 2 ? convertMessages(whole, options) : validateBatch(whole, options)
  if (validated.rebuilt && validated.records.length > options.maxMessageBytes) {
    throw refuse(
      'MESSAGE_TOO_LARGE',
      options,
      `the batch of ${validated.records.length} bytes exceeds the maximum of ${options.maxMessageBytes}`,
    )
  }
  if (validated.records.length > options.segmentBytes) {
    throw refuse(
      'RECORD_LIST_TOO_LARGE',
      options,
      `the batch of ${validated.records.length} bytes exceeds the segment size of ${options.segmentBytes}`,
    )
  }
  return validated
}

/** Shape, size and checksum of every entry; returns their magic and leaves `entries` behind the last whole one. */
function checkEntries(records: Buffer, options: ProduceOptions): number {
  const onlyMagic2 = options.requestVersion >= MAGIC_2_VERSION_MIN || !options.allowOldMagic
  let count = 0
  let magic = 2
  let isMixed = false
  entries.reset(records)
  while (nextEntry()) {
    const { at, size, magic: own } = entries
    if (count === 0) magic = own
    else if (own !== magic) isMixed = true
    if (onlyMagic2 && magic !== 2) throw refuse('INVALID_RECORD', options, 'the batch must be of magic 2')
    count++
    const codec = entryCodec(records, at)
    if (codec === null) throw refuse('UNKNOWN_SERVER_ERROR', options, 'unknown compression type')
    // Kafka 3.9 looks from version 3 on, where the request itself is checked.
    if (codec === 'zstd' && onlyMagic2 && options.requestVersion < ZSTD_VERSION_MIN) {
      throw refuse('UNSUPPORTED_COMPRESSION_TYPE', options, 'zstd needs Produce version 7')
    }
    if (own === 2 && isClient(options) && !hasZeroBaseOffset(records, at)) {
      throw refuse('INVALID_RECORD', options, 'the base offset of the batch must be 0')
    }
    if (size > options.maxMessageBytes) {
      throw refuse(
        'MESSAGE_TOO_LARGE',
        options,
        `the batch of ${size} bytes exceeds the maximum of ${options.maxMessageBytes}`,
      )
    }
    if (!isEntryCrcValid(records, at, size)) {
      const stored = own === 2 ? batch.crc(records, at) : records.readUInt32BE(at + MESSAGE_CRC_AT)
      throw refuse('CORRUPT_MESSAGE', options, `record is corrupt (stored crc = ${stored})`)
    }
  }
  // What is wrong with a single entry is said before what is wrong with their number.
  if (isMixed) throw refuse('INVALID_RECORD', options, 'batches of different magic')
  if (magic === 2 && count > 1) throw refuse('INVALID_RECORD', options, 'there must be exactly one batch')
  if (count === 0 && onlyMagic2) throw refuse('INVALID_RECORD', options, 'there must be at least one batch')
  return magic
}

function nextEntry(): boolean {
  try {
    return entries.next()
  } catch (error) {
    if (error instanceof MalformedError) throw corruptEntry(error)
    throw error
  }
}

function corruptEntry(error: MalformedError): InvalidRecords {
  return new InvalidRecords('CORRUPT_MESSAGE', error.message, { answerText: error.message })
}

/** The one batch of magic 2 that `bytes` holds. */
function validateBatch(bytes: Buffer, options: ProduceOptions): ValidatedRecords {
  checkBatchHeader(bytes, options)
  const count = batch.recordCount(bytes, 0)
  const codec = batch.codec(bytes, 0) ?? 'none'
  const target = targetCodec(options.compression, codec)
  const compressed = codec !== 'none' && count > 0
  const body = compressed
    ? decompressOnce(
        codec,
        bytes.subarray(batch.BATCH_HEADER_BYTES),
        options.decompressedBytesMax ?? producedBytesMax(bytes.length),
      )
    : bytes
  const bodyAt = compressed ? 0 : batch.BATCH_HEADER_BYTES

  let maxTimestamp: Int64
  let reusable: boolean
  const base = batch.baseTimestamp(bytes, 0)
  if (walkRecords(body, bodyAt, body.length, count, walk) && fastTimesHold(bytes, base, options)) {
    maxTimestamp = batch.hasLogAppendTime(bytes, 0)
      ? batch.maxTimestamp(bytes, 0)
      : Math.max(Number(base) + walk.maxTimestampDelta, batch.NO_TIMESTAMP)
    reusable = walk.firstTimestampDelta === 0
  } else {
    maxTimestamp = checkRecords(bytes, options)
    reusable = false
  }

  const control = batch.isControl(bytes, 0)
  const keep = codec === 'none' && (target === 'none' || control)
  if (keep || (codec === target && walk.sequential)) {
    const time = options.timestampType === 'LogAppendTime' ? options.nowMs : maxTimestamp
    patchTimestamp(bytes, options.timestampType, time)
    return result(bytes, options, count, time, false)
  }
  const time = options.timestampType === 'LogAppendTime' ? options.nowMs : maxTimestamp
  const plain = batch.attributes(bytes, 0) & (batch.LOG_APPEND_TIME_BIT | batch.DELETE_HORIZON_BIT)
  const fields = {
    epoch: batch.leaderEpoch(bytes, 0),
    producerId: batch.producerId(bytes, 0),
    producerEpoch: batch.producerEpoch(bytes, 0),
    baseSequence: batch.baseSequence(bytes, 0),
    transactional: batch.isTransactional(bytes, 0),
    codec: target,
    ...levelOf(options.compression, target),
    ...(options.timestampType === 'LogAppendTime' ? { logAppendTimeMs: options.nowMs } : {}),
  }
  const rebuilt =
    reusable && walk.sequential && plain === 0
      ? assembleBatch(body.subarray(bodyAt), {
          ...fields,
          recordCount: count,
          lastOffsetDelta: count - 1,
          baseTimestamp: base,
          maxTimestamp: time,
        })
      : buildBatch({ ...fields, records: readRecords(bytes).map(({ offset: _offset, ...record }) => record) })
  return result(rebuilt, options, count, time, true)
}

function checkBatchHeader(bytes: Buffer, options: ProduceOptions): void {
  if (!isClient(options)) return
  const range = batch.lastOffsetDelta(bytes, 0) + 1
  const count = batch.recordCount(bytes, 0)
  if (range <= 0) throw refuse('INVALID_RECORD', options, `invalid offset range [0, ${range - 1}]`)
  if (count <= 0) throw refuse('INVALID_RECORD', options, `invalid record count ${count}`)
  if (range !== count) {
    throw refuse('INVALID_RECORD', options, `inconsistent offset range [0, ${range - 1}] and count of records ${count}`)
  }
  if (batch.isControl(bytes, 0)) {
    throw refuse('INVALID_RECORD', options, 'clients are not allowed to write control records')
  }
  const sequence = batch.baseSequence(bytes, 0)
  if (batch.producerId(bytes, 0) > batch.NO_PRODUCER_ID && sequence < 0) {
    throw refuse('INVALID_RECORD', options, `invalid sequence number ${sequence} in a batch with a producer id`)
  }
}

/** Whether what the walk found needs no closer look. */
function fastTimesHold(bytes: Buffer, base: Int64, options: ProduceOptions): boolean {
  if (options.compactedTopic && walk.hasNullKey) return false
  if (batch.hasLogAppendTime(bytes, 0)) return false
  if (typeof base !== 'number') return false
  const min = base + walk.minTimestampDelta
  const max = base + walk.maxTimestampDelta
  if (!Number.isSafeInteger(min) || !Number.isSafeInteger(max)) return false
  if (options.timestampType === 'LogAppendTime') return true
  return options.nowMs - min <= clampInt64(options.beforeMaxMs) && max - options.nowMs <= clampInt64(options.afterMaxMs)
}

const cursor = new RecordCursor()

/** The careful reading: finds every record that must be refused; returns the largest time. */
function checkRecords(bytes: Buffer, options: ProduceOptions): Int64 {
  const errors = new RecordErrors(options)
  const appendTime = batch.hasLogAppendTime(bytes, 0)
  const base = batch.baseOffset(bytes, 0)
  let max: Int64 = batch.NO_TIMESTAMP
  let index = 0
  walk.sequential = true
  cursor.open(bytes, 0, options.decompressedBytesMax ?? producedBytesMax(bytes.length))
  while (cursor.next()) {
    if (cursor.offset !== base + index) walk.sequential = false
    if (cursor.timestamp > max) max = cursor.timestamp
    errors.check(cursor, index++, appendTime)
  }
  errors.throwIfAny()
  return max
}

/** Sets type and max timestamp; the CRC is computed anew only if something changes. */
function patchTimestamp(bytes: Buffer, type: TimestampType, timestamp: Int64): void {
  const attributes = batch.attributes(bytes, 0)
  const bit = type === 'LogAppendTime' ? batch.LOG_APPEND_TIME_BIT : 0
  if ((attributes & batch.LOG_APPEND_TIME_BIT) === bit && batch.maxTimestamp(bytes, 0) === timestamp) return
  batch.setAttributes(bytes, 0, (attributes & KNOWN_ATTRIBUTES & ~batch.LOG_APPEND_TIME_BIT) | bit)
  batch.setMaxTimestamp(bytes, 0, timestamp)
  batch.setCrc(bytes, 0, crc32c(bytes, batch.ATTRIBUTES_AT))
}

function isClient(options: ProduceOptions): boolean {
  return options.origin !== 'coordinator'
}

function hasZeroBaseOffset(bytes: Buffer, at: number): boolean {
  return bytes.readInt32BE(at) === 0 && bytes.readInt32BE(at + 4) === 0
}
