import { expect, test } from 'vitest'
import type { Uuid } from '../base/uuid.ts'
import { encodeMetadataRecord, metadataRecord, type MetadataRecord } from '../metadata/metadata-records.ts'
import { buildBatch } from '../records/batch-builder.ts'
import { ImageLoader } from './image-loader.ts'
import { addressBytes } from '../server/remote-controller.ts'

const A = 'aaaaaaaaaaaaaaaaaaaaaA' as Uuid
const B = 'bbbbbbbbbbbbbbbbbbbbbA' as Uuid
const topic = (name: string, topicId: Uuid): MetadataRecord => metadataRecord('TopicRecord', 0, { name, topicId })
const partition = (topicId: Uuid, partitionId: number, leader: number): MetadataRecord =>
  metadataRecord('PartitionRecord', 0, { topicId, partitionId, replicas: [1], isr: [1], leader })
const config = (resourceName: string, name: string, value: string | null): MetadataRecord =>
  metadataRecord('ConfigRecord', 0, { resourceType: 2, resourceName, name, value })
const level = metadataRecord('FeatureLevelRecord', 0, { name: 'metadata.version', featureLevel: 20 })

function batch(baseOffset: number, records: readonly MetadataRecord[]): Buffer {
  const values = records.map((record) => ({ value: encodeMetadataRecord(record) }))
  return buildBatch({ baseOffset, epoch: 1, timestampMs: 5, records: values })
}

test('batches that are handed over become one image, and what changed since the last one', () => {
  const follower = new ImageLoader()
  follower.batch(batch(0, [level, topic('a', A), partition(A, 0, 1)]), 0)
  const first = follower.take()
  expect(first.image.provenance).toEqual({ offset: 2, epoch: 1, timestampMs: 5 })
  expect(first.delta.changedTopics().map(({ after }) => after.name)).toEqual(['a'])
  follower.batch(batch(3, [metadataRecord('PartitionChangeRecord', 0, { topicId: A, partitionId: 0, leader: 2 })]), 0)
  follower.batch(batch(4, [topic('b', B), partition(B, 0, 1)]), 0)
  const second = follower.take()
  expect(second.delta.base).toBe(first.image)
  expect(second.delta.changedTopics().map(({ before, after }) => [before?.name, after.name])).toEqual([
    ['a', 'a'],
    [undefined, 'b'],
  ])
})

test('a snapshot from the leader is a change like any other: what differs', () => {
  const follower = new ImageLoader()
  const first = [level, topic('stays', A), partition(A, 0, 1), partition(A, 1, 1), topic('goes', B), partition(B, 0, 1)]
  follower.batch(batch(0, [...first, config('stays', 'retention.ms', '1'), config('stays', 'segment.ms', '2')]), 0)
  follower.take()
  const C = 'cccccccccccccccccccccA' as Uuid
  const content = [
    level,
    topic('stays', A),
    partition(A, 0, 1),
    partition(A, 1, 7),
    topic('goes', C),
    partition(C, 0, 1),
  ]
  follower.snapshot(
    { batches: [batch(0, [...content, config('stays', 'retention.ms', '3')])] },
    { offset: 99, epoch: 4, timestampMs: 6 },
  )
  const { image, delta } = follower.take()
  expect(image.provenance.offset).toBe(99)
  expect(delta.deletedTopics().map(({ id }) => id)).toEqual([B])
  const changes = delta.changedTopics().map(({ before, after, partitions }) => [before?.id, after.id, [...partitions]])
  expect(changes).toEqual(
    expect.arrayContaining([
      [A, A, [1]],
      [undefined, C, [0]],
    ]),
  )
  expect(changes).toHaveLength(2)
  expect(delta.changedConfigs()).toEqual([{ type: 2, name: 'stays' }])
  expect(Object.fromEntries(image.configs.get(2, 'stays'))).toEqual({ 'retention.ms': '3' })
  expect(delta.image(image.provenance).topics.byName('goes')).toEqual(image.topics.byName('goes'))
})

test('a metadata.version that this release does not know can not be followed', () => {
  const follower = new ImageLoader()
  follower.batch(batch(0, [metadataRecord('FeatureLevelRecord', 0, { name: 'metadata.version', featureLevel: 99 })]), 0)
  expect(() => follower.take()).toThrow(/metadata.version 99/)
})

test.each([
  ['/127.0.0.1', '7f000001'],
  ['/::ffff:10.0.0.9', '0a000009'],
  ['/::1', '00000000000000000000000000000001'],
  ['/2001:db8::5:1', '20010db8000000000000000000050001'],
  ['/fe80:0:0:0:1:2:3:4%eth0', 'fe800000000000000001000200030004'],
])('the address %s is the bytes of an InetAddress', (host, hex) => {
  expect(addressBytes(host).toString('hex')).toBe(hex)
})
