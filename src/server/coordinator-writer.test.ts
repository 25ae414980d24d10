import { expect, test } from 'vitest'
import { Partition, type Assignment } from '../replication/partition.ts'
import type { ReplicaManager } from '../replication/replica-manager.ts'
import type { TransactionVerification } from '../replication/transaction-verification.ts'
import { testContext } from '../replication/test-partition.ts'
import { baseOffset } from '../records/batch.ts'
import type { PartitionLog } from '../storage/partition-log.ts'
import { CLIENT, batchOf, testLog } from '../storage/test-log.ts'
import { CoordinatorWriter } from './coordinator-writer.ts'

const LED: Assignment = { leader: 1, leaderEpoch: 3, partitionEpoch: 5, isr: [1, 2], replicas: [1, 2] }

test('a coordinator has read its log only when what it read is committed', async () => {
  const log = await testLog().open()
  await log.append(batchOf('a'), CLIENT).written
  const partition = new Partition({ topic: 't', index: 0, topicId: null }, testContext(), log, LED)
  const replicas = { partition: () => partition } as unknown as ReplicaManager
  const writer = new CoordinatorWriter('t', replicas, null as unknown as TransactionVerification)

  let batches = 0
  let isRead = false
  const reading = writer.scan(0, 3, () => ++batches > 0).then(() => (isRead = true))
  for (let turn = 0; turn < 50; turn++) await Promise.resolve()
  expect([batches, isRead]).toEqual([1, false])
  partition.assign({ ...LED, partitionEpoch: 6, isr: [1] })
  await reading
  expect(log.highWatermark).toBe(1)

  partition.assign({ ...LED, leaderEpoch: 4, partitionEpoch: 7 })
  await log.append(batchOf('b'), CLIENT).written
  const interrupted = writer.scan(0, 4, () => true)
  for (let turn = 0; turn < 50; turn++) await Promise.resolve()
  partition.assign({ ...LED, leader: 2, leaderEpoch: 5, partitionEpoch: 8 })
  await expect(interrupted).rejects.toMatchObject({ code: 'NOT_LEADER_OR_FOLLOWER' })
  await log.close()
})

test('a coordinator reads on where its replica lies, when that moves to another directory meanwhile', async () => {
  const logs = await Promise.all(['a', 'b'].map(() => testLog().open()))
  const [before, after] = logs as [PartitionLog, PartitionLog]
  // One read each.
  for (const log of logs) for (let at = 0; at < 8; at++) await log.append(batchOf('a'.repeat(600_000)), CLIENT).written
  const partition = new Partition({ topic: 't', index: 0, topicId: null }, testContext(), before, { ...LED, isr: [1] })
  const replicas = { partition: () => partition } as unknown as ReplicaManager
  const writer = new CoordinatorWriter('t', replicas, null as unknown as TransactionVerification)

  const offsets: number[] = []
  let closing: Promise<void> | null = null
  await writer.scan(0, 3, (batches) => {
    offsets.push(baseOffset(batches, 0))
    if (closing !== null) return true
    after.setHighWatermark(before.highWatermark)
    partition.moved(after)
    closing = before.closeHard()
    return true
  })
  expect(offsets).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
  await closing
  await after.close()
})
