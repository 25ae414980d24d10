/** A consumer that asks for much and takes nothing, beside others that read from files too. */
import { expect, test } from 'vitest'
import { startBroker } from '../broker.ts'
import { writeRequest } from '../protocol/frames.ts'
import { CreateTopics } from '../protocol/generated/create-topics.ts'
import { Fetch } from '../protocol/generated/fetch.ts'
import { Produce } from '../protocol/generated/produce.ts'
import { buildBatch } from '../records/batch-builder.ts'
import { SeededWorld } from '../testing/seeded-world.ts'
import { connectFrom } from '../testing/test-connection.ts'

/** What is set aside for reading each of them is all that there is for reading files. */
const PARTITIONS = 64

test('a consumer that does not take its answer keeps others from reading files for some seconds only', async () => {
  const world = new SeededWorld(1)
  await world.run(async () => {
    const address = { host: world.main.ip, port: 9092 }
    const directory = '/data'
    await using broker = await startBroker({
      ...address,
      world: world.main.world,
      directory,
      inside: { tailCacheBytes: 0 },
    })
    expect(broker.port).toBe(9092)
    const indexes = Array.from({ length: PARTITIONS }, (_, index) => index)
    const client = await connectFrom(world.node('client').world, address, 3_600_000)
    const topics = [{ name: 't', numPartitions: PARTITIONS, replicationFactor: 1 }]
    await client.request(CreateTopics, { topics, timeoutMs: 1000 }, { versions: { max: 5 } })
    for (const index of indexes) {
      const records = buildBatch({ records: [{ value: Buffer.alloc(40_000, 'x') }] })
      const topicData = [{ name: 't', partitionData: [{ index, records }] }]
      await client.request(Produce, { acks: 1, timeoutMs: 1000, topicData }, { versions: { max: 9 } })
    }
    const question = (partitions: readonly number[]) =>
      Fetch.request.make({
        maxWaitMs: 500,
        minBytes: 1,
        maxBytes: 50 << 20,
        topics: [
          {
            topic: 't',
            partitions: partitions.map((partition) => ({ partition, fetchOffset: 0, partitionMaxBytes: 1 << 20 })),
          },
        ],
      })

    const stalled = await world.node('stalled').world.network.connect(address)
    stalled.start({ room: () => Buffer.alloc(1000), received: () => {}, ended: () => {}, closed: () => {} })
    stalled.pause()
    stalled.write(writeRequest(Fetch, 11, 0, 'stalled', question(indexes)))
    await world.advance(1000)
    const askedMs = world.elapsedMs()
    const answer = await client.request(Fetch, question([0]), { versions: { max: 11 } })
    expect(answer.responses[0]?.partitions[0]?.records?.length).toBeGreaterThan(40_000)
    expect(world.elapsedMs() - askedMs).toBeLessThan(10_000)
    stalled.destroy()
    client.close()
  })
})
