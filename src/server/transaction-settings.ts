/** The slice of the broker's settings that its transaction coordinator works with. */
import type { BrokerConfig } from '../config/broker-config.ts'
import type { TransactionConfig } from '../coordinators/transaction/transaction-coordinator.ts'

export function transactionSettings(config: BrokerConfig, partitions: number): TransactionConfig {
  return {
    partitions,
    maxTimeoutMs: config.transactionMaxTimeoutMs,
    abortIntervalMs: config.transactionAbortTimedOutTransactionCleanupIntervalMs,
    expirationMs: config.transactionalIdExpirationMs,
    expirationIntervalMs: config.transactionRemoveExpiredTransactionCleanupIntervalMs,
    isTwoPhaseCommitEnabled: config.transactionTwoPhaseCommitEnable,
    writeTimeoutMs: config.requestTimeoutMs,
  }
}
