/**
 * The settings of a producer, Java's names and defaults in the docstrings, and the rules among them: what idempotence needs,
 * and that the delivery time covers at least one request.
 */
import { CODECS, type Codec } from '../../records/batch.ts'
import { ClientError } from '../errors.ts'
import { callable, either, flag, list, number, oneOf, text, withMethods, type Shape } from '../expected.ts'
import type { Serde } from '../serde.ts'
import type { Partitioner } from './partitioner.ts'
import type { Delivery, ProducerRecord } from './producer-record.ts'

export interface ProducerInterceptor {
  /** Before the record is serialized; what it returns is sent. What it throws is logged, and the record goes on as it was. */
  onSend?(record: ProducerRecord<never, never>): ProducerRecord<never, never>
  /** After each batch, and after each record that did not reach one. */
  onDelivery?(delivery: Delivery): void
}

export interface ProducerOptions<Key, Value> {
  /** How keys become bytes (key.serializer). Strings and bytes are taken as they are if left out. */
  readonly key?: Serde<Key>
  /** How values become bytes (value.serializer). Strings and bytes are taken as they are if left out. */
  readonly value?: Serde<Value>
  /**
   * Who must have a record before it counts as sent (acks): 0 nobody, 1 the leader, -1 or `all` every replica in sync.
   * `all` if left out.
   */
  readonly acks?: 0 | 1 | -1 | 'all'
  /**
   * Each record is written once and in order, whatever is sent again (enable.idempotence). True if left out, unless
   * `acks`, `retries` or `maxInFlight` say what forbids it.
   */
  readonly idempotence?: boolean
  /** Makes the producer transactional (transactional.id). It fences whoever had the id before. */
  readonly transactionalId?: string
  /** Milliseconds after which the broker aborts an open transaction (transaction.timeout.ms). 60,000 if left out. */
  readonly transactionTimeoutMs?: number
  /** Bytes of a batch (batch.size): 0 sends each record on its own. 16,384 if left out. */
  readonly batchBytes?: number
  /**
   * Bytes up to which a batch grows while others of its partition wait before it, so that they go with fewer requests; not
   * beyond `batchBytes` for a topic that takes none so large. 524,288 if left out; no less than `batchBytes`.
   */
  readonly batchBytesMax?: number
  /** Milliseconds that a batch waits for more records (linger.ms). 5 if left out. */
  readonly lingerMs?: number
  /** Bytes of records that wait for their delivery (buffer.memory). 33,554,432 if left out. */
  readonly bufferBytes?: number
  /** Milliseconds that a send waits for memory or metadata (max.block.ms). 60,000 if left out. */
  readonly maxBlockMs?: number
  /** Bytes of a request, and of a record before compression (max.request.size). 1,048,576 if left out. */
  readonly maxRequestBytes?: number
  /** Requests to one broker that are not answered yet (max.in.flight.requests.per.connection). 5 if left out. */
  readonly maxInFlight?: number
  /** How often a batch is sent again (retries). Without limit, that is until `deliveryTimeoutMs`, if left out. */
  readonly retries?: number
  /** Milliseconds after which a record has failed, however often it was tried (delivery.timeout.ms). 120,000 if left out. */
  readonly deliveryTimeoutMs?: number
  /** The codec of batches (compression.type). `none` if left out. */
  readonly compression?: Codec
  /** 1 … 9 for gzip (compression.gzip.level), -131072 … 22 for zstd (compression.zstd.level). The codec's own if left out. */
  readonly compressionLevel?: number
  /**
   * Chooses the partition of records that name none (partitioner.class). `default` if left out: by key, and one partition
   * after the other, a batch each, for records without.
   */
  readonly partitioner?: 'default' | 'roundRobin' | Partitioner
  /** The default partitioner takes all records as if they had no key (partitioner.ignore.keys). False if left out. */
  readonly ignoreKeys?: boolean
  /** Partitions whose queue is long get fewer records (partitioner.adaptive.partitioning.enable). True if left out. */
  readonly adaptivePartitioning?: boolean
  /** Milliseconds after which a node that takes nothing gets no records without key; 0: never (partitioner.availability.timeout.ms). */
  readonly partitionAvailabilityTimeoutMs?: number
  /** Milliseconds after which metadata of a topic that gets no records is forgotten (metadata.max.idle.ms). 300,000 if left out. */
  readonly metadataMaxIdleMs?: number
  readonly interceptors?: readonly ProducerInterceptor[]
  /** What became of each batch. With it `flush` does not reject for records that were posted. */
  readonly onDelivery?: (delivery: Delivery) => void
}

