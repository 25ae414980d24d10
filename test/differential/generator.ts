/**
 * Makes a scenario's steps from a seed: requests of every API at every version both sides serve, drawn field by field
 * from the schema's tables. Names come from a small pool, so that things collide; a field's name says what values make
 * sense for it, and now and then it gets one that makes none.
 */
import { APIS } from '../../src/protocol/generated/apis.ts'
import { MESSAGES } from '../../src/protocol/generated/messages.ts'
import { ConsumerProtocolSubscription } from '../../src/protocol/generated/consumer-protocol-subscription.ts'
import { ByteWriter } from '../../src/base/byte-writer.ts'
import { ZERO_UUID } from '../../src/base/uuid.ts'
import { hasVersion, type FieldDescription } from '../../src/protocol/fields.ts'
import { drawRaw, type RawStep } from './raw-frames.ts'
import { drawRecords } from './record-recipes.ts'
import type { Choices } from './random.ts'
import { show, type Reference, type Value, type ValueObject } from './values.ts'

export interface RequestStep {
  readonly kind: 'request'
  readonly connection: number
  readonly api: number
  readonly version: number
  readonly clientId: string | null
  readonly message: ValueObject
  /** Only the answers of these are compared: others prepare. */
  readonly compared: boolean
}
export interface CloseStep {
  readonly kind: 'close'
  readonly connection: number
}
export type Step = RequestStep | CloseStep | RawStep

/** Which versions are sent, and of which the answers are compared. */
export interface VersionRange {
  readonly low: number
  readonly high: number
  readonly comparedLow: number
  readonly comparedHigh: number
}

export const CONNECTIONS = 4
export const GROUPS = ['g1', 'g2', 'g3']

/** How often each API is drawn. */
const WEIGHTS: Readonly<Record<number, number>> = {
  0: 14,
  1: 14,
  2: 6,
  3: 5,
  8: 7,
  9: 6,
  10: 2,
  11: 10,
  12: 4,
  13: 4,
  14: 8,
  15: 3,
  16: 2,
  18: 1,
  19: 5,
  20: 3,
  21: 3,
  22: 3,
  23: 3,
  32: 3,
  33: 2,
  35: 1,
  37: 2,
  42: 2,
  43: 2,
  44: 3,
  45: 3,
  46: 2,
  47: 2,
  55: 1,
  57: 1,
  60: 1,
  61: 2,
  64: 1,
  74: 1,
  75: 2,
}
const FIELDS = new Map<number, readonly FieldDescription[]>(
  [...MESSAGES.values()].flatMap(({ kind, number, fields }) =>
    kind === 'request' && number !== null ? [[number, fields] as const] : [],
  ),
)

export class Generator {
  readonly #choices: Choices
  readonly #versions: ReadonlyMap<number, VersionRange>
  readonly #old: boolean
  readonly prefix: string

  constructor(choices: Choices, versions: ReadonlyMap<number, VersionRange>, prefix: string, old: boolean) {
    this.#choices = choices
    this.#versions = versions
    this.prefix = prefix
    this.#old = old
  }

