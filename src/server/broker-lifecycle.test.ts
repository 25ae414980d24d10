import { expect, test } from 'vitest'
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
