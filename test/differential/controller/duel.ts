/**
 * The same steps to Kafka's controller and to our deciders; after each the partitions must be the same, field by field with their
 * epochs, and the error codes of what was answered too.
 */
import { KafkaError } from '../../../src/base/errors.ts'
import { DIRECTORY_LOST, type Uuid } from '../../../src/base/uuid.ts'
import { CONFIG_RESOURCE } from '../../../src/metadata/configs-image.ts'
import { ELR_VERSION } from '../../../src/metadata/features.ts'
import type { MetadataImage } from '../../../src/metadata/image.ts'
import type { TopicImage } from '../../../src/metadata/topics-image.ts'
import { alterPartition } from '../../../src/controller/alter-partition.ts'
import { alterPartitionReassignments } from '../../../src/controller/alter-reassignments.ts'
import { assignReplicasToDirs } from '../../../src/controller/assign-directories.ts'
import { fenceStaleBrokers, unregisterBroker } from '../../../src/controller/brokers.ts'
import { createTopics } from '../../../src/controller/create-topics.ts'
import type { ControllerState, Decision } from '../../../src/controller/decision.ts'
import { electLeaders } from '../../../src/controller/elect-leaders.ts'
import { incrementalAlterConfigs } from '../../../src/controller/alter-configs.ts'
import { isActiveBroker } from '../../../src/controller/leadership-changes.ts'
import type { Api, Init } from '../../../src/protocol/codec.ts'
import { AlterPartition } from '../../../src/protocol/generated/alter-partition.ts'
import { AlterPartitionReassignments } from '../../../src/protocol/generated/alter-partition-reassignments.ts'
import { AssignReplicasToDirs } from '../../../src/protocol/generated/assign-replicas-to-dirs.ts'
import { CreateTopics } from '../../../src/protocol/generated/create-topics.ts'
import { ElectLeaders } from '../../../src/protocol/generated/elect-leaders.ts'
import { IncrementalAlterConfigs } from '../../../src/protocol/generated/incremental-alter-configs.ts'
import { UnregisterBroker } from '../../../src/protocol/generated/unregister-broker.ts'
import { DecidedCluster, directoryId } from '../../../src/testing/decided-cluster.ts'
import type { KafkaController } from './kafka-controller.ts'
import { ASSIGNMENT, BROKERS, type Step } from './steps.ts'

const LONG_AGO_MS = 60_000
/** Without it a session is refused another process; nobody was heard of. */
const NO_PREVIOUS_EPOCH = -1

export class ControllerDuel {
  readonly #kafka: KafkaController
  readonly #klamm: DecidedCluster
  readonly #down = new Set<number>()

  private constructor(kafka: KafkaController, klamm: DecidedCluster) {
    this.#kafka = kafka
    this.#klamm = klamm
  }

  static async begin(kafka: KafkaController): Promise<ControllerDuel> {
    const { levels, metadataVersion } = kafka.image().features
    const withElr = (levels.get(ELR_VERSION) ?? 0) > 0
    const klamm = new DecidedCluster({ metadataVersion, ...(withElr ? { withElr, minIsr: 1 } : {}) })
    const duel = new ControllerDuel(kafka, klamm)
    for (const broker of BROKERS) {
      await kafka.register(broker, NO_PREVIOUS_EPOCH)
      await kafka.heartbeat(broker, { wantFence: false })
      klamm.join(broker)
    }
    const assignments = ASSIGNMENT.map((brokerIds, partitionIndex) => ({ partitionIndex, brokerIds }))
    const topics = [{ name: 't', numPartitions: -1, replicationFactor: -1, assignments }]
    const created = await duel.#both(CreateTopics, () => ({ topics }), createTopics)
    if (JSON.stringify(created) !== JSON.stringify({ kafka: [0, null], klamm: [0, null] })) {
      throw new Error(`the topic was not created: ${JSON.stringify(created)}`)
    }
    return duel
  }

