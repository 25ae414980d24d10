/**
 * The producer and the consumers of a tool, made from settings under the names of Java's clients.
 *
 * A setting that our client has no use for (serializers, buffers of sockets, metrics) is left out, as Java leaves out what it
 * does not know; one with a bad value is refused. Each client is loaded when it is made: a tool has one of them.
 */
import { optionsFromJavaProperties } from '../../client/java-properties.ts'
import { resolveClientOptions, type ResolvedClientOptions } from '../../client/client-options.ts'
import type { Consumer } from '../../client/consumer/consumer.ts'
import type { AssignorName, ConsumerOptions } from '../../client/consumer/consumer-options.ts'
import type { OffsetReset } from '../../client/consumer/offset-spec.ts'
import type { Producer } from '../../client/producer/producer.ts'
import type { Bytes } from '../../client/producer/producer-record.ts'
import type { ProducerOptions } from '../../client/producer/producer-options.ts'
import type { ShareConsumer } from '../../client/share/share-consumer.ts'
import type { ShareConsumerOptions } from '../../client/share/share-options.ts'
import { CODECS, type Codec } from '../../records/batch.ts'
import { warningsTo, type ToolHost } from '../tool/tool.ts'
import type { Properties } from './client-properties.ts'
import { invalid, present, SettingReader } from './setting-reader.ts'

/** Rejects with OperationalError CONFIG_INVALID or ClientError INVALID_ARGUMENT. */
export async function makeConsumer(
  host: ToolHost,
  properties: Properties,
  more: Pick<ConsumerOptions, 'onRebalance'> = {},
): Promise<Consumer> {
  const { client, rest } = await clientOptions(host, properties)
  const { Consumer } = await import('../../client/consumer/consumer.ts')
  return new Consumer(host.world, { ...client, ...consumerOptions(new SettingReader(rest)), ...more })
}

/** Rejects with OperationalError CONFIG_INVALID or ClientError INVALID_ARGUMENT. */
export async function makeShareConsumer(
  host: ToolHost,
  properties: Properties,
  more: Pick<ShareConsumerOptions, 'onAcknowledged'> = {},
): Promise<ShareConsumer> {
  const { client, rest } = await clientOptions(host, properties)
  const { ShareConsumer } = await import('../../client/share/share-consumer.ts')
  return new ShareConsumer(host.world, { ...client, ...shareOptions(new SettingReader(rest)), ...more })
}

/** Rejects with OperationalError CONFIG_INVALID or ClientError INVALID_ARGUMENT. */
export async function makeProducer(
  host: ToolHost,
  properties: Properties,
  more: Pick<ProducerOptions<Bytes, Bytes>, 'onDelivery'> = {},
): Promise<Producer<Bytes, Bytes>> {
  const { client, rest } = await clientOptions(host, properties)
  const { Producer } = await import('../../client/producer/producer.ts')
  return new Producer<Bytes, Bytes>(host.world, client, { ...producerOptions(new SettingReader(rest)), ...more })
}

async function clientOptions(
  { world, terminal }: ToolHost,
  properties: Properties,
): Promise<{ readonly client: ResolvedClientOptions; readonly rest: Readonly<Record<string, string>> }> {
  const { options, rest } = await optionsFromJavaProperties(Object.fromEntries(properties), (path) =>
    world.disk.readFile(path),
  )
  return { client: resolveClientOptions({ brokers: '', logger: warningsTo(terminal), ...options }), rest }
}

function consumerOptions(settings: SettingReader): ConsumerOptions {
  const assignors = settings.text('partition.assignment.strategy')
  return present({
    groupId: settings.text('group.id'),
    groupInstanceId: settings.text('group.instance.id'),
    groupProtocol: settings.oneOf('group.protocol', ['classic', 'consumer']) ?? 'classic',
    remoteAssignor: settings.text('group.remote.assignor'),
    assignors: assignors === undefined || assignors === '' ? undefined : assignors.split(',').map(assignorNamed),
    sessionTimeoutMs: settings.whole('session.timeout.ms'),
    heartbeatIntervalMs: settings.whole('heartbeat.interval.ms'),
    maxPollIntervalMs: settings.whole('max.poll.interval.ms', 'INT', 1),
    offsetReset: offsetReset(settings.text('auto.offset.reset')),
    autoCommit: settings.flag('enable.auto.commit'),
    autoCommitIntervalMs: settings.whole('auto.commit.interval.ms', 'INT', 0),
    isolationLevel: settings.oneOf('isolation.level', ['read_uncommitted', 'read_committed']),
    fetchMinBytes: settings.whole('fetch.min.bytes', 'INT', 0),
    fetchMaxWaitMs: settings.whole('fetch.max.wait.ms', 'INT', 0),
    fetchMaxBytes: settings.whole('fetch.max.bytes', 'INT', 0),
    maxPartitionFetchBytes: settings.whole('max.partition.fetch.bytes', 'INT', 0),
    checkCrcs: settings.flag('check.crcs'),
    rack: settings.text('client.rack'),
    allowAutoCreateTopics: settings.flag('allow.auto.create.topics'),
    excludeInternalTopics: settings.flag('exclude.internal.topics'),
  })
}

