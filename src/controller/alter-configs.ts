/**
 * AlterConfigs (replaces all overrides of a resource) and IncrementalAlterConfigs (sets, deletes, appends, subtracts).
 * Each resource of a request stands for itself. Values are stored in plain text, sensitive ones too, as in Kafka.
 */
import { KafkaError } from '../base/errors.ts'
import { appendToList, subtractFromList } from '../config/list-change.ts'
import type { Init } from '../protocol/codec.ts'
import type { AlterConfigsRequest, AlterConfigsResponse } from '../protocol/generated/alter-configs.ts'
import type {
  IncrementalAlterConfigsRequest,
  IncrementalAlterConfigsResponse,
} from '../protocol/generated/incremental-alter-configs.ts'
import { CONFIG_RESOURCE } from '../metadata/configs-image.ts'
import { cordonedDirectoriesSupported, elrFinalised } from '../metadata/features.ts'
import { metadataRecord, type MetadataRecord } from '../metadata/metadata-records.ts'
import { isConfigResource } from './config-rules.ts'
import { NO_ERROR, attempt, errorFields, type ControllerState, type Decision } from './decision.ts'

const MIN_ISR = 'min.insync.replicas'
const CORDONED = 'cordoned.log.dirs'
/** In UTF-16 units, as Kafka counts. */
const VALUE_LENGTH_MAX = 32_767
const SET = 0
const DELETE = 1
const APPEND = 2
const SUBTRACT = 3
const OPERATION_NAMES = ['SET', 'DELETE', 'APPEND', 'SUBTRACT']

interface Resource {
  readonly resourceType: number
  readonly resourceName: string
  readonly configs: readonly { readonly name: string }[]
}

export function alterConfigs(
  state: ControllerState,
  request: AlterConfigsRequest,
): Decision<Init<AlterConfigsResponse>> {
  return alterEach(state, request.resources, request.validateOnly, (resource) => {
    const wanted = new Map<string, string>()
    for (const { name, value } of resource.configs) if (value !== null) wanted.set(name, value)
    return wanted
  })
}

export function incrementalAlterConfigs(
  state: ControllerState,
  request: IncrementalAlterConfigsRequest,
): Decision<Init<IncrementalAlterConfigsResponse>> {
  return alterEach(state, request.resources, request.validateOnly, (resource) => {
    const wanted = new Map(state.image.configs.get(resource.resourceType, resource.resourceName))
    for (const config of resource.configs) alterOne(state, resource.resourceType, wanted, config)
    return wanted
  })
}

function alterEach<Wanted extends Resource>(
  state: ControllerState,
  resources: readonly Wanted[],
  validateOnly: boolean,
  overridesOf: (resource: Wanted) => ReadonlyMap<string, string>,
): Decision<Init<IncrementalAlterConfigsResponse>> {
  const records: MetadataRecord[] = []
  const counts = new Map<string, number>()
  const keyOf = (resource: Resource): string => `${resource.resourceType}:${resource.resourceName}`
  for (const resource of resources) counts.set(keyOf(resource), (counts.get(keyOf(resource)) ?? 0) + 1)
  const responses = resources.map((resource) => {
    const { resourceType, resourceName } = resource
    const altered = attempt(() => {
      if ((counts.get(keyOf(resource)) ?? 0) > 1) {
        throw new KafkaError('INVALID_REQUEST', 'Each resource must appear at most once.')
      }
      checkResource(resource)
      const overrides = overridesOf(resource)
      const changes = changeRecords(state, resource, overrides)
      checkChanges(state, resource, changes)
      state.rules.validate(resourceType, resourceName, overrides)
      checkExistence(state, resource)
      return changes
    })
    if (altered instanceof KafkaError)
      return { ...errorFields(altered.code, altered.message), resourceType, resourceName }
    records.push(...altered)
    return { ...NO_ERROR, resourceType, resourceName }
  })
  if (elrFinalised(state.image.features.levels)) records.push(...records.flatMap(clearedElr))
  return { records: validateOnly ? [] : records, answer: { responses } }
}

/** Who is eligible depends on how many must be in sync: under another minimum nobody is until it is known anew. */
function clearedElr(record: MetadataRecord): MetadataRecord[] {
  if (record.type !== 'ConfigRecord' || record.data.name !== MIN_ISR) return []
  const topicName = record.data.resourceType === CONFIG_RESOURCE.TOPIC ? record.data.resourceName : ''
  return [metadataRecord('ClearElrRecord', 0, { topicName })]
}

/**
 * With eligible leader replicas brokers must not differ in what they hold committed, nor may the rule be lost.
 * @throws KafkaError INVALID_CONFIG
 */
