/**
 * How far a kafkajs consumer is with each partition: what it has resolved (the next offset to read), and what of that is
 * committed. When to commit is the runner's to say; this counts.
 */
import type { TopicPartition } from '../client/consumer/topic-partition.ts'
import { byTopic, keyOf } from '../client/consumer/topic-partition.ts'
import type { Offsets } from './types.ts'

interface Progress extends TopicPartition {
  /** The next offset to read. */
  resolved: number
  /** As far as known; where reading began, before the first commit. */
  committed: number
}

export class OffsetKeeper {
  readonly #partitions = new Map<string, Progress>()

  /** Reading of a partition begins, unless it has begun already; if what comes lies before what was resolved, it begins anew. */
  begin({ topic, partition }: TopicPartition, offset: number): void {
    const key = keyOf({ topic, partition })
    const progress = this.#partitions.get(key)
    if (progress !== undefined) {
      progress.resolved = Math.min(progress.resolved, offset)
      return
    }
    this.#partitions.set(key, { topic, partition, resolved: offset, committed: offset })
  }

  /** The next offset to read; null if reading has not begun. */
  next(partition: TopicPartition): number | null {
    return this.#partitions.get(keyOf(partition))?.resolved ?? null
  }

  /** All below `offset` is done, whatever was said before. */
  set(partition: TopicPartition, offset: number): void {
    this.begin(partition, offset)
    this.#partitions.get(keyOf(partition))!.resolved = offset
  }

  committed(partition: TopicPartition, offset: number): void {
    const progress = this.#partitions.get(keyOf(partition))
    if (progress === undefined) return
    progress.committed = offset
  }

  forget(partition: TopicPartition): void {
    this.#partitions.delete(keyOf(partition))
  }

  /** Resolved and not committed, of all partitions or those of `keys`. */
  uncommitted(keys: ReadonlySet<string> | null = null): Offsets {
    const open = [...this.#partitions.entries()]
      .filter(([key, { resolved, committed }]) => resolved !== committed && (keys === null || keys.has(key)))
      .map(([, progress]) => progress)
    return {
      topics: [...byTopic(open)].map(([topic, parts]) => ({
        topic,
        partitions: parts.map(({ partition, resolved }) => ({ partition, offset: String(resolved) })),
      })),
    }
  }

  /** Records that are resolved and not committed. */
  get uncommittedCount(): number {
    let count = 0
    for (const { resolved, committed } of this.#partitions.values()) count += Math.max(0, resolved - committed)
    return count
  }
}
