/**
 * The same steps to Kafka's controller and to our deciders; after each what was answered must be the same, what was written, record by
 * record, and what comes of it: the partitions, field by field with their epochs.
 */
import { KafkaError } from '../../../src/base/errors.ts'
import { DIRECTORY_LOST, type Uuid } from '../../../src/base/uuid.ts'
import { CONFIG_RESOURCE } from '../../../src/metadata/configs-image.ts'
import type { MetadataImage } from '../../../src/metadata/image.ts'
import type { PartitionImage, TopicImage } from '../../../src/metadata/topics-image.ts'
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
import { BrokerRegistration } from '../../../src/protocol/generated/broker-registration.ts'
import { CreateTopics } from '../../../src/protocol/generated/create-topics.ts'
import { ElectLeaders } from '../../../src/protocol/generated/elect-leaders.ts'
import { IncrementalAlterConfigs } from '../../../src/protocol/generated/incremental-alter-configs.ts'
import { UnregisterBroker } from '../../../src/protocol/generated/unregister-broker.ts'
import { DECIDED_CLUSTER_ID, DecidedCluster, directoryId } from '../../../src/testing/decided-cluster.ts'
import { ASKED, type Asked } from './asked.ts'
import type { KafkaController } from './kafka-controller.ts'
import { ASSIGNMENT, BROKERS, type Step } from './steps.ts'
import { errorsOf, isSame, sameButEligible, withoutRemovedEligible } from './same.ts'
import { WrittenRecords } from './written.ts'

const LONG_AGO_MS = 60_000
/** Without it a session is refused another process; nobody was heard of. */
const NO_PREVIOUS_EPOCH = -1
/** Kafka's process, broker and controller. */
const OWN_NODE = 1
const MIN_ISR = 'min.insync.replicas'

export class ControllerDuel {
  readonly #kafka: KafkaController
  readonly #klamm: DecidedCluster
  readonly #down = new Set<number>()
  readonly #ofKafka = new WrittenRecords()
  readonly #ofKlamm = new WrittenRecords()

  private constructor(kafka: KafkaController, klamm: DecidedCluster) {
    this.#kafka = kafka
    this.#klamm = klamm
  }

  static async begin(kafka: KafkaController): Promise<ControllerDuel> {
    const klamm = new DecidedCluster({ nodeId: OWN_NODE })
    klamm.image = kafka.image()
    klamm.heartbeat(OWN_NODE)
    kafka.newRecords()
    klamm.written = []
    const duel = new ControllerDuel(kafka, klamm)
    for (const broker of BROKERS) {
      await duel.#register(broker, true)
      await kafka.heartbeat(broker, { wantFence: false })
      klamm.heartbeat(broker)
    }
    const assignments = ASSIGNMENT.map((brokerIds, partitionIndex) => ({ partitionIndex, brokerIds }))
    const topics = [{ name: 't', numPartitions: -1, replicationFactor: -1, assignments }]
    const created = await duel.#both(CreateTopics, () => ({ topics }), createTopics)
    const difference = duel.#difference(created)
    if (difference !== null) throw new Error(`they begin with a difference: ${JSON.stringify(difference)}`)
    return duel
  }

  /**
   * What differs after the step; null: nothing.
   * @throws SessionLost
   */
  async take(step: Step): Promise<unknown> {
    return this.#difference(await this.#take(step))
  }

