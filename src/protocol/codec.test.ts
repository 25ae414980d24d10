import { expect, test } from 'vitest'
import { ByteReader, MalformedError } from '../base/byte-reader.ts'
import { ByteWriter, EncodeError } from '../base/byte-writer.ts'
import { INT64_MAX } from '../base/int64.ts'
import { type Uuid, ZERO_UUID } from '../base/uuid.ts'
import type { Init, MessageCodec } from './codec.ts'
import { ConsumerGroupMemberMetadataValue } from './generated/group-consumer-group-member-metadata.ts'
import { FetchRequest } from './generated/fetch.ts'
import { MetadataRequest } from './generated/metadata.ts'
import { PartitionChangeRecord } from './generated/partition-change-record.ts'

function bytesOf<T>(codec: MessageCodec<T>, message: Init<T>, version: number): Buffer {
  const writer = new ByteWriter()
  codec.write(writer, message, version)
  return writer.toBuffer()
}

function messageOf<T>(codec: MessageCodec<T>, hex: string, version: number): T {
  return codec.read(new ByteReader(Buffer.from(hex, 'hex')), version)
}

test('a field that is left out is written as its default', () => {
  const written = bytesOf(FetchRequest, { topics: [{ partitions: [{ partition: 3 }] }] }, 4)
  const full = FetchRequest.make({ topics: [{ partitions: [{ partition: 3 }] }] })
  expect(bytesOf(FetchRequest, full, 4)).toEqual(written)
  expect(full.topics[0]?.partitions[0]?.highWatermark).toBe(INT64_MAX)
  expect(full.replicaState).toEqual({ replicaId: -1, replicaEpoch: -1 })
})

test('a version that lacks a field drops it if the schema allows, and else refuses it', () => {
  const dropped = bytesOf(FetchRequest, { rackId: 'a' }, 4)
  expect(dropped).toEqual(bytesOf(FetchRequest, {}, 4))
  expect(() => bytesOf(FetchRequest, { forgottenTopicsData: [{ topic: 'a' }] }, 4)).toThrow(EncodeError)
  expect(() => bytesOf(FetchRequest, { replicaState: { replicaId: 1 } }, 14)).toThrow(EncodeError)
  expect(bytesOf(FetchRequest, { replicaState: { replicaId: -1 } }, 14)).toEqual(bytesOf(FetchRequest, {}, 14))
})

test('null is refused where the version has no null', () => {
  expect(() => bytesOf(MetadataRequest, { topics: null }, 0)).toThrow(EncodeError)
  expect(messageOf(MetadataRequest, 'ffffffff', 1).topics).toBeNull()
  expect(() => messageOf(MetadataRequest, 'ffffffff', 0)).toThrow(MalformedError)
})

test('a version that the message does not have is refused in both directions', () => {
  expect(() => messageOf(MetadataRequest, '00000000', 14)).toThrow(MalformedError)
  expect(() => bytesOf(MetadataRequest, {}, -1)).toThrow(EncodeError)
})

test('an array that claims more elements than there are bytes is refused before anything is allocated', () => {
  expect(() => messageOf(MetadataRequest, `7fffffff${'00'.repeat(10)}`, 0)).toThrow('array of 2147483647 elements')
  expect(() => messageOf(MetadataRequest, `ffffffff07${'00'.repeat(10)}`, 9)).toThrow('array of 2147483646 elements')
  // 7 bytes hold 3 names of 2 bytes, not 4.
  expect(() => messageOf(MetadataRequest, '0000000400010000020000', 0)).toThrow('array of 4 elements')
})

test('a tagged field is written only if it differs from its default', () => {
  expect(bytesOf(PartitionChangeRecord, {}, 0).length).toBe(4 + 16 + 1)
  const changed = bytesOf(PartitionChangeRecord, { leader: 1, leaderRecoveryState: 1 }, 0)
  expect(changed.subarray(20).toString('hex')).toBe('02' + '010400000001' + '050101')
})

test('null in a tagged field whose default is not null is one byte 0', () => {
  const written = bytesOf(ConsumerGroupMemberMetadataValue, { classicMemberMetadata: null }, 0)
  expect(written.subarray(-4).toString('hex')).toBe('01000100')
  const read = ConsumerGroupMemberMetadataValue.read(new ByteReader(written), 0)
  expect(read.classicMemberMetadata).toBeNull()
})

test('unknown tags are kept in their struct and written back behind the known ones', () => {
  const tag = { tag: 100, data: Buffer.from('xyz') }
  const message: Init<FetchRequest> = {
    clusterId: 'c',
    unknownTags: [tag],
    topics: [{ topicId: 'AAAAAAAAAAAAAAAAAAAABQ' as Uuid, unknownTags: [{ tag: 7, data: Buffer.alloc(0) }] }],
  }
  const written = bytesOf(FetchRequest, message, 15)
  const read = FetchRequest.read(new ByteReader(written), 15)
  expect(read.unknownTags).toEqual([tag])
  expect(read.topics[0]?.unknownTags).toEqual([{ tag: 7, data: Buffer.alloc(0) }])
  expect(bytesOf(FetchRequest, read, 15)).toEqual(written)
  expect(FetchRequest.make(message)).toEqual(read)
})

test('unknown tags that are out of order in the input are written in order', () => {
  const plain = bytesOf(MetadataRequest, { topics: [] }, 9)
  const front = plain.subarray(0, -1).toString('hex')
  const read = messageOf(MetadataRequest, `${front}03${'09016b'}${'050161'}${'090162'}`, 9)
  expect(bytesOf(MetadataRequest, read, 9).toString('hex')).toBe(`${front}02${'050161'}${'090162'}`)
})

test('tags that the message cannot carry are refused', () => {
  const data = Buffer.alloc(1)
  expect(() => bytesOf(FetchRequest, { unknownTags: [{ tag: 9, data }] }, 4)).toThrow(EncodeError)
  expect(() => bytesOf(FetchRequest, { unknownTags: [{ tag: 1, data }] }, 15)).toThrow(EncodeError)
  expect(() =>
    bytesOf(
      MetadataRequest,
      {
        unknownTags: [
          { tag: 2, data },
          { tag: 2, data },
        ],
      },
      9,
    ),
  ).toThrow(EncodeError)
})

test('a known tag is malformed in a version that lacks it; its size is not looked at, as in Kafka', () => {
  const front = bytesOf(FetchRequest, {}, 12).subarray(0, -1).toString('hex')
  expect(messageOf(FetchRequest, `${front}0100020261`, 12).clusterId).toBe('a')
  expect(() => messageOf(FetchRequest, `${front}01010100`, 12)).toThrow('tag 1 is not valid in version 12')
  expect(messageOf(FetchRequest, `${front}0100030261`, 12).clusterId).toBe('a')
})

test('a uuid in the built form is text, like in the read form', () => {
  expect(FetchRequest.make({ topics: [{}] }).topics[0]?.topicId).toBe(ZERO_UUID)
})
