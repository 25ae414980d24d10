/**
 * How fast the generated codecs are, on messages of usual shapes: `node scripts/run.mjs bench/codec.bench.ts [milliseconds]`.
 * Prints microseconds a message and per element, so that a change of the generator can be held against the one before.
 */
import { ByteReader } from '../src/base/byte-reader.ts'
import { ByteWriter } from '../src/base/byte-writer.ts'
import type { Init, MessageCodec } from '../src/protocol/codec.ts'
import { FetchRequest, FetchResponse } from '../src/protocol/generated/fetch.ts'
import { MetadataResponse } from '../src/protocol/generated/metadata.ts'
import { ProduceRequest, ProduceResponse } from '../src/protocol/generated/produce.ts'
import { uuidFromBytes } from '../src/base/uuid.ts'

const durationMs = Number(process.argv[2] ?? 300)

/** The best of many short runs: what else the machine does only makes a run longer. */
function microseconds(task: () => void): number {
  for (let index = 0; index < 200; index++) task()
  let best = Number.POSITIVE_INFINITY
  const endsAt = performance.now() + durationMs
  while (performance.now() < endsAt) {
    const startedAt = performance.now()
    for (let index = 0; index < 20; index++) task()
    best = Math.min(best, performance.now() - startedAt)
  }
  return (best * 1000) / 20
}

function measure<T>(label: string, codec: MessageCodec<T>, message: Init<T>, version: number, elements: number): void {
  const writer = new ByteWriter()
  codec.write(writer, message, version)
  const bytes = writer.toBuffer()
  const readUs = microseconds(() => void codec.read(new ByteReader(bytes), version))
  const writeUs = microseconds(() => {
    const again = new ByteWriter()
    codec.write(again, message, version)
    again.finish()
  })
  const each = (us: number): string =>
    `${us.toFixed(2).padStart(9)} us ${((us * 1000) / elements).toFixed(0).padStart(6)} ns each`
  console.log(
    `${label.padEnd(36)} ${String(bytes.length).padStart(7)} bytes   read ${each(readUs)}   write ${each(writeUs)}`,
  )
}

const indexes = (count: number): number[] => Array.from({ length: count }, (_, index) => index)
const topicId = uuidFromBytes(Buffer.from('00112233445566778899aabbccddeeff', 'hex'))
const records = Buffer.alloc(1024, 7)

measure(
  'ProduceRequest 9, 1 partition',
  ProduceRequest,
  {
    acks: -1,
    timeoutMs: 30000,
    topicData: [{ name: 'orders', partitionData: [{ index: 0, records }] }],
  },
  9,
  1,
)
measure(
  'ProduceRequest 13, 100 partitions',
  ProduceRequest,
  {
    acks: -1,
    timeoutMs: 30000,
    topicData: [{ topicId, partitionData: indexes(100).map((index) => ({ index, records })) }],
  },
  13,
  100,
)
measure(
  'ProduceResponse 9, 100 partitions',
  ProduceResponse,
  {
    responses: [
      { name: 'orders', partitionResponses: indexes(100).map((index) => ({ index, baseOffset: 1_000_000 })) },
    ],
  },
  9,
  100,
)
measure(
  'FetchRequest 17, 1 partition',
  FetchRequest,
  {
    maxWaitMs: 500,
    minBytes: 1,
    topics: [{ topicId, partitions: [{ partition: 0, fetchOffset: 123456789 }] }],
  },
  17,
  1,
)
measure(
  'FetchRequest 17, 1000 partitions',
  FetchRequest,
  {
    topics: [{ topicId, partitions: indexes(1000).map((partition) => ({ partition, fetchOffset: 123456789 })) }],
  },
  17,
  1000,
)
measure(
  'FetchRequest 4, 1000 partitions',
  FetchRequest,
  {
    topics: [
      { topic: 'orders', partitions: indexes(1000).map((partition) => ({ partition, fetchOffset: 123456789 })) },
    ],
  },
  4,
  1000,
)
measure(
  'FetchResponse 17, 1000 partitions',
  FetchResponse,
  {
    responses: [
      {
        topicId,
        partitions: indexes(1000).map((partitionIndex) => ({
          partitionIndex,
          highWatermark: 5_000_000_000,
          lastStableOffset: 5_000_000_000,
          logStartOffset: 0,
          records,
        })),
      },
    ],
  },
  17,
  1000,
)
measure(
  'MetadataResponse 12, 1000 topics x 3',
  MetadataResponse,
  {
    brokers: indexes(3).map((nodeId) => ({ nodeId, host: 'broker.example.com', port: 9092 })),
    topics: indexes(1000).map((topic) => ({
      name: `topic-number-${topic}`,
      topicId,
      partitions: indexes(3).map((partitionIndex) => ({
        partitionIndex,
        leaderId: 1,
        leaderEpoch: 4,
        replicaNodes: [0, 1, 2],
        isrNodes: [0, 1, 2],
      })),
    })),
  },
  12,
  3000,
)
