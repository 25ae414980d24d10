/**
 * One partition of a coordinator's topic while this broker leads it: state, timers, the batch being filled and the
 * batches on their way to commit.
 *
 * Invariants: state = replay of the log up to the last append, plus the open batch. Batches commit in the order in which
 * they were appended. An answer leaves after the batch it rests on, in the order of decisions. A failed append takes back
 * its own batch only; a lost commit takes back that batch and everything after it.
 */
import { InvariantError } from '../../base/errors.ts'
import type { ErrorCode } from '../../base/error-codes.ts'
import { BATCH_HEADER_BYTES, type Codec } from '../../records/batch.ts'
import { buildBatch } from '../../records/batch-builder.ts'
import { buildMarker } from '../../records/control.ts'
import type { RecordInit } from '../../records/record.ts'
import type { Clock, Timer } from '../../world/world.ts'
import type { Coordinator } from './coordinator.ts'
import { Decision, type Decider, type MarkerWrite, type TransactionalWrite } from './decision.ts'
import type { PartitionWriter } from './partition-writer.ts'
import { Reply, type AnyReply } from './reply.ts'
import { UndoLog } from './undo-log.ts'
import { WriteDeadlines } from './write-deadlines.ts'
import { codeOf, codeOfLogError } from './write-errors.ts'

/** Most that a record's own fields (length, deltas, null marks) add to its key and value. */
const RECORD_OVERHEAD_BYTES = 21

export interface ShardSettings {
  readonly codec: Codec
  /** That batches carry: 0 for groups, -1 for transactions, as Kafka's. No producer is behind it. */
  readonly baseSequence: 0 | -1
  /** -1: whatever is decided in one turn of the loop is one batch; 0: each decision is. */
  readonly lingerMs: number
  /** How long an answer waits for its commit. */
  readonly writeTimeoutMs: number
}

/** A decision whose write is not yet committed. */
interface Pending<State, Record> {
  readonly decision: Decision<State, Record>
  readonly reply: AnyReply | null
  readonly deadlineMs: number
  done: boolean
}

interface Batch<State, Record> {
  readonly undoFrom: number
  undoTo: number
  readonly records: RecordInit[]
  readonly transaction: TransactionalWrite | null
  readonly marker: MarkerWrite | null
  bytes: number
  readonly pending: Pending<State, Record>[]
  committed: boolean
  flush: Timer | null
}

export class Shard<State, Record> {
  readonly partition: number
  readonly leaderEpoch: number
  readonly state: State
  readonly undo = new UndoLog()
  /** 'loading' → 'active' → 'closed', or 'loading' → 'closed'. */
  phase: 'loading' | 'active' | 'closed' = 'loading'
  readonly #coordinator: Coordinator<State, Record>
  readonly #writer: PartitionWriter
  readonly #clock: Clock
  readonly #settings: () => ShardSettings
  readonly #timers = new Map<string, Timer>()
  readonly #replies = new Set<AnyReply>()
  readonly #deadlines: WriteDeadlines<Pending<State, Record>>
  #open: Batch<State, Record> | null = null
  #appended: Batch<State, Record>[] = []
  #nextOffset = 0

  constructor(
    partition: number,
    leaderEpoch: number,
    coordinator: Coordinator<State, Record>,
    writer: PartitionWriter,
    clock: Clock,
    settings: () => ShardSettings,
  ) {
    this.partition = partition
    this.leaderEpoch = leaderEpoch
    this.#coordinator = coordinator
    this.#writer = writer
    this.#clock = clock
    this.#settings = settings
    this.#deadlines = new WriteDeadlines(clock, (late) => this.#fail(late, 'REQUEST_TIMED_OUT'))
    this.state = coordinator.createState(this.undo, partition, leaderEpoch)
  }

  /** Everything before `nextOffset` has been replayed into the state: serves from now on. */
  activate(nextOffset: number): void {
    this.#nextOffset = nextOffset
    this.phase = 'active'
    this.#run((state, nowMs) => this.#coordinator.loaded(state, nowMs), null)
  }

