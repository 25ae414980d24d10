/** A coordinator's port to its internal topic, over the replica manager: appended as leader, with acks=all. */
import { KafkaError } from '../base/errors.ts'
import type {
  AppendedBatch,
  PartitionWriter,
  TransactionalOptions,
  TransactionToVerify,
} from '../coordinators/runtime/partition-writer.ts'
import { entryLastOffset } from '../records/batches.ts'
import type { Partition } from '../replication/partition.ts'
import type { ReplicaManager } from '../replication/replica-manager.ts'
import type { TransactionVerification } from '../replication/transaction-verification.ts'
import type { PartitionLog } from '../storage/partition-log.ts'

type Proof = ReturnType<TransactionVerification['proof']>

/** Versions of TxnOffsetCommit whose clients know TRANSACTION_ABORTABLE, and that leave adding the partition to the broker. */
const ABORTABLE_FROM = 4
const ADDS_PARTITION_FROM = 5
/** Offsets that are committed carry no sequence. */
const NO_SEQUENCE = -1

export class CoordinatorWriter implements PartitionWriter {
  readonly #topic: string
  readonly #replicas: ReplicaManager
  readonly #verification: TransactionVerification

  constructor(topic: string, replicas: ReplicaManager, verification: TransactionVerification) {
    this.#topic = topic
    this.#replicas = replicas
    this.#verification = verification
  }

  async verify(partition: number, question: TransactionToVerify): Promise<Proof> {
    const hosted = this.#hosted(partition)
    const { apiVersion, ...transaction } = question
    const support =
      apiVersion >= ADDS_PARTITION_FROM ? 'adds-partition' : apiVersion >= ABORTABLE_FROM ? 'abortable' : 'old-errors'
    const { errors, guards } = await this.#verification.verify({
      ...transaction,
      support,
      partitions: new Map([[hosted, NO_SEQUENCE]]),
    })
    const error = errors.get(hosted)
    if (error !== undefined) throw error
    return this.#verification.proof(guards.get(hosted))
  }

  append(partition: number, batch: Buffer, leaderEpoch: number, transactional?: TransactionalOptions): AppendedBatch {
    const { hosted, log } = this.#leader(partition, leaderEpoch)
    hosted.checkInSyncReplicas(log, 'NOT_ENOUGH_REPLICAS')
    if (batch.length > log.config.maxMessageBytes) {
      throw new KafkaError(
        'MESSAGE_TOO_LARGE',
        `a batch of ${batch.length} bytes, ${log.config.maxMessageBytes} are allowed`,
      )
    }
    const { lastOffset, written } = hosted.append(log, batch, {
      origin: 'coordinator',
      ...(transactional?.proof as Proof | undefined),
      transactionVersion: transactional?.transactionVersion ?? 0,
    })
    return { lastOffset, committed: written.then(() => hosted.whenCommitted(lastOffset + 1, null)) }
  }

  async scan(partition: number, leaderEpoch: number, visit: (batches: Buffer) => boolean): Promise<void> {
    let next = 0
    let stopped = false
    const read = (bytes: Buffer, at: number, size: number): boolean => {
      stopped = !visit(bytes.subarray(at, at + size))
      next = entryLastOffset(bytes, at) + 1
      return !stopped
    }
    for (;;) {
      const { hosted, log } = this.#leader(partition, leaderEpoch)
      try {
        await log.scan(next, read)
        break
      } catch (error) {
        // Or the replica moved to another directory meanwhile: the log there is equal, and this one is closed.
        if (hosted.log === log) throw error
      }
    }
    if (stopped) return
    // What the leader before left uncommitted may still be lost: nobody is answered from it before it is committed.
    const { hosted, log } = this.#leader(partition, leaderEpoch)
    await hosted.whenCommitted(log.writtenEnd, null)
  }

  maxBatchBytes(partition: number): number {
    return this.#replicas.partition(this.#topic, partition)?.log?.config.maxMessageBytes ?? 0
  }

  #leader(partition: number, leaderEpoch: number): { readonly hosted: Partition; readonly log: PartitionLog } {
    const hosted = this.#hosted(partition)
    return { hosted, log: hosted.leaderLog(leaderEpoch) }
  }

  #hosted(partition: number): Partition {
    const hosted = this.#replicas.partition(this.#topic, partition)
    if (hosted !== null) return hosted
    throw new KafkaError('NOT_LEADER_OR_FOLLOWER', `${this.#topic}-${partition} is not on this broker`)
  }
}
