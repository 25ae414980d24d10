/**
 * Messages of magic 0 and 1: one by one, or many inside the value of one compressed wrapper.
 *
 * Offsets inside a wrapper are absolute in magic 0. In magic 1 they are relative: the wrapper carries the offset of the
 * last of them, except that some old producers left it 0, which means relative to 0. A wrapper with log-append time gives
 * its own time to all of them. Wrappers do not nest, and hold messages of their own magic only.
 */
import { MalformedError } from '../base/byte-reader.ts'
import { readInt64, type Int64 } from '../base/int64.ts'
import { LOG_OVERHEAD_BYTES, NO_TIMESTAMP, baseOffset } from './batch.ts'
import { MESSAGE_TIMESTAMP_AT, BatchCursor, entryCodec, entryHasLogAppendTime } from './batches.ts'
import { MESSAGE_ATTRIBUTES_AT } from './batches.ts'
import { CODEC_MASK, LOG_APPEND_TIME_BIT } from './batch.ts'
import { decompress } from './compression/compression.ts'

export interface OpenedMessages {
  readonly bytes: Buffer
  readonly start: number
  readonly end: number
  /** To be added to each message's own offset. */
  readonly baseOffset: number
  /** The time of all messages, if the wrapper says so. */
  readonly logAppendTime: Int64 | null
}

/** The fields that `readMessage` fills; a `RecordCursor` in practice. */
export interface MessageTarget {
  bytes: Buffer
  recordAt: number
  offset: number
  timestamp: Int64
  keyAt: number
  keyBytes: number
  valueAt: number
  valueBytes: number
  headersAt: number
  headerCount: number
}

/** What there is to step through in the entry `at` … `end`: itself, or its content. */
export function openMessages(bytes: Buffer, at: number, end: number, maxBytes: number): OpenedMessages {
  const codec = entryCodec(bytes, at)
  if (codec === null || codec === 'zstd') throw new MalformedError('codec that messages of magic 0 and 1 do not have')
  if (codec === 'none') return { bytes, start: at, end, baseOffset: 0, logAppendTime: null }

  const magic = bytes[at + 16]!
  const wrapper = emptyTarget(bytes, at)
  readMessage(wrapper, end, magic, true)
  if (wrapper.valueBytes < 0) throw new MalformedError('compressed message without a value')
  const payload = bytes.subarray(wrapper.valueAt, wrapper.valueAt + wrapper.valueBytes)
  const content = decompress(codec, payload, maxBytes, magic)

  const inner = new BatchCursor().reset(content)
  let lastInner = -1
  while (inner.next()) {
    if (inner.magic !== magic) throw new MalformedError(`magic ${inner.magic} inside a wrapper of magic ${magic}`)
    lastInner = baseOffset(content, inner.at)
  }
  if (lastInner < 0) throw new MalformedError('compressed message without messages inside')
  if (inner.position !== content.length) throw new MalformedError('message cut short inside a wrapper')
  return {
    bytes: content,
    start: 0,
    end: content.length,
    baseOffset: magic === 0 ? 0 : innerBase(wrapper.offset, lastInner),
    logAppendTime: magic === 1 && entryHasLogAppendTime(bytes, at) ? wrapper.timestamp : null,
  }
}

/**
 * Reads the message at `target.recordAt`; returns one past it.
 * @param wrapper whether it may be compressed
 */
export function readMessage(target: MessageTarget, limit: number, magic: number, wrapper = false): number {
  const { bytes } = target
  const at = target.recordAt
  const end = at + LOG_OVERHEAD_BYTES + bytes.readInt32BE(at + 8)
  if (end > limit) throw new MalformedError('message cut short')
  const attributes = bytes[at + MESSAGE_ATTRIBUTES_AT]!
  if (!wrapper && (attributes & CODEC_MASK) !== 0) throw new MalformedError('compressed message inside a wrapper')
  if (magic === 0 && (attributes & LOG_APPEND_TIME_BIT) !== 0) throw new MalformedError('magic 0 with log-append time')
  target.offset = baseOffset(bytes, at)
  target.timestamp = magic === 0 ? NO_TIMESTAMP : readInt64(bytes, at + MESSAGE_TIMESTAMP_AT)
  const keyLengthAt = at + (magic === 0 ? MESSAGE_TIMESTAMP_AT : MESSAGE_TIMESTAMP_AT + 8)
  target.keyBytes = lengthAt(bytes, keyLengthAt, end)
  target.keyAt = keyLengthAt + 4
  const valueLengthAt = target.keyAt + Math.max(target.keyBytes, 0)
  target.valueBytes = lengthAt(bytes, valueLengthAt, end)
  target.valueAt = valueLengthAt + 4
  if (target.valueAt + Math.max(target.valueBytes, 0) !== end) throw new MalformedError('message with bytes left over')
  target.headersAt = end
  target.headerCount = 0
  return end
}

function innerBase(wrapperOffset: number, lastInner: number): number {
  if (wrapperOffset === 0) return 0
  if (wrapperOffset < lastInner) throw new MalformedError(`wrapper offset ${wrapperOffset} below ${lastInner} inside`)
  return wrapperOffset - lastInner
}

function lengthAt(bytes: Buffer, at: number, end: number): number {
  if (end - at < 4) throw new MalformedError('message cut short')
  const length = bytes.readInt32BE(at)
  if (length > end - at - 4) throw new MalformedError(`${length} bytes wanted, ${end - at - 4} left`)
  return length < 0 ? -1 : length
}

function emptyTarget(bytes: Buffer, recordAt: number): MessageTarget {
  return {
    bytes,
    recordAt,
    offset: 0,
    timestamp: 0,
    keyAt: 0,
    keyBytes: -1,
    valueAt: 0,
    valueBytes: -1,
    headersAt: 0,
    headerCount: 0,
  }
}
