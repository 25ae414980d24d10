import { expect, test } from 'vitest'
import { ERROR_CODES } from '../base/error-codes.ts'
import { KafkaError } from '../base/errors.ts'
import { parseUuid, type Uuid } from '../base/uuid.ts'
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

test('a broker gives up when no controller hears in time of a directory that failed, each in its own time', async () => {
  const clock = new ManualClock()
  const [first, second] = ['Im0Ljvshn_lgbx7Y1VqZQQ', 'Im0Ljvshn_lgbx7Y1VqZQg'].map((text) => parseUuid(text)!) as [
    Uuid,
    Uuid,
  ]
  const offline: Uuid[] = []
  const told: (readonly Uuid[])[] = []
  let answers: 'well' | 'not' | 'with an error' = 'well'
  const gaveUp: string[] = []
  const lifecycle = testLifecycle({
    clock,
    controller: {
      registerBroker: async () => ({ errorCode: 0, brokerEpoch: 7 }),
      brokerHeartbeat: async ({ offlineLogDirs }) => {
        told.push([...offlineLogDirs])
        if (answers === 'not') throw new KafkaError('REQUEST_TIMED_OUT', 'away')
        return answers === 'well' ? { isFenced: false } : { errorCode: ERROR_CODES.NOT_CONTROLLER }
      },
    },
    offlineDirectories: () => offline,
    giveUp: ({ code, message }) => gaveUp.push(`${code} ${message}`),
  })
  await lifecycle.start()
  offline.push(first)
  lifecycle.directoryFailed({ id: first, path: '/one' })
  await clock.advance(0)
  expect(told.at(-1)).toEqual([first])
  await clock.advance(60_000)
  expect(gaveUp).toEqual([])
  answers = 'not'
  offline.push(second)
  lifecycle.directoryFailed({ id: second, path: '/two' })
  await clock.advance(15_000)
  answers = 'with an error'
  await clock.advance(14_999)
  expect(gaveUp).toEqual([])
  await clock.advance(1)
  expect(gaveUp).toEqual([
    expect.stringMatching(/^DISK_FAILED No controller could be told within 30000 ms .* \/two failed/),
  ])
  lifecycle.close()
})

test('a broker that is closed, or tells of a directory late but in time, does not give up', async () => {
  const clock = new ManualClock()
  const id = parseUuid('Im0Ljvshn_lgbx7Y1VqZQQ')!
  let isAway = true
  const gaveUp: string[] = []
  const lifecycle = testLifecycle({
    clock,
    controller: {
      registerBroker: async () => ({ errorCode: 0, brokerEpoch: 7 }),
      brokerHeartbeat: async () => {
        if (isAway && lifecycle.epoch >= 0 && !lifecycle.isFenced) throw new KafkaError('REQUEST_TIMED_OUT', 'away')
        return { isFenced: false }
      },
    },
    offlineDirectories: () => [id],
    giveUp: ({ message }) => gaveUp.push(message),
  })
  await lifecycle.start()
  lifecycle.directoryFailed({ id, path: '/one' })
  await clock.advance(25_000)
  isAway = false
  await clock.advance(60_000)
  isAway = true
  lifecycle.directoryFailed({ id, path: '/one' })
  await clock.advance(10_000)
  lifecycle.close()
  await clock.advance(60_000)
  expect(gaveUp).toEqual([])
})