  /** Topics that most scenarios begin with. */
  setup(): Step[] {
    const config = (): Value =>
      this.#choices.weighted<Value>([
        [60, []],
        [8, [{ name: 'message.timestamp.type', value: 'LogAppendTime' }]],
        [8, [{ name: 'cleanup.policy', value: 'compact' }]],
        [
          8,
          [{ name: 'compression.type', value: this.#choices.pick(['gzip', 'snappy', 'lz4', 'zstd', 'uncompressed']) }],
        ],
        [6, [{ name: 'max.message.bytes', value: '500' }]],
        [6, [{ name: 'message.timestamp.before.max.ms', value: '1000' }]],
      ])
    const topic = (name: string, numPartitions: number): ValueObject => ({
      name: this.prefix + name,
      numPartitions,
      replicationFactor: 1,
      assignments: [],
      configs: config(),
    })
    return [
      {
        kind: 'request',
        connection: 0,
        api: 19,
        version: Math.min(this.#versions.get(19)?.high ?? 5, 5),
        clientId: 'setup',
        message: { topics: [topic('t1', 1), topic('t2', 3)], timeoutMs: 30_000, validateOnly: false },
        compared: !this.#old,
      },
      {
        kind: 'request',
        connection: 0,
        api: 22,
        version: 1,
        clientId: 'setup',
        message: { transactionalId: null, transactionTimeoutMs: 60_000 },
        compared: !this.#old,
      },
    ]
  }

  step(): Step {
    const { below, chance } = bound(this.#choices)
    const connection = below(CONNECTIONS)
    if (!this.#old && chance(0.04)) return drawRaw(this.#choices, connection)
    if (chance(0.01)) return { kind: 'close', connection }
    const apis = [...this.#versions.keys()].filter((key) => !this.#old || chance(0.5) || this.#isOld(key))
    const key = this.#choices.weighted(apis.map((api) => [WEIGHTS[api] ?? 1, api] as const))
    return this.request(key, connection)
  }

  request(key: number, connection: number): Step {
    const range = this.#versions.get(key)
    const fields = FIELDS.get(key)
    const api = APIS.get(key)
    if (range === undefined || fields === undefined || api === undefined) throw new Error(`no API ${key}`)
    const { low, high, comparedLow, comparedHigh } = range
    const dropped = comparedHigh < high && this.#choices.chance(0.6)
    const version = dropped
      ? comparedLow + this.#choices.below(Math.max(comparedHigh - comparedLow + 1, 1))
      : low + this.#choices.below(high - low + 1)
    const place: Place = { api: api.name, version, path: '', group: this.#group() }
    return {
      kind: 'request',
      connection,
      api: key,
      version,
      clientId: this.#choices.weighted<string | null>([
        [80, 'client'],
        [8, null],
        [6, ''],
        [4, '__admin_client'],
        [2, 'c d'],
      ]),
      message: this.#adjusted(key, version, this.#struct(fields, place)),
      compared: version >= comparedLow && version <= comparedHigh,
    }
  }

  #isOld(key: number): boolean {
    const range = this.#versions.get(key)
    return range !== undefined && range.comparedHigh >= range.comparedLow
  }

  #struct(fields: readonly FieldDescription[], place: Place): ValueObject {
    const message: Record<string, Value> = {}
    for (const field of fields) {
      if (!hasVersion(field, place.version)) continue
      if (field.tag !== null && this.#choices.chance(0.7)) continue
      const path = place.path === '' ? field.name : `${place.path}.${field.name}`
      message[field.name] = this.#field(field, { ...place, path })
    }
    return message
  }

  #field(field: FieldDescription, place: Place): Value {
    const { chance, below } = bound(this.#choices)
    const canBeNull =
      field.nullable !== null && place.version >= field.nullable[0] && place.version <= field.nullable[1]
    if (canBeNull && chance(NULLS[`${place.api}.${place.path}`] ?? NULLS[field.name] ?? 0.1)) return null
    if (!field.array) return this.#element(field, place)
    const sizes = EMPTY_MOSTLY.has(`${place.api}.${place.path}`)
      ? [0, 0, 0, 0, 0, 0, 0, 1, 2]
      : [1, 1, 1, 1, 1, 1, 2, 2, 3, 0]
    const length = sizes[below(sizes.length)] ?? 1
    const list = Array.from({ length }, () => this.#element(field, place))
    if (list.length > 0 && chance(0.04)) list.push(list[0] ?? null)
    return list
  }

  #element(field: FieldDescription, place: Place): Value {
    if (field.kind === 'struct') {
      if (place.path === 'resources' && place.api !== 'DescribeConfigs' && !this.#choices.chance(0.04)) {
        return drawResource(this, place.api === 'IncrementalAlterConfigs')
      }
      const inner = { ...place, group: field.name === 'groups' ? this.#group() : place.group }
      return this.#struct(field.fields, inner)
    }
    const known = DOMAINS[`${place.api}.${place.path}`] ?? DOMAINS[field.name]
    // A time-out of nothing is over before or after the deed, as it happens.
    const always = field.name === 'timeoutMs'
    if (known !== undefined && (always || !this.#choices.chance(0.015))) return known(this, place)
    return this.#any(field)
  }

  /** A value of the right type, whatever it means. */
  #any(field: FieldDescription): Value {
    const { pick, chance } = bound(this.#choices)
    switch (field.kind) {
      case 'bool':
        return chance(0.5)
      case 'int8':
        return pick([0, 1, -1, 2, 5, 127, -128])
      case 'int16':
        return pick([0, 1, -1, 5, 32_767, -32_768])
      case 'int32':
        return pick([0, 1, -1, 2, 7, 2_147_483_647, -2_147_483_648])
      case 'int64':
        return pick([0, 1, -1, 2, 100, 9_223_372_036_854_775_807n, -9_223_372_036_854_775_808n])
      case 'uint16':
        return pick([0, 1, 65_535])
      case 'uint32':
        return pick([0, 1])
      case 'string':
        return pick(['', `${this.prefix}x`, 'ä ö', 'a\u0000b', 'y'.repeat(300)])
      case 'uuid':
        return pick([ZERO_UUID, 'Zm9vYmFyYmF6cXV4MTIzNA'])
      case 'bytes':
      case 'records':
        return pick([Buffer.alloc(0), Buffer.from([1, 2, 3]), Buffer.alloc(100, 7)])
      default:
        return 0
    }
  }

  get choices(): Choices {
    return this.#choices
  }

  /** 0-2 for what only 3.9 takes. */
  magics(version: number): readonly (0 | 1 | 2)[] {
    if (version < 2) return [0, 0, 0, 0, 0, 0, 0, 1]
    if (version === 2) return [1, 1, 1, 1, 1, 1, 0, 2]
    return [2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 0]
  }

  topic(api: string): string {
    const name = this.#choices.weighted([
      [40, 't1'],
      [25, 't2'],
      [10, 't3'],
      [3, 'a.b'],
      [3, 'a_b'],
      [8, 'nope'],
    ])
    return this.#choices.weighted([
      [88, this.prefix + name],
      // What others append there depends on time: its records and offsets are not compared.
      [ONLY_NAMED.has(api) ? 4 : 0, '__consumer_offsets'],
      [2, ''],
      [1, '..'],
      [1, 'bad name!'],
      [1, `${this.prefix}${'z'.repeat(250)}`],
      [1, '__cluster_metadata'],
    ])
  }

  group(): string {
    return this.#group()
  }

  #group(): string {
    return this.#choices.weighted([
      [60, `${this.prefix}g1`],
      [25, `${this.prefix}g2`],
      [10, `${this.prefix}g3`],
      [3, ''],
    ])
  }

  /** What would hurt both for the rest of the run, or depends on a race, is left out here, by name. */
  #adjusted(key: number, version: number, message: ValueObject): ValueObject {
    // Without its only broker a cluster leads nothing any more.
    if (key === 64 && message['brokerId'] === 1) return { ...message, brokerId: 2 }
    if (key === 57) {
      // A feature that was changed stays changed: only what is refused, or only asked about.
      if (version >= 1) return { ...message, validateOnly: true }
      return { ...message, featureUpdates: [{ feature: 'unknown.feature', maxVersionLevel: 1, allowDowngrade: false }] }
    }
    // Kafka makes as many as it is asked for, and is of no use for the rest of the run: that is only asked about.
    if (key === 37 && show(message).includes('"count":20000')) return { ...message, validateOnly: true }
    if (key === 11 && Array.isArray(message['protocols']) && !this.#choices.chance(0.02)) {
      // A protocol twice costs Kafka the answer.
      const names = new Set<Value>()
      const protocols = message['protocols'].filter((protocol: ValueObject) => {
        const known = names.has(protocol['name'] ?? null)
        names.add(protocol['name'] ?? null)
        return !known
      })
      return { ...message, protocols }
    }
    // Markers carry the time of the broker; of some requests Kafka never answers. test/directories sends them.
    if (key === 27) {
      const topics = [{ name: `${this.prefix}nope`, partitionIndexes: [0] }]
      const markers = Array.isArray(message['markers']) ? message['markers'].slice(0, 1) : []
      return { ...message, markers: markers.map((marker: ValueObject) => ({ ...marker, topics })) }
    }
    // A partition twice in one Fetch is a departure after which the scenario ends.
    if (key === 1 && !this.#choices.chance(0.05))
      return { ...message, topics: eachOnce(message['topics'] ?? [], 'topics') }
    // Of a partition twice in one Produce Kafka answers one copy and appends another.
    if (key === 0) return { ...message, topicData: eachOnce(message['topicData'] ?? [], 'topicData') }
    return message
  }
}

