/** What deciders of the transaction coordinator share. */
import { KafkaError } from '../../base/errors.ts'
import type { Int64 } from '../../base/int64.ts'
import type { Logger } from '../../base/logger.ts'
import { Decision } from '../runtime/decision.ts'
import { TimelineMap, type UndoLog } from '../runtime/undo-log.ts'
import type { Transaction } from './transaction.ts'
import type { TransactionRecord } from './transaction-records.ts'

/** All transactional ids of one partition of `__transaction_state`. Hard state: changed by replay only. */
export class TransactionState {
  readonly partition: number
  readonly leaderEpoch: number
  readonly transactions: TimelineMap<string, Transaction>

  constructor(undo: UndoLog, partition: number, leaderEpoch: number) {
    this.partition = partition
    this.leaderEpoch = leaderEpoch
    this.transactions = new TimelineMap(undo)
  }

  apply({ transactionalId, value }: TransactionRecord): void {
    if (value === null) this.transactions.delete(transactionalId)
    else this.transactions.set(transactionalId, value)
  }
}

export interface TransactionConfig {
  /** Of `__transaction_state`; can't change. */
  readonly partitions: number
  readonly maxTimeoutMs: number
  readonly abortIntervalMs: number
  readonly expirationMs: number
  readonly expirationIntervalMs: number
  readonly isTwoPhaseCommitEnabled: boolean
  readonly writeTimeoutMs: number
}

export interface TransactionEnvironment {
  readonly logger: Logger
  readonly config: () => TransactionConfig
  /** transaction.version of the cluster. */
  readonly serverVersion: () => number
  /** The decision is in the log: its markers go out. */
  readonly complete: (state: TransactionState, transactionalId: string, transaction: Transaction) => void
}

export type TransactionDecision = Decision<TransactionState, TransactionRecord>

export function decision(): TransactionDecision {
  return new Decision<TransactionState, TransactionRecord>()
}

/** One new value for one id; after the commit of a decided one the markers go out. */
export function decided(
  state: TransactionState,
  transactionalId: string,
  value: Transaction,
  environment: TransactionEnvironment,
): TransactionDecision {
  const into = decision()
  into.append({ transactionalId, value, serverVersion: environment.serverVersion() })
  if (value.state === 'PrepareCommit' || value.state === 'PrepareAbort') {
    into.whenCommitted(() => environment.complete(state, transactionalId, value))
  }
  return into
}

export interface ProducerOfRequest {
  readonly transactionalId: string
  readonly producerId: Int64
  readonly producerEpoch: number
}

/** @throws KafkaError INVALID_PRODUCER_ID_MAPPING */
export function existing(state: TransactionState, transactionalId: string): Transaction {
  const transaction = state.transactions.get(transactionalId)
  if (transaction === null)
    throw new KafkaError('INVALID_PRODUCER_ID_MAPPING', `transactional id ${transactionalId} is not known`)
  return transaction
}

/** Until all markers are written nobody gets on with the id. */
export function stillEnding(): KafkaError {
  return new KafkaError('CONCURRENT_TRANSACTIONS', 'the last transaction is being ended')
}

/** The producer wants an id that must be fetched first: it is to be decided again. */
export const NEEDS_PRODUCER_ID = Symbol('needs a producer id')
