import { expect, test } from 'vitest'
import { formatterNamed, joined, type Piece, type ShownRecord } from './record-formatters.ts'

const record: ShownRecord = {
  topic: 't',
  partition: 3,
  offset: 42,
  timestamp: 1000,
  timestampType: 'CreateTime',
  keyBytes: Buffer.from('k'),
  valueBytes: Buffer.from([0, 255, 10]),
  headers: [
    { key: 'h', value: Buffer.from('v') },
    { key: 'n', value: null },
  ],
}

function shown(name: string, properties: Record<string, string>, of: ShownRecord = record): Buffer {
  const pieces: Piece[] = []
  const formatter = formatterNamed(name)!(new Map(Object.entries(properties)))
  if (formatter instanceof Promise) throw new Error(`${name} is loaded when it is asked for`)
  formatter(of, pieces)
  return joined(pieces)
}

const DEFAULT = 'org.apache.kafka.tools.consumer.DefaultMessageFormatter'

test('a value is printed as the bytes that it is', () => {
  expect(shown(DEFAULT, {})).toEqual(Buffer.from([0, 255, 10, 10]))
})

test('columns stand in their order, with the separators that are asked for', () => {
  const all = Object.fromEntries(
    ['key', 'timestamp', 'partition', 'offset', 'headers', 'delivery'].map((name) => [`print.${name}`, 'true']),
  )
  const text = shown(DEFAULT, { ...all, 'print.value': 'false', 'key.separator': '|', 'null.literal': '-' }).toString()
  expect(text).toBe('CreateTime:1000|Partition:3|Offset:42|Delivery:NOT_PRESENT|h:v,n:-|k\n')
})

test('a record without a time, a key and a value says so', () => {
  const empty: ShownRecord = { ...record, timestamp: -1, keyBytes: null, valueBytes: null, headers: [] }
  const properties = { 'print.timestamp': 'true', 'print.key': 'true', 'print.headers': 'true' }
  expect(shown(DEFAULT, properties, empty).toString()).toBe('NO_TIMESTAMP\tNO_HEADERS\tnull\tnull\n')
})

test('deserializers show numbers, and refuse bytes of another size', () => {
  const long = { 'value.deserializer': 'org.apache.kafka.common.serialization.LongDeserializer' }
  const one: ShownRecord = { ...record, valueBytes: Buffer.from('00000000000000ff', 'hex') }
  expect(shown(DEFAULT, long, one).toString()).toBe('255\n')
  expect(() => shown(DEFAULT, long)).toThrow('Size of data received by LongDeserializer is not 8')
})

test('formatters have the names of 3.x too, and a class that is not Kafka’s has none', () => {
  expect(formatterNamed('kafka.tools.NoOpMessageFormatter')).not.toBeNull()
  expect(formatterNamed('kafka.coordinator.group.GroupMetadataManager$OffsetsMessageFormatter')).not.toBeNull()
  expect(formatterNamed('com.example.Mine')).toBeNull()
})