/** What each of them may be. */
export const PRODUCER_OPTIONS: Shape<ProducerOptions<unknown, unknown>> = {
  key: withMethods('serialize'),
  value: withMethods('serialize'),
  acks: oneOf<0 | 1 | -1 | 'all'>(0, 1, -1, 'all'),
  idempotence: flag,
  transactionalId: text,
  transactionTimeoutMs: number,
  batchBytes: number,
  batchBytesMax: number,
  lingerMs: number,
  bufferBytes: number,
  maxBlockMs: number,
  maxRequestBytes: number,
  maxInFlight: number,
  retries: number,
  deliveryTimeoutMs: number,
  compression: oneOf(...CODECS),
  compressionLevel: number,
  partitioner: either(oneOf('default', 'roundRobin'), callable<Partitioner>()),
  ignoreKeys: flag,
  adaptivePartitioning: flag,
  partitionAvailabilityTimeoutMs: number,
  metadataMaxIdleMs: number,
  interceptors: list(withMethods()),
  onDelivery: callable(),
}

/** With every default in its place. */
export interface ResolvedProducerOptions {
  readonly acks: 0 | 1 | -1
  readonly idempotence: boolean
  readonly transactionalId: string | null
  readonly transactionTimeoutMs: number
  readonly batchBytes: number
  readonly batchBytesMax: number
  readonly lingerMs: number
  readonly bufferBytes: number
  readonly maxBlockMs: number
  readonly maxRequestBytes: number
  readonly maxInFlight: number
  readonly retries: number
  readonly deliveryTimeoutMs: number
  readonly compression: Codec
  readonly compressionLevel: number | null
  readonly partitioner: 'default' | 'roundRobin' | Partitioner
  readonly ignoreKeys: boolean
  readonly adaptivePartitioning: boolean
  readonly partitionAvailabilityTimeoutMs: number
  readonly metadataMaxIdleMs: number
}

const INT_MAX = 0x7fff_ffff
const IN_FLIGHT_MAX_OF_IDEMPOTENCE = 5
const LEVELS: Partial<Record<Codec, readonly [number, number]>> = { gzip: [1, 9], zstd: [-131_072, 22] }
const NUMBERS = {
  transactionTimeoutMs: [60_000, 1],
  batchBytes: [16_384, 0],
  batchBytesMax: [524_288, 0],
  lingerMs: [5, 0],
  bufferBytes: [33_554_432, 0],
  maxBlockMs: [60_000, 0],
  maxRequestBytes: [1_048_576, 0],
  maxInFlight: [5, 1],
  retries: [INT_MAX, 0],
  deliveryTimeoutMs: [120_000, 0],
  partitionAvailabilityTimeoutMs: [0, 0],
  metadataMaxIdleMs: [300_000, 5000],
} as const satisfies Partial<Record<keyof ResolvedProducerOptions, readonly [byDefault: number, least: number]>>