function checkChanges(
  { image }: ControllerState,
  { resourceType, resourceName }: Resource,
  records: MetadataRecord[],
): void {
  const isBroker = resourceType === CONFIG_RESOURCE.BROKER
  const { levels, metadataVersion } = image.features
  for (const { type, data } of records) {
    if (type !== 'ConfigRecord') continue
    if (isBroker && data.name === MIN_ISR && elrFinalised(levels)) {
      if (resourceName !== '') {
        throw new KafkaError('INVALID_CONFIG', `Broker-level ${MIN_ISR} cannot be altered while ELR is enabled.`)
      }
      if (data.value === null) {
        throw new KafkaError('INVALID_CONFIG', `Cluster-level ${MIN_ISR} cannot be removed while ELR is enabled.`)
      }
    }
    if (isBroker && data.name === CORDONED && !cordonedDirectoriesSupported(metadataVersion)) {
      const detail = `The ${CORDONED} configuration value cannot be set because it requires metadata.version >= 4.3-IV0`
      throw new KafkaError('INVALID_CONFIG', detail)
    }
    if ((data.value?.length ?? 0) > VALUE_LENGTH_MAX) {
      const detail = `The configuration value cannot be added because it exceeds the maximum value size of ${VALUE_LENGTH_MAX} bytes.`
      throw new KafkaError('INVALID_CONFIG', detail)
    }
  }
}

/** @throws KafkaError */
function checkExistence({ image, nodeId, settings }: ControllerState, { resourceType, resourceName }: Resource): void {
  if (resourceType === CONFIG_RESOURCE.TOPIC && image.topics.byName(resourceName) === null) {
    throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', `The topic '${resourceName}' does not exist.`)
  }
  if (resourceType !== CONFIG_RESOURCE.BROKER || resourceName === '') return
  const id = Number(resourceName)
  const { brokers, controllers } = image.cluster
  const isNode = brokers.has(id) || controllers.has(id) || id === nodeId || settings.staticVoterIds.includes(id)
  if (!isNode) throw new KafkaError('BROKER_ID_NOT_REGISTERED', `No node with id ${id} found.`)
}

/** @throws KafkaError */
function checkResource({ resourceType, configs }: Resource): void {
  if (!isConfigResource(resourceType)) {
    throw new KafkaError('UNSUPPORTED_VERSION', `Unknown resource type ${resourceType}.`)
  }
  if (new Set(configs.map((config) => config.name)).size !== configs.length) {
    throw new KafkaError('INVALID_REQUEST', 'Error due to duplicate config keys')
  }
}

/** @throws KafkaError INVALID_CONFIG */
function alterOne(
  { rules }: ControllerState,
  type: number,
  wanted: Map<string, string>,
  config: IncrementalAlterConfigsRequest.AlterableConfig,
): void {
  const { name, value, configOperation } = config
  switch (configOperation) {
    case SET:
      if (value === null) throw new KafkaError('INVALID_CONFIG', `Null value not supported for configs: ${name}`)
      wanted.set(name, value)
      return
    case DELETE:
      wanted.delete(name)
      return
    case APPEND:
    case SUBTRACT: {
      if (!rules.isList(type, name)) {
        const operation = OPERATION_NAMES[configOperation] ?? ''
        throw new KafkaError('INVALID_CONFIG', `Can't ${operation} to key ${name} because its type is not LIST.`)
      }
      const before = wanted.get(name) ?? rules.defaultText(type, name)
      const change = configOperation === APPEND ? appendToList : subtractFromList
      wanted.set(name, change(before, value ?? ''))
      return
    }
    default:
      throw new KafkaError('INVALID_REQUEST', `Unknown config operation ${configOperation}.`)
  }
}

function changeRecords(
  state: ControllerState,
  { resourceType, resourceName, configs }: Resource,
  wanted: ReadonlyMap<string, string>,
): MetadataRecord[] {
  const before = state.image.configs.get(resourceType, resourceName)
  const named = new Set(configs.map((config) => config.name))
  const record = (name: string, value: string | null): MetadataRecord =>
    metadataRecord('ConfigRecord', 0, { resourceType, resourceName, name, value })
  const records: MetadataRecord[] = []
  for (const [name, value] of wanted) {
    // A broker loads its files anew (key stores) when a record names them, even with the same value.
    const again = resourceType === CONFIG_RESOURCE.BROKER && named.has(name)
    if (before.get(name) !== value || again) records.push(record(name, value))
  }
  for (const name of before.keys()) if (!wanted.has(name)) records.push(record(name, null))
  if (resourceType === CONFIG_RESOURCE.BROKER) {
    for (const name of named) if (!wanted.has(name) && !before.has(name)) records.push(record(name, null))
  }
  return records
}
