/**
 * Requests of administrators and brokers that are the same on every cluster: each to Kafka's controller, and to our decider of it. They
 * are right and wrong in about equal parts.
 */
import { DIRECTORY_LOST } from '../../../src/base/uuid.ts'
import type { ControllerState, Decision } from '../../../src/controller/decision.ts'
import { alterClientQuotas } from '../../../src/controller/alter-client-quotas.ts'
import { alterConfigs, incrementalAlterConfigs } from '../../../src/controller/alter-configs.ts'
import { registerBroker } from '../../../src/controller/brokers.ts'
import { createPartitions } from '../../../src/controller/create-partitions.ts'
import { createTopics } from '../../../src/controller/create-topics.ts'
import { deleteTopics } from '../../../src/controller/delete-topics.ts'
import { allocateProducerIds } from '../../../src/controller/producer-ids.ts'
import { updateFeatures } from '../../../src/controller/update-features.ts'
import { CONFIG_RESOURCE } from '../../../src/metadata/configs-image.ts'
import { ELR_VERSION, METADATA_VERSION, TRANSACTION_VERSION } from '../../../src/metadata/features.ts'
import type { Api, Init } from '../../../src/protocol/codec.ts'
import { AllocateProducerIds } from '../../../src/protocol/generated/allocate-producer-ids.ts'
import { AlterClientQuotas } from '../../../src/protocol/generated/alter-client-quotas.ts'
import { AlterConfigs } from '../../../src/protocol/generated/alter-configs.ts'
import { BrokerRegistration } from '../../../src/protocol/generated/broker-registration.ts'
import { CreatePartitions } from '../../../src/protocol/generated/create-partitions.ts'
import { CreateTopics } from '../../../src/protocol/generated/create-topics.ts'
import { DeleteTopics } from '../../../src/protocol/generated/delete-topics.ts'
import { IncrementalAlterConfigs } from '../../../src/protocol/generated/incremental-alter-configs.ts'
import { UpdateFeatures } from '../../../src/protocol/generated/update-features.ts'
import { directoryId } from '../../../src/testing/decided-cluster.ts'
import type { SeededRandom } from '../../../src/testing/seeded-random.ts'

/** Of kraft.version 0, with one voter: nothing but what is asked is in the way. */
const QUORUM = { kraftVersion: 0, kraftVersionObstacle: () => null }

function asked<Request, Response extends object>(
  api: Api<Request, Response>,
  decide: (state: ControllerState, request: Request, apiVersion: number) => Decision<Init<Response>>,
) {
  return {
    api,
    decide: (state: ControllerState, request: Request) => decide(state, request, api.request.highestVersion),
  }
}

export const ASKED = {
  CreateTopics: asked(CreateTopics, (state, request) => createTopics(state, request)),
  DeleteTopics: asked(DeleteTopics, deleteTopics),
  CreatePartitions: asked(CreatePartitions, (state, request) => createPartitions(state, request)),
  AlterConfigs: asked(AlterConfigs, alterConfigs),
  IncrementalAlterConfigs: asked(IncrementalAlterConfigs, incrementalAlterConfigs),
  AlterClientQuotas: asked(AlterClientQuotas, alterClientQuotas),
  AllocateProducerIds: asked(AllocateProducerIds, allocateProducerIds),
  UpdateFeatures: asked(UpdateFeatures, (state, request, version) => updateFeatures(state, request, version, QUORUM)),
  BrokerRegistration: asked(BrokerRegistration, (state, request, version) =>
    registerBroker(state, request, version, QUORUM.kraftVersion),
  ),
}

export type Asked = {
  readonly [Name in keyof typeof ASKED]: {
    readonly api: Name
    readonly request: NonNullable<Parameters<(typeof ASKED)[Name]['api']['request']['make']>[0]>
  }
}[keyof typeof ASKED]

/** Registered by nobody. */
const STRANGER = 20

const TIMEOUT_MS = 30_000