  #difference(answers: { kafka: unknown; klamm: unknown }): unknown {
    const written = {
      kafka: this.#ofKafka.read(this.#kafka.newRecords()),
      klamm: this.#ofKlamm.read(this.#klamm.written.splice(0)),
    }
    const before = partitionsOf(this.#klamm.image)
    const differing = partitionsOf(this.#kafka.image()).flatMap((partition, index) => {
      const ours = before[index]
      return isSame(partition, ours) ? [] : [{ index, kafka: partition, klamm: ours }]
    })
    if (isSame(answers.kafka, answers.klamm) && isSame(written.kafka, written.klamm) && differing.length === 0)
      return null
    const named = differing.every(({ kafka, klamm }) => isSame(withoutRemovedEligible(kafka), klamm))
    if (!named || !isSame(answers.kafka, answers.klamm) || !isSame(...sameButEligible(written))) {
      return { answers, written, differing }
    }
    return null
  }

  async #take(step: Step): Promise<{ kafka: unknown; klamm: unknown }> {
    const kafka = this.#kafka
    const klamm = this.#klamm
    const both = this.#both.bind(this)
    switch (step.kind) {
      case 'dies':
        await this.#dies(step.broker)
        return NOTHING
      case 'restarts': {
        await this.#dies(step.broker)
        this.#down.delete(step.broker)
        await this.#register(step.broker, step.isClean)
        return NOTHING
      }
      case 'fails':
      case 'cordons': {
        if (this.#down.has(step.broker)) return NOTHING
        const { directories } = step
        const wish = step.kind === 'fails' ? { offlineLogDirs: directories } : { cordonedLogDirs: directories }
        const { errorCode, isFenced } = await kafka.heartbeat(step.broker, wish)
        const ours = klamm.heartbeat(step.broker, kafka.wishesOf(step.broker))
        return { kafka: [errorCode, isFenced], klamm: [ours.errorCode, ours.isFenced] }
      }
      case 'asks': {
        const { api, request } = step.asked
        if (clearsEligible(step.asked) && this.#hasEligible()) return NOTHING
        if (api === 'DeleteTopics' && this.#hasEmptyIsr()) return NOTHING
        return this.#asks(ASKED[api] as Ask, request)
      }
      case 'fences itself':
      case 'is unfenced': {
        if (this.#down.has(step.broker)) return NOTHING
        const wantFence = step.kind === 'fences itself'
        const answer = await kafka.heartbeat(step.broker, { wantFence })
        const ours = klamm.heartbeat(step.broker, kafka.wishesOf(step.broker))
        return { kafka: answer.isFenced, klamm: ours.isFenced }
      }
      case 'shuts down': {
        if (this.#down.has(step.broker)) return NOTHING
        const wishes = { wantFence: false, wantShutDown: true }
        const { offlineLogDirs, cordonedLogDirs } = kafka.wishesOf(step.broker)
        await kafka.until('it may shut down', async () => (await kafka.heartbeat(step.broker, wishes)).shouldShutDown)
        const ours = { ...wishes, offlineLogDirs, cordonedLogDirs }
        while (!klamm.heartbeat(step.broker, ours).shouldShutDown) this.#othersHear(step.broker)
        await this.#sessionEnds(step.broker)
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
        if (name === MIN_ISR && this.#hasEligible()) return NOTHING
        const resource = { resourceType: CONFIG_RESOURCE.TOPIC, resourceName: 't' }
        const resources = [{ ...resource, configs: [{ name, value, configOperation: 0 }] }]
        return both(IncrementalAlterConfigs, () => ({ resources }), incrementalAlterConfigs)
      }
    }
  }

  /** As a process that says which epoch its predecessor shut down in, or does not know. */
  async #register(broker: number, isClean: boolean): Promise<void> {
    const epochIn = (image: MetadataImage): number => (isClean ? brokerEpoch(image, broker) : NO_PREVIOUS_EPOCH)
    const request = await this.#kafka.register(broker, epochIn(this.#kafka.image()))
    const own = { clusterId: DECIDED_CLUSTER_ID, previousBrokerEpoch: epochIn(this.#klamm.image) }
    const asked = BrokerRegistration.request.make({ ...request, ...own })
    this.#klamm.decide((state) => ASKED.BrokerRegistration.decide(state, asked))
  }

  /** A cluster's id and the epochs of its brokers are its own. */
  #asks({ api, decide }: Ask, request: object) {
    const { brokerId = -1, clusterId } = request as { readonly brokerId?: number; readonly clusterId?: string }
    const requestOn = (image: MetadataImage): object => {
      const own = image === this.#klamm.image ? DECIDED_CLUSTER_ID : this.#kafka.clusterId
      return { ...request, clusterId: clusterId ?? own, brokerEpoch: brokerEpoch(image, brokerId) }
    }
    return this.#both(api, requestOn, decide)
  }

  /**
   * Kafka's controller goes on believing in eligible replicas that a change of min.insync.replicas has cleared: it writes changes of
   * nothing, and refuses registrations once the topic is gone. See docs/DEPARTURES.md.
   */
  #hasEligible(): boolean {
    return this.#somePartition(({ elr }) => elr.length > 0)
  }

  /** It also believes in directories of deleted partitions of which none was in sync. */
  #hasEmptyIsr(): boolean {
    return this.#somePartition(({ isr }) => isr.length === 0)
  }

  #somePartition(holds: (partition: PartitionImage) => boolean): boolean {
    return [...this.#klamm.image.topics.all()].some(({ partitions }) => partitions.some(holds))
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

  async #dies(broker: number): Promise<void> {
    if (this.#down.has(broker)) return
    // Heard of once at least: else there is no session to end.
    await this.#kafka.heartbeat(broker, {})
    this.#klamm.heartbeat(broker, this.#kafka.wishesOf(broker))
    await this.#sessionEnds(broker)
  }

  async #sessionEnds(broker: number): Promise<void> {
    this.#down.add(broker)
    await this.#kafka.kill(broker)
    const klamm = this.#klamm
    klamm.nowMs += LONG_AGO_MS
    for (const id of [OWN_NODE, ...this.#kafka.living]) klamm.sessions.touch(id, klamm.nowMs)
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

/** Nothing but its name says that the request is of the API. */
type Ask = { api: Api<object, object>; decide: (state: ControllerState, request: object) => Decision<object> }

function clearsEligible({ api, request }: Asked): boolean {
  if (api !== 'AlterConfigs' && api !== 'IncrementalAlterConfigs') return false
  // What replaces all settings takes it away too.
  return api === 'AlterConfigs' || JSON.stringify(request).includes(MIN_ISR)
}

const partitionsOf = (image: MetadataImage) => topicOf(image).partitions

const brokerEpoch = (image: MetadataImage, id: number): number => image.cluster.brokers.get(id)?.epoch ?? -1
