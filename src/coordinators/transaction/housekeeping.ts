/**
 * What the coordinator does by itself: aborts transactions that took too long, forgets ids that nobody used for long, and
 * after a load completes what was decided.
 */
import type { Decider } from '../runtime/decision.ts'
import { decision, type TransactionDecision, type TransactionEnvironment, type TransactionState } from './requests.ts'
import type { TransactionRecord } from './transaction-records.ts'
import { EPOCH_BUMP_VERSION, fenced, isExhausted, isPrepared, NONE, type Transaction } from './transaction.ts'

const ABORT_KEY = 'abort-timed-out'
const EXPIRY_KEY = 'expire-ids'
const NEXT_ABORT_KEY = 'abort-next-timed-out'
/** Of one round. */
const ABORTS_MAX = 50
/** A transaction of two-phase commit, which doesn't time out. */
const NO_TIMEOUT_MS = 0x7fff_ffff

type TransactionDecider = Decider<TransactionState, TransactionRecord>

export function loaded(state: TransactionState, environment: TransactionEnvironment): TransactionDecision {
  const into = decision()
  for (const [transactionalId, transaction] of state.transactions.entries())
    if (isPrepared(transaction)) environment.complete(state, transactionalId, transaction)
  every(ABORT_KEY, () => environment.config().abortIntervalMs, abortTimedOut(environment), into)
  every(EXPIRY_KEY, () => environment.config().expirationIntervalMs, expire(environment), into)
  return into
}

function every(key: string, intervalMs: () => number, decide: TransactionDecider, into: TransactionDecision): void {
  into.schedule(key, intervalMs(), (state, nowMs) => {
    const next = decide(state, nowMs)
    every(key, intervalMs, decide, next)
    return next
  })
}

function abortTimedOut(environment: TransactionEnvironment): TransactionDecider {
  return (state, nowMs) => {
    const timedOut: string[] = []
    for (const [transactionalId, transaction] of state.transactions.entries()) {
      if (timedOut.length === ABORTS_MAX) break
      if (isTimedOut(transaction, nowMs)) timedOut.push(transactionalId)
    }
    return abortEach(timedOut, environment)(state, nowMs)
  }
}

/** Each is a decision of its own: one that can't be written, or all together, could be too much for a batch, round after round. */
function abortEach(ids: readonly string[], environment: TransactionEnvironment): TransactionDecider {
  return (state, nowMs) => {
    const into = decision()
    const [transactionalId, ...others] = ids
    if (transactionalId === undefined) return into
    if (others.length > 0) into.schedule(NEXT_ABORT_KEY, 0, abortEach(others, environment))
    const before = state.transactions.get(transactionalId)
    if (before === null || !isTimedOut(before, nowMs)) return into
    const serverVersion = environment.serverVersion()
    // A fresh producer id isn't at hand here; its successor gets one.
    const version = isExhausted(before.producerEpoch) ? Math.min(serverVersion, EPOCH_BUMP_VERSION - 1) : serverVersion
    const value = fenced(before, version, NONE, nowMs)
    into.append({ transactionalId, value, serverVersion })
    environment.logger.info(`The transaction of ${transactionalId} took longer than ${before.timeoutMs} ms: aborted`)
    return into.whenCommitted(() => environment.complete(state, transactionalId, value))
  }
}

export function isTimedOut({ state, startMs, timeoutMs }: Transaction, nowMs: number): boolean {
  return state === 'Ongoing' && timeoutMs !== NO_TIMEOUT_MS && startMs + timeoutMs < nowMs
}

function expire(environment: TransactionEnvironment): TransactionDecider {
  return (state, nowMs) => {
    const into = decision()
    into.isAtomic = false
    const { expirationMs } = environment.config()
    for (const [transactionalId, transaction] of state.transactions.entries()) {
      const isIdle =
        transaction.state === 'Empty' || transaction.state === 'CompleteCommit' || transaction.state === 'CompleteAbort'
      if (isIdle && transaction.updateMs + expirationMs <= nowMs)
        into.append({ transactionalId, value: null, serverVersion: 0 })
    }
    return into
  }
}
