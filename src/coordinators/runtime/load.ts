/**
 * Replays one partition's log into a coordinator's state: every record of every batch, last value wins. Records inside
 * a transaction are handed over with its producer id and stay pending until the marker of that producer.
 */
import { MalformedError } from '../../base/byte-reader.ts'
import { isControl, isTransactional, producerId } from '../../records/batch.ts'
import { entryLastOffset, forEachEntry } from '../../records/batches.ts'
import { readControlKey } from '../../records/control.ts'
import { readRecords } from '../../records/record-reader.ts'
import type { Coordinator } from './coordinator.ts'

export interface Replayed {
  readonly records: number
  /** Records of kinds that this release doesn't know. */
  readonly unknown: number
  /** One past the last offset seen. */
  readonly nextOffset: number
}

export const NOTHING_REPLAYED: Replayed = { records: 0, unknown: 0, nextOffset: 0 }

/** @throws MalformedError */
export function replayBatches<State, Record>(
  coordinator: Coordinator<State, Record>,
  state: State,
  batches: Buffer,
  before: Replayed,
): Replayed {
  let { records, unknown, nextOffset } = before
  forEachEntry(batches, (at, size, magic) => {
    const entry = batches.subarray(at, at + size)
    if (magic >= 2 && isControl(entry, 0)) {
      for (const { key } of readRecords(entry)) {
        const type = readControlKey(key)
        if (type === 'COMMIT' || type === 'ABORT')
          coordinator.endTransaction(state, producerId(entry, 0), type === 'COMMIT')
      }
    } else {
      const transaction = magic >= 2 && isTransactional(entry, 0) ? producerId(entry, 0) : null
      for (const { offset, key, value } of readRecords(entry)) {
        if (key === null) throw new MalformedError(`record at offset ${offset} has no key`)
        records++
        const record = coordinator.decode(key, value)
        if (record === null) unknown++
        else coordinator.apply(state, record, { offset, producerId: transaction })
      }
    }
    nextOffset = entryLastOffset(batches, at) + 1
  })
  return { records, unknown, nextOffset }
}
