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

const begin = metadataRecord('BeginTransactionRecord', 0, { name: 'x' })
const end = metadataRecord('EndTransactionRecord', 0, {})
const abort = metadataRecord('AbortTransactionRecord', 0, { reason: 'x' })

test('an image made inside a transaction says that it ends before it, and with its end holds all of it', () => {
  const follower = new ImageLoader()
  follower.batch(batch(0, [level]), 0)
  follower.batch(batch(1, [begin, topic('a', A)]), 0)
  follower.batch(batch(3, [partition(A, 0, 1)]), 0)
  const inside = follower.take().image
  expect([inside.provenance.offset, inside.topics.byName('a')]).toEqual([0, null])
  follower.batch(batch(4, [end]), 0)
  const outside = follower.take().image
  expect([outside.provenance.offset, outside.topics.byName('a')?.partitions.length]).toEqual([4, 1])
})

test('who led, and of whom nothing was committed, knows that the log is empty, or which transaction is open in it', () => {
  const empty = new ImageLoader()
  empty.restart(empty.take().image)
  expect(empty.isEmpty).toBe(true)
  const open = new ImageLoader()
  open.batch(batch(0, [level]), 0)
  open.batch(batch(1, [begin, topic('a', A)]), 0)
  open.restart(open.take().image)
  expect([open.isEmpty, open.inTransaction]).toEqual([false, true])
  open.batch(batch(3, [abort]), 0)
  open.batch(batch(4, [topic('b', B)]), 0)
  const { image } = open.take()
  expect([open.inTransaction, image.topics.byName('a'), image.topics.byName('b')?.id]).toEqual([false, null, B])
})

test('who led, and of whom something was committed, goes on behind it', () => {
  const elsewhere = new ImageLoader()
  elsewhere.batch(batch(0, [level]), 0)
  elsewhere.batch(batch(1, [begin]), 0)
  elsewhere.batch(batch(2, [abort, topic('a', A)]), 0)
  const follower = new ImageLoader()
  follower.batch(batch(0, [level]), 0)
  follower.batch(batch(1, [begin]), 0)
  follower.take()
  follower.restart(elsewhere.take().image)
  expect([follower.isEmpty, follower.inTransaction]).toEqual([false, false])
  follower.batch(batch(4, [topic('b', B)]), 0)
  const { image, delta } = follower.take()
  expect(delta.changedTopics().map(({ after }) => after.name)).toEqual(['b'])
  expect([image.provenance.offset, image.topics.byName('a')?.id]).toEqual([4, A])
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
