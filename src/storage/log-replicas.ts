/**
 * The logs that a node has, by partition: the current one, and beside it the future one while the replica moves to
 * another directory (KIP-113). Pure bookkeeping; a partition has at most one of each.
 */
import type { LogDirectory } from './log-directory.ts'
import type { PartitionLog } from './partition-log.ts'
import { topicPartitionName } from './topic-partition.ts'

export interface LogReplica {
  readonly log: PartitionLog
  readonly directory: LogDirectory
  readonly isFuture: boolean
}

export class LogReplicas {
  readonly #current = new Map<string, LogReplica>()
  readonly #future = new Map<string, LogReplica>()

  get(topic: string, partition: number): LogReplica | null {
    return this.#current.get(topicPartitionName(topic, partition)) ?? null
  }

  future(topic: string, partition: number): LogReplica | null {
    return this.#future.get(topicPartitionName(topic, partition)) ?? null
  }

  add(replica: LogReplica): void {
    this.#mapOf(replica).set(nameOf(replica), replica)
  }

  /** Only if it is the one that is there. */
  remove(replica: LogReplica): void {
    const map = this.#mapOf(replica)
    if (map.get(nameOf(replica)) === replica) map.delete(nameOf(replica))
  }

  /** Current logs, then future ones. */
  *all(): Generator<LogReplica> {
    yield* this.#current.values()
    yield* this.#future.values()
  }

  in(directory: LogDirectory): LogReplica[] {
    return [...this.all()].filter((replica) => replica.directory === directory)
  }

  countIn(directory: LogDirectory): number {
    let count = 0
    for (const replica of this.all()) if (replica.directory === directory) count++
    return count
  }

  #mapOf(replica: LogReplica): Map<string, LogReplica> {
    return replica.isFuture ? this.#future : this.#current
  }
}

function nameOf({ log: { topicPartition } }: LogReplica): string {
  return topicPartitionName(topicPartition.topic, topicPartition.partition)
}