const NAMES = ['u', 'v', 'w', 'a.b', 'a_b', 'bad name', '..', '', '__cluster_metadata'] as const
const TOPIC_SETTINGS = [
  ['retention.ms', '1000'],
  ['retention.ms', 'soon'],
  ['cleanup.policy', 'compact'],
  ['cleanup.policy', 'compact,delete'],
  ['max.message.bytes', '100'],
  ['max.message.bytes', '-1'],
  ['no.such.setting', '1'],
  ['leader.replication.throttled.replicas', '0:11'],
] as const
const BROKER_SETTINGS = [
  ['message.max.bytes', '888888'],
  ['log.retention.ms', '-1'],
  ['background.threads', '7'],
  ['background.threads', 'many'],
  ['log.cleanup.policy', 'compact'],
  ['node.id', '7'],
  ['cordoned.log.dirs', ''],
  ['no.such.setting', '1'],
] as const
const FEATURES = [
  { feature: TRANSACTION_VERSION, levels: [0, 1, 2, 3] },
  { feature: METADATA_VERSION, levels: [-1, 0, 6, 7, 31] },
  { feature: ELR_VERSION, levels: [-1, 2] },
  { feature: 'group.version', levels: [0] },
  { feature: 'nonsense', levels: [0, 1] },
]

export function randomRequest(random: SeededRandom, brokers: readonly number[]): Asked {
  const one = <Item>(items: readonly Item[]): Item => items[random.below(items.length)] as Item
  const some = <Item>(count: number, make: () => Item): Item[] => Array.from({ length: count }, make)
  const validateOnly = random.below(8) === 0
  const replicas = (): number[] =>
    some(random.below(12) === 0 ? 0 : 1 + random.below(3), () => one([...brokers, ...brokers, 99]))
  const setting = (settings: readonly (readonly [string, string])[]) => {
    const [name, value] = one(settings)
    return { name, value }
  }
  switch (random.below(10)) {
    case 0:
    case 1: {
      const count = 1 + random.below(3)
      const assignments = some(count, replicas).map((brokerIds, index) => {
        return { partitionIndex: random.below(15) === 0 ? index + 1 : index, brokerIds }
      })
      const configs = some(random.below(2), () => setting(TOPIC_SETTINGS))
      const numPartitions = random.below(10) === 0 ? count : -1
      const topic = { name: one(NAMES), numPartitions, replicationFactor: -1, assignments, configs }
      return { api: 'CreateTopics', request: { topics: [topic], validateOnly, timeoutMs: TIMEOUT_MS } }
    }
    case 2:
      return { api: 'DeleteTopics', request: { topics: [{ name: one(NAMES) }], timeoutMs: TIMEOUT_MS } }
    case 3: {
      const assignments = some(random.below(3), () => ({ brokerIds: replicas() }))
      const topics = [{ name: one(NAMES), count: 2 + random.below(4), assignments }]
      return { api: 'CreatePartitions', request: { topics, validateOnly, timeoutMs: TIMEOUT_MS } }
    }
    case 4: {
      const isTopic = random.below(2) === 0
      const resource = isTopic
        ? { resourceType: CONFIG_RESOURCE.TOPIC, resourceName: one(['t', ...NAMES]) }
        : { resourceType: CONFIG_RESOURCE.BROKER, resourceName: one(['', '11', '99', 'x']) }
      const configs = some(1, () => setting(isTopic ? TOPIC_SETTINGS : BROKER_SETTINGS))
      return { api: 'AlterConfigs', request: { resources: [{ ...resource, configs }], validateOnly } }
    }
    case 5:
    case 6: {
      const resource = one([
        { resourceType: CONFIG_RESOURCE.TOPIC, resourceName: one(['t', ...NAMES]), settings: TOPIC_SETTINGS },
        { resourceType: CONFIG_RESOURCE.BROKER, resourceName: one(['', '11', '99', 'x']), settings: BROKER_SETTINGS },
        { resourceType: CONFIG_RESOURCE.CLIENT_METRICS, resourceName: one(['slow', '']), settings: METRICS_SETTINGS },
        { resourceType: one([0, 1, 3, 9, 64]), resourceName: 'x', settings: TOPIC_SETTINGS },
      ])
      const { settings, ...named } = resource
      // One: which of several bad ones is named first is up to a hash table.
      const configs = some(1, () => {
        const { name, value } = setting(settings)
        const configOperation = random.below(4)
        return { name, value: configOperation === 1 ? null : value, configOperation }
      })
      return { api: 'IncrementalAlterConfigs', request: { resources: [{ ...named, configs }], validateOnly } }
    }
    case 7:
      return {
        api: 'AlterClientQuotas',
        request: { entries: [quotaOf(random)], validateOnly },
      }
    case 8:
      return random.below(3) === 0
        ? { api: 'AllocateProducerIds', request: { brokerId: one([...brokers, 99]) } }
        : oddRegistration(random, brokers)
    default: {
      const featureUpdates = some(1 + random.below(2), () => {
        const { feature, levels } = one(FEATURES)
        return { feature, maxVersionLevel: one(levels), upgradeType: one([1, 1, 1, 2, 3, 0]) }
      })
      return { api: 'UpdateFeatures', request: { featureUpdates, validateOnly, timeoutMs: TIMEOUT_MS } }
    }
  }
}

