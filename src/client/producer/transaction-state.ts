/** The states of a producer's identity and transaction, which of them may follow which, and what a call in a wrong one throws. */
import { ClientError } from '../errors.ts'

export type TransactionState =
  | 'UNINITIALIZED'
  | 'INITIALIZING'
  | 'READY'
  | 'IN_TRANSACTION'
  | 'COMMITTING_TRANSACTION'
  | 'ABORTING_TRANSACTION'
  | 'ABORTABLE_ERROR'
  | 'FATAL_ERROR'

/** What may come before each state; FATAL_ERROR may follow any. */
const SOURCES: Readonly<Record<Exclude<TransactionState, 'FATAL_ERROR'>, readonly TransactionState[]>> = {
  UNINITIALIZED: ['READY', 'ABORTABLE_ERROR'],
  INITIALIZING: ['UNINITIALIZED', 'COMMITTING_TRANSACTION', 'ABORTING_TRANSACTION'],
  READY: ['INITIALIZING', 'COMMITTING_TRANSACTION', 'ABORTING_TRANSACTION'],
  IN_TRANSACTION: ['READY'],
  COMMITTING_TRANSACTION: ['IN_TRANSACTION'],
  ABORTING_TRANSACTION: ['IN_TRANSACTION', 'ABORTABLE_ERROR'],
  ABORTABLE_ERROR: ['IN_TRANSACTION', 'COMMITTING_TRANSACTION', 'ABORTABLE_ERROR', 'INITIALIZING'],
}

/** @throws ClientError ILLEGAL_STATE. */
export function checkTransition(from: TransactionState, to: TransactionState): void {
  if (to === 'FATAL_ERROR' || SOURCES[to].includes(from)) return
  throw new ClientError('ILLEGAL_STATE', SENTENCES[from])
}

const SENTENCES: Readonly<Record<TransactionState, string>> = {
  UNINITIALIZED: 'The producer has no id yet: call initTransactions first.',
  INITIALIZING: 'The producer is getting its id: await initTransactions first.',
  READY: 'No transaction is open: call beginTransaction first.',
  IN_TRANSACTION: 'A transaction is open: commit or abort it first.',
  COMMITTING_TRANSACTION: 'The transaction is being committed: await that first.',
  ABORTING_TRANSACTION: 'The transaction is being aborted: await that first.',
  ABORTABLE_ERROR: 'The transaction has failed: call abortTransaction first.',
  FATAL_ERROR: 'The producer has failed for good: close it and make a new one.',
}
