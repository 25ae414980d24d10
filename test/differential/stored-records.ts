/** What a Fetch answer carries, as JSON: headers of batches, and the bytes of their records by digest. */
import { createHash } from 'node:crypto'
import * as batch from '../../src/records/batch.ts'
import {
  BatchCursor,
  entryCodec,
  isEntryCrcValid,
  MESSAGE_ATTRIBUTES_AT,
  MESSAGE_TIMESTAMP_AT,
} from '../../src/records/batches.ts'
import { decompress } from '../../src/records/compression/compression.ts'
import type { Json } from '../../src/protocol/json.ts'
import type { Identities } from './identities.ts'

const LOG_APPEND_TIME = 8
/** Behind the timestamp of a message of magic 1. */
const KEY_AT = MESSAGE_TIMESTAMP_AT + 8
const BYTES_MAX = 64 * 1024 * 1024

export function describeStored(bytes: Buffer, identities: Identities): Json {
  if (bytes.length === 0) return 'no records'
  const batches: Json[] = []
  const cursor = new BatchCursor().reset(bytes)
  let end = 0
  try {
    while (cursor.next()) {
      const { at, size, magic } = cursor
      batches.push(magic < 2 ? oldEntry(bytes, at, size, magic) : describeBatch(bytes, at, size, identities))
      end = at + size
    }
  } catch (error) {
    batches.push(`unreadable: ${String(error)}`)
  }
  return { batches, rest: end < bytes.length ? `${bytes.length - end} bytes of a cut batch` : null }
}

function describeBatch(bytes: Buffer, at: number, size: number, identities: Identities): Json {
  const attributes = batch.attributes(bytes, at)
  const appendTime = (attributes & LOG_APPEND_TIME) !== 0
  const codec = entryCodec(bytes, at)
  return {
    baseOffset: batch.baseOffset(bytes, at),
    leaderEpoch: batch.leaderEpoch(bytes, at),
    valid: isEntryCrcValid(bytes, at, size),
    attributes,
    lastOffsetDelta: batch.lastOffsetDelta(bytes, at),
    baseTimestamp: String(batch.baseTimestamp(bytes, at)),
    maxTimestamp: appendTime ? '*' : String(batch.maxTimestamp(bytes, at)),
    producerId: identities.nameOfProducer(Number(batch.producerId(bytes, at))),
    producerEpoch: batch.producerEpoch(bytes, at),
    baseSequence: batch.baseSequence(bytes, at),
    count: batch.recordCount(bytes, at),
    records: digest(payload(codec, bytes.subarray(at + batch.BATCH_HEADER_BYTES, at + size))),
  }
}

/** Compressed bytes differ between implementations of a codec where the server compressed them. */
function payload(codec: batch.Codec | null, bytes: Buffer): Buffer {
  return codec === 'none' || codec === null ? bytes : decompress(codec, bytes, BYTES_MAX)
}

function oldEntry(bytes: Buffer, at: number, size: number, magic: number): Json {
  const isAppendTime = magic === 1 && ((bytes[at + MESSAGE_ATTRIBUTES_AT] ?? 0) & LOG_APPEND_TIME) !== 0
  return {
    magic,
    offset: String(bytes.readBigInt64BE(at)),
    valid: isEntryCrcValid(bytes, at, size),
    codec: entryCodec(bytes, at),
    // The wrapper's bytes are compressed by the server.
    bytes: entryCodec(bytes, at) === 'none' ? digest(bytes.subarray(at + (isAppendTime ? KEY_AT : 0), at + size)) : '*',
  }
}

function digest(bytes: Buffer): string {
  return `${bytes.length} bytes ${createHash('sha256').update(bytes).digest('hex').slice(0, 12)}`
}
