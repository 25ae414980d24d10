/**
 * What stands in front of a message in a log's records.
 *
 * Metadata and remote-log records: uvarint frame version (1), uvarint record id, uvarint message version, message; no byte
 * may follow. Coordinator records: the key begins with its int16 type and is at version 0 of that type; the value begins
 * with its int16 version. A record of a type or version that we do not know is `null`: its owner keeps its bytes or
 * skips it, as the log demands.
 */
import { ByteReader, MalformedError } from '../base/byte-reader.ts'
import { ByteWriter } from '../base/byte-writer.ts'
import type { Init, MessageCodec } from './codec.ts'

const FRAME_VERSION = 1

/** The front of a framed record; `at` is where the message begins. */
export interface FramedHead {
  readonly id: number
  readonly version: number
  readonly at: number
}

/** @throws MalformedError for a frame version other than 1, or where the bytes end. */
export function readFramedHead(bytes: Buffer): FramedHead {
  const reader = new ByteReader(bytes)
  const frameVersion = reader.uvarint()
  if (frameVersion !== FRAME_VERSION) throw new MalformedError(`frame version ${frameVersion}`)
  const id = reader.uvarint()
  const version = reader.uvarint()
  if (id > 0x7fff || version > 0x7fff) throw new MalformedError(`record id ${id}, version ${version}`)
  return { id, version, at: reader.position }
}

/** The message behind a head. @throws MalformedError, also if bytes follow the message. */
export function readFramedMessage<T>(codec: MessageCodec<T>, bytes: Buffer, head: FramedHead): T {
  const reader = new ByteReader(bytes, head.at)
  const message = codec.read(reader, head.version)
  checkNothingLeft(codec, reader)
  return message
}

export function writeFramed<T>(codec: MessageCodec<T>, id: number, message: Init<T>, version: number): Buffer {
  const writer = new ByteWriter()
  writer.uvarint(FRAME_VERSION)
  writer.uvarint(id)
  writer.uvarint(version)
  codec.write(writer, message, version)
  return writer.toBuffer()
}

/** The type of a coordinator record, from its key. */
export function readKeyType(key: Buffer): number {
  return new ByteReader(key).int16()
}

/** The key behind its type. Bytes behind it are left alone, as Kafka does. */
export function readKey<Key>(codec: MessageCodec<Key>, key: Buffer): Key {
  return codec.read(new ByteReader(key, 2), 0)
}

/** Null for a version that we do not know. Bytes behind the value are left alone, as Kafka does. */
export function readValue<Value>(codec: MessageCodec<Value>, value: Buffer): Value | null {
  const reader = new ByteReader(value)
  const version = reader.int16()
  if (version < codec.lowestVersion || version > codec.highestVersion) return null
  return codec.read(reader, version)
}

export function writeKey<Key>(codec: MessageCodec<Key>, type: number, key: Init<Key>): Buffer {
  return writePrefixed(codec, type, key, 0)
}

export function writeValue<Value>(codec: MessageCodec<Value>, value: Init<Value>, version: number): Buffer {
  return writePrefixed(codec, version, value, version)
}

function writePrefixed<T>(codec: MessageCodec<T>, prefix: number, message: Init<T>, version: number): Buffer {
  const writer = new ByteWriter()
  writer.int16(prefix)
  codec.write(writer, message, version)
  return writer.toBuffer()
}

/**
 * A message with its int16 version in front, as clients embed it (consumer protocol): a version above ours is read as our
 * highest, and what follows is ignored. @throws MalformedError for a version below our lowest.
 */
export function readVersioned<T>(codec: MessageCodec<T>, bytes: Buffer): T {
  const reader = new ByteReader(bytes)
  return codec.read(reader, Math.min(reader.int16(), codec.highestVersion))
}

export function writeVersioned<T>(codec: MessageCodec<T>, message: Init<T>, version: number): Buffer {
  return writePrefixed(codec, version, message, version)
}

function checkNothingLeft<T>(codec: MessageCodec<T>, reader: ByteReader): void {
  if (reader.remaining > 0) throw new MalformedError(`${reader.remaining} bytes behind a ${codec.name}`)
}
