import { expect, test } from 'vitest'
import type { BrokerConfig } from '../../config/broker-config.ts'
import type { QuotaEntity } from '../../metadata/image.ts'
import { ManualClock } from '../../testing/manual-clock.ts'
import { ConnectionRates } from './connection-rates.ts'

const CONFIG = { quotaWindowNum: 11, quotaWindowSizeSeconds: 1 } as BrokerConfig
const forAddress = (name: string | null, bound: number): QuotaEntity => ({
  parts: [{ type: 'ip', name }],
  values: new Map([['connection_creation_rate', bound]]),
})

test('an address may open what ten seconds allow at once; one more waits, at most a window, and does not count', async () => {
  const clock = new ManualClock()
  const rates = new ConnectionRates(clock, CONFIG)
  expect([rates.delayMs('10.0.0.1'), rates.measured]).toEqual([0, 0])
  rates.follow([forAddress(null, 1), forAddress('10.0.0.9', 2), forAddress('localhost', 1000)])
  const delays = (host: string, count: number) => Array.from({ length: count }, () => rates.delayMs(host))
  expect(delays('10.0.0.1', 12)).toEqual([...Array.from({ length: 10 }, () => 0), 1000, 1000])
  expect(delays('10.0.0.9', 21)).toEqual([...Array.from({ length: 20 }, () => 0), 500])
  expect(delays('127.0.0.1', 100).every((delay) => delay === 0)).toBe(true)
  await clock.advance(11_000)
  expect(rates.delayMs('10.0.0.1')).toBe(0)
  await clock.advance(3_600_000)
  rates.delayMs('10.0.0.2')
  expect(rates.measured).toBe(1)
  rates.follow([])
  expect([rates.delayMs('10.0.0.1'), rates.measured]).toEqual([0, 0])
})
