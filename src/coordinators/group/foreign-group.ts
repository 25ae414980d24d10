/**
 * A group of a type that isn't served here (consumer, share, streams), found in a log that Apache Kafka wrote. It keeps
 * its name, is listed, and keeps its committed offsets and records; nobody can join it. Deleting it writes tombstones for
 * the keys it was seen with.
 */
import type { UndoLog } from '../runtime/undo-log.ts'
import { TimelineMap } from '../runtime/undo-log.ts'
import type { ForeignRecord, ForeignType } from './group-records.ts'

export class ForeignGroup {
  readonly type: ForeignType
  readonly id: string
  /** The last record of each key that isn't a tombstone, by the key's bytes. */
  readonly #records: TimelineMap<string, ForeignRecord>

  constructor(type: ForeignType, id: string, undo: UndoLog) {
    this.type = type
    this.id = id
    this.#records = new TimelineMap(undo)
  }

  /** As ListGroups names it; consumers of the new protocol speak the same type of protocol as classic ones. */
  get protocolType(): string {
    return this.type.toLowerCase()
  }

  get state(): string {
    for (const { role } of this.#records.values()) if (role === 'member') return 'Stable'
    return 'Empty'
  }

  get records(): readonly ForeignRecord[] {
    return [...this.#records.values()]
  }

  apply(record: ForeignRecord): void {
    const key = record.key.toString('latin1')
    if (record.isTombstone) this.#records.delete(key)
    else this.#records.set(key, record)
  }
}