/** @throws ClientError INVALID_ARGUMENT with one sentence. */
export function resolveProducerOptions(
  options: ProducerOptions<never, never>,
  requestTimeoutMs: number,
): ResolvedProducerOptions {
  const whole = (key: keyof typeof NUMBERS): number => {
    const [byDefault, least] = NUMBERS[key]
    const value = options[key] ?? byDefault
    if (Number.isInteger(value) && value >= least && value <= INT_MAX) return value
    throw invalid(`${key} must be a whole number from ${least} on, and is ${value}.`)
  }
  const { transactionalId = null, compression = 'none', compressionLevel = null } = options
  const acks = acksOf(options.acks)
  const retries = whole('retries')
  const maxInFlight = whole('maxInFlight')
  const hindrance = hindranceOfIdempotence(acks, retries, maxInFlight)
  const mustBeIdempotent = transactionalId !== null || options.idempotence === true
  if (mustBeIdempotent && hindrance !== null) throw invalid(`Idempotence needs ${hindrance}.`)
  if (transactionalId !== null && options.idempotence === false) {
    throw invalid('A transactional producer is idempotent: leave idempotence out.')
  }
  if (transactionalId === '') throw invalid('transactionalId must not be empty.')
  if (!CODECS.includes(compression)) {
    throw invalid(`compression must be one of ${CODECS.join(', ')}, and is ${String(compression)}.`)
  }
  const levels = LEVELS[compression]
  if (
    compressionLevel !== null &&
    (levels === undefined || compressionLevel < levels[0] || compressionLevel > levels[1])
  ) {
    throw invalid(
      `compressionLevel ${compressionLevel} is none of ${compression}${levels === undefined ? '' : `: ${levels.join(' to ')}`}.`,
    )
  }
  const lingerMs = whole('lingerMs')
  const leastMs = lingerMs + requestTimeoutMs
  let deliveryTimeoutMs = whole('deliveryTimeoutMs')
  if (deliveryTimeoutMs < leastMs) {
    if (options.deliveryTimeoutMs !== undefined) {
      throw invalid(`deliveryTimeoutMs must be at least lingerMs + requestTimeoutMs, which is ${leastMs}.`)
    }
    deliveryTimeoutMs = leastMs
  }
  return {
    acks,
    idempotence: mustBeIdempotent || (options.idempotence !== false && hindrance === null),
    transactionalId,
    transactionTimeoutMs: whole('transactionTimeoutMs'),
    batchBytes: whole('batchBytes'),
    // Without batches there is nothing to grow.
    batchBytesMax: options.batchBytes === 0 ? 0 : Math.max(whole('batchBytesMax'), whole('batchBytes')),
    lingerMs,
    bufferBytes: whole('bufferBytes'),
    maxBlockMs: whole('maxBlockMs'),
    maxRequestBytes: whole('maxRequestBytes'),
    maxInFlight,
    retries,
    deliveryTimeoutMs,
    compression,
    compressionLevel,
    partitioner: options.partitioner ?? 'default',
    ignoreKeys: options.ignoreKeys ?? false,
    adaptivePartitioning: options.adaptivePartitioning ?? true,
    partitionAvailabilityTimeoutMs: whole('partitionAvailabilityTimeoutMs'),
    metadataMaxIdleMs: whole('metadataMaxIdleMs'),
  }
}

function hindranceOfIdempotence(acks: number, retries: number, maxInFlight: number): string | null {
  if (acks !== -1) return `acks 'all', and acks is ${acks}`
  if (retries === 0) return 'retries, and retries is 0'
  if (maxInFlight > IN_FLIGHT_MAX_OF_IDEMPOTENCE) {
    return `maxInFlight of at most ${IN_FLIGHT_MAX_OF_IDEMPOTENCE}, and it is ${maxInFlight}`
  }
  return null
}

function acksOf(acks: 0 | 1 | -1 | 'all' = 'all'): 0 | 1 | -1 {
  if (acks === 'all' || acks === -1) return -1
  if (acks === 0 || acks === 1) return acks
  throw invalid(`acks must be 0, 1, -1 or 'all', and is ${String(acks)}.`)
}

function invalid(detail: string): ClientError {
  return new ClientError('INVALID_ARGUMENT', detail)
}
