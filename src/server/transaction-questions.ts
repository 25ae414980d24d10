/** Whom the leader of a partition asks about a transaction, and how long it goes on asking. */
import type { BrokerConfig } from '../config/broker-config.ts'
import type { TransactionVerifier } from '../replication/transaction-verification.ts'

/** Nobody coordinates transactions in this cluster: what Kafka finds while `__transaction_state` doesn't exist. */
export const NO_COORDINATOR: TransactionVerifier = {
  ask: ({ partitions }) =>
    Promise.resolve(new Map(partitions.map((partition) => [partition, 'COORDINATOR_NOT_AVAILABLE'] as const))),
}

export function verificationRetry(config: BrokerConfig): { readonly backoffMs: number; readonly forMs: number } {
  return {
    backoffMs: config.addPartitionsToTxnRetryBackoffMs,
    forMs: Math.min(config.addPartitionsToTxnRetryBackoffMaxMs, config.requestTimeoutMs),
  }
}
