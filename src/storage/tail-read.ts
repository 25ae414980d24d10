/**
 * A read of the newest records from the tail cache, by reference: their memory is held until the read is released.
 */
import { cutBatches } from './batch-cut.ts'
import type { LogRead } from './log-surface.ts'
import type { LogTail } from './tail-cache.ts'

/** From the piece at `index`, which holds `fromOffset`, on. */
export function readTail(
  tail: LogTail,
  index: number,
  fromOffset: number,
  limit: number,
  maxBytes: number,
  minOneBatch: boolean,
): LogRead {
  const pieces: Buffer[] = []
  const held: { release(): void }[] = []
  let bytes = 0
  let nextOffset = fromOffset
  for (let at = index; at < tail.end; at++) {
    const pieceFirst = tail.firstOffsetAt(at)
    if (pieceFirst >= limit) break
    const pieceNext = tail.nextOffsetAt(at)
    const records = tail.bytesAt(at)
    const whole = pieceFirst >= fromOffset && pieceNext <= limit && bytes + records.length <= maxBytes
    let from = 0
    let to = records.length
    if (whole) nextOffset = pieceNext
    else {
      const cut = cutBatches(
        records,
        to,
        Math.max(fromOffset, pieceFirst),
        limit,
        maxBytes - bytes,
        minOneBatch && bytes === 0,
      )
      if (cut.kind !== 'found') break
      from = cut.from
      to = cut.to
      nextOffset = cut.nextOffset
    }
    pieces.push(whole ? records : records.subarray(from, to))
    bytes += to - from
    const memory = tail.memoryAt(at)
    if (memory !== null) {
      memory.retain()
      held.push(memory)
    }
    if (nextOffset < pieceNext) break
  }
  return {
    pieces,
    bytes,
    nextOffset,
    release() {
      for (const memory of held.splice(0)) memory.release()
    },
  }
}
