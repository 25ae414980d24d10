import { javaDouble } from '../../base/java-double.ts'
import { expect, test } from 'vitest'
import { ZERO_UUID } from '../../base/uuid.ts'
import { ConsumerProtocolSubscription } from '../../protocol/generated/consumer-protocol-subscription.ts'
import { GroupMetadataKey, GroupMetadataValue } from '../../protocol/generated/group-group-metadata.ts'
import { METADATA_RECORDS } from '../../protocol/generated/metadata-records.ts'
import { REMOTE_LOG_RECORDS } from '../../protocol/generated/remote-log-records.ts'
import { writeFramed, writeKey, writeValue, writeVersioned } from '../../protocol/record-framing.ts'
import { javaText } from '../text/java-text.ts'
import { bytesDecoder, RECORD_DECODERS } from './record-decoders.ts'

const at = (key: Buffer | null, value: Buffer | null) => ({ offset: 7, key, value })

test('a record that cannot be read says so and where', () => {
  const offsets = RECORD_DECODERS['offsets-decoder']
  expect(offsets(at(Buffer.from([0, 99]), null)).key).toBe('Unknown record type 99 at offset 7, skipping.')
  expect(offsets(at(Buffer.from([0, 2, 9]), null)).key).toMatch(/^Error at offset 7, skipping\. ./)
  expect(() => offsets(at(null, null))).toThrow('Failed to decode message at offset 7 using the specified decoder')
  expect(RECORD_DECODERS['cluster-metadata-decoder'](at(null, Buffer.from([0]))).payload).toMatch(
    /^Error at 7, skipping\. ./,
  )
})

test('members of a classic group are shown decoded where they can be, else as bytes', () => {
  const subscription = writeVersioned(ConsumerProtocolSubscription, { topics: ['a'] }, 0)
  const members = [{ memberId: 'm', subscription, assignment: Buffer.from([1]) }]
  const value = writeValue(GroupMetadataValue, { protocolType: 'consumer', members }, 3)
  const { key, payload } = RECORD_DECODERS['offsets-decoder'](
    at(writeKey(GroupMetadataKey, 2, { group: 'g\u001f"' }), value),
  )
  expect(key).toBe('{"type":"2","data":{"group":"g\\u001F\\""}}')
  expect(payload).toContain('"subscription":{"topics":["a"],"userData":null},"assignment":"AQ=="')
  expect(RECORD_DECODERS['offsets-decoder'](at(writeKey(GroupMetadataKey, 2, { group: 'g' }), null)).payload).toBe(
    '<DELETE>',
  )
})

test('numbers are printed as Java prints them', () => {
  const quota = METADATA_RECORDS.ClientQuotaRecord
  const bytes = writeFramed(quota.codec, quota.id, { entity: [], key: 'k', value: 1e7, remove: false }, 0)
  expect(RECORD_DECODERS['cluster-metadata-decoder'](at(null, bytes)).payload).toBe(
    '{"type":"CLIENT_QUOTA_RECORD","version":0,"data":{"entity":[],"key":"k","value":1.0E7,"remove":false}}',
  )
  const ids = METADATA_RECORDS.ProducerIdsRecord
  const far = writeFramed(ids.codec, ids.id, { nextProducerId: 9_223_372_036_854_775_807n }, 0)
  expect(RECORD_DECODERS['cluster-metadata-decoder'](at(null, far)).payload).toContain(
    '"nextProducerId":9223372036854775807}',
  )
  expect([0, -0, 1, 0.001, 0.0001, 123456.5, 1.5e10, NaN, Infinity].map(javaDouble)).toEqual([
    '0.0',
    '-0.0',
    '1.0',
    '0.001',
    '1.0E-4',
    '123456.5',
    '1.5E10',
    'NaN',
    'Infinity',
  ])
})

test('bytes that are no UTF-8 become the signs that Java makes of them', () => {
  const text = (...bytes: readonly number[]) => javaText(Buffer.from(bytes))
  expect(text(0x61, 0xed, 0xb1, 0x70)).toBe('a\uFFFDp')
  expect(text(0xed, 0xa0, 0x80, 0xed, 0xb0, 0x80)).toBe('\uFFFD\uFFFD')
  expect(text(0xff, 0xed, 0x9f, 0xbf)).toBe('\uFFFD\uD7FF')
})

test('records of remote segments are the text of Kafka’s classes', () => {
  const topicIdPartition = { name: 'foo', id: ZERO_UUID, partition: 1 }
  const { id, codec } = REMOTE_LOG_RECORDS.RemoteLogSegmentMetadataRecord
  const record = {
    remoteLogSegmentId: { topicIdPartition, id: ZERO_UUID },
    startOffset: 1,
    endOffset: 2,
    segmentLeaderEpochs: [
      { leaderEpoch: 4, offset: 2 },
      { leaderEpoch: 3, offset: 1 },
    ],
    customMetadata: Buffer.alloc(3),
    remoteLogSegmentState: 1,
  }
  expect(RECORD_DECODERS['remote-log-metadata-decoder'](at(null, writeFramed(codec, id, record, 0))).payload).toBe(
    'RemoteLogSegmentMetadata{remoteLogSegmentId=RemoteLogSegmentId{topicIdPartition=AAAAAAAAAAAAAAAAAAAAAA:foo-1, ' +
      'id=AAAAAAAAAAAAAAAAAAAAAA}, startOffset=1, endOffset=2, brokerId=0, maxTimestampMs=0, eventTimestampMs=0, ' +
      'segmentLeaderEpochs={3=1, 4=2}, segmentSizeInBytes=0, customMetadata=Optional[CustomMetadata{3 bytes}], ' +
      'state=COPY_SEGMENT_FINISHED, txnIdxEmpty=false}',
  )
  const gone = REMOTE_LOG_RECORDS.RemotePartitionDeleteMetadataRecord
  const value = writeFramed(gone.codec, gone.id, { topicIdPartition, brokerId: 5 }, 0)
  expect(RECORD_DECODERS['remote-log-metadata-decoder'](at(null, value)).payload).toBe(
    'RemotePartitionDeleteMetadata{topicPartition=AAAAAAAAAAAAAAAAAAAAAA:foo-1, state=DELETE_PARTITION_MARKED, ' +
      'eventTimestampMs=0, brokerId=5}',
  )
})

test('the decoders of before 4.0 still work, and say what they are called now', () => {
  const lines: string[] = []
  const long = bytesDecoder('kafka.serializer.LongDecoder', (line) => lines.push(line))
  expect(long?.(Buffer.from([0, 0, 0, 0, 0, 0, 1, 0]))).toBe('256')
  expect(lines).toEqual([
    'kafka.serializer.LongDecoder is deprecated. Please use org.apache.kafka.tools.api.LongDecoder instead',
  ])
  expect(bytesDecoder('com.example.Mine', () => {})).toBe(null)
})
