import { expect, test } from 'vitest'
import { ERROR_CODES } from '../base/error-codes.ts'
import { KafkaError } from '../base/errors.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import type { BrokerLifecycle } from './broker-lifecycle.ts'
import { testLifecycle } from './test-broker-lifecycle.ts'

/** Of a controller that answers heartbeats while `isThere`, and lets nobody go. */
async function startedWith(clock: ManualClock, isThere: () => boolean): Promise<BrokerLifecycle> {
  const lifecycle = testLifecycle({
    clock,
    controller: {
      registerBroker: async () => ({ errorCode: 0, brokerEpoch: 7 }),
      brokerHeartbeat: () => (isThere() ? Promise.resolve({ isFenced: false }) : new Promise(() => {})),
    },
  })
  await lifecycle.start()
  return lifecycle
}

test('a controlled shutdown that no controller answers ends after a session, not after its whole time', async () => {
  const clock = new ManualClock()
  let isThere = true
  const lifecycle = await startedWith(clock, () => isThere)
  const startedMs = clock.monotonicMs()
  let endedMs: number | null = null
  const left = lifecycle.controlledShutdown(30_000).then(() => (endedMs = clock.monotonicMs()))
  // Answered for a while: the leaders have not moved yet.
  await clock.advance(12_000)
  expect(endedMs).toBe(null)
  isThere = false
  await clock.advance(9000)
  await left
  expect(endedMs! - startedMs).toBeLessThanOrEqual(12_000 + 9000)
  expect(endedMs! - startedMs).toBeGreaterThan(12_000)
})

test('a broker whose first heartbeats fail goes on until it is unfenced, registering anew if it must', async () => {
  const clock = new ManualClock()
  const heartbeats = [
    () => Promise.reject(new KafkaError('REQUEST_TIMED_OUT', 'the controllers elect')),
    async () => ({ errorCode: ERROR_CODES.STALE_BROKER_EPOCH }),
    async () => ({ errorCode: ERROR_CODES.STALE_BROKER_EPOCH }),
    async () => ({ isFenced: false }),
  ]
  let registrations = 0
  const lifecycle = testLifecycle({
    clock,
    controller: {
      registerBroker: async () => {
        registrations++
        if (registrations === 2) throw new KafkaError('REQUEST_TIMED_OUT', 'the controllers elect')
        return { errorCode: 0, brokerEpoch: 7 }
      },
      brokerHeartbeat: () => heartbeats.shift()!(),
    },
  })
  let isUp = false
  const started = lifecycle.start().then(() => (isUp = true))
  await clock.advance(10_000)
  await started
  expect([isUp, lifecycle.isFenced, registrations, heartbeats.length]).toEqual([true, false, 3, 0])
  lifecycle.close()
})
