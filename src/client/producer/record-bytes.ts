/**
 * Keys, values and headers as bytes. Short ASCII strings, which most keys are, go into memory that is used again: whoever
 * keeps the bytes beyond the call copies them.
 */
import { ClientError } from '../errors.ts'
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
    else throw this.#failure(topic, `a ${typeof value} needs a serde: give the producer one for its ${this.#field}s`)
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
    try {
      return serde.serialize(value as never, topic)
    } catch (error) {
      throw this.#failure(topic, error instanceof Error ? error.message : String(error), error)
    }
  }

  #failure(topic: string, reason: string, cause?: unknown): ClientError {
    return new ClientError('SERIALIZATION_FAILED', `The ${this.#field} of a record for ${topic}: ${reason}`, { cause })
  }
}

/** As they are written into a record; null for none. */
export function headerBytes(headers: HeadersInit | undefined): Buffer | null {
  if (headers === undefined) return null
  const pairs: readonly (readonly [string, Bytes | null])[] = isPairs(headers) ? headers : Object.entries(headers)
  if (pairs.length === 0) return null
  return encodeHeaders(
    pairs.map(([key, value]) => ({ key, value: typeof value === 'string' ? Buffer.from(value, 'utf8') : value })),
  )
}

function isPairs(headers: HeadersInit): headers is readonly (readonly [string, Bytes | null])[] {
  return Array.isArray(headers)
}
