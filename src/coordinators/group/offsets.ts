/**
 * Committed offsets of all groups of one partition, and those of open transactions. Hard state: changed by replay only.
 *
 * Offsets are kept apart from their groups, because they outlive a change of the group's type (which writes a group
 * tombstone). A transaction's offsets become committed at its marker, unless a later record of the same key was
 * committed meanwhile: compaction may have removed what came between.
 */
import type { Int64 } from '../../base/int64.ts'
import type { OffsetCommitValue } from '../../protocol/generated/group-offset-commit.ts'
import { TimelineMap, type UndoLog } from '../runtime/undo-log.ts'

export interface CommittedOffset {
  readonly topic: string
  readonly partition: number
  readonly value: OffsetCommitValue
  /** Where its record is in the log. */
  readonly recordOffset: number
}

interface PendingOffset {
  readonly groupId: string
  readonly offset: CommittedOffset
}

/** No topic name contains it. */
const SEPARATOR = '\0'

export class Offsets {
  readonly #undo: UndoLog
  readonly #groups = new Map<string, TimelineMap<string, CommittedOffset>>()
  /** By producer id. */
  readonly #pending = new Map<Int64, TimelineMap<string, PendingOffset>>()
  /** At least the topics that any group here has an offset of. */
  #topics = new Set<string>()

  constructor(undo: UndoLog) {
    this.#undo = undo
  }

  get(groupId: string, topic: string, partition: number): CommittedOffset | null {
    return this.#groups.get(groupId)?.get(key(topic, partition)) ?? null
  }

  /** As of the last commit of the log. */
  getCommitted(groupId: string, topic: string, partition: number): CommittedOffset | null {
    return this.#groups.get(groupId)?.getCommitted(key(topic, partition)) ?? null
  }

  ofGroup(groupId: string): Iterable<CommittedOffset> {
    return this.#groups.get(groupId)?.values() ?? []
  }

  committedOfGroup(groupId: string): Iterable<CommittedOffset> {
    return this.#groups.get(groupId)?.committedValues() ?? []
  }

  set(groupId: string, offset: CommittedOffset): void {
    let group = this.#groups.get(groupId)
    if (group === undefined) this.#groups.set(groupId, (group = new TimelineMap(this.#undo)))
    group.set(key(offset.topic, offset.partition), offset)
    this.#topics.add(offset.topic)
  }

  setPending(producerId: Int64, groupId: string, offset: CommittedOffset): void {
    let pending = this.#pending.get(producerId)
    if (pending === undefined) this.#pending.set(producerId, (pending = new TimelineMap(this.#undo)))
    pending.set(groupId + SEPARATOR + key(offset.topic, offset.partition), { groupId, offset })
    this.#topics.add(offset.topic)
  }

  /** Also takes it out of open transactions, whose commit must not bring it back. */
  delete(groupId: string, topic: string, partition: number): void {
    this.#groups.get(groupId)?.delete(key(topic, partition))
    for (const pending of this.#pending.values()) pending.delete(groupId + SEPARATOR + key(topic, partition))
  }

  endTransaction(producerId: Int64, committed: boolean): void {
    const pending = this.#pending.get(producerId)
    if (pending === undefined) return
    for (const [pendingKey, { groupId, offset }] of [...pending.entries()]) {
      pending.delete(pendingKey)
      if (!committed) continue
      const before = this.get(groupId, offset.topic, offset.partition)
      if (before === null || offset.recordOffset > before.recordOffset) this.set(groupId, offset)
    }
  }

  isPending(groupId: string, topic: string, partition: number): boolean {
    for (const pending of this.#pending.values())
      if (pending.get(groupId + SEPARATOR + key(topic, partition)) !== null) return true
    return false
  }

  /** Offsets of the group in open transactions. */
  *pendingOfGroup(groupId: string): Generator<CommittedOffset> {
    for (const pending of this.#pending.values())
      for (const each of pending.values()) if (each.groupId === groupId) yield each.offset
  }

  /** Every offset of these topics, committed or in an open transaction. */
  *ofTopics(topics: ReadonlySet<string>): Generator<{ groupId: string; offset: CommittedOffset }> {
    for (const [groupId, group] of this.#groups)
      for (const offset of group.values()) if (topics.has(offset.topic)) yield { groupId, offset }
    for (const pending of this.#pending.values())
      for (const { groupId, offset } of pending.values()) if (topics.has(offset.topic)) yield { groupId, offset }
  }

  /** Every topic that a group here has an offset of, and perhaps some more. */
  get topics(): ReadonlySet<string> {
    return this.#topics
  }

  /** Drops the empty shells that groups and transactions leave behind, as far as nothing can bring them back. */
  sweep(): void {
    for (const [groupId, group] of this.#groups) if (group.isBare) this.#groups.delete(groupId)
    for (const [producerId, pending] of this.#pending) if (pending.isBare) this.#pending.delete(producerId)
    const topics = new Set<string>()
    for (const group of this.#groups.values()) for (const { topic } of group.values()) topics.add(topic)
    for (const pending of this.#pending.values()) for (const { offset } of pending.values()) topics.add(offset.topic)
    this.#topics = topics
  }
}

function key(topic: string, partition: number): string {
  return topic + SEPARATOR + partition
}
