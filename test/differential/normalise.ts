/**
 * Answers in a form that can be compared: only what must differ between two servers is taken out, by the table below,
 * each with its reason. Ids become names that say where they came from; records become what is in them.
 */
import type { JsonObject, Json } from '../../src/protocol/json.ts'
import type { FieldDescription } from '../../src/protocol/fields.ts'
import { hasVersion } from '../../src/protocol/fields.ts'
import { describeStored } from './stored-records.ts'
import type { Identities } from './identities.ts'

type Rule =
  /** Any value is as good as another. */
  | 'mask'
  /** Negative or not matters, the value does not. */
  | 'sign'
  /** Null or not, empty or not. */
  | 'presence'
  /** The order of the list says nothing. */
  | 'unordered'
  /** Unordered, and elements of the same topic are one. */
  | 'merged'
  | 'topicId'
  | 'memberId'
  | 'producerId'
  | 'session'
  | 'records'

interface NormalRule {
  /** `Api.path` or a field's name wherever it is. */
  readonly field: string
  readonly rule: Rule
  readonly because: string
}

export const RULES: readonly NormalRule[] = [
  { field: 'UpdateFeatures.errorMessage', rule: 'presence', because: 'the sentence names what a release supports' },
  { field: 'RemoveRaftVoter.errorMessage', rule: 'presence', because: 'the sentence names random directories' },
  { field: 'AddRaftVoter.errorMessage', rule: 'presence', because: 'the sentence names random directories' },
  { field: 'throttleTimeMs', rule: 'mask', because: 'times are measured' },
  { field: 'clusterId', rule: 'presence', because: 'two clusters' },
  { field: 'port', rule: 'sign', because: 'two servers on one machine' },
  { field: 'topicId', rule: 'topicId', because: 'random; named by the topic' },
  { field: 'memberId', rule: 'memberId', because: 'random; numbered by their order in the group' },
  { field: 'leader', rule: 'memberId', because: 'a member id' },
  { field: 'producerId', rule: 'producerId', because: 'blocks of ids depend on what was asked before' },
  { field: 'sessionId', rule: 'session', because: 'random' },
  { field: 'records', rule: 'records', because: 'append times and producer ids differ, and with them checksums' },
  { field: 'logAppendTimeMs', rule: 'sign', because: 'clock' },
  { field: 'ListOffsets.topics.partitions.timestamp', rule: 'sign', because: 'clock, with LogAppendTime' },
  { field: 'lastTimestamp', rule: 'sign', because: 'clock, with LogAppendTime' },
  { field: 'replicaDirectoryId', rule: 'mask', because: 'random' },
  { field: 'logDir', rule: 'presence', because: 'two directories' },
  { field: 'totalBytes', rule: 'sign', because: 'the disk is in use' },
  { field: 'usableBytes', rule: 'sign', because: 'the disk is in use' },
  { field: 'DescribeQuorum.topics.partitions.highWatermark', rule: 'sign', because: 'each writes its own metadata' },
  { field: 'logEndOffset', rule: 'sign', because: 'each writes its own metadata' },
  { field: 'lastFetchTimestamp', rule: 'sign', because: 'clock' },
  { field: 'lastCaughtUpTimestamp', rule: 'sign', because: 'clock' },
  { field: 'DescribeQuorum.topics.partitions.leaderEpoch', rule: 'sign', because: 'elections at the start' },
  { field: 'finalizedFeaturesEpoch', rule: 'sign', because: 'an offset of the metadata log' },
  { field: 'ListGroups.groups', rule: 'unordered', because: 'a hash table in Kafka' },
  { field: 'OffsetCommit.topics', rule: 'merged', because: 'Kafka brings a topic named twice together, or not' },
  { field: 'TxnOffsetCommit.topics', rule: 'merged', because: 'Kafka brings a topic named twice together, or not' },
  { field: 'OffsetDelete.topics', rule: 'merged', because: 'Kafka brings a topic named twice together, or not' },
  { field: 'ListTransactions.transactionStates', rule: 'unordered', because: 'a hash table in Kafka' },
  { field: 'DescribeClientQuotas.entries', rule: 'unordered', because: 'a hash table in Kafka' },
  { field: 'DescribeClientQuotas.entries.entity', rule: 'unordered', because: 'a hash table in Kafka' },
  { field: 'DescribeClientQuotas.entries.values', rule: 'unordered', because: 'a hash table in Kafka' },
  { field: 'AlterClientQuotas.entries', rule: 'unordered', because: 'a hash table in Kafka' },
  { field: 'AlterClientQuotas.entries.entity', rule: 'unordered', because: 'a hash table in Kafka' },
  { field: 'DeleteGroups.results', rule: 'unordered', because: 'futures of a hash table in Kafka' },
  { field: 'DescribeGroups.groups', rule: 'unordered', because: 'futures of a hash table in Kafka' },
  {
    field: 'Fetch.responses',
    rule: 'merged',
    because: 'Kafka puts errors first and repeats a topic when others lie between',
  },
  { field: 'DescribeGroups.groups.members', rule: 'unordered', because: 'a hash table in Kafka' },
  { field: 'JoinGroup.members', rule: 'unordered', because: 'a hash table in Kafka' },
  { field: 'Metadata.topics', rule: 'unordered', because: 'a hash table in Kafka' },
  { field: 'Metadata.topics.partitions', rule: 'unordered', because: 'a hash table in Kafka' },
  { field: 'CreateTopics.topics', rule: 'unordered', because: 'a hash table in Kafka' },
  { field: 'CreateTopics.topics.configs', rule: 'unordered', because: 'a hash table in Kafka' },
  { field: 'DeleteTopics.responses', rule: 'unordered', because: 'shuffled by Kafka on purpose' },
  { field: 'DescribeConfigs.results', rule: 'unordered', because: 'a hash table in Kafka' },
  { field: 'DescribeConfigs.results.configs', rule: 'unordered', because: 'a hash table in Kafka' },
  { field: 'AlterConfigs.responses', rule: 'unordered', because: 'a hash table in Kafka' },
  { field: 'IncrementalAlterConfigs.responses', rule: 'unordered', because: 'a hash table in Kafka' },
  { field: 'CreatePartitions.results', rule: 'unordered', because: 'a hash table in Kafka' },
  { field: 'ListConfigResources.configResources', rule: 'unordered', because: 'a hash table in Kafka' },
  { field: 'OffsetFetch.topics', rule: 'unordered', because: 'a hash table in Kafka, when all are asked for' },
  {
    field: 'OffsetFetch.topics.partitions',
    rule: 'unordered',
    because: 'a hash table in Kafka, when all are asked for',
  },
  { field: 'OffsetFetch.groups.topics', rule: 'unordered', because: 'a hash table in Kafka, when all are asked for' },
  { field: 'OffsetFetch.groups.topics.partitions', rule: 'unordered', because: 'as above' },
  { field: 'ListOffsets.topics', rule: 'merged', because: 'a hash table in Kafka' },
  { field: 'DeleteRecords.topics', rule: 'merged', because: 'a hash table in Kafka' },
  { field: 'DescribeLogDirs.results.topics', rule: 'unordered', because: 'a hash table in Kafka' },
  { field: 'DescribeLogDirs.results.topics.partitions', rule: 'unordered', because: 'a hash table in Kafka' },
  { field: 'AlterReplicaLogDirs.results', rule: 'unordered', because: 'a hash table in Kafka' },
  { field: 'AlterReplicaLogDirs.results.partitions', rule: 'unordered', because: 'a hash table in Kafka' },
  { field: 'Produce.responses', rule: 'merged', because: 'a hash table in Kafka' },
  { field: 'OffsetForLeaderEpoch.topics', rule: 'unordered', because: 'a hash table in Kafka' },
  { field: 'OffsetForLeaderEpoch.topics.partitions', rule: 'unordered', because: 'a hash table in Kafka' },
  {
    field: 'ElectLeaders.replicaElectionResults',
    rule: 'unordered',
    because: 'a hash table in Kafka, when all are asked for',
  },
  { field: 'UpdateFeatures.results', rule: 'unordered', because: 'a hash table in Kafka' },
  { field: 'finalizedFeatures', rule: 'unordered', because: 'a hash table in Kafka' },
  { field: 'supportedFeatures', rule: 'unordered', because: 'a hash table in Kafka' },
  { field: 'activeProducers', rule: 'unordered', because: 'a hash table in Kafka' },
  { field: 'resultsByTopicV3AndBelow', rule: 'unordered', because: 'a hash table in Kafka' },
  { field: 'topicResults', rule: 'unordered', because: 'a hash table in Kafka' },
  { field: 'resultsByPartition', rule: 'unordered', because: 'a hash table in Kafka' },
  { field: 'unknownStateFilters', rule: 'unordered', because: 'a hash table in Kafka' },
]
const RULE_OF = new Map(RULES.map(({ field, rule }) => [field, rule]))

