/**
 * A controller's deciders on an image, without a log: each decision's records are replayed at once, and kept for the test to look
 * at. Brokers register and are unfenced by the deciders too.
 */
import type { Uuid } from '../base/uuid.ts'
import { brokerValues } from '../config/parse-broker-config.ts'
import { TableConfigRules } from '../controller/config-rules.ts'
import { BrokerSessions } from '../controller/broker-sessions.ts'
import { brokerHeartbeat, registerBroker } from '../controller/brokers.ts'
import type { ControllerState, Decision } from '../controller/decision.ts'
import { PartitionIndex } from '../controller/partition-index.ts'
import { bootstrapRecords } from '../metadata/bootstrap.ts'
import { CONFIG_RESOURCE } from '../metadata/configs-image.ts'
import { MetadataDelta, replayAll } from '../metadata/delta.ts'
import { ELR_VERSION } from '../metadata/features.ts'
import { EMPTY_IMAGE, type MetadataImage } from '../metadata/image.ts'
import { partitionRecord } from '../metadata/image-records.ts'
import { metadataRecord, type MetadataRecord } from '../metadata/metadata-records.ts'
import type { PartitionImage, TopicImage } from '../metadata/topics-image.ts'
import { BrokerHeartbeatRequest } from '../protocol/generated/broker-heartbeat.ts'
import { BrokerRegistrationRequest } from '../protocol/generated/broker-registration.ts'
import { SeededRandom } from './seeded-random.ts'

export const DECIDED_CLUSTER_ID = 'test-cluster-0000000000'
export const TOPIC_ID = 'ttttttttttttttttttttDA' as Uuid
const LATEST_REGISTRATION = 4
const SESSION_MS = 9000
const NODE_ID = 100

export interface DecidedClusterOptions {
  readonly metadataVersion?: number
  /** eligible.leader.replicas.version=1 */
  readonly withElr?: boolean
  readonly minIsr?: number
  readonly staticVoterIds?: readonly number[]
  readonly nodeId?: number
}

export const directoryId = (brokerId: number): Uuid => `ddddddddddddddddd${String(brokerId).padStart(3, '0')}DA` as Uuid

