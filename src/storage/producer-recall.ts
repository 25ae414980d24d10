/**
 * Brings back the window of five batches per producer after a start.
 *
 * A snapshot keeps only the last batch of a producer. A client that had more in flight when the broker went repeats the
 * oldest of them first; it would be out of order, the client would begin a new epoch, and write again what is there. So the
 * headers of the log's tail are walked, as far as batches in flight can reach back.
 */
import type { Int64 } from '../base/int64.ts'
import {
  NO_PRODUCER_ID,
  baseOffset,
  isControl,
  lastOffset,
  magic,
  producerEpoch,
  producerId,
} from '../records/batch.ts'
import { scanFile, type EntryVisitor } from './file-scan.ts'
import { WINDOW, producerBatch, type ProducerBatch, type ProducerState } from './producer-state.ts'
import type { Segment } from './segment.ts'

/** Five batches of the default largest size. */
const TAIL_BYTES = WINDOW * (1 << 20)
/** A client gives up long before (delivery.timeout.ms is 2 minutes by default). */
const PATIENCE_MS = 15 * 60_000

interface Found {
  epoch: number
  batches: ProducerBatch[]
}

/**
 * With `nowMs`, logs into which nobody wrote lately are left alone; a crash may have cut any producer short, so after one it
 * is null. Batches below `startOffset` don't count.
 */
export async function recallProducers(
  state: ProducerState,
  segments: readonly Segment[],
  startOffset: number,
  nowMs: number | null,
): Promise<void> {
  if (!state.forgot(nowMs === null ? -Infinity : nowMs - PATIENCE_MS)) return
  const found = new Map<Int64, Found>()
  for (const { segment, position } of await tailOf(segments, state.endOffset)) {
    const visit: EntryVisitor = (bytes, at) => {
      if (magic(bytes, at) < 2) return true
      if (lastOffset(bytes, at) >= state.endOffset) return false
      const id = producerId(bytes, at)
      if (id === NO_PRODUCER_ID || isControl(bytes, at) || baseOffset(bytes, at) < startOffset) return true
      const epoch = producerEpoch(bytes, at)
      const known = found.get(id)
      if (known === undefined || known.epoch !== epoch) {
        found.set(id, { epoch, batches: [producerBatch(bytes, at)] })
        return true
      }
      if (known.batches.length === WINDOW) known.batches.shift()
      known.batches.push(producerBatch(bytes, at))
      return true
    }
    await segment.use((file) => scanFile(file, position, segment.writtenBytes, false, visit))
  }
  for (const [id, { epoch, batches }] of found) state.recall(id, epoch, batches)
}

/** Where to begin in the segments that hold the last TAIL_BYTES below `endOffset`, oldest first. */
async function tailOf(
  segments: readonly Segment[],
  endOffset: number,
): Promise<{ readonly segment: Segment; readonly position: number }[]> {
  const tail: { readonly segment: Segment; readonly position: number }[] = []
  let left = TAIL_BYTES
  for (let index = segments.length - 1; index >= 0 && left > 0; index--) {
    const segment = segments[index]!
    if (segment.baseOffset >= endOffset || segment.writtenBytes === 0) continue
    const behind = segment.writtenBytes - left
    const position = await segment.inOffsetIndex((offsets) => {
      const offset = offsets.offsetFrom(behind)
      return offset === null || behind <= 0 ? 0 : offsets.lookup(offset)
    })
    tail.unshift({ segment, position })
    left -= segment.writtenBytes
  }
  return tail
}
