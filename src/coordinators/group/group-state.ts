/**
 * All groups of one partition of `__consumer_offsets`, and the one path by which records change them.
 *
 * Hard state is `metadata` (the last record of each classic group), `offsets` and the foreign groups. The members and
 * the rebalance in `ClassicGroup` are soft state, made from `metadata` after a load and changed by deciders.
 */
import { KafkaError } from '../../base/errors.ts'
import type { Int64 } from '../../base/int64.ts'
import type { GroupMetadataValue } from '../../protocol/generated/group-group-metadata.ts'
import type { RecordOrigin } from '../runtime/coordinator.ts'
import { TimelineMap, type UndoLog } from '../runtime/undo-log.ts'
import { ClassicGroup } from './classic-group.ts'
import { ForeignGroup } from './foreign-group.ts'
import type { ForeignRecord, GroupRecord } from './group-records.ts'
import { Offsets } from './offsets.ts'

export type Group = ClassicGroup | ForeignGroup

export class GroupState {
  readonly groups: TimelineMap<string, Group>
  readonly metadata: TimelineMap<string, GroupMetadataValue>
  readonly offsets: Offsets
  readonly #undo: UndoLog

  constructor(undo: UndoLog) {
    this.#undo = undo
    this.groups = new TimelineMap(undo)
    this.metadata = new TimelineMap(undo)
    this.offsets = new Offsets(undo)
  }

  /** Null if there is none, or one of another type. */
  classic(groupId: string): ClassicGroup | null {
    const group = this.groups.get(groupId)
    return group instanceof ClassicGroup ? group : null
  }

  /** @throws KafkaError GROUP_ID_NOT_FOUND */
  existing(groupId: string): Group {
    const group = this.groups.get(groupId)
    if (group === null) throw new KafkaError('GROUP_ID_NOT_FOUND', `Group ${groupId} not found.`)
    return group
  }

  /** Undone with the write of the decision that creates it; whoever waits in it by then must not wait for ever. */
  create(groupId: string, nowMs: number): ClassicGroup {
    const group = new ClassicGroup(groupId, nowMs)
    this.#undo.push({ revert: (cause) => group.abandon(cause), forget: () => {} })
    this.groups.set(groupId, group)
    return group
  }

  apply(record: GroupRecord, origin: RecordOrigin): void {
    switch (record.kind) {
      case 'offset':
        return this.#applyOffset(record, origin)
      case 'classic':
        return this.#applyClassic(record.groupId, record.value)
      case 'foreign':
        return this.#applyForeign(record)
    }
  }

  endTransaction(producerId: Int64, committed: boolean): void {
    this.offsets.endTransaction(producerId, committed)
  }

  #applyOffset(record: GroupRecord & { kind: 'offset' }, origin: RecordOrigin): void {
    const { groupId, topic, partition, value } = record
    if (value === null) return this.offsets.delete(groupId, topic, partition)
    // A group that only holds offsets has no record of its own.
    if (this.groups.get(groupId) === null) this.create(groupId, -1)
    const offset = { topic, partition, value, recordOffset: origin.offset }
    if (origin.producerId === null) this.offsets.set(groupId, offset)
    else this.offsets.setPending(origin.producerId, groupId, offset)
  }

  #applyClassic(groupId: string, value: GroupMetadataValue | null): void {
    const group = this.groups.get(groupId)
    if (value === null) {
      this.metadata.delete(groupId)
      // The tombstone of a classic group that was converted must not remove the group that took its place.
      if (group instanceof ClassicGroup) this.groups.delete(groupId)
      return
    }
    this.metadata.set(groupId, value)
    if (!(group instanceof ClassicGroup)) this.create(groupId, -1)
  }

  #applyForeign(record: ForeignRecord): void {
    const { groupId, type, role, isTombstone } = record
    const group = this.groups.get(groupId)
    if (group instanceof ForeignGroup && group.type === type) {
      group.apply(record)
      if (isTombstone && role === 'group') this.groups.delete(groupId)
    } else if (!isTombstone && this.metadata.get(groupId) === null) {
      const created = new ForeignGroup(type, groupId, this.#undo)
      created.apply(record)
      this.groups.set(groupId, created)
    }
  }
}
