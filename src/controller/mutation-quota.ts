/**
 * A bound on the partitions that a client has created and deleted a second (KIP-599), as deciders see it. How it is kept:
 * server/quotas/mutation-quotas.ts.
 */

/** Of one request. */
export interface MutationQuota {
  /** So many partitions are about to be created or deleted. @throws KafkaError THROTTLING_QUOTA_EXCEEDED */
  record(partitions: number): void
  /** Milliseconds for which the client is to ask for no more. */
  throttleMs(): number
}

export interface MutationQuotas {
  /** Of a request by a client of that id. `isStrict`: what is beyond it is refused, not only waited for afterwards. Null: unbounded. */
  quotaFor(clientId: string, isStrict: boolean): MutationQuota | null
}

export const UNBOUNDED: MutationQuota = { record() {}, throttleMs: () => 0 }
