/**
 * What a decider returns: records to append, answers, timers. The runtime appends the records atomically, replays them
 * at once onto the appended state and sends the answers after the commit; when the write fails it undoes the records
 * and answers the request with the error.
 *
 * A decider changes hard state by records only. Soft state (members, held requests, who was heard of) it changes at
 * once; what of it depends on the write's fate belongs into `whenSettled`, and what must follow the write however long it takes into
 * `whenCommitted`.
 */
import type { ErrorCode } from '../../base/error-codes.ts'
import type { Int64 } from '../../base/int64.ts'
import type { VerificationProof } from './partition-writer.ts'
import type { Reply } from './reply.ts'

/** `nowMs` is wall-clock time, as it goes into records. */
export type Decider<State, Record> = (state: State, nowMs: number) => Decision<State, Record>

export type TimerChange<State, Record> =
  | { readonly kind: 'set'; readonly key: string; readonly delayMs: number; readonly expire: Decider<State, Record> }
  | { readonly kind: 'cancel'; readonly key: string }

export interface Answer {
  send(): void
  fail(code: ErrorCode): void
}

/** Runs once the write is committed (`error` null), failed, or waited for too long, before the answers go out. A decision of its own has no records. */
export type Settle<State, Record> = (error: ErrorCode | null, nowMs: number) => Decision<State, Record> | null

/** Whose transaction the records are part of; `verification` as the log wants it. */
export interface TransactionalWrite {
  readonly producerId: Int64
  readonly producerEpoch: number
  readonly verification: VerificationProof
}

/** Ends the transaction of a producer in this partition. */
export interface MarkerWrite {
  readonly producerId: Int64
  readonly producerEpoch: number
  readonly committed: boolean
  readonly coordinatorEpoch: number
  readonly transactionVersion: number
}

export class Decision<State, Record> {
  readonly records: Record[] = []
  /** The records become part of the state when that transaction is committed. */
  transaction: TransactionalWrite | null = null
  /** Written instead of records. */
  marker: MarkerWrite | null = null
  readonly timers: TimerChange<State, Record>[] = []
  readonly answers: Answer[] = []
  readonly answersAtOnce: Answer[] = []
  settle: Settle<State, Record> | null = null
  committed: (() => void) | null = null
  /** False: the records need not become visible together, so they may be spread over several batches. */
  isAtomic = true

  /** After the commit of this decision and of everything decided before it; an error instead if that fails. */
  answer<Response>(to: Reply<Response>, response: Response): this {
    this.answers.push(answerTo(to, response))
    return this
  }

  /** Without waiting for any write: for answers that rest on soft state alone. */
  answerAtOnce<Response>(to: Reply<Response>, response: Response): this {
    this.answersAtOnce.push(answerTo(to, response))
    return this
  }

  append(...records: readonly Record[]): this {
    this.records.push(...records)
    return this
  }

  /** Replaces a timer of the same key. */
  schedule(key: string, delayMs: number, expire: Decider<State, Record>): this {
    this.timers.push({ kind: 'set', key, delayMs, expire })
    return this
  }

  cancel(key: string): this {
    this.timers.push({ kind: 'cancel', key })
    return this
  }

  whenSettled(settle: Settle<State, Record>): this {
    this.settle = settle
    return this
  }

  /** Also if that is later than anybody waits for; not if the write is lost, or this broker coordinates no longer. */
  whenCommitted(committed: () => void): this {
    this.committed = committed
    return this
  }
}

function answerTo<Response>(to: Reply<Response>, response: Response): Answer {
  return { send: () => to.answer(response), fail: (code) => to.fail(code) }
}