/** Lists of all there is hold what earlier scenarios left, in states that depend on time: they are left out. */
const INTERNAL = '__consumer_offsets'
/** Kafka makes them when it is asked for what Klamm doesn't serve yet. */
const NOT_SERVED = new Set(['__transaction_state', '__share_group_state'])
const LISTINGS = new Map([
  ['ListGroups.groups', 'groupId'],
  ['Metadata.topics', 'name'],
  ['ElectLeaders.replicaElectionResults', 'topic'],
  ['DescribeTopicPartitions.topics', 'name'],
  ['ListConfigResources.configResources', 'resourceName'],
  ['DescribeLogDirs.results.topics', 'name'],
])

export interface NormalContext {
  readonly api: string
  readonly version: number
  /** Names of this scenario begin so. */
  readonly prefix: string
  /** Names of all scenarios begin so. */
  readonly anyPrefix: RegExp
  readonly identities: Identities
}

export function normalise(fields: readonly FieldDescription[], answer: JsonObject, context: NormalContext): JsonObject {
  return struct(fields, answer, '', context)
}

function struct(
  fields: readonly FieldDescription[],
  json: JsonObject,
  path: string,
  context: NormalContext,
): JsonObject {
  const result: Record<string, Json> = {}
  for (const field of fields) {
    if (!hasVersion(field, context.version)) continue
    const value = json[field.name]
    if (value === undefined) continue
    const inner = path === '' ? field.name : `${path}.${field.name}`
    result[field.name] = valueOf(field, value, inner, context)
  }
  return result
}

