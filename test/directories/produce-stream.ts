/**
 * A seeded stream of Produce requests in which nothing depends on the broker or its clock, so that any two brokers that
 * follow Kafka's rules leave the same files: all codecs, sizes from nothing to large, null keys, values and headers,
 * timestamps out of order, idempotent producers with repeated and missing sequences, topics that roll by size, by record
 * time and by full indexes, a broker that is restarted and one that is killed in between.
 */
import { setBaseOffset } from '../../src/records/batch.ts'
import { buildBatch } from '../../src/records/batch-builder.ts'
import type { RecordInit } from '../../src/records/record.ts'
import { CODECS, type Codec } from '../../src/records/batch.ts'
import { SeededRandom } from '../../src/testing/seeded-random.ts'

export interface StreamTopic {
  readonly name: string
  readonly partitions: number
  readonly configs: Readonly<Record<string, string>>
}

export interface StreamRequest {
  readonly acks: number
  readonly batches: readonly { readonly topic: string; readonly partition: number; readonly records: Buffer }[]
  /** Sent instead of batches, as a transaction coordinator does. */
  readonly markers?: readonly StreamMarker[]
}

export interface StreamMarker {
  readonly producerId: number
  readonly producerEpoch: number
  readonly committed: boolean
  readonly coordinatorEpoch: number
  readonly transactionVersion: 1 | 2
  readonly partitions: readonly { readonly topic: string; readonly partition: number }[]
}

/** From a start of the broker to its end. */
export interface StreamSession {
  readonly requests: readonly StreamRequest[]
  readonly end: 'clean' | 'kill'
}

export interface ProduceStream {
  readonly topics: readonly StreamTopic[]
  readonly sessions: readonly StreamSession[]
}

const SMALL_SEGMENTS = { 'internal.segment.bytes': '16384' }
/** log.retention.ms of a broker does not reach topics that set it. */
const TOPICS: readonly StreamTopic[] = [
  { name: 'plain', partitions: 3, configs: { ...SMALL_SEGMENTS } },
  { name: 'one-segment', partitions: 1, configs: {} },
  { name: 'dense-index', partitions: 1, configs: { 'index.interval.bytes': '0', ...SMALL_SEGMENTS } },
  { name: 'sparse-index', partitions: 1, configs: { 'index.interval.bytes': '100000', ...SMALL_SEGMENTS } },
  { name: 'fine-index', partitions: 1, configs: { 'index.interval.bytes': '100' } },
  { name: 'timed', partitions: 2, configs: { 'segment.ms': '5000', 'index.interval.bytes': '500' } },
  { name: 'unpacked', partitions: 1, configs: { 'compression.type': 'uncompressed', ...SMALL_SEGMENTS } },
  { name: 'preallocated', partitions: 1, configs: { preallocate: 'true', ...SMALL_SEGMENTS } },
  { name: 'narrow', partitions: 1, configs: { 'max.message.bytes': '3000' } },
]
/** So far ahead that no producer is idle for too long while these streams are of use. */
export const START_MS = 4_000_000_000_000
/** As many and as far apart as it takes for a hash map of theirs to grow and to have collisions. */
const PRODUCERS = [
  7000,
  7001,
  7032,
  12,
  28,
  44,
  4_000_000_000_123,
  ...Array.from({ length: 12 }, (_, at) => 90_000 + at * 977),
]
const WORDS = ['alpha', 'beta', 'gamma', 'delta', 'log', 'segment', 'offset', 'Größe', '日本', '']

/** After a kill, Kafka can't recover a segment whose indexes are full, and does not start. */
const WITHOUT_KILL: readonly StreamTopic[] = [
  { name: 'full-index', partitions: 1, configs: { 'index.interval.bytes': '0', 'segment.index.bytes': '72' } },
]

interface Producer {
  epoch: number
  nextSequence: number
  last: Buffer | null
}

