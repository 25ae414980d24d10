/** Every metadata record type in every version, made by Kafka's own serialiser: bytes → record → bytes, and through an image. */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { MalformedError } from '../base/byte-reader.ts'
import type { Uuid } from '../base/uuid.ts'
import { plainImage } from '../testing/plain-image.ts'
import { MetadataDelta, replayAll } from './delta.ts'
import { EMPTY_IMAGE, type MetadataImage } from './image.ts'
import { imageRecords } from './image-records.ts'
import { decodeMetadataRecord, encodeMetadataRecord, metadataRecord, type MetadataRecord } from './metadata-records.ts'

interface Vector {
  readonly type: string
  readonly name: string
  readonly version: number
  readonly framed: string
}

const FILE = new URL('../../test/golden/vectors-public.jsonl.gz', import.meta.url)
const VECTORS: Vector[] = gunzipSync(readFileSync(FILE))
  .toString('utf8')
  .split('\n')
  .filter((line) => line.includes('"type":"metadata"') || line.includes('"type": "metadata"'))
  .map((line) => JSON.parse(line))

test('every vector decodes and encodes to the same bytes', () => {
  expect(VECTORS.length).toBeGreaterThan(200)
  for (const { name, version, framed } of VECTORS) {
    const record = decodeMetadataRecord(Buffer.from(framed, 'hex'))
    expect([record.type, record.version]).toEqual([name, version])
    expect(encodeMetadataRecord(record).toString('hex'), `${name} v${version}`).toBe(framed)
  }
})

test('a truncated record, or one with bytes behind it, is malformed and nothing else', () => {
  for (const { framed } of VECTORS) {
    const bytes = Buffer.from(framed, 'hex')
    expect(() => decodeMetadataRecord(Buffer.concat([bytes, Buffer.from([0])]))).toThrow(MalformedError)
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeMetadataRecord(bytes.subarray(0, length))).toThrow(MalformedError)
    }
  }
})

const TOPIC = 'tttttttttttttttttttttA' as Uuid

/** A vector's record made to fit a state in which its topic, partition or broker exists. */
function fitted(record: MetadataRecord): MetadataRecord {
  const { version } = record
  switch (record.type) {
    case 'PartitionRecord':
      return metadataRecord(record.type, version, { ...record.data, topicId: TOPIC, partitionId: 0 })
    case 'PartitionChangeRecord':
      return metadataRecord(record.type, version, { ...record.data, topicId: TOPIC, partitionId: 0 })
    case 'RemoveTopicRecord':
      return metadataRecord(record.type, version, { topicId: TOPIC })
    case 'FenceBrokerRecord':
    case 'UnfenceBrokerRecord':
      return metadataRecord(record.type, version, { id: 1, epoch: 7 })
    case 'UnregisterBrokerRecord':
      return metadataRecord(record.type, version, { brokerId: 1, brokerEpoch: 7 })
    case 'BrokerRegistrationChangeRecord':
      return metadataRecord(record.type, version, { ...record.data, brokerId: 1, brokerEpoch: 7 })
    case 'FeatureLevelRecord':
      return record.data.name === 'metadata.version'
        ? metadataRecord(record.type, version, { ...record.data, featureLevel: 30 })
        : record
    default:
      return record
  }
}

function base(): MetadataImage {
  return replayAll(EMPTY_IMAGE, [
    metadataRecord('FeatureLevelRecord', 0, { name: 'metadata.version', featureLevel: 30 }),
    metadataRecord('TopicRecord', 0, { name: 'topic', topicId: TOPIC }),
    metadataRecord('PartitionRecord', 2, {
      partitionId: 0,
      topicId: TOPIC,
      replicas: [1, 2],
      isr: [1],
      leader: 1,
      leaderEpoch: 3,
      partitionEpoch: 4,
      directories: [TOPIC, TOPIC],
      eligibleLeaderReplicas: [2],
      lastKnownElr: [2],
    }),
    metadataRecord('RegisterBrokerRecord', 4, { brokerId: 1, brokerEpoch: 7, incarnationId: TOPIC, logDirs: [TOPIC] }),
  ])
}

const text = (image: MetadataImage): string =>
  JSON.stringify(plainImage(image), (_key, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value))

test('every vector on a state that it fits: image → records → bytes → image is the identity', () => {
  let changed = 0
  for (const { name, version, framed } of VECTORS) {
    const delta = new MetadataDelta(base())
    delta.replay(fitted(decodeMetadataRecord(Buffer.from(framed, 'hex'))))
    const image = delta.image()
    const records = [...imageRecords(image)].map((record) => decodeMetadataRecord(encodeMetadataRecord(record)))
    expect(plainImage(replayAll(EMPTY_IMAGE, records)), `${name} v${version}`).toEqual(plainImage(image))
    if (text(image) !== text(base())) changed += 1
  }
  expect(changed).toBeGreaterThan(150)
})

test('all vectors in one log, one after the other, leave an image that survives a snapshot', () => {
  let image = base()
  const ids = new Set<Uuid>()
  for (const { name, framed } of VECTORS) {
    if (name === 'RemoveTopicRecord' || name === 'UnregisterBrokerRecord') continue
    const delta = new MetadataDelta(image)
    const record = fitted(decodeMetadataRecord(Buffer.from(framed, 'hex')))
    if (record.type === 'TopicRecord') {
      // Different names with one id are no state that a log can have.
      if (ids.has(record.data.topicId)) continue
      ids.add(record.data.topicId)
    }
    delta.replay(record)
    image = delta.image()
    // Vectors may register broker 1 anew with another epoch; keep the one that the others name.
    const keep = new MetadataDelta(image)
    keep.replay(
      metadataRecord('RegisterBrokerRecord', 4, {
        brokerId: 1,
        brokerEpoch: 7,
        incarnationId: TOPIC,
        logDirs: [TOPIC],
      }),
    )
    image = keep.image()
  }
  const records = [...imageRecords(image)].map((record) => decodeMetadataRecord(encodeMetadataRecord(record)))
  expect(plainImage(replayAll(EMPTY_IMAGE, records))).toEqual(plainImage(image))
})