export class DecidedCluster {
  image: MetadataImage
  /** Of the last decision. */
  records: readonly MetadataRecord[] = []
  /** Of all decisions, until somebody takes them. */
  written: MetadataRecord[] = []
  nowMs = 0
  readonly sessions = new BrokerSessions()
  readonly partitions = new PartitionIndex()
  #nextOffset = 1
  #incarnations = 0
  readonly #random = new SeededRandom(1)
  readonly #rules = new TableConfigRules({
    nodeId: 100,
    values: brokerValues(
      new Map([
        ['process.roles', 'controller'],
        ['node.id', '100'],
        ['controller.listener.names', 'CONTROLLER'],
        ['controller.quorum.voters', '100@localhost:9093'],
        ['listeners', 'CONTROLLER://:9093'],
      ]),
    ),
    isSet: () => false,
  })

  readonly #staticVoterIds: readonly number[]
  readonly #nodeId: number

  constructor(options: DecidedClusterOptions = {}) {
    const { metadataVersion = 30, withElr = false, minIsr, staticVoterIds = [], nodeId = NODE_ID } = options
    this.#staticVoterIds = staticVoterIds
    this.#nodeId = nodeId
    this.image = replayAll(EMPTY_IMAGE, bootstrapRecords(metadataVersion))
    if (withElr) this.replay(metadataRecord('FeatureLevelRecord', 0, { name: ELR_VERSION, featureLevel: 1 }))
    if (minIsr !== undefined) this.config('', 'min.insync.replicas', String(minIsr))
  }

  get state(): ControllerState {
    return {
      image: this.image,
      partitions: this.partitions.follow(this.image.topics),
      nextOffset: this.#nextOffset,
      nowMs: this.nowMs,
      nodeId: this.#nodeId,
      random: this.#random,
      settings: {
        clusterId: DECIDED_CLUSTER_ID,
        defaultPartitions: 1,
        defaultReplicationFactor: 1,
        deleteTopicEnable: true,
        brokerSessionTimeoutMs: SESSION_MS,
        maxIdleIntervalMs: 0,
        imbalanceCheckIntervalMs: 0,
        staticVoterIds: this.#staticVoterIds,
        uncleanElectionIntervalMs: 0,
      },
      rules: this.#rules,
      sessions: this.sessions,
    }
  }

  decide<Answer>(decide: (state: ControllerState) => Decision<Answer>): Answer {
    const { records, answer } = decide(this.state)
    this.replay(...records)
    return answer
  }

  replay(...records: readonly MetadataRecord[]): void {
    const delta = new MetadataDelta(this.image)
    for (const record of records) delta.replay(record)
    const image = delta.image()
    this.partitions.follow(this.image.topics).advance(delta, image.topics)
    this.image = image
    this.records = records
    this.written.push(...records)
    this.#nextOffset += records.length
  }

  /** Registers as a process that was not there before, and says which epoch its predecessor shut down in; -1: it did not. */
  register(brokerId: number, previousBrokerEpoch = -1): void {
    this.#incarnations += 1
    const request = BrokerRegistrationRequest.make({
      brokerId,
      clusterId: DECIDED_CLUSTER_ID,
      incarnationId: `iiiiiiiiiiiiiiiii${String(this.#incarnations).padStart(3, '0')}DA` as Uuid,
      features: [
        { name: 'metadata.version', minSupportedVersion: 7, maxSupportedVersion: 30 },
        { name: ELR_VERSION, minSupportedVersion: 0, maxSupportedVersion: 1 },
      ],
      logDirs: [directoryId(brokerId)],
      previousBrokerEpoch,
    })
    this.decide((state) => registerBroker(state, request, LATEST_REGISTRATION, 0))
  }

  heartbeat(brokerId: number, asks: Parameters<typeof BrokerHeartbeatRequest.make>[0] = {}) {
    const brokerEpoch = this.epoch(brokerId)
    const currentMetadataOffset = this.#nextOffset - 1
    const request = BrokerHeartbeatRequest.make({ brokerId, brokerEpoch, currentMetadataOffset, ...asks })
    return this.decide((state) => brokerHeartbeat(state, request))
  }

  /** Registered and unfenced. */
  join(...brokerIds: readonly number[]): void {
    for (const id of brokerIds) {
      this.register(id)
      this.heartbeat(id)
    }
  }

  epoch(brokerId: number): number {
    return this.image.cluster.brokers.get(brokerId)?.epoch ?? -1
  }

  /** A topic `t` whose partitions have these replicas, all in sync but where `states` says otherwise. */
  topic(replicas: readonly (readonly number[])[], states: readonly Partial<PartitionImage>[] = []): void {
    const { metadataVersion } = this.image.features
    const records = replicas.map((list, partitionId) => {
      const partition: PartitionImage = {
        replicas: list,
        directories: list.map(directoryId),
        isr: list,
        leader: list[0] ?? -1,
        leaderEpoch: 0,
        partitionEpoch: 0,
        addingReplicas: [],
        removingReplicas: [],
        leaderRecoveryState: 0,
        elr: [],
        lastKnownElr: [],
        ...states[partitionId],
      }
      return partitionRecord(TOPIC_ID, partitionId, partition, metadataVersion)
    })
    this.replay(metadataRecord('TopicRecord', 0, { name: 't', topicId: TOPIC_ID }), ...records)
  }

  /** Of the topic, or with '' of the cluster. */
  config(topic: string, name: string, value: string | null): void {
    const resourceType = topic === '' ? CONFIG_RESOURCE.BROKER : CONFIG_RESOURCE.TOPIC
    this.replay(metadataRecord('ConfigRecord', 0, { resourceType, resourceName: topic, name, value }))
  }

  partition(partitionId = 0): PartitionImage {
    const partition = this.image.topics.partition('t', partitionId)
    if (partition === null) throw new Error(`there is no partition ${partitionId}`)
    return partition
  }

  get t(): TopicImage {
    const topic = this.image.topics.byName('t')
    if (topic === null) throw new Error('there is no topic t')
    return topic
  }
}
