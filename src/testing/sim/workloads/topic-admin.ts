/**
 * An administrator with topics of its own (`admin-…`), created, produced to by others, changed, deleted, made anew under the
 * same name; and who deletes records and changes settings of the shared ones.
 */
import { errorName } from '../../../base/error-codes.ts'
import type { Uuid } from '../../../base/uuid.ts'
import { CreatePartitions } from '../../../protocol/generated/create-partitions.ts'
import { CreateTopics } from '../../../protocol/generated/create-topics.ts'
import { DeleteRecords } from '../../../protocol/generated/delete-records.ts'
import { DeleteTopics } from '../../../protocol/generated/delete-topics.ts'
import { IncrementalAlterConfigs } from '../../../protocol/generated/incremental-alter-configs.ts'
import type { SeededRandom } from '../../seeded-random.ts'
import type { TopicSettings } from '../settings.ts'
import type { Sim } from '../sim.ts'
import { SimClient, Unanswered } from '../sim-client.ts'
import type { KnownTopic } from '../topic-truth.ts'
import { machineFor, type Workload } from '../workload.ts'

/** May be tried again: nothing is known to be wrong with the request. */
const LATER = new Set([
  'REQUEST_TIMED_OUT',
  'NOT_CONTROLLER',
  'BROKER_NOT_AVAILABLE',
  'KAFKA_STORAGE_ERROR',
  'NOT_LEADER_OR_FOLLOWER',
])

export const topicAdmin: Workload = {
  name: 'admin',
  async run(sim: Sim, who, random) {
    const client = new SimClient(sim, machineFor(random), who, 4000)
    let made = 0
    /** Of a topic whose deletion was certain, and which no lost request can bring back. */
    let freeName: string | null = null
    while (!sim.stopping) {
      await sim.sleep(random.between(50, 1500))
      const own = sim.topics.existing().filter(({ name }) => name.startsWith(who))
      const choice = random.below(6)
      try {
        if (choice === 0 || own.length === 0) {
          const name: string = freeName ?? `${who}-${made++}`
          if (freeName !== null) sim.sometimes('topic name used again')
          freeName = null
          const settings = { name, partitions: random.between(1, 2), configs: {}, durable: false, retention: true }
          await createTopic(sim, client, settings)
        } else if (choice === 1) {
          const topic = own[random.below(own.length)]
          if (topic !== undefined && (await deleteTopic(sim, client, topic))) freeName = topic.name
        } else if (choice === 2) await addPartition(sim, client, own[random.below(own.length)])
        else if (choice === 3) await changeConfig(sim, client, random)
        else await deleteRecords(sim, client, random)
      } catch (error) {
        if (!(error instanceof Unanswered)) throw error
      }
    }
    client.close()
  },
}

/** Until it is there; whether the first request did it is left open. */
export async function createTopic(sim: Sim, client: SimClient, settings: TopicSettings): Promise<void> {
  const { name, partitions, configs } = settings
  for (;;) {
    try {
      const { topics } = await client.request(CreateTopics, 7, {
        topics: [
          {
            name,
            numPartitions: partitions,
            replicationFactor: 1,
            configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
          },
        ],
        timeoutMs: 3000,
      })
      const answer = topics[0]
      const error = errorName(answer?.errorCode ?? -1)
      if (answer !== undefined && error === 'NONE') {
        sim.sometimes('topic created')
        sim.topics.created(knownTopic(settings, answer.topicId))
        return
      }
      if (error === 'TOPIC_ALREADY_EXISTS') {
        const image = sim.broker.inside?.services.image().topics.byName(name) ?? null
        if (image !== null) {
          sim.topics.created(knownTopic(settings, image.id))
          return
        }
      }
      sim.note('admin', `create ${name}: ${error}`)
      sim.check(
        LATER.has(error ?? '') ||
          error === 'TOPIC_ALREADY_EXISTS' ||
          // Said while the broker shuts down: nobody may lead a new partition.
          (error === 'INVALID_REPLICATION_FACTOR' && sim.broker.isClosing),
        () => `the creation of ${name} answers ${error} ${answer?.errorMessage}`,
      )
    } catch (error) {
      if (!(error instanceof Unanswered)) throw error
    }
    await sim.sleep(100)
  }
}

