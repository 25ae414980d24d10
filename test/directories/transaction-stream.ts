/**
 * A seeded stream of transactions as a producer and its coordinator would send them to the leaders of partitions: batches of
 * several producers among plain ones, markers of both versions of transactions, transactions that span segments, restarts
 * and kills, and everything that must be refused: stale epochs of producers and coordinators, repeated batches and markers,
 * plain batches inside of a transaction, markers of partitions without data or that don't exist.
 */
import { setBaseOffset } from '../../src/records/batch.ts'
import { buildBatch } from '../../src/records/batch-builder.ts'
import { CODECS, type Codec } from '../../src/records/batch.ts'
import { SeededRandom } from '../../src/testing/seeded-random.ts'
import {
  START_MS,
  recordsOf,
  type ProduceStream,
  type StreamMarker,
  type StreamRequest,
  type StreamSession,
  type StreamTopic,
} from './produce-stream.ts'

const TOPICS: readonly StreamTopic[] = [
  { name: 'txn', partitions: 3, configs: { 'internal.segment.bytes': '16384' } },
  { name: 'txn-small', partitions: 2, configs: { 'internal.segment.bytes': '4096', 'index.interval.bytes': '0' } },
  { name: 'txn-one-segment', partitions: 1, configs: {} },
  {
    name: 'txn-unpacked',
    partitions: 1,
    configs: { 'compression.type': 'uncompressed', 'internal.segment.bytes': '16384' },
  },
]
const PRODUCERS = [5000, 5001, 5016, 5032, 77, 4_000_000_000_321]
/** Enough to keep several transactions open at once, few enough that each of them ends. */
const MARKER_ONE_IN = 3

interface Producer {
  readonly id: number
  readonly version: 1 | 2
  epoch: number
  coordinatorEpoch: number
  /** Partitions to which batches of the open transaction were sent. */
  readonly open: Set<string>
  readonly nextSequence: Map<string, number>
  last: StreamRequest['batches'][number] | null
  lastMarker: StreamMarker | null
}

export function transactionStream(
  seed: number,
  requestsPerSession: number,
  ends: readonly StreamSession['end'][],
): ProduceStream {
  const random = new SeededRandom(seed)
  const time = { nowMs: START_MS }
  const producers = PRODUCERS.map((id, at): Producer => ({
    id,
    version: at % 2 === 0 ? 1 : 2,
    epoch: at === 4 ? 7 : 0,
    coordinatorEpoch: 0,
    open: new Set(),
    nextSequence: new Map(),
    last: null,
    lastMarker: null,
  }))
  const sessions = ends.map((end) => ({
    end,
    requests: Array.from({ length: requestsPerSession }, () => nextRequest(random, producers, time)),
  }))
  return { topics: TOPICS, sessions }
}

function nextRequest(random: SeededRandom, producers: readonly Producer[], time: { nowMs: number }): StreamRequest {
  time.nowMs += random.below(300)
  const producer = producers[random.below(producers.length)]!
  if (random.below(MARKER_ONE_IN) === 0) {
    const other = producers[random.below(producers.length)]!
    // Kafka never answers a request whose last marker has no partition that it knows.
    const isDouble = random.below(5) === 0 && other !== producer && producer.open.size > 0 && other.open.size > 0
    const markers = (isDouble ? [producer, other] : [producer]).map((each) => nextMarker(random, each))
    return { acks: -1, batches: [], markers }
  }
  const batches: { topic: string; partition: number; records: Buffer }[] = []
  const named = new Set<string>()
  for (let more = 1 + random.below(3); more > 0; more--) {
    const topic = TOPICS[random.below(TOPICS.length)]!
    const partition = random.below(topic.partitions)
    if (named.has(`${topic.name}-${partition}`)) continue
    named.add(`${topic.name}-${partition}`)
    batches.push(nextBatch(random, producer, topic.name, partition, time.nowMs))
  }
  return { acks: -1, batches }
}

function nextBatch(
  random: SeededRandom,
  producer: Producer,
  topic: string,
  partition: number,
  nowMs: number,
): StreamRequest['batches'][number] {
  const records = recordsOf(random, nowMs).slice(0, 12)
  const codec: Codec = CODECS[random.below(CODECS.length)] ?? 'none'
  const whim = random.below(24)
  if (whim < 3) return { topic, partition, records: buildBatch({ records, codec }) }
  const { last } = producer
  if (whim === 3 && last !== null) return { ...last, records: Buffer.from(last.records) }
  const key = `${topic}-${partition}`
  const next = producer.nextSequence.get(key) ?? 0
  const baseSequence = whim === 4 ? next + 3 : next
  const producerEpoch = whim === 5 ? Math.max(producer.epoch - 1, 0) : producer.epoch
  // In the middle of a transaction that is refused; before it, the batch stands outside.
  const transactional = whim !== 6
  const identity = { producerId: producer.id, producerEpoch, baseSequence, transactional }
  const batch = buildBatch({ records, codec, ...identity })
  setBaseOffset(batch, 0, 0)
  const isGood = baseSequence === next && producerEpoch === producer.epoch && (transactional || !producer.open.has(key))
  // A broker that knows nothing of the producer takes more than it should; that is to be ended too.
  if (transactional) producer.open.add(key)
  if (isGood) {
    producer.nextSequence.set(key, next + records.length)
    producer.last = { topic, partition, records: Buffer.from(batch) }
  }
  return { topic, partition, records: batch }
}

function nextMarker(random: SeededRandom, producer: Producer): StreamMarker {
  const whim = random.below(20)
  const { lastMarker } = producer
  if (whim === 0 && lastMarker !== null && lastMarker.partitions.length > 0) return lastMarker
  const partitions = [...producer.open].map(partitionOf)
  const committed = random.below(2) === 0
  const marker = {
    producerId: producer.id,
    producerEpoch: producer.epoch,
    committed,
    coordinatorEpoch: producer.coordinatorEpoch,
    transactionVersion: producer.version,
    partitions,
  }
  if (whim === 1) return { ...marker, coordinatorEpoch: producer.coordinatorEpoch - 1 }
  if (whim === 2) return { ...marker, producerEpoch: Math.max(producer.epoch - 1, 0) }
  // An epoch that isn't raised, though the version asks for it, or one that was raised by a time-out, though it doesn't.
  if (whim === 3 && producer.version === 2) return marker
  const bumps = producer.version === 2 || whim === 4
  // Named twice, Kafka would wait for it for ever.
  const idle = random.below(3)
  if (whim === 5 && !producer.open.has(`txn-${idle}`)) partitions.push({ topic: 'txn', partition: idle })
  if (whim === 6) partitions.push({ topic: 'nowhere', partition: 0 }, { topic: 'txn', partition: 9 })
  if (whim === 7) producer.coordinatorEpoch++
  if (bumps) {
    producer.epoch++
    producer.nextSequence.clear()
  }
  producer.open.clear()
  producer.lastMarker = { ...marker, producerEpoch: producer.epoch, coordinatorEpoch: producer.coordinatorEpoch }
  return producer.lastMarker
}

function partitionOf(key: string): { topic: string; partition: number } {
  const dash = key.lastIndexOf('-')
  return { topic: key.slice(0, dash), partition: Number(key.slice(dash + 1)) }
}