export function produceStream(
  seed: number,
  requestsPerSession: number,
  ends: readonly StreamSession['end'][],
): ProduceStream {
  const random = new SeededRandom(seed)
  const producers = new Map<string, Producer>()
  const time = { nowMs: START_MS }
  const topics = ends.includes('kill') ? TOPICS : [...TOPICS, ...WITHOUT_KILL]
  const sessions = ends.map((end) => ({
    end,
    requests: nextRequests(random, topics, producers, time, requestsPerSession),
  }))
  return { topics, sessions }
}

function nextRequests(
  random: SeededRandom,
  topics: readonly StreamTopic[],
  producers: Map<string, Producer>,
  time: { nowMs: number },
  count: number,
): StreamRequest[] {
  const requests: StreamRequest[] = []
  while (requests.length < count) {
    time.nowMs += random.below(400)
    const batches: { topic: string; partition: number; records: Buffer }[] = []
    const named = new Set<string>()
    for (let more = 1 + random.below(3); more > 0; more--) {
      const { name: topic, partitions } = topics[random.below(topics.length)]!
      const partition = random.below(partitions)
      if (named.has(`${topic}-${partition}`)) continue
      named.add(`${topic}-${partition}`)
      batches.push({ topic, partition, records: nextBatch(random, producers, `${topic}-${partition}`, time.nowMs) })
    }
    requests.push({ acks: random.below(4) === 0 ? 1 : -1, batches })
  }
  return requests
}

function nextBatch(random: SeededRandom, producers: Map<string, Producer>, partition: string, nowMs: number): Buffer {
  const records = recordsOf(random, nowMs)
  const codec: Codec = random.below(3) === 0 ? 'none' : (CODECS[random.below(CODECS.length)] ?? 'none')
  if (random.below(2) === 0) return buildBatch({ records, codec })
  const producerId = PRODUCERS[random.below(PRODUCERS.length)] ?? 0
  const key = `${partition} ${producerId}`
  const producer = producers.get(key) ?? { epoch: 0, nextSequence: 0, last: null }
  producers.set(key, producer)
  const whim = random.below(20)
  if (whim === 0 && producer.last !== null) return Buffer.from(producer.last)
  if (whim === 1) {
    producer.epoch++
    producer.nextSequence = 0
  }
  // A hole in the sequence: refused, and what follows continues where the log is.
  const skipped = whim === 2 ? 5 : 0
  const epoch = whim === 3 && producer.epoch > 0 ? producer.epoch - 1 : producer.epoch
  const baseSequence = producer.nextSequence + skipped
  const batch = buildBatch({ records, codec, producerId, producerEpoch: epoch, baseSequence })
  setBaseOffset(batch, 0, 0)
  if (skipped === 0 && epoch === producer.epoch && !(partition.startsWith('narrow') && batch.length > 3000)) {
    producer.nextSequence += records.length
    producer.last = Buffer.from(batch)
  }
  return batch
}

export function recordsOf(random: SeededRandom, nowMs: number): RecordInit[] {
  const shape = random.below(10)
  const count = shape < 5 ? 1 + random.below(4) : shape < 9 ? 1 + random.below(40) : 150
  const valueBytesMax = shape === 4 ? 6000 : 120
  return Array.from({ length: count }, () => ({
    timestamp: nowMs - random.below(3) * random.below(3000) + random.below(50),
    key: random.below(4) === 0 ? null : Buffer.from(words(random, 24)),
    value: random.below(12) === 0 ? null : Buffer.from(words(random, valueBytesMax)),
    headers: Array.from({ length: random.below(8) === 0 ? random.below(4) : 0 }, () => ({
      key: words(random, 10),
      value: random.below(3) === 0 ? null : Buffer.from(words(random, 20)),
    })),
  }))
}

function words(random: SeededRandom, lengthMax: number): string {
  const length = random.below(lengthMax + 1)
  let text = ''
  while (text.length < length) text += `${WORDS[random.below(WORDS.length)]}${random.below(100)} `
  return text.slice(0, length)
}
