import { expect, test } from 'vitest'
import { QuotaRate } from '../../metrics/quota-rate.ts'
import type { Clock } from '../../world/world.ts'
import { RequestMeter, type Bounded, type MeteredClient } from './request-meter.ts'

const bounded = (perSecondMax: number): Bounded => ({ perSecondMax, measure: new QuotaRate(1000, 11) })
const UNBOUNDED: MeteredClient = { produced: null, fetched: null, time: null }

function metered(client: Partial<MeteredClient>) {
  let nowMs = 0
  const advance = (ms: number): void => void (nowMs += ms)
  const clock = { monotonicMs: () => nowMs } as Clock
  const all = { ...UNBOUNDED, ...client }
  const limits = { timeThrottleMsMax: 1000, burstSeconds: 10 }
  const next = (requestBytes = 100) => new RequestMeter(clock, all, limits, requestBytes)
  return { clock, advance, next }
}

test('what a Fetch would carry is taken back when it is withheld, and the wait is what the rate needs', () => {
  const fetched = bounded(100)!
  const { next } = metered({ fetched })
  expect(next().fetchedBytesMax).toBe(1000)
  expect(next().fetched(1000)).toBe(0)
  expect(next().fetched(500)).toBe(5000)
  // Nothing of it counted.
  expect(fetched.measure.perSecond(0)).toBe(100)
})

test('the time of a request counts when it is handled, and nobody waits for it longer than a window', () => {
  const time = bounded(10)!
  const { advance, next } = metered({ time })
  const first = next()
  first.takes(() => advance(900))
  first.settle(0)
  expect(first.throttleMs).toBe(0)
  // Encoding: the next request waits for it.
  first.takes(() => advance(300))
  const second = next()
  second.settle(0)
  // 12 % over ten windows, 10 % allowed: two windows, cut to one.
  expect(second.throttleMs).toBe(1000)
})

test('a Produce without answer counts bytes only, what is exempt nothing, and the longest wait is told', () => {
  const time = bounded(1)!
  const produced = bounded(100)!
  const { clock, advance, next } = metered({ time, produced })
  const silent = next(2000)
  silent.takes(() => advance(5000))
  silent.produced(false)
  expect([silent.throttleMs, time.measure.perSecond(clock.monotonicMs())]).toEqual([10_000, 0])
  const exempt = next()
  exempt.exempt()
  exempt.takes(() => advance(5000))
  exempt.settle(0)
  expect([exempt.throttleMs, time.measure.perSecond(clock.monotonicMs())]).toEqual([0, 0])
  const admin = next()
  admin.settle(250)
  expect(admin.throttleMs).toBe(250)
})
