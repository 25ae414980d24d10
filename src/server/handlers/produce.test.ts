import { expect, test } from 'vitest'
import { EMPTY_IMAGE } from '../../metadata/image.ts'
import { Produce } from '../../protocol/generated/produce.ts'
import { Partition } from '../../replication/partition.ts'
import { testContext } from '../../replication/test-partition.ts'
import { batchOf, testLog } from '../../storage/test-log.ts'
import type { RequestContext } from '../handler.ts'
import type { Services } from '../services.ts'
import { produceHandler } from './produce.ts'

test('a request that is written lets go of its bytes, and is answered when the followers have it', async () => {
  const log = await testLog().open()
  const shared = testContext()
  const led = { leader: 1, leaderEpoch: 0, partitionEpoch: 0, isr: [1, 2], replicas: [1, 2] }
  const partition = new Partition({ topic: 't', index: 0, topicId: null }, shared, log, led)
  const services = {
    clock: shared.clock,
    replicas: { partition: () => partition },
    image: () => EMPTY_IMAGE,
    config: () => ({ requestTimeoutMs: 1000 }),
    verification: { proof: () => ({}) },
  } as unknown as Services
  let letGo = 0
  const context = { apiVersion: 9, memory: null, letGo: () => void letGo++ } as unknown as RequestContext
  const partitionData = [{ index: 0, records: batchOf('a') }]
  const request = Produce.request.make({ acks: -1, timeoutMs: 1000, topicData: [{ name: 't', partitionData }] })
  let isAnswered = false
  const answered = Promise.resolve(produceHandler.spec.handle(services, request, context)).finally(
    () => (isAnswered = true),
  )
  for (let turn = 0; turn < 100; turn++) await Promise.resolve()
  expect([log.writtenEnd, letGo, isAnswered]).toEqual([1, 1, false])
  partition.replicaFetched(log, { replicaId: 2, brokerEpoch: 20, offset: 1, logStartOffset: 0 })
  expect(await answered).toMatchObject({ responses: [{ partitionResponses: [{ baseOffset: 0 }] }] })
  await log.close()
})