const ASSIGNORS: ReadonlyMap<string, AssignorName> = new Map<string, AssignorName>([
  ['RangeAssignor', 'range'],
  ['RoundRobinAssignor', 'roundrobin'],
  ['StickyAssignor', 'sticky'],
  ['CooperativeStickyAssignor', 'cooperative-sticky'],
])

function assignorNamed(text: string): AssignorName {
  const name = text.trim()
  const known = ASSIGNORS.get(name.replace(/^org\.apache\.kafka\.clients\.consumer\./, ''))
  if (known !== undefined) return known
  throw invalid('partition.assignment.strategy', name, `it must be one of ${[...ASSIGNORS.keys()].join(', ')}`)
}

const RESETS = ['earliest', 'latest', 'none'] as const
/** What java.time.Duration writes, in days to seconds (KIP-1106). */
const DURATION = /^by_duration:P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/i

function offsetReset(text: string | undefined): OffsetReset | undefined {
  if (text === undefined) return undefined
  const word = RESETS.find((one) => one === text.toLowerCase())
  if (word !== undefined) return word
  const duration = DURATION.exec(text)
  if (duration === null) {
    throw invalid(
      'auto.offset.reset',
      text,
      `Invalid value \`${text}\` for configuration auto.offset.reset. The value must be either 'earliest', 'latest', 'none' or of the format 'by_duration:<PnDTnHnMn.nS.>'.`,
    )
  }
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = duration.slice(1).map((part) => Number(part ?? 0))
  return { byDurationMs: (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000 }
}

function shareOptions(settings: SettingReader): ShareConsumerOptions {
  const acquire = settings.oneOf('share.acquire.mode', ['batch_optimized', 'record_limit'])
  return {
    groupId: settings.text('group.id') ?? '',
    ...present({
      acknowledgement: settings.oneOf('share.acknowledgement.mode', ['implicit', 'explicit']),
      acquire:
        acquire === undefined ? undefined : acquire === 'record_limit' ? ('records' as const) : ('batches' as const),
      maxPollRecords: settings.whole('max.poll.records', 'INT', 1),
      fetchMinBytes: settings.whole('fetch.min.bytes', 'INT', 0),
      fetchMaxWaitMs: settings.whole('fetch.max.wait.ms', 'INT', 0),
      fetchMaxBytes: settings.whole('fetch.max.bytes', 'INT', 0),
      checkCrcs: settings.flag('check.crcs'),
      rack: settings.text('client.rack'),
    }),
  }
}

function producerOptions(settings: SettingReader): ProducerOptions<Bytes, Bytes> {
  const compression = settings.oneOf('compression.type', CODECS)
  return present({
    acks: acks(settings.text('acks')),
    idempotence: settings.flag('enable.idempotence'),
    transactionalId: settings.text('transactional.id'),
    transactionTimeoutMs: settings.whole('transaction.timeout.ms'),
    batchBytes: settings.whole('batch.size', 'INT', 0),
    lingerMs: settings.whole('linger.ms', 'LONG', 0),
    bufferBytes: settings.whole('buffer.memory', 'LONG', 0),
    maxBlockMs: settings.whole('max.block.ms', 'LONG', 0),
    maxRequestBytes: settings.whole('max.request.size', 'INT', 0),
    maxInFlight: settings.whole('max.in.flight.requests.per.connection', 'INT', 1),
    retries: settings.whole('retries', 'INT', 0),
    deliveryTimeoutMs: settings.whole('delivery.timeout.ms', 'INT', 0),
    compression,
    compressionLevel: compression === undefined ? undefined : compressionLevel(settings, compression),
    ignoreKeys: settings.flag('partitioner.ignore.keys'),
    adaptivePartitioning: settings.flag('partitioner.adaptive.partitioning.enable'),
    partitionAvailabilityTimeoutMs: settings.whole('partitioner.availability.timeout.ms', 'LONG'),
    partitioner: /RoundRobinPartitioner$/.test(settings.text('partitioner.class') ?? '') ? 'roundRobin' : undefined,
    metadataMaxIdleMs: settings.whole('metadata.max.idle.ms', 'LONG'),
  })
}

function compressionLevel(settings: SettingReader, codec: Codec): number | undefined {
  return codec !== 'gzip' && codec !== 'zstd' ? undefined : settings.whole(`compression.${codec}.level`)
}

function acks(text: string | undefined): ProducerOptions<Bytes, Bytes>['acks'] {
  switch (text) {
    case undefined:
      return undefined
    case '0':
      return 0
    case '1':
      return 1
    case '-1':
    case 'all':
      return 'all'
    default:
      throw invalid('acks', text, 'String must be one of: all, -1, 0, 1')
  }
}