/** Topics and their partitions, each named once. */
function eachOnce(list: Value, kind: 'topics' | 'topicData' | 'partitions' | 'partitionData'): Value {
  if (!Array.isArray(list)) return list
  const seen = new Set<string>()
  return list.flatMap((element: ValueObject) => {
    const inner = { topics: 'partitions', topicData: 'partitionData', partitions: null, partitionData: null } as const
    const { topic, name, topicId, partition, index } = element
    const key = show(inner[kind] === null ? (partition ?? index) : (topic ?? name ?? topicId))
    if (seen.has(key)) return []
    seen.add(key)
    const below = inner[kind]
    return below === null ? [element] : [{ ...element, [below]: eachOnce(element[below] ?? [], below) }]
  })
}

interface Place {
  readonly api: string
  readonly version: number
  readonly path: string
  readonly group: string
}

type Domain = (generator: Generator, place: Place) => Value

function bound(choices: Choices): Pick<Choices, 'below' | 'chance' | 'pick'> {
  return {
    below: (limit) => choices.below(limit),
    chance: (probability) => choices.chance(probability),
    pick: (values) => choices.pick(values),
  }
}

/** How often a field is null that may be. */
const NULLS: Readonly<Record<string, number>> = {
  transactionalId: 0.93,
  groupInstanceId: 0.75,
  records: 0.01,
  'InitProducerId.transactionalId': 0.9,
  'Metadata.topics': 0.25,
  'Metadata.topics.name': 0.2,
  'OffsetFetch.groups.topics': 0.25,
  'OffsetFetch.topics': 0.25,
  'OffsetFetch.groups.memberId': 0.7,
  'DeleteTopics.topics.name': 0.5,
  'DescribeLogDirs.topics': 0.3,
  'CreatePartitions.topics.assignments': 0.85,
  'DescribeTopicPartitions.cursor': 0.8,
  'AlterPartitionReassignments.topics.partitions.replicas': 0.25,
  'DescribeConfigs.resources.configurationKeys': 0.5,
}

