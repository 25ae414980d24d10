/**
 * One record as an object: what `buildBatch` takes and `readRecords` gives. Code that walks many records uses
 * `RecordCursor` instead, which makes none.
 */
import type { Int64 } from '../base/int64.ts'

export interface RecordHeader {
  readonly key: string
  readonly value: Buffer | null
}

export interface RecordData {
  readonly offset: number
  /** -1 if it has none (magic 0). With log-append time this is the batch's. */
  readonly timestamp: Int64
  readonly key: Buffer | null
  readonly value: Buffer | null
  /** Order and repetitions are kept. */
  readonly headers: readonly RecordHeader[]
}

/** A record to be written; what is left out is null, empty, the batch's default time and the next offset. */
export interface RecordInit {
  readonly offset?: number
  readonly timestamp?: Int64
  readonly key?: Buffer | null
  readonly value?: Buffer | null
  readonly headers?: readonly RecordHeader[]
}
