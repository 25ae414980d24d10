import { expect, test } from 'vitest'
import { CLIENT, batchOf, testLog } from '../storage/test-log.ts'
import { Partition } from './partition.ts'

test('who waits for a commit behind a change of leadership is told at once', async () => {
  const log = await testLog().open()
  const led = { leader: 1, leaderEpoch: 0, partitionEpoch: 0, isr: [1], replicas: [1] }
  const partition = new Partition({ topic: 't', index: 0, topicId: null }, 1, log, led)
  const { lastOffset } = partition.append(log, batchOf('a'), { origin: CLIENT.origin })
  partition.assign({ ...led, leader: -1, leaderEpoch: 1, partitionEpoch: 1 })
  await expect(partition.whenCommitted(lastOffset + 2)).rejects.toMatchObject({ code: 'NOT_LEADER_OR_FOLLOWER' })
  await log.close()
})
