/** Finds a record's batch in the bytes of a segment file. */
import * as batch from '../../records/batch.ts'

export function batchThatHolds(
  segment: Buffer,
  offset: number,
): { readonly start: number; readonly end: number } | null {
  for (let at = 0; at + batch.BATCH_HEADER_BYTES <= segment.length;) {
    const end = at + batch.entryBytes(segment, at)
    if (batch.baseOffset(segment, at) <= offset && offset <= batch.lastOffset(segment, at)) return { start: at, end }
    at = end
  }
  return null
}
