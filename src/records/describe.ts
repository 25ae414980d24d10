/**
 * A set of entries as plain JSON values, in the shape of test/golden/batches-*.jsonl.gz: what Kafka's own reader says of
 * the same bytes. For golden tests and dump tools, not for hot paths. Bytes are base64; 64-bit integers beyond 2^53 text.
 */
import type { Int64 } from '../base/int64.ts'
import * as batch from './batch.ts'
import { BatchCursor, entryCodec, entryHasLogAppendTime, entryLastOffset } from './batches.ts'
import { entryMaxTimestamp, isEntryCrcValid, MESSAGE_CRC_AT } from './batches.ts'
import { readControlKey, readMarkerValue } from './control.ts'
import { readRecords } from './record-reader.ts'
import type { RecordData } from './record.ts'

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }
export type JsonObject = { readonly [key: string]: Json }

export interface DescribedRecordSet {
  readonly sizeInBytes: number
  readonly batches: readonly DescribedBatch[]
}

export type DescribedBatch = JsonObject & { readonly records: readonly JsonObject[] }

/** @throws MalformedError where an entry cannot be read; a torn tail is left out. */
export function describeRecordSet(bytes: Buffer): DescribedRecordSet {
  const batches: DescribedBatch[] = []
  const cursor = new BatchCursor().reset(bytes)
  while (cursor.next()) batches.push(describeEntry(bytes, cursor.at, cursor.size, cursor.magic))
  return { sizeInBytes: bytes.length, batches }
}

function describeEntry(bytes: Buffer, at: number, size: number, magic: number): DescribedBatch {
  const records = readRecords(bytes, at)
  const lastOffset = entryLastOffset(bytes, at)
  const logAppendTime = entryHasLogAppendTime(bytes, at)
  const common = {
    magic,
    baseOffset: magic >= 2 ? batch.baseOffset(bytes, at) : (records[0]?.offset ?? lastOffset),
    lastOffset,
    nextOffset: lastOffset + 1,
    sizeInBytes: size,
    crc: magic >= 2 ? batch.crc(bytes, at) : bytes.readUInt32BE(at + MESSAGE_CRC_AT),
    valid: isEntryCrcValid(bytes, at, size),
    compression: entryCodec(bytes, at),
    timestampType: magic === 0 ? 'NoTimestampType' : logAppendTime ? 'LogAppendTime' : 'CreateTime',
    maxTimestamp: json(entryMaxTimestamp(bytes, at)),
  }
  if (magic < 2) return { ...common, records: records.map(describeMessage) }
  return {
    ...common,
    partitionLeaderEpoch: batch.leaderEpoch(bytes, at),
    producerId: json(batch.producerId(bytes, at)),
    producerEpoch: batch.producerEpoch(bytes, at),
    baseSequence: batch.baseSequence(bytes, at),
    lastSequence: batch.lastSequence(bytes, at),
    isTransactional: batch.isTransactional(bytes, at),
    isControl: batch.isControl(bytes, at),
    count: batch.recordCount(bytes, at),
    deleteHorizonMs: batch.hasDeleteHorizon(bytes, at) ? json(batch.baseTimestamp(bytes, at)) : null,
    baseTimestampField: json(batch.baseTimestamp(bytes, at)),
    attributes: batch.attributes(bytes, at),
    records: records.map((record) => describeRecord(bytes, at, record)),
  }
}

function describeMessage(record: RecordData): JsonObject {
  return {
    offset: record.offset,
    timestamp: json(record.timestamp),
    key: base64(record.key),
    value: base64(record.value),
  }
}

function describeRecord(bytes: Buffer, at: number, record: RecordData): JsonObject {
  const baseSequence = batch.baseSequence(bytes, at)
  const delta = record.offset - batch.baseOffset(bytes, at)
  return {
    offset: record.offset,
    timestamp: json(record.timestamp),
    sequence: baseSequence === batch.NO_SEQUENCE ? batch.NO_SEQUENCE : batch.incrementSequence(baseSequence, delta),
    key: base64(record.key),
    value: base64(record.value),
    headers: record.headers.map((header) => ({ key: header.key, value: base64(header.value) })),
    ...(batch.isControl(bytes, at) ? describeControl(record) : {}),
  }
}

function describeControl(record: RecordData): JsonObject {
  const type = readControlKey(record.key)
  if (type === 'ABORT' || type === 'COMMIT') {
    return { controlType: type, coordinatorEpoch: readMarkerValue(record.value) }
  }
  return { controlType: type }
}

function json(value: Int64): number | string {
  return typeof value === 'number' ? value : value.toString()
}

function base64(value: Buffer | null): string | null {
  return value === null ? null : value.toString('base64')
}