  /** What differs after the step; null: nothing. */
  async take(step: Step): Promise<unknown> {
    const answers = await this.#take(step)
    const [kafka, klamm] = [this.#kafka.image(), this.#klamm.image].map(partitionsOf)
    const isSame = JSON.stringify(answers.kafka) === JSON.stringify(answers.klamm)
    const differing = kafka?.flatMap((partition, index) => {
      const ours = klamm?.[index]
      return JSON.stringify(partition) === JSON.stringify(ours) ? [] : [{ index, kafka: partition, klamm: ours }]
    })
    return isSame && differing?.length === 0 ? null : { answers, differing }
  }

  async #take(step: Step): Promise<{ kafka: unknown; klamm: unknown }> {
    const kafka = this.#kafka
    const klamm = this.#klamm
    const both = this.#both.bind(this)
    switch (step.kind) {
      case 'dies':
        kafka.kill(step.broker)
        this.#down.add(step.broker)
        await this.#isFenced(step.broker)
        return NOTHING
      case 'restarts': {
        this.#down.delete(step.broker)
        kafka.kill(step.broker)
        await this.#isFenced(step.broker)
        await kafka.register(step.broker, step.isClean ? brokerEpoch(kafka.image(), step.broker) : NO_PREVIOUS_EPOCH)
        klamm.register(step.broker, step.isClean ? klamm.epoch(step.broker) : NO_PREVIOUS_EPOCH)
        return NOTHING
      }
      case 'fences itself':
      case 'is unfenced': {
        if (this.#down.has(step.broker)) return NOTHING
        const wantFence = step.kind === 'fences itself'
        const answer = await kafka.heartbeat(step.broker, { wantFence })
        return { kafka: answer.isFenced, klamm: klamm.heartbeat(step.broker, { wantFence }).isFenced }
      }
      case 'shuts down': {
        if (this.#down.has(step.broker)) return NOTHING
        const wishes = { wantFence: false, wantShutDown: true }
        await kafka.until('it may shut down', async () => (await kafka.heartbeat(step.broker, wishes)).shouldShutDown)
        kafka.kill(step.broker)
        while (!klamm.heartbeat(step.broker, wishes).shouldShutDown) this.#othersHear(step.broker)
        this.#down.add(step.broker)
        return NOTHING
      }
      case 'is unregistered':
        if (!this.#down.has(step.broker)) return NOTHING
        return both(UnregisterBroker, () => ({ brokerId: step.broker }), unregisterBroker)
      case 'isr': {
        const { leader, replicas, leaderEpoch, partitionEpoch } = klamm.partition(step.partition)
        if (leader < 0) return NOTHING
        const members = replicas.filter((id) => {
          return id === leader || (step.members.includes(id) && isActiveBroker(klamm.image, id))
        })
        const ofBroker = (id: number, image: MetadataImage) => ({ brokerId: id, brokerEpoch: brokerEpoch(image, id) })
        const request = (image: MetadataImage) => {
          const newIsrWithEpochs = members.map((id) => ofBroker(id, image))
          const partitions = [{ partitionIndex: step.partition, leaderEpoch, partitionEpoch, newIsrWithEpochs }]
          return { ...ofBroker(leader, image), topics: [{ topicId: topicOf(image).id, partitions }] }
        }
        return both(AlterPartition, request, (state, asked) =>
          alterPartition(state, asked, AlterPartition.request.highestVersion),
        )
      }
      case 'moves': {
        const { replicas, removingReplicas } = klamm.partition(step.partition)
        // Kafka still removes what the move before wanted removed, where this one names all that is there. See docs/DEPARTURES.md.
        const keepsAll = replicas.every((id) => step.replicas?.includes(id))
        if (keepsAll && removingReplicas.length > 0) return NOTHING
        const partitions = [{ partitionIndex: step.partition, replicas: step.replicas }]
        const request = { topics: [{ name: 't', partitions }] }
        return both(AlterPartitionReassignments, () => request, alterPartitionReassignments)
      }
      case 'elects': {
        const topicPartitions = [{ topic: 't', partitions: [step.partition] }]
        return both(ElectLeaders, () => ({ electionType: step.type, topicPartitions }), electLeaders)
      }
      case 'directory': {
        const id: Uuid = step.isLost ? DIRECTORY_LOST : directoryId(step.broker)
        const request = (image: MetadataImage) => ({
          brokerId: step.broker,
          brokerEpoch: brokerEpoch(image, step.broker),
          directories: [
            { id, topics: [{ topicId: topicOf(image).id, partitions: [{ partitionIndex: step.partition }] }] },
          ],
        })
        if (!klamm.image.cluster.brokers.has(step.broker)) return NOTHING
        return both(AssignReplicasToDirs, request, assignReplicasToDirs)
      }
      case 'config': {
        const { name, value } = step
        const resource = { resourceType: CONFIG_RESOURCE.TOPIC, resourceName: 't' }
        const resources = [{ ...resource, configs: [{ name, value, configOperation: 0 }] }]
        return both(IncrementalAlterConfigs, () => ({ resources }), incrementalAlterConfigs)
      }
    }
  }

  async #both<Request, Response extends object>(
    api: Api<Request, Response>,
    requestOn: (image: MetadataImage) => Init<Request>,
    decide: (state: ControllerState, request: Request) => Decision<Init<Response>>,
  ): Promise<{ kafka: unknown; klamm: unknown }> {
    const answered = await this.#kafka.ask(api, requestOn(this.#kafka.image()))
    const request = api.request.make(requestOn(this.#klamm.image))
    try {
      const decided = this.#klamm.decide((state) => decide(state, request))
      return { kafka: errorsOf(answered), klamm: errorsOf(api.response.make(decided)) }
    } catch (error) {
      // Refused as a whole: an answer like any other.
      if (!(error instanceof KafkaError)) throw error
      const refusal = { errorCode: error.errno, errorMessage: error.message } as unknown as Init<Response>
      return { kafka: errorsOf(answered), klamm: errorsOf(api.response.make(refusal)) }
    }
  }

  /** Of no broker that lives, by its session. */
  async #isFenced(broker: number): Promise<void> {
    const isFenced = (image: MetadataImage): boolean => image.cluster.brokers.get(broker)?.fenced ?? true
    await this.#kafka.until(`broker ${broker} is fenced`, () => isFenced(this.#kafka.image()))
    const klamm = this.#klamm
    klamm.nowMs += LONG_AGO_MS
    for (const { id, fenced } of klamm.image.cluster.brokers.values()) {
      if (id !== broker && !fenced) klamm.sessions.touch(id, klamm.nowMs)
    }
    klamm.decide(fenceStaleBrokers)
  }

  #othersHear(broker: number): void {
    for (const { id } of this.#klamm.image.cluster.brokers.values()) {
      if (id !== broker && isActiveBroker(this.#klamm.image, id)) this.#klamm.heartbeat(id)
    }
  }
}

const NOTHING = { kafka: null, klamm: null }

function topicOf(image: MetadataImage): TopicImage {
  const topic = image.topics.byName('t')
  if (topic === null) throw new Error('there is no topic t')
  return topic
}

const partitionsOf = (image: MetadataImage) => topicOf(image).partitions

const brokerEpoch = (image: MetadataImage, id: number): number => image.cluster.brokers.get(id)?.epoch ?? -1

/** Every error code and sentence of an answer, in its order. */
function errorsOf(answer: unknown): unknown[] {
  if (Array.isArray(answer)) return answer.flatMap(errorsOf)
  if (typeof answer !== 'object' || answer === null) return []
  return Object.entries(answer).flatMap(([key, value]): unknown[] =>
    key === 'errorCode' || key === 'errorMessage' ? [value] : errorsOf(value),
  )
}
