/**
 * How many replicas are copied between directories at a time (num.replica.alter.log.dirs.threads): the others wait, and come in
 * the order of their names. One that is copied alone is there sooner, and while it is copied it holds memory.
 */
import { compareTopicPartitions, type TopicPartition } from './topic-partition.ts'

interface Waiting {
  readonly partition: TopicPartition
  readonly decide: (entered: boolean) => void
}

export class CopyLanes {
  readonly #waiting: Waiting[] = []
  #free: number

  /** @param count at least 1 */
  constructor(count: number) {
    this.#free = count
  }

  get waitingCount(): number {
    return this.#waiting.length
  }

  /** Resolves to true when it is the partition's turn, which it gives back by `leave`; to false once it was given up. */
  enter(partition: TopicPartition): Promise<boolean> {
    if (this.#free > 0) {
      this.#free--
      return Promise.resolve(true)
    }
    return new Promise((decide) => this.#waiting.push({ partition, decide }))
  }

  leave(): void {
    let next = this.#waiting[0]
    if (next === undefined) {
      this.#free++
      return
    }
    for (const other of this.#waiting) if (compareTopicPartitions(other.partition, next.partition) < 0) next = other
    this.#waiting.splice(this.#waiting.indexOf(next), 1)
    next.decide(true)
  }

  giveUp({ topic, partition }: TopicPartition): void {
    const at = this.#waiting.findIndex((one) => one.partition.topic === topic && one.partition.partition === partition)
    if (at >= 0) this.#waiting.splice(at, 1)[0]?.decide(false)
  }
}