/** APIs that may name `__consumer_offsets`. */
const ONLY_NAMED = new Set([
  'Metadata',
  'OffsetCommit',
  'OffsetFetch',
  'CreateTopics',
  'DescribeTopicPartitions',
  'DescribeConfigs',
])

const EMPTY_MOSTLY = new Set([
  'CreateTopics.topics.assignments',
  'CreateTopics.topics.configs',
  'Fetch.forgottenTopicsData',
  'ListGroups.statesFilter',
  'ListGroups.typesFilter',
])

const weighted =
  (...entries: readonly (readonly [number, Value])[]): Domain =>
  ({ choices }) =>
    choices.weighted(entries)

const topicName: Domain = (generator, place) => generator.topic(place.api)
const topicId: Domain = ({ choices, prefix }) =>
  choices.weighted<Value>([
    [45, { ref: 'topicId', topic: `${prefix}t1` } satisfies Reference],
    [25, { ref: 'topicId', topic: `${prefix}t2` } satisfies Reference],
    [8, { ref: 'topicId', topic: `${prefix}t3` } satisfies Reference],
    [5, ZERO_UUID],
    [5, 'Zm9vYmFyYmF6cXV4MTIzNA'],
  ])
const partition = weighted([60, 0], [15, 1], [8, 2], [5, 7], [2, -1], [1, 2_147_483_647])
/** Of the scenario's own: what others began must not come between. */
const transactionalId: Domain = ({ choices, prefix }) =>
  choices.weighted([
    [80, `${prefix}tx`],
    [20, ''],
  ])
/** Of transactions: those that InitProducerId gave, mostly the first ones. */
const producerId: Domain = ({ choices }) =>
  choices.weighted<Value>([
    [60, { ref: 'producerId', nth: 0 }],
    [25, { ref: 'producerId', nth: 1 }],
    [10, { ref: 'producerId', nth: 2 }],
    [5, 5],
  ])
const producerEpoch = weighted([60, 0], [20, 1], [10, 2], [5, -1])
const epoch = weighted([70, -1], [20, 0], [5, 1], [2, -2])
const offset = weighted(
  [30, 0],
  [20, 1],
  [10, 3],
  [8, 20],
  [4, 1000],
  [4, -1],
  [2, -2],
  [1, 9_223_372_036_854_775_807n],
)
const timeout = weighted([1, 30_000])
const memberId: Domain = ({ choices }, place) =>
  choices.weighted<Value>([
    [70, { ref: 'memberId', group: place.group, nth: choices.below(3) } satisfies Reference],
    [8, ''],
    [5, 'nobody'],
  ])
const generation: Domain = ({ choices }, place) =>
  choices.weighted<Value>([
    [75, { ref: 'generation', group: place.group, plus: 0 } satisfies Reference],
    [8, { ref: 'generation', group: place.group, plus: -1 } satisfies Reference],
    [5, { ref: 'generation', group: place.group, plus: 1 } satisfies Reference],
    [10, -1],
    [3, 0],
  ])
const groupOfPlace: Domain = (_, place) => place.group
const instanceId = weighted([45, 'i1'], [45, 'i2'], [2, ''])
const protocolType = weighted([88, 'consumer'], [6, 'connect'], [4, ''])
const subscription: Domain = ({ choices, prefix }) => {
  if (choices.chance(0.15)) return choices.pick([Buffer.alloc(0), Buffer.from([0, 1, 2]), Buffer.from('junk')])
  const writer = new ByteWriter()
  const version = choices.below(4)
  writer.int16(version)
  const topics = choices.pick([[`${prefix}t1`], [`${prefix}t1`, `${prefix}t2`], [], [`${prefix}nope`]])
  ConsumerProtocolSubscription.write(writer, { topics }, version)
  return writer.toBuffer()
}

