/**
 * Walks the entries of a segment file by headers, or by whole entries where their content is needed, in reads of up to
 * 1 MB. Ends silently at `end` and where the rest is not a whole entry; corruption (a length or magic that cannot be)
 * ends the walk too and is reported, so that recovery can cut there.
 */
import { MalformedError } from '../base/byte-reader.ts'
import { BATCH_HEADER_BYTES, ENTRY_PREFIX_BYTES, entryBytes, magic } from '../records/batch.ts'
import type { DiskFile } from '../world/world.ts'

const CHUNK_BYTES = 1 << 20
const HEADERS_CHUNK_BYTES = 1 << 16
const SIZE_MIN = [26, 34, BATCH_HEADER_BYTES]

/** False stops the walk before this entry. With `whole` all `size` bytes are there, else only the header. */
export type EntryVisitor = (
  bytes: Buffer,
  at: number,
  size: number,
  position: number,
) => boolean | void | Promise<boolean | void>

export interface ScanResult {
  /** One past the last entry visited. */
  readonly position: number
  /** What was wrong with the entry at `position`, or null. */
  readonly corruption: string | null
}

export async function scanFile(
  file: DiskFile,
  start: number,
  end: number,
  whole: boolean,
  visit: EntryVisitor,
): Promise<ScanResult> {
  let buffer = Buffer.allocUnsafe(
    Math.max(ENTRY_PREFIX_BYTES, Math.min(whole ? CHUNK_BYTES : HEADERS_CHUNK_BYTES, end - start)),
  )
  let position = start
  while (end - position >= ENTRY_PREFIX_BYTES) {
    const want = Math.min(buffer.length, end - position)
    const got = await file.read(want === buffer.length ? buffer : buffer.subarray(0, want), position)
    if (got < ENTRY_PREFIX_BYTES) break
    let at = 0
    while (got - at >= ENTRY_PREFIX_BYTES) {
      const size = entryBytes(buffer, at)
      const sizeMin = SIZE_MIN[magic(buffer, at)]
      const place = position + at
      if (sizeMin === undefined) return { position: place, corruption: `unknown magic ${magic(buffer, at)}` }
      if (size < sizeMin) return { position: place, corruption: `entry of ${size} bytes` }
      if (place + size > end) return { position: place, corruption: null }
      const needed = whole ? size : sizeMin
      if (at + needed > got) {
        if (at === 0 && got < want) return { position: place, corruption: null } // the file is shorter than we were told
        if (at === 0) buffer = Buffer.allocUnsafe(needed)
        break
      }
      let goOn: boolean | void
      try {
        const result = visit(buffer, at, size, place)
        goOn = result instanceof Promise ? await result : result
      } catch (error) {
        if (error instanceof MalformedError) return { position: place, corruption: error.message }
        throw error
      }
      if (goOn === false) return { position: place, corruption: null }
      at += size
    }
    position += at
  }
  return { position, corruption: null }
}
