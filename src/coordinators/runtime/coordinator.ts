/**
 * What one kind of coordinator gives to the runtime: how its state is made, how a record looks, and the one replay path
 * that changes hard state, the same on the leader, on a standby and at restart.
 */
import type { Int64 } from '../../base/int64.ts'
import type { Decision } from './decision.ts'
import type { UndoLog } from './undo-log.ts'

export interface EncodedRecord {
  readonly key: Buffer
  /** Null: a tombstone. */
  readonly value: Buffer | null
}

export interface RecordOrigin {
  /** Where the record is, or will be at the earliest: later records have a larger one. */
  readonly offset: number
  /** Of the transaction that the record is part of; null outside of one. */
  readonly producerId: Int64 | null
}

export interface Coordinator<State, Record> {
  /** For log lines: 'group', 'transaction', 'share'. */
  readonly name: string
  createState(undo: UndoLog, partition: number, leaderEpoch: number): State
  encode(record: Record): EncodedRecord
  /** Null for a kind that this release doesn't know: it is left where it is. @throws MalformedError */
  decode(key: Buffer, value: Buffer | null): Record | null
  apply(state: State, record: Record, origin: RecordOrigin): void
  /** The records of this transaction become part of the state, or vanish. */
  endTransaction(state: State, producerId: Int64, committed: boolean): void
  /** After the whole log was replayed: soft state is made anew, timers start. */
  loaded(state: State, nowMs: number): Decision<State, Record>
}