const TOPIC_CONFIGS: readonly (readonly [string, readonly (string | null)[]])[] = [
  ['retention.ms', ['1000000', '-1', 'x', '', null, '-2', '9223372036854775808', ' 77 ']],
  ['cleanup.policy', ['delete', 'compact', 'compact,delete', 'bad', '', ' delete , compact ', 'delete,delete']],
  ['compression.type', ['producer', 'gzip', 'lz4', 'zstd', 'snappy', 'uncompressed', 'none', 'GZIP']],
  ['max.message.bytes', ['1048588', '0', '-1', '200', '1.5']],
  ['min.insync.replicas', ['1', '2', '0']],
  ['segment.bytes', ['1048576', '1', '2000000']],
  ['message.timestamp.type', ['CreateTime', 'LogAppendTime', 'x']],
  ['unclean.leader.election.enable', ['true', 'false', 'TRUE', 'yes']],
  ['min.cleanable.dirty.ratio', ['0.5', '1.1', '-0.1', '1e-1', 'NaN']],
  ['leader.replication.throttled.replicas', ['*', '0:1,1:1', 'x', '', '0:1']],
  ['follower.replication.throttled.replicas', ['none', '0:1']],
  ['remote.storage.enable', ['true', 'false']],
  ['min.compaction.lag.ms', ['0', '100', '9223372036854775807']],
  ['max.compaction.lag.ms', ['50', '9223372036854775807', '0']],
  ['local.retention.ms', ['-2', '5', '-1', '99999999999']],
  ['preallocate', ['false', 'true', 'maybe']],
  ['flush.messages', ['1', '0', '5']],
  ['compression.gzip.level', ['-1', '0', '9', '10', '3']],
  ['compression.zstd.level', ['3', '22', '23', '-131072']],
  ['message.format.version', ['2.0']],
  ['no.such.config', ['x', null]],
  ['', ['x']],
]
const BROKER_CONFIGS: readonly (readonly [string, readonly (string | null)[]])[] = [
  ['log.retention.bytes', ['-1', '1000000000', 'x', null]],
  ['log.cleaner.io.buffer.size', ['524288', '0', '-1']],
  ['log.flush.interval.messages', ['10000', '0']],
  ['node.id', ['2']],
  ['log.dirs', ['elsewhere']],
  ['listeners', ['PLAINTEXT://127.0.0.1:1']],
  ['my.own.key', ['x', '']],
  ['num.io.threads', ['100', '0', '-1', 'x']],
  ['ssl.keystore.location', ['x']],
  ['sasl.jaas.config', ['x']],
  ['offsets.topic.num.partitions', ['9']],
]
const GROUP_CONFIGS: readonly (readonly [string, readonly (string | null)[]])[] = [
  ['consumer.session.timeout.ms', ['50000', '1', '45001', 'x']],
  ['consumer.heartbeat.interval.ms', ['6000', '1', '14999', '50000']],
  ['share.auto.offset.reset', ['latest', 'earliest', 'x', 'by_duration:PT1H']],
  ['share.isolation.level', ['read_committed', 'x']],
  ['streams.num.standby.replicas', ['1', '99']],
  ['no.such', ['1']],
]
const CLIENT_METRICS: readonly (readonly [string, readonly (string | null)[]])[] = [
  ['interval.ms', ['1000', '1', 'x', '100', '3600001']],
  ['metrics', ['*', '', 'a.b,c']],
  ['match', ['client_id=x', 'bad', 'what=.*', 'client_id=[', '']],
  ['no.such', ['1']],
]

const RESOURCE_TYPES = weighted([62, 2], [14, 4], [10, 32], [10, 16], [4, 8], [1, 0], [1, 3], [1, 1])
/** What was drawn for one resource: its fields are drawn in the order type, name, configs. */
const resourceName: Domain = (generator) => {
  const { choices, prefix } = generator
  return choices.weighted<Value>([
    [60, generator.topic('DescribeConfigs')],
    [10, '1'],
    [8, ''],
    [2, '2'],
    [2, '-1'],
    [6, `${prefix}g1`],
    [4, `${prefix}m1`],
  ])
}
const configName: Domain = ({ choices }) =>
  choices.pick(
    choices.pick([TOPIC_CONFIGS, TOPIC_CONFIGS, TOPIC_CONFIGS, BROKER_CONFIGS, GROUP_CONFIGS, CLIENT_METRICS]),
  )[0]
const configValue: Domain = ({ choices }) =>
  choices.pick(choices.pick(choices.pick([TOPIC_CONFIGS, TOPIC_CONFIGS, BROKER_CONFIGS, GROUP_CONFIGS]))[1])