function valueOf(field: FieldDescription, value: Json, path: string, context: NormalContext): Json {
  const full = `${context.api}.${path}`
  const rule = RULE_OF.get(full) ?? RULE_OF.get(field.name)
  if (isList(value)) {
    const mine = value.filter((element) => isOfScenario(full, element, context))
    const list = mine.map((element) => elementOf(field, element, path, rule, context))
    if (rule === 'merged') return merged(list)
    return rule === 'unordered' ? sorted(list) : list
  }
  return elementOf(field, value, path, rule, context)
}

function elementOf(
  field: FieldDescription,
  value: Json,
  path: string,
  rule: Rule | undefined,
  context: NormalContext,
): Json {
  if (field.kind === 'struct' && isObject(value))
    return struct(field.fields, withoutPlace(value, path, context), path, context)
  switch (rule) {
    case 'mask':
      return '*'
    case 'sign':
      return typeof value === 'number' && value < 0
        ? value
        : typeof value === 'number' && value < 1e12 && field.name === 'timestamp'
          ? value
          : '*'
    case 'presence':
      return value === null || value === '' ? value : '*'
    case 'topicId':
      return context.identities.nameOfTopicId(value)
    case 'memberId':
      return context.identities.nameOfMember(value)
    case 'producerId':
      return context.identities.nameOfProducer(value)
    case 'session':
      return value === 0 ? 0 : 'a session'
    case 'records':
      return typeof value === 'string' ? describeStored(Buffer.from(value, 'base64'), context.identities) : value
    default:
      return typeof value === 'string' ? context.identities.inText(value) : value
  }
}

/** Of a broker's settings these say where it is, which must differ. */
const PLACES = new Set(['listeners', 'advertised.listeners', 'controller.quorum.voters', 'log.dir', 'log.dirs'])

function withoutPlace(json: JsonObject, path: string, context: NormalContext): JsonObject {
  const { name, value } = json
  const isPlace = context.api === 'DescribeConfigs' && path.startsWith('results.configs') && PLACES.has(String(name))
  return isPlace && typeof value === 'string' && value !== '' ? { ...json, value: '*' } : json
}

function isOfScenario(full: string, element: Json, context: NormalContext): boolean {
  const key = LISTINGS.get(full)
  if (key === undefined || !isObject(element)) return true
  const name = element[key]
  // How commits are put together in batches depends on time, and with it the size of the log.
  if (name === INTERNAL && context.api === 'DescribeLogDirs') return false
  if (typeof name === 'string' && NOT_SERVED.has(name)) return false
  // Groups of names that all scenarios share are left in states that depend on time.
  if (full === 'ListGroups.groups') return typeof name === 'string' && name.startsWith(context.prefix)
  if (typeof name !== 'string' || name.startsWith(context.prefix)) return true
  return !context.anyPrefix.test(name)
}

function sorted(list: readonly Json[]): Json[] {
  return list
    .map((element) => [JSON.stringify(element), element] as const)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([, element]) => element)
}

function merged(list: readonly Json[]): Json[] {
  const topics = new Map<string, Json[]>()
  for (const element of list) {
    if (!isObject(element)) continue
    const { topic, name, topicId, partitions, partitionResponses } = element
    const key = String(topic ?? name ?? topicId)
    const known = topics.get(key) ?? []
    topics.set(key, known)
    for (const some of [partitions, partitionResponses]) if (some !== undefined && isList(some)) known.push(...some)
  }
  return sorted([...topics].map(([topic, partitions]) => ({ topic, partitions: sorted(partitions) })))
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value)
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