function knownTopic(settings: TopicSettings, id: Uuid): KnownTopic {
  return {
    name: settings.name,
    id,
    partitions: settings.partitions,
    partitionsMax: settings.partitions,
    configs: new Map(Object.entries(settings.configs).map(([key, value]) => [key, new Set([value])])),
    durable: settings.durable,
    retention: settings.retention,
    logAppendTime: settings.configs['message.timestamp.type'] === 'LogAppendTime',
    state: 'exists',
  }
}

/** True if the first answer said so. */
async function deleteTopic(sim: Sim, client: SimClient, topic: KnownTopic): Promise<boolean> {
  topic.state = 'deleting'
  for (let isFirst = true; ; isFirst = false) {
    try {
      const { responses } = await client.request(DeleteTopics, 6, {
        topics: [{ name: null, topicId: topic.id }],
        timeoutMs: 3000,
      })
      const error = errorName(responses[0]?.errorCode ?? -1)
      if (error === 'NONE' || error === 'UNKNOWN_TOPIC_ID') {
        sim.topics.deleted(topic)
        sim.sometimes('topic deleted')
        return error === 'NONE' && isFirst
      }
      sim.note('admin', `delete ${topic.name}: ${error}`)
      sim.check(LATER.has(error ?? ''), () => `the deletion of ${topic.name} answers ${error}`)
    } catch (error) {
      if (!(error instanceof Unanswered)) throw error
    }
    await sim.sleep(100)
  }
}

async function addPartition(sim: Sim, client: SimClient, topic: KnownTopic | undefined): Promise<void> {
  if (topic === undefined || topic.partitions >= 4) return
  const count = topic.partitions + 1
  topic.partitionsMax = Math.max(topic.partitionsMax, count)
  const { results } = await client.request(CreatePartitions, 3, {
    topics: [{ name: topic.name, count, assignments: null }],
    timeoutMs: 3000,
  })
  const error = errorName(results[0]?.errorCode ?? -1)
  sim.check(
    error === 'NONE' ||
      LATER.has(error ?? '') ||
      (error === 'INVALID_PARTITIONS' && topic.partitionsMax > topic.partitions),
    () => `partitions of ${topic.name}: ${error} ${results[0]?.errorMessage}`,
  )
  if (error !== 'NONE' && error !== 'INVALID_PARTITIONS') return
  topic.partitions = count
  sim.sometimes('partitions added')
}

async function changeConfig(sim: Sim, client: SimClient, random: SeededRandom): Promise<void> {
  const topic = random.shuffle(sim.topics.existing())[0]
  if (topic === undefined) return
  const key = 'max.message.bytes'
  const value = String(random.between(100_000, 200_000))
  const before = topic.configs.get(key) ?? new Set([''])
  topic.configs.set(key, new Set([...before, value]))
  const { responses } = await client.request(IncrementalAlterConfigs, 1, {
    resources: [{ resourceType: 2, resourceName: topic.name, configs: [{ name: key, configOperation: 0, value }] }],
  })
  const error = errorName(responses[0]?.errorCode ?? -1)
  if (error !== 'NONE') return sim.note('admin', `change of ${topic.name}: ${error}`)
  topic.configs.set(key, new Set([value]))
  sim.sometimes('config changed')
}

async function deleteRecords(sim: Sim, client: SimClient, random: SeededRandom): Promise<void> {
  const partition = random.shuffle(sim.logs.all())[0]
  if (partition === undefined || partition.ackedEnd < 5 || partition.topic.durable) return
  const offset = random.between(1, Math.ceil(partition.ackedEnd / 2))
  partition.startMax = Math.max(partition.startMax, offset)
  const { topics } = await client.request(DeleteRecords, random.between(0, 2), {
    topics: [{ name: partition.topic.name, partitions: [{ partitionIndex: partition.index, offset }] }],
    timeoutMs: 3000,
  })
  const answer = topics[0]?.partitions[0]
  if (answer?.errorCode !== 0) return
  sim.sometimes('records deleted')
  sim.check(
    Number(answer.lowWatermark) >= offset,
    () => `${partition.name} begins at ${Number(answer.lowWatermark)} after records were deleted up to ${offset}`,
  )
}
