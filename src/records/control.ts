/**
 * Control records: what a control batch's records mean. Key: int16 version, int16 type. Transaction markers (ABORT, COMMIT)
 * carry the coordinator's epoch; the values of the other types (KRaft, KIP-595, 630, 853) are data schemas of their own
 * (`LeaderChangeMessage`, `SnapshotHeaderRecord`, …) and are passed here as bytes. Unknown types are skipped by readers.
 */
import { MalformedError } from '../base/byte-reader.ts'
import type { Int64 } from '../base/int64.ts'
import { buildBatch } from './batch-builder.ts'

/** Index = the type's number. */
export const CONTROL_TYPES = [
  'ABORT',
  'COMMIT',
  'LEADER_CHANGE',
  'SNAPSHOT_HEADER',
  'SNAPSHOT_FOOTER',
  'KRAFT_VERSION',
  'KRAFT_VOTERS',
] as const
export type ControlType = (typeof CONTROL_TYPES)[number]

const KEY_BYTES = 4
const MARKER_VALUE_BYTES = 6

/** The key of a control record in version 0. */
export function controlKey(type: ControlType): Buffer {
  const key = Buffer.alloc(KEY_BYTES)
  key.writeInt16BE(CONTROL_TYPES.indexOf(type), 2)
  return key
}

/** Null for a type that no release knows: the record is skipped. @throws MalformedError for a short key. */
export function readControlKey(key: Buffer | null): ControlType | null {
  if (key === null || key.length < KEY_BYTES) throw new MalformedError('control record without a key')
  if (key.readInt16BE(0) < 0) throw new MalformedError(`control record key of version ${key.readInt16BE(0)}`)
  return CONTROL_TYPES[key.readInt16BE(2)] ?? null
}

/** The value of a transaction marker in version 0. */
export function markerValue(coordinatorEpoch: number): Buffer {
  const value = Buffer.alloc(MARKER_VALUE_BYTES)
  value.writeInt32BE(coordinatorEpoch, 2)
  return value
}

/** The coordinator's epoch in a transaction marker. @throws MalformedError for a short value. */
export function readMarkerValue(value: Buffer | null): number {
  if (value === null || value.length < MARKER_VALUE_BYTES)
    throw new MalformedError('transaction marker without a value')
  if (value.readInt16BE(0) < 0) throw new MalformedError(`transaction marker of version ${value.readInt16BE(0)}`)
  return value.readInt32BE(2)
}

/** The batch that ends a transaction in one partition. */
export function buildMarker(fields: {
  readonly type: 'ABORT' | 'COMMIT'
  readonly producerId: Int64
  readonly producerEpoch: number
  readonly coordinatorEpoch: number
  readonly timestampMs: number
  readonly baseOffset?: number
  readonly epoch?: number
}): Buffer {
  return buildBatch({
    baseOffset: fields.baseOffset ?? 0,
    epoch: fields.epoch ?? -1,
    producerId: fields.producerId,
    producerEpoch: fields.producerEpoch,
    transactional: true,
    control: true,
    records: [
      { timestamp: fields.timestampMs, key: controlKey(fields.type), value: markerValue(fields.coordinatorEpoch) },
    ],
  })
}