/** A resource of a kind with configs of that kind, mostly. */
export function drawResource(generator: Generator, operation: boolean): ValueObject {
  const { choices, prefix } = generator
  const kind = choices.weighted<readonly [number, Value, typeof TOPIC_CONFIGS]>([
    [60, [2, `${prefix}${choices.pick(['t1', 't2', 't3', 'nope'])}`, TOPIC_CONFIGS]],
    [3, [2, choices.pick(['', '__consumer_offsets', '..']), TOPIC_CONFIGS]],
    [12, [4, choices.pick(['1', '1', '', '', '2', '-1', 'x']), BROKER_CONFIGS]],
    [9, [32, choices.pick([`${prefix}g1`, `${prefix}g2`, '']), GROUP_CONFIGS]],
    [8, [16, choices.pick([`${prefix}m1`, `${prefix}m2`, '']), CLIENT_METRICS]],
    [2, [choices.pick([0, 1, 3, 8, 64, -1, 127]), '1', TOPIC_CONFIGS]],
  ])
  const configs = Array.from(
    {
      length: choices.weighted<number>([
        [70, 1],
        [20, 2],
        [7, 0],
        [3, 3],
      ]),
    },
    (): ValueObject => {
      const table = choices.chance(0.03) ? TOPIC_CONFIGS : kind[2]
      const [name, values] = choices.pick(table)
      if (!operation) return { name, value: choices.pick(values) }
      const configOperation = choices.weighted<number>([
        [65, 0],
        [15, 1],
        [9, 2],
        [9, 3],
        [1, 4],
        [1, -1],
      ])
      return { name, configOperation, value: choices.pick(values) }
    },
  )
  return { resourceType: kind[0], resourceName: kind[1], configs }
}

/** By `Api.path`, else by the field's name. */
/** No address, nor a host that one side might know: what is bounded for an address is bounded for all scenarios. */
const quotaName: Domain = ({ choices, prefix }) => `${prefix}${choices.pick(['q 1', 'q 2', 'q 3'])}`

