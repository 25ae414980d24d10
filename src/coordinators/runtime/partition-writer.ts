/**
 * What a coordinator needs of the replicated log of its internal topic. The server implements it over the replica
 * manager; tests in memory.
 *
 * A coordinator is the only writer of client data in its partitions, but not the only writer: transaction markers come
 * through here too. Appends of one partition are made in the order of the calls and committed in that order.
 */
import type { Int64 } from '../../base/int64.ts'

export interface PartitionWriter {
  /**
   * Asks the transaction's coordinator, if it has to be asked, whether this partition is in the transaction (or has it added,
   * as clients of `apiVersion` of TxnOffsetCommit want it). What it resolves to goes into the append.
   * Rejects with KafkaError: the code for the client.
   */
  verify(partition: number, question: TransactionToVerify): Promise<VerificationProof>
  /**
   * Appends one whole batch as the leader of `leaderEpoch`, with acks all. Synchronous: offsets are assigned when it
   * returns. The writer may patch offset and epoch in place; the coordinator does not touch `batch` again.
   * @throws KafkaError NOT_LEADER_OR_FOLLOWER, NOT_ENOUGH_REPLICAS, MESSAGE_TOO_LARGE, KAFKA_STORAGE_ERROR …: nothing was appended.
   */
  append(partition: number, batch: Buffer, leaderEpoch: number, transactional?: TransactionalOptions): AppendedBatch
  /**
   * Hands out every batch from the log start to the log end (not only to the high watermark), in order, in buffers of
   * whole batches that are valid during the call only. Resolves when all of them are committed. Stops early when `visit`
   * answers false.
   * @throws KafkaError NOT_LEADER_OR_FOLLOWER when leadership is lost under the scan.
   */
  scan(partition: number, leaderEpoch: number, visit: (batches: Buffer) => boolean): Promise<void>
  /** `max.message.bytes` of the topic now: no batch may be longer. */
  maxBatchBytes(partition: number): number
}

/** What the log is told of a transaction's batch: opaque here. */
export type VerificationProof = Readonly<{ verification?: unknown }>

export interface TransactionToVerify {
  readonly transactionalId: string
  readonly producerId: Int64
  readonly producerEpoch: number
  readonly apiVersion: number
}

export interface TransactionalOptions {
  readonly proof: VerificationProof
  readonly transactionVersion: number
}

export interface AppendedBatch {
  readonly lastOffset: number
  /** Resolves once the high watermark has passed the batch; rejects with a KafkaError when it never will (leadership or disk lost). */
  readonly committed: Promise<void>
}
