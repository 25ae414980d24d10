/** Reads at arbitrary places with small limits, and looks offsets up by time. */
import { errorName } from '../../../base/error-codes.ts'
import { Fetch } from '../../../protocol/generated/fetch.ts'
import { ListOffsets } from '../../../protocol/generated/list-offsets.ts'
import type { SeededRandom } from '../../seeded-random.ts'
import type { PartitionTruth } from '../log-truth.ts'
import { readFetched } from '../reading.ts'
import type { Sim } from '../sim.ts'
import { SimClient, Unanswered } from '../sim-client.ts'
import { machineFor, timeoutFor, type Workload } from '../workload.ts'

export const coldReader: Workload = {
  name: 'cold',
  async run(sim: Sim, who, random) {
    const client = new SimClient(sim, machineFor(random), who, timeoutFor(random))
    const pauseMs = [20, 200, 1000][random.below(3)] ?? 200
    while (!sim.stopping) {
      await sim.sleep(random.between(1, pauseMs))
      const partition = random.shuffle(sim.logs.all())[0]
      if (partition === undefined || partition.end === 0) continue
      try {
        await (random.chance(0.6)
          ? read(sim, who, random, client, partition)
          : byTime(sim, who, random, client, partition))
      } catch (error) {
        if (!(error instanceof Unanswered)) throw error
      }
    }
    client.close()
  },
}

async function read(
  sim: Sim,
  who: string,
  random: SeededRandom,
  client: SimClient,
  partition: PartitionTruth,
): Promise<void> {
  const version = random.between(0, 17)
  const from = random.below(partition.end)
  const { topic, index } = partition
  const losses = partition.losses
  const answer = await client.request(Fetch, version, {
    replicaId: -1,
    maxWaitMs: 0,
    minBytes: 1,
    maxBytes: random.between(100, 50_000),
    sessionEpoch: -1,
    topics: [
      {
        topic: topic.name,
        topicId: topic.id,
        partitions: [{ partition: index, fetchOffset: from, partitionMaxBytes: random.between(50, 20_000) }],
      },
    ],
  })
  const found = answer.responses[0]?.partitions[0]
  if (found === undefined) return
  if (found.errorCode !== 0) return sim.note(who, `${partition.name} from ${from}: ${errorName(found.errorCode)}`)
  if (partition.losses !== losses) return
  const records = readFetched(sim, partition, found.records, from)
  const [first] = records ?? []
  if (records === null || first === undefined) return
  sim.sometimes('cold read')
  // A power loss may take records of which later ones stay.
  const isNext = first.offset === from || (losses > 0 && first.offset > from)
  sim.check(isNext, () => `${who}: ${partition.name} gives ${first.offset} for ${from}`)
  for (const { offset, value, timestamp } of records) {
    sim.logs.observe(partition, offset, { value, timestamp: topic.logAppendTime ? -1 : timestamp }, `a fetch of ${who}`)
  }
}

/** The first record whose time is not before the one that is asked for. */
async function byTime(
  sim: Sim,
  who: string,
  random: SeededRandom,
  client: SimClient,
  partition: PartitionTruth,
): Promise<void> {
  const { topic, index, losses } = partition
  const known = [...partition.records].filter(([, { timestamp }]) => timestamp >= 0)
  const asked = known[random.below(known.length || 1)]
  if (asked === undefined) return
  const timestamp = asked[1].timestamp + random.between(-1, 1)
  const { topics } = await client.request(ListOffsets, random.between(1, 9), {
    replicaId: -1,
    topics: [{ name: topic.name, partitions: [{ partitionIndex: index, timestamp }] }],
  })
  const answer = topics[0]?.partitions[0]
  if (answer === undefined || answer.errorCode !== 0 || partition.losses !== losses || sim.rotting) return
  sim.sometimes('found by time')
  const offset = Number(answer.offset)
  const log = sim.broker.inside?.services.replicas.partition(topic.name, index)?.log ?? null
  if (log === null) return
  for (const [at, record] of known) {
    if (at < log.startOffset || record.timestamp < timestamp) continue
    sim.check(
      offset >= 0 && offset <= at,
      () =>
        `${who}: ${partition.name} finds ${offset} (${Number(answer.timestamp)}) for time ${timestamp}, ${at} (${record.value}) has ${record.timestamp}; the log starts at ${log.startOffset}`,
    )
  }
  const there = partition.records.get(offset)
  sim.check(
    there === undefined || there.timestamp < 0 || there.timestamp >= timestamp,
    () => `${who}: ${partition.name} finds ${offset} for time ${timestamp}, which has ${there?.timestamp}`,
  )
}
