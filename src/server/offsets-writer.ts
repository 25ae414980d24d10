/** The group coordinator's port to `__consumer_offsets`, over the replica manager: appended as leader, with acks=all. */
import { KafkaError } from '../base/errors.ts'
import type { AppendedBatch, PartitionWriter } from '../coordinators/runtime/partition-writer.ts'
import type { Partition } from '../replication/partition.ts'
import type { ReplicaManager } from '../replication/replica-manager.ts'
import type { PartitionLog } from '../storage/partition-log.ts'
import { CONSUMER_OFFSETS } from './topic-names.ts'

export class OffsetsWriter implements PartitionWriter {
  readonly #replicas: ReplicaManager

  constructor(replicas: ReplicaManager) {
    this.#replicas = replicas
  }

  append(partition: number, batch: Buffer, leaderEpoch: number): AppendedBatch {
    const { hosted, log } = this.#leader(partition, leaderEpoch)
    hosted.checkInSyncReplicas(log, 'NOT_ENOUGH_REPLICAS')
    if (batch.length > log.config.maxMessageBytes) {
      throw new KafkaError(
        'MESSAGE_TOO_LARGE',
        `a batch of ${batch.length} bytes, ${log.config.maxMessageBytes} are allowed`,
      )
    }
    const { lastOffset, written } = hosted.append(log, batch, { origin: 'coordinator' })
    return { lastOffset, committed: written.then(() => hosted.whenCommitted(lastOffset + 1)) }
  }

  async scan(partition: number, leaderEpoch: number, visit: (batches: Buffer) => boolean): Promise<void> {
    const { log } = this.#leader(partition, leaderEpoch)
    let stopped = false
    await log.scan(log.startOffset, (bytes, at, size) => {
      stopped = !visit(bytes.subarray(at, at + size))
      return !stopped
    })
    if (!stopped) this.#leader(partition, leaderEpoch)
  }

  maxBatchBytes(partition: number): number {
    return this.#replicas.partition(CONSUMER_OFFSETS, partition)?.log?.config.maxMessageBytes ?? 0
  }

  #leader(partition: number, leaderEpoch: number): { readonly hosted: Partition; readonly log: PartitionLog } {
    const hosted = this.#replicas.partition(CONSUMER_OFFSETS, partition)
    if (hosted === null) {
      throw new KafkaError('NOT_LEADER_OR_FOLLOWER', `${CONSUMER_OFFSETS}-${partition} is not on this broker`)
    }
    return { hosted, log: hosted.leaderLog(leaderEpoch) }
  }
}
