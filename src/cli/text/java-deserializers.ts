/** Bytes as the text of what Java's deserializers make of them, by the names of their classes. */
import { MalformedError } from '../../base/byte-reader.ts'
import { readInt64 } from '../../base/int64.ts'
import { javaDouble } from '../../base/java-double.ts'
import { javaText } from './java-text.ts'

/** @throws MalformedError for bytes that the type does not have. */
export type BytesReader = (bytes: Buffer) => string

/** Null for a class that isn't Kafka's. */
export function bytesReader(className: string): BytesReader | null {
  return READERS.get(className.replace(/^org\.apache\.kafka\.common\.serialization\./, '')) ?? null
}

const READERS: ReadonlyMap<string, BytesReader> = new Map<string, BytesReader>([
  ['StringDeserializer', javaText],
  ['ShortDeserializer', (bytes) => String(sized(bytes, 2, 'ShortDeserializer').readInt16BE())],
  ['IntegerDeserializer', (bytes) => String(sized(bytes, 4, 'IntegerDeserializer').readInt32BE())],
  ['LongDeserializer', (bytes) => String(readInt64(sized(bytes, 8, 'LongDeserializer'), 0))],
  ['FloatDeserializer', (bytes) => javaDouble(shortest(sized(bytes, 4, 'Deserializer').readFloatBE()))],
  ['DoubleDeserializer', (bytes) => javaDouble(sized(bytes, 8, 'Deserializer').readDoubleBE())],
  ['BooleanDeserializer', (bytes) => String(sized(bytes, 1, 'BooleanDeserializer')[0] === 1)],
  ['UUIDDeserializer', (bytes) => javaText(bytes)],
  // Java prints an array's class and address, which say nothing.
  ['ByteArrayDeserializer', (bytes) => bytes.toString('hex')],
  ['BytesDeserializer', escaped],
])

function sized(bytes: Buffer, size: number, reader: string): Buffer {
  if (bytes.length !== size) throw new MalformedError(`Size of data received by ${reader} is not ${size}`)
  return bytes
}

/** The fewest digits that are this float and no other. */
function shortest(value: number): number {
  for (let digits = 1; digits < 9; digits++) {
    const rounded = Number(value.toPrecision(digits))
    if (Math.fround(rounded) === value) return rounded
  }
  return value
}

/** As Kafka's Bytes prints itself. */
function escaped(bytes: Buffer): string {
  let text = ''
  for (const byte of bytes) {
    const isPlain = byte >= 0x20 && byte < 0x7f && byte !== 0x5c
    text += isPlain ? String.fromCharCode(byte) : `\\x${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return text
}
