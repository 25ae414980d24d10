import { expect, test } from 'vitest'
import { MalformedError } from '../base/byte-reader.ts'
import { ConsumerProtocolSubscription } from './generated/consumer-protocol-subscription.ts'
import { OffsetCommitKey, OffsetCommitValue } from './generated/group-offset-commit.ts'
import { TopicRecord } from './generated/topic-record.ts'
import { readFramedHead, readFramedMessage, readKey, readKeyType, readValue } from './record-framing.ts'
import { readVersioned, writeFramed, writeKey, writeValue, writeVersioned } from './record-framing.ts'

const TOPIC_RECORD_ID = 2

test('a metadata record tells its id and version before it is read, so that an unknown one can be kept as bytes', () => {
  const bytes = writeFramed(TopicRecord, TOPIC_RECORD_ID, { name: 'a' }, 0)
  const head = readFramedHead(bytes)
  expect(head).toEqual({ id: 2, version: 0, at: 3 })
  expect(readFramedMessage(TopicRecord, bytes, head)).toEqual(TopicRecord.make({ name: 'a' }))
  expect(readFramedHead(Buffer.from('01ac0207ff', 'hex'))).toEqual({ id: 300, version: 7, at: 4 })
})

test('a metadata record with another frame version, or with bytes behind it, is malformed', () => {
  const bytes = writeFramed(TopicRecord, TOPIC_RECORD_ID, { name: 'a' }, 0)
  const longer = Buffer.concat([bytes, Buffer.alloc(1)])
  expect(() => readFramedMessage(TopicRecord, longer, readFramedHead(longer))).toThrow('1 bytes behind a TopicRecord')
  expect(() => readFramedHead(Buffer.from('000200', 'hex'))).toThrow('frame version 0')
  expect(() => readFramedHead(Buffer.from('0102', 'hex'))).toThrow(MalformedError)
  expect(() => readFramedHead(Buffer.from('01ffffffff0f00', 'hex'))).toThrow(MalformedError)
})

test('a coordinator record is a typed key and a versioned value', () => {
  const key = writeKey(OffsetCommitKey, 1, { group: 'g', topic: 't', partition: 3 })
  expect(readKeyType(key)).toBe(1)
  expect(readKey(OffsetCommitKey, key)).toEqual({ group: 'g', topic: 't', partition: 3 })
  const value = writeValue(OffsetCommitValue, { offset: 5 }, 3)
  expect(value.readInt16BE()).toBe(3)
  expect(readValue(OffsetCommitValue, value)).toEqual(OffsetCommitValue.make({ offset: 5 }))
})

test('a value of a version that we do not know is null', () => {
  expect(readValue(OffsetCommitValue, Buffer.from('7fff00', 'hex'))).toBeNull()
  expect(readValue(OffsetCommitValue, Buffer.from('ffff00', 'hex'))).toBeNull()
  expect(() => readValue(OffsetCommitValue, Buffer.from('00', 'hex'))).toThrow(MalformedError)
})

test('an embedded subscription of a later version is read as our highest, and what follows is ignored', () => {
  const { highestVersion } = ConsumerProtocolSubscription
  const bytes = writeVersioned(ConsumerProtocolSubscription, { topics: ['a'] }, highestVersion)
  bytes.writeInt16BE(99)
  const later = Buffer.concat([bytes, Buffer.from('more')])
  expect(readVersioned(ConsumerProtocolSubscription, later).topics).toEqual(['a'])
  bytes.writeInt16BE(-1)
  expect(() => readVersioned(ConsumerProtocolSubscription, bytes)).toThrow(MalformedError)
})