const METRICS_SETTINGS = [
  ['interval.ms', '30000'],
  ['interval.ms', '5'],
  ['metrics', 'org.apache'],
  ['match', 'client_id=x'],
  ['match', 'nonsense'],
] as const

const QUOTA_ENTITIES = [
  [{ entityType: 'user', entityName: 'a' }],
  [{ entityType: 'user', entityName: null }],
  [{ entityType: 'user', entityName: '' }],
  [{ entityType: 'client-id', entityName: 'c' }],
  [
    { entityType: 'user', entityName: 'a' },
    { entityType: 'client-id', entityName: null },
  ],
  [
    { entityType: 'client-id', entityName: 'c' },
    { entityType: 'user', entityName: 'a' },
  ],
  [{ entityType: 'ip', entityName: '127.0.0.1' }],
  [{ entityType: 'ip', entityName: '300.1.1.1' }],
  [
    { entityType: 'ip', entityName: null },
    { entityType: 'user', entityName: 'a' },
  ],
  [{ entityType: 'group', entityName: 'g' }],
  [],
] as const
const QUOTAS = [
  ['producer_byte_rate', 100],
  ['producer_byte_rate', 100],
  ['producer_byte_rate', 1.5],
  ['consumer_byte_rate', 1e19],
  ['request_percentage', 0.5],
  ['controller_mutation_rate', 0],
  ['connection_creation_rate', 7],
  ['connection_creation_rate', 2 ** 31],
  ['no_such_rate', 1],
] as const

function quotaOf(random: SeededRandom) {
  const one = <Item>(items: readonly Item[]): Item => items[random.below(items.length)] as Item
  const [key, value] = one(QUOTAS)
  // One: which of several bad ones is named first is up to a hash table.
  return { entity: one(QUOTA_ENTITIES), ops: [{ key, value, remove: random.below(3) === 0 }] }
}

/** Of a broker that lacks something: it is refused. */
function oddRegistration(random: SeededRandom, brokers: readonly number[]): Asked {
  const one = <Item>(items: readonly Item[]): Item => items[random.below(items.length)] as Item
  const feature = (name: string, minSupportedVersion: number, maxSupportedVersion: number) => {
    return { name, minSupportedVersion, maxSupportedVersion }
  }
  const whole = [feature(METADATA_VERSION, 7, 30), feature(TRANSACTION_VERSION, 0, 2), feature(ELR_VERSION, 0, 1)]
  const odd = one([
    { features: [] },
    { features: [feature(METADATA_VERSION, 31, 31)] },
    { features: [feature(METADATA_VERSION, 7, 6)] },
    { features: [...whole, feature('nonsense', 1, 2)] },
    { features: [...whole, feature('kraft.version', 1, 1)] },
    { features: [...whole.slice(0, 1), feature(TRANSACTION_VERSION, 3, 3)] },
    { features: whole, isMigratingZkBroker: true },
    { features: whole, logDirs: [] },
    { features: whole, logDirs: [DIRECTORY_LOST] },
    { features: whole, logDirs: [directoryId(STRANGER), directoryId(STRANGER)] },
    { features: whole, logDirs: [directoryId(brokers[0] ?? 0)] },
    { features: whole, clusterId: 'another' },
  ])
  return { api: 'BrokerRegistration', request: { brokerId: STRANGER, logDirs: [directoryId(STRANGER)], ...odd } }
}
