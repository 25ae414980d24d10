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
/** Of one round: they are written together. */
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
    const into = decision()
    const serverVersion = environment.serverVersion()
    const aborted: (readonly [string, Transaction])[] = []
    for (const [transactionalId, before] of state.transactions.entries()) {
      if (aborted.length === ABORTS_MAX) break
      if (!isTimedOut(before, nowMs)) continue
      // A fresh producer id isn't at hand here; its successor gets one.
      const version = isExhausted(before.producerEpoch)
        ? Math.min(serverVersion, EPOCH_BUMP_VERSION - 1)
        : serverVersion
      const value = fenced(before, version, NONE, nowMs)
      aborted.push([transactionalId, value])
      into.append({ transactionalId, value, serverVersion })
      environment.logger.info(`The transaction of ${transactionalId} took longer than ${before.timeoutMs} ms: aborted`)
    }
    return into.whenCommitted(() => {
      for (const [id, value] of aborted) environment.complete(state, id, value)
    })
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
