import { expect, test } from 'vitest'
import { ManualClock } from '../../testing/manual-clock.ts'
import { ToolExit } from '../tool/tool-exit.ts'
import { dateFormat } from './date-format.ts'
import { LatencyStats, RecordsInFlight } from './send-stats.ts'
import { Throttle } from './throttle.ts'

test('times are written as Java’s patterns have them, and a letter without a field is refused', () => {
  const ms = new Date(2026, 10, 5, 14, 7, 9, 42).getTime()
  expect(dateFormat('yyyy-MM-dd HH:mm:ss:SSS')(ms)).toBe('2026-11-05 14:07:09:042')
  expect(dateFormat("yy/M/d 'at' h:m a ''EEE MMMM")(ms)).toBe("26/11/5 at 2:7 PM 'Thu November")
  expect(() => dateFormat('yyyy-bb')).toThrow(ToolExit)
})

test('totals and windows are printed in Kafka’s form', () => {
  const lines: string[] = []
  const stats = new LatencyStats({
    print: (line) => lines.push(line),
    intervalMs: 1000,
    isSteadyState: false,
    nowMs: 0,
  })
  stats.add(98, 9800, 5, 500)
  stats.add(1, 100, 50, 1000)
  stats.add(1, 100, 80, 1500)
  stats.printTotal(2000)
  expect(lines).toEqual([
    '99 records sent, 99.0 records/sec (0.01 MB/sec), 5.5 ms avg latency, 50.0 ms max latency.',
    '100 records sent, 50.000000 records/sec (0.00 MB/sec), 6.20 ms avg latency, 80.00 ms max latency, 5 ms 50th, 5 ms 95th, 80 ms 99th, 80 ms 99.9th.',
  ])
})

test('a test in which nothing was written prints no latency', () => {
  const lines: string[] = []
  new LatencyStats({ print: (line) => lines.push(line), intervalMs: 1, isSteadyState: true, nowMs: 0 }).printTotal(10)
  expect(lines[0]).toContain('0 steady state records sent, 0.000000 records/sec (0.00 MB/sec), NaN ms avg latency')
})

test('deliveries take the oldest records, however they were sent', () => {
  const inFlight = new RecordsInFlight()
  for (let index = 0; index < 5000; index++) inFlight.sent(Math.floor(index / 3), 10 + (index % 2))
  const taken: [number, number][] = []
  let bytes = 0
  const take = (records: number) =>
    inFlight.done(records, (count, size, sentMs) => {
      taken.push([count, sentMs])
      bytes += size
    })
  take(4)
  expect(taken).toEqual([
    [1, 0],
    [1, 0],
    [1, 0],
    [1, 1],
  ])
  take(4990)
  inFlight.sent(9999, 1)
  take(100)
  expect(taken.reduce((sum, [count]) => sum + count, 0)).toBe(5001)
  expect(taken.at(-1)).toEqual([1, 9999])
  expect(bytes).toBe(2500 * 10 + 2500 * 11 + 1)
})

test('a throttle waits until so many records are due, and never without a limit', async () => {
  const clock = new ManualClock()
  const throttle = new Throttle(clock, 100)
  expect(throttle.isAhead(0, 0)).toBe(false)
  expect(throttle.isAhead(50, 0)).toBe(true)
  let waited = false
  void throttle.wait(50).then(() => (waited = true))
  await clock.advance(499)
  expect(waited).toBe(false)
  await clock.advance(1)
  expect(waited).toBe(true)
  expect(new Throttle(clock, -1).isAhead(1_000_000, 0)).toBe(false)
})

test('a throttle of 0 lets nothing go on until it is interrupted', async () => {
  const clock = new ManualClock()
  const interrupted = new AbortController()
  const waiting = new Throttle(clock, 0).wait(1, interrupted.signal)
  await clock.advance(10_000_000)
  interrupted.abort(new Error('interrupted'))
  await expect(waiting).rejects.toThrow('interrupted')
})