const DOMAINS: Readonly<Record<string, Domain>> = {
  topic: topicName,
  topicName,
  topicNames: topicName,
  'Produce.topicData.name': topicName,
  'ListOffsets.topics.name': topicName,
  'Metadata.topics.name': topicName,
  'OffsetCommit.topics.name': topicName,
  'TxnOffsetCommit.topics.name': topicName,
  'OffsetFetch.topics.name': topicName,
  'OffsetFetch.groups.topics.name': topicName,
  'DeleteTopics.topics.name': topicName,
  'DeleteRecords.topics.name': topicName,
  'OffsetDelete.topics.name': topicName,
  'CreatePartitions.topics.name': topicName,
  'DescribeProducers.topics.name': topicName,
  'AlterPartitionReassignments.topics.name': topicName,
  'ListPartitionReassignments.topics.name': topicName,
  'DescribeTopicPartitions.topics.name': topicName,
  'DescribeTopicPartitions.responsePartitionLimit': weighted([60, 2000], [20, 1], [5, 2], [5, 0], [3, -1]),
  'CreateTopics.topics.name': (generator) =>
    generator.choices.chance(0.5)
      ? generator.topic('CreateTopics')
      : `${generator.prefix}${generator.choices.pick(['t3', 'a.b', 'a_b', 't4'])}`,
  'CreateTopics.topics.numPartitions': weighted([50, 1], [20, 3], [10, -1], [4, 0], [3, -5], [2, 20_000]),
  'CreateTopics.topics.replicationFactor': weighted([70, 1], [15, -1], [4, 0], [4, 2], [3, -5]),
  'CreateTopics.topics.assignments.partitionIndex': weighted([70, 0], [20, 1], [4, -1], [2, 5]),
  'CreateTopics.topics.assignments.brokerIds': weighted([85, 1], [8, 2], [3, -1]),
  'CreateTopics.topics.configs.name': ({ choices }) => choices.pick(TOPIC_CONFIGS)[0],
  'CreateTopics.topics.configs.value': ({ choices }) => choices.pick(choices.pick(TOPIC_CONFIGS)[1]),
  'CreatePartitions.topics.count': weighted([30, 2], [20, 3], [20, 4], [10, 1], [5, 0], [5, -1], [2, 5], [2, 20_000]),
  'CreatePartitions.topics.assignments.brokerIds': weighted([85, 1], [8, 2], [3, -1]),
  'AlterPartitionReassignments.topics.partitions.replicas': weighted([80, 1], [8, 2], [4, 0], [4, -1]),
  'ElectLeaders.electionType': weighted([50, 0], [40, 1], [4, 2], [3, -1]),
  'ElectLeaders.topicPartitions.partitions': partition,
  'UnregisterBroker.brokerId': weighted([50, 2], [20, 7], [15, 0], [10, -1]),
  // Of this scenario's own entities, with bounds that hold nobody back: others run beside it.
  'AlterClientQuotas.entries.entity.entityType': weighted(
    [40, 'user'],
    [40, 'client-id'],
    [6, 'ip'],
    [2, 'planet'],
    [1, ''],
  ),
  'AlterClientQuotas.entries.entity.entityName': quotaName,
  'AlterClientQuotas.entries.ops.key': weighted(
    [30, 'producer_byte_rate'],
    [30, 'consumer_byte_rate'],
    [20, 'request_percentage'],
    [20, 'controller_mutation_rate'],
    [5, 'connection_creation_rate'],
    [2, 'a'],
  ),
  'AlterClientQuotas.entries.ops.value': weighted([40, 1e9], [30, 2e9], [4, 0], [4, -1], [4, 1.5e9 + 0.5]),
  'AlterClientQuotas.entries.ops.remove': weighted([70, false], [30, true]),
  'DescribeClientQuotas.components.entityType': weighted(
    [40, 'user'],
    [40, 'client-id'],
    [6, 'ip'],
    [2, 'planet'],
    [1, ''],
  ),
  'DescribeClientQuotas.components.matchType': weighted([85, 0], [5, 1], [5, 2], [3, 3]),
  'DescribeClientQuotas.components.match': quotaName,
  validateOnly: weighted([75, false], [25, true]),
  timeoutMs: timeout,
  topicId,
  index: partition,
  partition,
  partitionIndex: partition,
  partitionIndexes: partition,
  'Fetch.forgottenTopicsData.partitions': partition,
  'DescribeLogDirs.topics.partitions': partition,
  currentLeaderEpoch: epoch,
  leaderEpoch: weighted([50, 0], [20, 1], [15, -1], [5, 7]),
  lastFetchedEpoch: weighted([75, -1], [15, 0], [5, 1]),
  'Produce.acks': weighted([45, -1], [35, 1], [15, 0], [2, 2], [2, -2]),
  'Produce.topicData.partitionData.records': (generator, place) => ({
    ref: 'records',
    recipe: drawRecords(generator.choices, generator.magics(place.version)),
  }),
  transactionalId,
  transactionalIds: transactionalId,
  v3AndBelowTransactionalId: transactionalId,
  transactionTimeoutMs: weighted([80, 60_000], [5, 0], [5, 900_001], [3, -1]),
  'InitProducerId.producerId': weighted([80, -1], [10, 5], [5, 0]),
  'InitProducerId.producerEpoch': weighted([80, -1], [10, 0], [5, 3]),
  'AddPartitionsToTxn.v3AndBelowProducerId': producerId,
  'AddPartitionsToTxn.v3AndBelowProducerEpoch': producerEpoch,
  'AddPartitionsToTxn.transactions.producerId': producerId,
  'AddPartitionsToTxn.transactions.producerEpoch': producerEpoch,
  'AddOffsetsToTxn.producerId': producerId,
  'AddOffsetsToTxn.producerEpoch': producerEpoch,
  'EndTxn.producerId': producerId,
  'EndTxn.producerEpoch': producerEpoch,
  'TxnOffsetCommit.producerId': producerId,
  'TxnOffsetCommit.producerEpoch': producerEpoch,
  'Fetch.replicaId': weighted([94, -1], [1, -2], [2, 0], [2, 1]),
  'Fetch.replicaState.replicaId': weighted([90, -1], [2, -2], [4, 0], [4, 1]),
  'Fetch.replicaState.replicaEpoch': weighted([97, -1]),
  'Fetch.clusterId': weighted([90, 'another'], [10, '']),
  'Fetch.maxWaitMs': weighted([60, 0], [25, 60], [5, 1], [3, -1]),
  'Fetch.minBytes': weighted([55, 1], [30, 0], [5, 100_000], [3, -1]),
  'Fetch.maxBytes': weighted([60, 1_000_000], [10, 2_147_483_647], [10, 100], [5, 0], [3, -1]),
  'Fetch.topics.partitions.partitionMaxBytes': weighted([60, 1_000_000], [10, 100], [10, 500], [5, 0], [3, -1]),
  'Fetch.topics.partitions.fetchOffset': weighted([50, 0], [15, 1], [10, 4], [5, 25], [5, -1], [3, 100_000]),
  'Fetch.topics.partitions.logStartOffset': weighted([90, -1], [5, 0]),
  'Fetch.topics.partitions.highWatermark': weighted([90, 9_223_372_036_854_775_807n], [5, 0]),
  'Fetch.topics.partitions.replicaDirectoryId': weighted([1, ZERO_UUID]),
  'Fetch.rackId': weighted([90, ''], [10, 'r1']),
  sessionId: ({ choices }) =>
    choices.weighted<Value>([
      [55, 0],
      [35, { ref: 'session', of: 0 } satisfies Reference],
      [3, 77],
    ]),
  sessionEpoch: ({ choices }) =>
    choices.weighted<Value>([
      [40, -1],
      [20, 0],
      [35, { ref: 'sessionEpoch', of: 0, plus: 1 } satisfies Reference],
      [4, { ref: 'sessionEpoch', of: 0, plus: 2 } satisfies Reference],
      [2, -5],
    ]),
  isolationLevel: weighted([50, 0], [45, 1], [2, 2]),
  'ListOffsets.replicaId': weighted([90, -1], [4, -2], [2, 0]),
  'ListOffsets.topics.partitions.timestamp': weighted(
    [20, -1],
    [20, -2],
    [10, -3],
    [8, -4],
    [8, -5],
    [4, -6],
    [3, -7],
    [10, 0],
    [15, 1_700_000_000_500],
    [5, 1_800_000_000_000],
  ),
  'ListOffsets.topics.partitions.maxNumOffsets': weighted([60, 1], [20, 5], [5, 0], [3, -1]),
  'DeleteRecords.topics.partitions.offset': offset,
  'OffsetForLeaderEpoch.replicaId': weighted([85, -1], [8, -2], [4, 0]),
  committedOffset: offset,
  committedLeaderEpoch: epoch,
  commitTimestamp: weighted([60, -1], [20, 1_700_000_000_000]),
  retentionTimeMs: weighted([80, -1], [10, 1_000_000_000], [3, 0]),
  committedMetadata: weighted([50, ''], [40, 'some metadata'], [4, 'm'.repeat(4096)], [4, 'm'.repeat(4097)]),
  groupId: groupOfPlace,
  groupsNames: (generator) => generator.group(),
  'DescribeGroups.groups': (generator) => generator.group(),
  memberId,
  'JoinGroup.memberId': (generator, place) => (generator.choices.chance(0.45) ? '' : memberId(generator, place)),
  generationId: generation,
  generationIdOrMemberEpoch: generation,
  memberEpoch: weighted([80, -1], [10, 0], [5, 1]),
  groupInstanceId: instanceId,
  sessionTimeoutMs: weighted([94, 60_000], [2, 0], [2, 2_000_000], [1, -1]),
  rebalanceTimeoutMs: weighted([94, 60_000], [2, 120_000]),
  protocolType,
  protocolName: weighted([80, 'range'], [10, 'roundrobin'], [5, '']),
  'JoinGroup.protocols.name': weighted([70, 'range'], [25, 'roundrobin'], [3, '']),
  'JoinGroup.protocols.metadata': subscription,
  assignment: weighted([60, Buffer.from('assigned')], [20, Buffer.alloc(0)]),
  reason: weighted([80, 'because'], [10, '']),
  statesFilter: weighted([40, 'Stable'], [30, 'Empty'], [20, 'preparingrebalance'], [10, 'Nonsense'], [5, 'Dead']),
  typesFilter: weighted([50, 'classic'], [30, 'Consumer'], [10, 'nonsense'], [5, 'share']),
  'FindCoordinator.key': (generator) => generator.group(),
  'FindCoordinator.coordinatorKeys': (generator) => generator.group(),
  'FindCoordinator.keyType': weighted([85, 0], [5, 1], [3, 2], [3, 3], [2, -1]),
  clientSoftwareName: weighted([60, 'diff'], [10, ''], [10, 'bad name'], [10, '-x']),
  clientSoftwareVersion: weighted([80, '1.0'], [10, ''], [10, '1.']),
  'DescribeConfigs.resources.resourceType': RESOURCE_TYPES,
  'DescribeConfigs.resources.resourceName': resourceName,
  'DescribeConfigs.resources.configurationKeys': configName,
  'DescribeConfigs.includeDocumentation': weighted([19, false], [1, true]),
  'AlterConfigs.resources.configs.value': configValue,
  'UpdateFeatures.featureUpdates.feature': weighted(
    [30, 'unknown.feature'],
    [40, 'metadata.version'],
    [20, 'kraft.version'],
    [3, ''],
  ),
  'UpdateFeatures.featureUpdates.maxVersionLevel': weighted([30, 0], [30, 1], [20, 99], [20, 20], [5, -1]),
  'UpdateFeatures.featureUpdates.upgradeType': weighted([50, 1], [25, 2], [20, 3], [3, 0], [2, 9]),
  // A voter that nobody reaches is waited for; the only one can't go.
  'AddRaftVoter.clusterId': weighted([80, null], [20, 'another']),
  'AddRaftVoter.voterId': weighted([80, 1], [20, -1]),
  'AddRaftVoter.listeners.name': weighted([60, 'CONTROLLER'], [40, 'NOWHERE']),
  'RemoveRaftVoter.clusterId': weighted([80, null], [20, 'another']),
  'RemoveRaftVoter.voterId': weighted([60, 1], [20, -1], [20, 0]),
  'DescribeQuorum.topics.topicName': weighted([80, '__cluster_metadata'], [20, 'x']),
  'DescribeQuorum.topics.partitions.partitionIndex': weighted([80, 0], [20, 1]),
  endpointType: weighted([70, 1], [20, 2], [5, 0], [5, 3]),
  resourceTypes: weighted([30, 2], [20, 4], [20, 16], [20, 32], [5, 8], [5, 0], [5, 99]),
}
