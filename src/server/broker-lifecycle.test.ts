import { expect, test } from 'vitest'
import { SILENT } from '../base/logger.ts'
import { parseUuid } from '../base/uuid.ts'
import type { ControllerApi } from '../controller/controller-api.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { BrokerLifecycle } from './broker-lifecycle.ts'

/** Of a controller that answers heartbeats while `isThere`, and lets nobody go. */
async function startedWith(clock: ManualClock, isThere: () => boolean): Promise<BrokerLifecycle> {
  const controller = {
    registerBroker: async () => ({ errorCode: 0, brokerEpoch: 7 }),
    brokerHeartbeat: () => (isThere() ? Promise.resolve({ isFenced: false }) : new Promise(() => {})),
  } as unknown as ControllerApi
  const lifecycle = new BrokerLifecycle({
    clock,
    logger: SILENT,
    controller,
    heartbeatIntervalMs: 2000,
    sessionTimeoutMs: 9000,
    registrationTimeoutMs: 60_000,
    registration: {
      nodeId: 3,
      clusterId: 'c',
      incarnationId: parseUuid('Im0Ljvshn_lgbx7Y1VqZQQ')!,
      listeners: [],
      features: [],
      rack: null,
      directories: [],
      previousBrokerEpoch: -1,
    },
    metadataOffset: () => 10,
    offlineDirectories: () => [],
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
