/**
 * At rest: every partition read from its beginning to its end by a client. Offsets without gaps, every record where it was
 * seen before, all that was acknowledged still there, each producer's records in the order in which it sent them.
 */
import { errorName } from '../../../base/error-codes.ts'
import { Fetch } from '../../../protocol/generated/fetch.ts'
import { ListOffsets } from '../../../protocol/generated/list-offsets.ts'
import type { PartitionTruth } from '../log-truth.ts'
import { readFetched } from '../reading.ts'
import type { Sim } from '../sim.ts'
import { SimClient, Unanswered } from '../sim-client.ts'

export async function checkWholeLogs(sim: Sim): Promise<void> {
  const client = new SimClient(sim, 'observer', 'final-reader', 60_000)
  for (const partition of sim.logs.all()) {
    // The broker closes a connection that idles while others are read or retention is waited for; once more, then it must hold.
    await readWhole(sim, client, partition).catch(async (error: unknown) => {
      if (!(error instanceof Unanswered)) throw error
      await readWhole(sim, client, partition)
    })
  }
  client.close()
}

async function readWhole(sim: Sim, client: SimClient, partition: PartitionTruth): Promise<void> {
  const { name } = partition
  const start = await offsetAt(sim, client, partition, -2)
  const end = await offsetAt(sim, client, partition, -1)
  sim.logs.checkStart(partition, start)
  sim.check(end >= partition.end, () => `${name} ends at ${end}, read or acknowledged was up to ${partition.end}`)
  const last = new Map<string, number>()
  let next = start
  while (next < end) {
    const records = await fetchFrom(sim, client, partition, next)
    if (records === null) {
      next = await movedStart(sim, client, partition, next)
      continue
    }
    sim.check(records.length > 0, () => `${name} gives nothing at ${next}, and ends at ${end}`)
    for (const { offset, value, timestamp, producerId } of records) {
      // A power loss may take what lay unflushed at the end of one segment and spare the next: recovery keeps that, as Kafka does.
      const isNext = offset === next || (partition.losses > 0 && offset > next)
      sim.check(isNext, () => `${name}: ${offset} follows ${next - 1}`)
      next = offset + 1
      const known = { value, timestamp: partition.topic.logAppendTime ? -1 : timestamp }
      sim.logs.observe(partition, offset, known, 'the last reader')
      if (producerId < 0) continue
      const [producer = '', , number = ''] = value.split(':')
      const before = last.get(producer) ?? -1
      sim.check(Number(number) > before, () => `${name}: ${value} at ${offset} stands behind number ${before}`)
      last.set(producer, Number(number))
    }
  }
}

async function offsetAt(sim: Sim, client: SimClient, partition: PartitionTruth, timestamp: number): Promise<number> {
  const { topics } = await client.request(ListOffsets, 7, {
    replicaId: -1,
    topics: [{ name: partition.topic.name, partitions: [{ partitionIndex: partition.index, timestamp }] }],
  })
  const answer = topics[0]?.partitions[0]
  sim.check(
    answer?.errorCode === 0,
    () => `${partition.name} is not served after healing: ${errorName(answer?.errorCode ?? -1)}`,
  )
  return Number(answer.offset)
}

/** Retention goes on while we read: what is gone must be gone for everybody. */
async function movedStart(sim: Sim, client: SimClient, partition: PartitionTruth, next: number): Promise<number> {
  const start = await offsetAt(sim, client, partition, -2)
  sim.check(start > next, () => `${partition.name} is not readable at ${next}, and starts at ${start}`)
  sim.logs.checkStart(partition, start)
  return start
}

/** Null: below the log start. */
async function fetchFrom(
  sim: Sim,
  client: SimClient,
  partition: PartitionTruth,
  fetchOffset: number,
): Promise<ReturnType<typeof readFetched>> {
  const { topic, index } = partition
  const answer = await client.request(Fetch, 11, {
    replicaId: -1,
    maxWaitMs: 0,
    minBytes: 1,
    maxBytes: 1 << 20,
    sessionEpoch: -1,
    topics: [{ topic: topic.name, partitions: [{ partition: index, fetchOffset, partitionMaxBytes: 100_000 }] }],
  })
  const found = answer.responses[0]?.partitions[0]
  if (found !== undefined && errorName(found.errorCode) === 'OFFSET_OUT_OF_RANGE') return null
  sim.check(
    found?.errorCode === 0,
    () => `${partition.name} is not readable at ${fetchOffset}: ${errorName(found?.errorCode ?? -1)}`,
  )
  return readFetched(sim, partition, found.records, fetchOffset) ?? []
}
