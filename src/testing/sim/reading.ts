/** What a client does with the records of a Fetch answer: checks every checksum, then looks at each record. */
import { MalformedError } from '../../base/byte-reader.ts'
import { magic, producerId } from '../../records/batch.ts'
import { BatchCursor, isEntryCrcValid } from '../../records/batches.ts'
import { readRecords } from '../../records/record-reader.ts'
import type { Sim } from './sim.ts'
import type { PartitionTruth } from './log-truth.ts'

export interface ReadRecord {
  readonly offset: number
  readonly value: string
  readonly timestamp: number
  /** -1: not an idempotent producer's. */
  readonly producerId: number
}

/** The records of whole batches at or above `fromOffset`; null if they are spoiled (the disk rots). */
export function readFetched(
  sim: Sim,
  partition: PartitionTruth,
  records: Buffer | null,
  fromOffset: number,
): ReadRecord[] | null {
  const found: ReadRecord[] = []
  if (records === null || records.length === 0) return found
  try {
    let next = -1
    const cursor = new BatchCursor().reset(wholeEntries(records))
    while (cursor.next()) {
      if (!isEntryCrcValid(records, cursor.at, cursor.size)) throw new MalformedError('the checksum is wrong')
      const isNew = magic(records, cursor.at) >= 2
      const id = isNew ? Number(producerId(records, cursor.at)) : -1
      for (const { offset, value, timestamp } of readRecords(records, cursor.at)) {
        if (next >= 0 && offset !== next) {
          throw new MalformedError(`offset ${offset} follows ${next - 1}`)
        }
        next = offset + 1
        if (offset < fromOffset) continue
        found.push({ offset, value: textOf(value), timestamp: Number(timestamp), producerId: id })
      }
    }
  } catch (error) {
    if (sim.rotting) {
      sim.sometimes('bit rot read')
      return null
    }
    sim.check(false, () => `${partition.name}: records from ${fromOffset} on do not parse: ${String(error)}`)
  }
  if (sim.rotting) return null
  return found
}

/** Values are padded; the text in front counts. */
function textOf(value: Buffer | null): string {
  const text = value?.toString('latin1') ?? ''
  const end = text.indexOf(' ')
  return end < 0 ? text : text.slice(0, end)
}

/** Old versions may end within a message. */
function wholeEntries(records: Buffer): Buffer {
  let at = 0
  while (at + 12 <= records.length) {
    const size = 12 + records.readInt32BE(at + 8)
    if (size <= 12 || at + size > records.length) break
    at += size
  }
  return records.subarray(0, at)
}
