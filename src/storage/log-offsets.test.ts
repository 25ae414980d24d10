/** The order of a log's offsets holds whatever moves them. */
import { expect, test } from 'vitest'
import fc from 'fast-check'
import { LogOffsets } from './log-offsets.ts'
import { ProducerState } from './producer-state.ts'

function offsets(
  startOffset: number,
  endOffset: number,
  highWatermark: number,
  recoveryPoint = startOffset,
): LogOffsets {
  return new LogOffsets(new ProducerState(), { startOffset, endOffset, recoveryPoint }, highWatermark)
}

test('a checkpoint that knows more than the log does not raise the high watermark above its end', () => {
  expect(offsets(5, 20, 30).highWatermark).toBe(20)
  expect(offsets(5, 20, 3).highWatermark).toBe(5)
})

test('the high watermark follows replication up to what is written, and never goes back by it', () => {
  const log = offsets(0, 10, 4)
  log.assignTo(15)
  log.raiseHighWatermark(12)
  expect(log.highWatermark).toBe(10)
  log.raiseHighWatermark(7)
  expect(log.highWatermark).toBe(10)
})

test('a cut hides what will go from its beginning on, and says whether any of it was flushed', () => {
  const log = offsets(0, 10, 10, 8)
  expect(log.beginCut(9)).toBe(false)
  expect([log.writtenEnd, log.highWatermark, log.lastStable, log.recoveryPoint]).toEqual([9, 9, 9, 8])
  expect(log.beginCut(6)).toBe(true)
  log.cutAt(5)
  log.endCut()
  expect([log.assignedEnd, log.writtenEnd, log.highWatermark, log.lastStable, log.recoveryPoint]).toEqual([
    5, 5, 5, 5, 5,
  ])
})

test('the order of the offsets survives any sequence of moves', () => {
  type Move = {
    readonly kind: 'append' | 'write' | 'flush' | 'replicate' | 'delete' | 'cut' | 'anew'
    readonly to: number
  }
  const move: fc.Arbitrary<Move> = fc.record({
    kind: fc.constantFrom('append', 'write', 'flush', 'replicate', 'delete', 'cut', 'anew'),
    to: fc.nat(60),
  })
  fc.assert(
    fc.property(fc.array(move, { maxLength: 40 }), (moves) => {
      const log = offsets(0, 0, 0)
      for (const { kind, to } of moves) {
        if (kind === 'append') log.assignTo(log.assignedEnd + to)
        else if (kind === 'write') log.writtenTo(Math.max(log.writtenEnd, Math.min(to, log.assignedEnd)))
        else if (kind === 'flush') log.flushedTo(to)
        else if (kind === 'replicate') log.raiseHighWatermark(to)
        else if (kind === 'delete') log.raiseStart(Math.min(to, log.highWatermark))
        else if (kind === 'anew') log.startAnewAt(to)
        else {
          log.beginCut(to)
          log.cutAt(Math.min(to, log.writtenEnd))
          log.endCut()
        }
        const { start, lastStable, highWatermark, writtenEnd, assignedEnd, recoveryPoint } = log
        const order = [start, lastStable, highWatermark, writtenEnd, assignedEnd]
        expect(order).toEqual(order.toSorted((left, right) => left - right))
        expect(recoveryPoint).toBeLessThanOrEqual(writtenEnd)
      }
    }),
  )
})
