/**
 * Keys, values and headers as bytes. Short ASCII strings, which most keys are, go into memory that is used again: whoever
 * keeps the bytes beyond the call copies them.
 */
import { ClientError } from '../errors.ts'
import { inWords, isPlain } from '../expected.ts'
import { string, type Serde } from '../serde.ts'
import { encodeHeaders } from './producer-batch.ts'
import type { Bytes, HeadersInit } from './producer-record.ts'

const SHORT_CHARS_MAX = 64
const STRING: unknown = string()

/** Of one field of the record that is being taken. */
export class FieldWriter {
  /** Valid until the next call; null for null. */
  bytes: Uint8Array | null = null
  /** -1 for null. */
  length = -1
  readonly #field: 'key' | 'value'
  /** Null: strings and bytes as they are. */
  readonly #serde: Serde<never> | null
  readonly #scratch = Buffer.allocUnsafeSlow(SHORT_CHARS_MAX)

  constructor(field: 'key' | 'value', serde: Serde<never> | undefined) {
    this.#field = field
    this.#serde = serde === undefined || serde === STRING ? null : serde
  }

  /** @throws ClientError SERIALIZATION_FAILED */
  write(value: unknown, topic: string): void {
    if (value === null || value === undefined) {
      this.bytes = null
      this.length = -1
      return
    }
    if (this.#serde !== null) this.bytes = this.#serialized(this.#serde, value, topic)
    else if (typeof value === 'string') {
      if (this.#writeShort(value)) return
      this.bytes = Buffer.from(value, 'utf8')
    } else if (value instanceof Uint8Array) this.bytes = value
    else throw this.#failure(topic, `${inWords(value)} needs a serde: give the producer one for its ${this.#field}s`)
    this.length = this.bytes.length
  }

  /** The bytes beyond the next call. */
  kept(): Uint8Array | null {
    return this.bytes === this.#scratch ? Buffer.from(this.#scratch.subarray(0, this.length)) : this.bytes
  }

  #writeShort(text: string): boolean {
    const { length } = text
    if (length > SHORT_CHARS_MAX) return false
    const scratch = this.#scratch
    for (let index = 0; index < length; index++) {
      const code = text.charCodeAt(index)
      if (code >= 0x80) return false
      scratch[index] = code
    }
    this.bytes = scratch
    this.length = length
    return true
  }

  #serialized(serde: Serde<never>, value: unknown, topic: string): Uint8Array {
    let written: unknown
    try {
      written = serde.serialize(value as never, topic)
    } catch (error) {
      throw this.#failure(topic, error instanceof Error ? error.message : String(error), error)
    }
    if (written instanceof Uint8Array) return written
    throw this.#failure(topic, `its serde must make bytes, and made ${inWords(written)} of ${inWords(value)}`)
  }

  #failure(topic: string, reason: string, cause?: unknown): ClientError {
    return new ClientError('SERIALIZATION_FAILED', `The ${this.#field} of a record for ${topic}: ${reason}`, { cause })
  }
}

/** As they are written into a record; null for none. @throws ClientError INVALID_ARGUMENT */
export function headerBytes(headers: HeadersInit): Buffer | null {
  const pairs = pairsOf(headers)
  if (pairs.length === 0) return null
  return encodeHeaders(
    pairs.map(([key, value]) => {
      if (typeof value === 'string') return { key, value: Buffer.from(value, 'utf8') }
      if (value !== null && !(value instanceof Uint8Array)) {
        throw wrongHeaders(`headers.${key} must be a string, bytes or null, and is ${inWords(value)}.`)
      }
      return { key, value }
    }),
  )
}

function pairsOf(headers: HeadersInit): readonly (readonly [string, Bytes | null])[] {
  if (Array.isArray(headers)) {
    const wrong = headers.findIndex((pair: unknown) => !Array.isArray(pair) || typeof pair[0] !== 'string')
    if (wrong < 0) return headers as readonly (readonly [string, Bytes | null])[]
    throw wrongHeaders(`headers[${wrong}] must be a pair [name, value], and is ${inWords(headers[wrong])}.`)
  }
  // What has no names of its own, as a Map has none, would be passed over.
  if (isPlain(headers)) return Object.entries(headers)
  throw wrongHeaders(`headers must be an object or a list of pairs [name, value], and is ${inWords(headers)}.`)
}

function wrongHeaders(sentence: string): ClientError {
  return new ClientError('INVALID_ARGUMENT', sentence)
}