  /** Decides one request. The promise is answered by this decision or by a later one. */
  decide<Response>(
    failed: (code: ErrorCode) => Response,
    decide: (state: State, reply: Reply<Response>, nowMs: number) => Decision<State, Record>,
  ): Promise<Response> {
    const reply = new Reply(failed, (settled) => this.#replies.delete(settled))
    this.#replies.add(reply)
    this.#run((state, nowMs) => decide(state, reply, nowMs), reply)
    return reply.promise
  }

  /** A decision of our own: nobody waits for it. */
  decideAlone(decide: Decider<State, Record>): void {
    this.#run(decide, null)
  }

  /** Leadership is gone: nothing is written any more, whoever waits looks for the new coordinator. */
  close(code: ErrorCode): void {
    this.phase = 'closed'
    for (const timer of this.#timers.values()) timer.cancel()
    this.#timers.clear()
    this.#open?.flush?.cancel()
    this.#deadlines.clear()
    this.#appended = []
    this.#open = null
    for (const reply of this.#replies) reply.fail(code)
  }

  #run(decide: Decider<State, Record>, reply: AnyReply | null): void {
    const undoFrom = this.undo.mark
    let decision: Decision<State, Record>
    try {
      decision = decide(this.state, this.#clock.wallMs())
    } catch (error) {
      const code = codeOf(error)
      this.undo.revertTo(undoFrom, code)
      // An error is an answer like any other: it rests on what was decided before it.
      decision = new Decision<State, Record>()
      decision.answers.push({ send: () => reply?.fail(code), fail: () => reply?.fail(code) })
    }
    this.#carryOut(decision, reply, undoFrom)
  }

  #carryOut(decision: Decision<State, Record>, reply: AnyReply | null, undoFrom: number): void {
    for (const answer of decision.answersAtOnce) answer.send()
    this.#changeTimers(decision)
    const deadlineMs = this.#clock.monotonicMs() + this.#settings().writeTimeoutMs
    const pending: Pending<State, Record> = { decision, reply, deadlineMs, done: false }
    if (decision.marker !== null) {
      this.#carryOutMarker(decision.marker, pending, undoFrom)
      return
    }
    if (decision.records.length === 0) {
      const last = this.#open ?? this.#appended.at(-1)
      if (last !== undefined) this.#wait(last, pending)
      else {
        this.undo.forgetTo(this.undo.mark)
        this.#succeed(pending)
      }
      return
    }
    const nowMs = this.#clock.wallMs()
    const encoded = decision.records.map((record) => this.#coordinator.encode(record))
    let bytes = 0
    for (const { key, value } of encoded) bytes += RECORD_OVERHEAD_BYTES + key.length + (value?.length ?? 0)
    const bytesMax = this.#writer.maxBatchBytes(this.partition)
    if (BATCH_HEADER_BYTES + bytes > bytesMax) {
      if (!decision.isAtomic && encoded.length > 1) {
        this.#carryOutHalves(decision.records, undoFrom)
        return
      }
      this.undo.revertTo(undoFrom, 'MESSAGE_TOO_LARGE')
      this.#fail([pending], 'MESSAGE_TOO_LARGE')
      return
    }
    const { transaction } = decision
    // A transaction's records are a batch of their own.
    if (this.#open !== null && (transaction !== null || this.#open.bytes + bytes > bytesMax)) {
      // What this decision did to the state so far belongs to its own batch, not to the one that goes now.
      const error = this.#flush(undoFrom)
      if (error !== null) {
        this.#fail([pending], error)
        return
      }
    }
    const batch = (this.#open ??= this.#openBatch(undoFrom, transaction))
    batch.bytes += bytes
    for (const [at, record] of decision.records.entries()) {
      const { key, value } = encoded[at]!
      batch.records.push({ timestamp: nowMs, key, value })
      const producerId = transaction?.producerId ?? null
      this.#coordinator.apply(this.state, record, { offset: this.#nextOffset++, producerId })
    }
    this.#wait(batch, pending)
    if (this.#settings().lingerMs === 0 || transaction !== null) this.#flush(this.undo.mark)
  }

  /** Behind all that was decided before it, and a batch of its own. */
  #carryOutMarker(marker: MarkerWrite, pending: Pending<State, Record>, undoFrom: number): void {
    const error = this.#flush(undoFrom)
    if (error !== null) {
      this.#fail([pending], error)
      return
    }
    const batch = (this.#open = this.#openBatch(undoFrom, null, marker))
    this.#coordinator.endTransaction(this.state, marker.producerId, marker.committed)
    this.#nextOffset++
    this.#wait(batch, pending)
    this.#flush(this.undo.mark)
  }

  #carryOutHalves(records: readonly Record[], undoFrom: number): void {
    const middle = records.length >> 1
    for (const half of [records.slice(0, middle), records.slice(middle)]) {
      const decision = new Decision<State, Record>().append(...half)
      decision.isAtomic = false
      this.#carryOut(decision, null, half[0] === records[0] ? undoFrom : this.undo.mark)
    }
  }

  #wait(batch: Batch<State, Record>, pending: Pending<State, Record>): void {
    batch.pending.push(pending)
    this.#deadlines.add(pending)
  }

  #openBatch(
    undoFrom: number,
    transaction: TransactionalWrite | null,
    marker: MarkerWrite | null = null,
  ): Batch<State, Record> {
    const { lingerMs } = this.#settings()
    const batch: Batch<State, Record> = {
      undoFrom,
      undoTo: undoFrom,
      records: [],
      transaction,
      marker,
      bytes: BATCH_HEADER_BYTES,
      pending: [],
      committed: false,
      flush: null,
    }
    if (transaction !== null || marker !== null) return batch
    const nowMs = this.#clock.monotonicMs()
    const flush = (): void => {
      if (this.#open === batch) this.#flush(this.undo.mark)
    }
    if (lingerMs > 0) batch.flush = this.#clock.at(nowMs + lingerMs, flush)
    else if (lingerMs < 0) this.#clock.soon(flush)
    return batch
  }

  /** Writes the open batch, whose changes end at `undoTo`. The error it met, if any; then it has been taken back. */
  #flush(undoTo: number): ErrorCode | null {
    const batch = this.#open
    if (batch === null) return null
    this.#open = null
    batch.flush?.cancel()
    batch.undoTo = undoTo
    const { transaction, marker } = batch
    const transactional = {
      proof: transaction?.verification ?? {},
      transactionVersion: marker?.transactionVersion ?? 0,
    }
    try {
      const bytes = this.#bytesOf(batch)
      const { lastOffset, committed } = this.#writer.append(this.partition, bytes, this.leaderEpoch, transactional)
      this.#nextOffset = lastOffset + 1
      this.#appended.push(batch)
      committed.then(
        () => this.#onCommitted(batch),
        (error: unknown) => this.#onLost(batch, codeOfLogError(error)),
      )
      return null
    } catch (error) {
      const code = codeOfLogError(error)
      this.#nextOffset -= marker === null ? batch.records.length : 1
      this.undo.revertTo(batch.undoFrom, code)
      this.#fail(batch.pending, code)
      this.#forgetIfIdle()
      return code
    }
  }

  #bytesOf({ records, transaction, marker }: Batch<State, Record>): Buffer {
    if (marker !== null) {
      const { producerId, producerEpoch, coordinatorEpoch, committed } = marker
      const type = committed ? 'COMMIT' : 'ABORT'
      return buildMarker({ type, producerId, producerEpoch, coordinatorEpoch, timestampMs: this.#clock.wallMs() })
    }
    const { codec, baseSequence } = this.#settings()
    if (transaction === null) return buildBatch({ codec, baseSequence, records })
    const { producerId, producerEpoch } = transaction
    return buildBatch({ codec, baseSequence, records, producerId, producerEpoch, transactional: true })
  }

  #onCommitted(batch: Batch<State, Record>): void {
    batch.committed = true
    if (this.phase === 'closed') return
    for (let first = this.#appended[0]; first?.committed === true; first = this.#appended[0]) {
      this.#appended.shift()
      this.undo.forgetTo(first.undoTo)
      for (const pending of first.pending) this.#succeed(pending)
    }
    this.#forgetIfIdle()
  }

  #onLost(batch: Batch<State, Record>, code: ErrorCode): void {
    const at = this.#appended.indexOf(batch)
    if (this.phase === 'closed' || at < 0) return
    const lost = this.#appended.splice(at)
    if (this.#open !== null) lost.push(this.#open)
    this.#open?.flush?.cancel()
    this.#open = null
    this.undo.revertTo(batch.undoFrom, code)
    for (const each of lost) this.#fail(each.pending, code)
    this.#forgetIfIdle()
  }

  /** Soft changes of decisions without records stay undoable only as long as something before them is. */
  #forgetIfIdle(): void {
    if (this.#open === null && this.#appended.length === 0) this.undo.forgetTo(this.undo.mark)
  }

  #succeed(pending: Pending<State, Record>): void {
    pending.decision.committed?.()
    if (pending.done) return
    pending.done = true
    this.#settle(pending, null)
    for (const answer of pending.decision.answers) answer.send()
  }

  #fail(failed: readonly Pending<State, Record>[], code: ErrorCode): void {
    for (const pending of failed) {
      if (pending.done) continue
      pending.done = true
      this.#settle(pending, code)
      for (const answer of pending.decision.answers) answer.fail(code)
      // Its answer may be held elsewhere; a decision with records that were lost cannot be waited for. One without
      // records changed nothing but soft state: what it holds goes on being held.
      if (pending.decision.records.length > 0 || pending.decision.marker !== null) pending.reply?.fail(code)
    }
  }

  #settle(pending: Pending<State, Record>, error: ErrorCode | null): void {
    const next = pending.decision.settle?.(error, this.#clock.wallMs()) ?? null
    if (next === null) return
    if (next.records.length > 0) throw new InvariantError('a settled write decides nothing that must be written')
    for (const answer of next.answersAtOnce) answer.send()
    for (const answer of next.answers) answer.send()
    this.#changeTimers(next)
  }

  #changeTimers(decision: Decision<State, Record>): void {
    for (const change of decision.timers) {
      this.#timers.get(change.key)?.cancel()
      this.#timers.delete(change.key)
      if (change.kind === 'cancel') continue
      const timer = this.#clock.at(this.#clock.monotonicMs() + change.delayMs, () => {
        if (this.#timers.get(change.key) !== timer) return
        this.#timers.delete(change.key)
        this.#run(change.expire, null)
      })
      this.#timers.set(change.key, timer)
    }
  }
}
