/**
 * What must hold for any bytes whatsoever that are given to a codec, and how golden vectors are damaged to try it.
 *
 * - The bytes are refused with MalformedError, or they are a message. Nothing else may come out.
 * - A message is encoded again and read back equal, and from then on its bytes stay the same (fixpoint). Canonical bytes
 *   stay the same at once. Plain identity cannot hold for all: several bytes mean the same (canonical.ts names them),
 *   Kafka accepts them all, and what we write is one of them.
 * - What is made of the bytes is at most a small multiple of them.
 */
import { isDeepStrictEqual } from 'node:util'
import { ByteReader, MalformedError } from '../base/byte-reader.ts'
import { EncodeError } from '../base/byte-writer.ts'
import { isCanonical } from './canonical.ts'
import type { MessageDescription } from './fields.ts'
import { encode } from './vectors.ts'

/** Bytes of memory that a byte of input may cost, and what any message costs: see `weigh`. */
const WEIGHT_PER_BYTE_MAX = 64
const WEIGHT_FIXED_MAX = 4096

export type Outcome = 'refused' | 'canonical' | 'not canonical'

/** @throws FuzzFailure if something does not hold. */
export class FuzzFailure extends Error {
  constructor(description: MessageDescription, version: number, bytes: Buffer, detail: string) {
    super(`${description.name} version ${version}, ${bytes.toString('hex')}: ${detail}`)
    this.name = 'FuzzFailure'
  }
}

export function checkBytes(description: MessageDescription, version: number, bytes: Buffer): Outcome {
  const fail = (detail: string): FuzzFailure => new FuzzFailure(description, version, bytes, detail)
  const reader = new ByteReader(bytes)
  let message: object
  try {
    message = description.codec.read(reader, version)
  } catch (error) {
    if (error instanceof MalformedError) return 'refused'
    throw fail(`reading throws ${String(error)}`)
  }
  const weight = weigh(message)
  if (weight > WEIGHT_PER_BYTE_MAX * bytes.length + WEIGHT_FIXED_MAX) throw fail(`it takes ${weight} bytes of memory`)

  let written: Buffer
  try {
    written = encode(description, message, version)
  } catch (error) {
    // Bytes that are not UTF-8 become three each; a long string of them is too long then.
    if (error instanceof EncodeError && error.message.startsWith('string of')) return 'not canonical'
    throw fail(`writing throws ${String(error)}`)
  }
  const again: object = description.codec.read(new ByteReader(written), version)
  if (!isDeepStrictEqual(again, message)) throw fail(`written again it is another message: ${written.toString('hex')}`)
  if (!encode(description, again, version).equals(written)) throw fail('it has no fixpoint')

  const canonical = isCanonical(description, bytes, reader.position, message, version)
  const same = written.equals(bytes.subarray(0, reader.position))
  if (canonical && !same) throw fail(`it is canonical, but written as ${written.toString('hex')}`)
  return canonical ? 'canonical' : 'not canonical'
}

/** About how many bytes of heap a message takes: 16 an object, 8 a slot, 2 a character, 96 a view. */
function weigh(value: unknown): number {
  if (typeof value === 'string') return 16 + 2 * value.length
  if (typeof value === 'bigint') return 24
  if (typeof value !== 'object' || value === null) return 0
  if (Buffer.isBuffer(value)) return value.length === 0 ? 0 : 96
  let weight = 16
  for (const inner of Object.values(value)) weight += 8 + weigh(inner)
  return weight
}

/** A whole number from 0 to below the limit. */
export type Draw = (limit: number) => number

/** Bytes that mean something special somewhere: null, empty, one, signs, long varints. */
const TELLING_BYTES = [0x00, 0x01, 0x02, 0x7f, 0x80, 0x81, 0xfe, 0xff]

/** One to four changes: a flipped bit, a telling byte, a byte more or less, a piece copied over another place. */
export function damage(bytes: Buffer, draw: Draw): Buffer {
  let damaged: Buffer = Buffer.from(bytes)
  for (let changes = 1 + draw(4); changes > 0; changes--) damaged = change(damaged, draw)
  return damaged
}

function change(bytes: Buffer, draw: Draw): Buffer {
  if (bytes.length === 0) return Buffer.from([draw(256)])
  const at = draw(bytes.length)
  switch (draw(6)) {
    case 0:
      bytes[at] = bytes[at]! ^ (1 << draw(8))
      return bytes
    case 1:
      bytes[at] = TELLING_BYTES[draw(TELLING_BYTES.length)]!
      return bytes
    case 2:
      return Buffer.concat([bytes.subarray(0, at), Buffer.from([draw(256)]), bytes.subarray(at)])
    case 3:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)])
    case 4:
      bytes.copy(bytes, at, draw(bytes.length), bytes.length)
      return bytes
    default:
      // A varint that is longer than it needs to be: its last byte goes on with a zero.
      bytes[at] = bytes[at]! | 0x80
      return Buffer.concat([bytes.subarray(0, at + 1), Buffer.alloc(1), bytes.subarray(at + 1)])
  }
}
