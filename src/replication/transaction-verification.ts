/**
 * Before the first batch of a transaction enters a partition, its coordinator is asked whether the partition is in that
 * transaction (KIP-890), or, for clients of transactions v2, told to take it in. Else a producer that was given up could open
 * a transaction that nobody ever ends.
 *
 * What is asked by Produce and by TxnOffsetCommit is the same; who is asked is behind `TransactionVerifier`. Nothing is
 * asked for a partition in which the transaction is open already.
 */
import { KafkaError } from '../base/errors.ts'
import type { ErrorCode } from '../base/error-codes.ts'
import type { Int64 } from '../base/int64.ts'
import type { VerificationGuard } from '../storage/log-surface.ts'
import type { Clock } from '../world/world.ts'
import type { Partition } from './partition.ts'

/** By the version of the request: its client knows no TRANSACTION_ABORTABLE, knows it, or leaves adding to the leader. */
export type TransactionSupport = 'old-errors' | 'abortable' | 'adds-partition'

export interface TransactionQuestion {
  readonly transactionalId: string
  readonly producerId: Int64
  readonly producerEpoch: number
  /** False: the coordinator adds the partitions. */
  readonly verifyOnly: boolean
  readonly partitions: readonly Partition[]
}

/** Asks the coordinator of a transaction; AddPartitionsToTxn v4 and later. */
export interface TransactionVerifier {
  /** The partitions that are not in the transaction, or of which nobody knows, with the reason. Never rejects. */
  ask(question: TransactionQuestion): Promise<ReadonlyMap<Partition, ErrorCode>>
}

export interface TransactionOfRequest {
  readonly transactionalId: string
  readonly producerId: Int64
  readonly producerEpoch: number
  readonly support: TransactionSupport
  /** Base sequence of the first batch for each partition; -1 where batches carry none. */
  readonly partitions: ReadonlyMap<Partition, number>
}

export interface Verified {
  readonly errors: ReadonlyMap<Partition, KafkaError>
  /** To be handed to the append. */
  readonly guards: ReadonlyMap<Partition, VerificationGuard>
}

export interface TransactionVerificationOptions {
  readonly clock: Clock
  readonly verifier: TransactionVerifier
  /** transaction.partition.verification.enable, as it is now. */
  readonly isEnabled: () => boolean
  /** How often and how long a transaction that is just being ended is asked about again, for clients of transactions v2. */
  readonly retry: () => { readonly backoffMs: number; readonly forMs: number }
}

const NOTHING: Verified = { errors: new Map(), guards: new Map() }

export class TransactionVerification {
  readonly #options: TransactionVerificationOptions

  constructor(options: TransactionVerificationOptions) {
    this.#options = options
  }

  /** What `AppendOptions.verification` is for a partition with that guard, or without one. */
  proof(guard: VerificationGuard | undefined): { readonly verification?: VerificationGuard | null } {
    return this.#options.isEnabled() ? { verification: guard ?? null } : {}
  }

  /** At once if nobody has to be asked. */
  verify(transaction: TransactionOfRequest): Verified | Promise<Verified> {
    const addsPartition = transaction.support === 'adds-partition'
    if (!addsPartition && !this.#options.isEnabled()) return NOTHING
    const { producerId, producerEpoch, support } = transaction
    const errors = new Map<Partition, KafkaError>()
    const guards = new Map<Partition, VerificationGuard>()
    for (const [partition, baseSequence] of transaction.partitions) {
      try {
        const guard = partition.startVerification({ producerId, producerEpoch, baseSequence, addsPartition })
        if (guard !== null) guards.set(partition, guard)
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error
        errors.set(partition, error)
      }
    }
    if (guards.size === 0) return { errors, guards }
    const { transactionalId } = transaction
    const question = { transactionalId, producerId, producerEpoch, verifyOnly: !addsPartition }
    return this.#options.verifier.ask({ ...question, partitions: [...guards.keys()] }).then((refused) => {
      for (const [partition, code] of refused) errors.set(partition, answerOf(code, support))
      return { errors, guards }
    })
  }

  /** The same, asked again for a while as long as the transaction before is being ended. */
  verifyPatiently(transaction: TransactionOfRequest): Verified | Promise<Verified> {
    const { clock, retry } = this.#options
    const { backoffMs, forMs } = retry()
    const endMs = clock.monotonicMs() + forMs
    const settle = (verified: Verified): Verified | Promise<Verified> => {
      if (clock.monotonicMs() >= endMs || !isConcurrent(verified)) return verified
      return new Promise<void>((resolve) => clock.at(clock.monotonicMs() + backoffMs, resolve))
        .then(() => this.verify(transaction))
        .then(settle)
    }
    const verified = this.verify(transaction)
    return verified instanceof Promise ? verified.then(settle) : verified
  }
}

/** Producers know one error for an epoch that is over, and older ones none for a transaction that can only be aborted. */
function answerOf(code: ErrorCode, support: TransactionSupport): KafkaError {
  if (code === 'PRODUCER_FENCED') return new KafkaError('INVALID_PRODUCER_EPOCH', 'the coordinator knows a newer epoch')
  if (code === 'TRANSACTION_ABORTABLE' && support === 'old-errors')
    return new KafkaError('INVALID_TXN_STATE', 'the partition is not in the transaction')
  return new KafkaError(code, 'the coordinator did not confirm the transaction')
}

function isConcurrent({ errors }: Verified): boolean {
  for (const { code } of errors.values()) if (code === 'CONCURRENT_TRANSACTIONS') return true
  return false
}
