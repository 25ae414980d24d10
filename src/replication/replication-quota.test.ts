import { expect, test } from 'vitest'
import { DEFAULT_LOG_CONFIG } from '../config/log-config.ts'
import { testLog } from '../storage/test-log.ts'
import { ReplicationQuota } from './replication-quota.ts'

const WINDOWS = { windowMs: 1000, windows: 11 }

async function throttled(side: 'leader' | 'follower', leader: readonly string[], follower: readonly string[]) {
  const log = await testLog().open()
  log.setConfig({
    ...DEFAULT_LOG_CONFIG,
    leaderReplicationThrottledReplicas: leader,
    followerReplicationThrottledReplicas: follower,
  })
  const quota = new ReplicationQuota(side, 1, () => 0, WINDOWS)
  return [0, 1, 2, 10].filter((index) => quota.isThrottled({ log, index }))
}

test('a topic names the partitions of each broker that are throttled, or all, for each side apart', async () => {
  expect(await throttled('leader', [], ['*'])).toEqual([])
  expect(await throttled('follower', [], ['*'])).toEqual([0, 1, 2, 10])
  expect(await throttled('leader', ['0:1', ' 1:2', '10:1', ' 2:11 '], [])).toEqual([0, 10])
  // What the validation lets through, Kafka's too.
  expect(await throttled('leader', ['', '2:1'], [])).toEqual([2])
})

test('nothing is throttled of a partition whose directory is offline', () => {
  const quota = new ReplicationQuota('leader', 1, () => 0, WINDOWS)
  expect(quota.isThrottled({ log: null, index: 0 })).toBe(false)
})
