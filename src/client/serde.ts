/**
 * How keys and values become bytes and back: `string()`, `bytes()`, `json()`, and `json(schema)` with any validator of the
 * Standard Schema (zod, valibot, arktype …).
 *
 * null is a tombstone on both sides and never reaches a serde. What a serde throws becomes SERIALIZATION_FAILED or
 * DESERIALIZATION_FAILED with topic and place of the record; the rest of a batch is not affected.
 */
import { ClientError } from './errors.ts'

export interface Serde<T> {
  serialize(value: T, topic: string): Buffer
  /** `bytes` is a view of a larger buffer: a serde that keeps it copies it. */
  deserialize(bytes: Buffer, topic: string): T
}

/** The part of https://standardschema.dev that is used here. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
  }
}

export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | {
      readonly issues: readonly {
        readonly message: string
        readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
      }[]
    }

const BYTES: Serde<Buffer> = { serialize: (value) => value, deserialize: (bytes) => bytes }
const STRING: Serde<string> = {
  serialize: (value) => Buffer.from(value, 'utf8'),
  deserialize: (bytes) => bytes.toString('utf8'),
}

/** Bytes as they are. */
export function bytes(): Serde<Buffer> {
  return BYTES
}

/** UTF-8. */
export function string(): Serde<string> {
  return STRING
}

/** JSON in UTF-8. With a schema, what it refuses is neither produced nor handed out; what it makes of a value is. */
export function json<T>(): Serde<T>
export function json<Input, Output>(schema: StandardSchema<Input, Output>): Serde<Output>
export function json(schema?: StandardSchema): Serde<unknown> {
  const valid = schema === undefined ? (value: unknown) => value : (value: unknown) => validated(schema, value)
  return {
    serialize: (value) => {
      const text = JSON.stringify(valid(value)) as string | undefined
      if (text === undefined) throw new ClientError('SERIALIZATION_FAILED', `A ${typeof value} has no JSON form.`)
      return Buffer.from(text, 'utf8')
    },
    deserialize: (text) => valid(JSON.parse(text.toString('utf8'))),
  }
}

function validated(schema: StandardSchema, value: unknown): unknown {
  const { validate, vendor } = schema['~standard']
  const result = validate(value)
  if (result instanceof Promise) {
    throw new ClientError(
      'INVALID_ARGUMENT',
      `This ${vendor} schema validates asynchronously; a serde can't wait for it.`,
    )
  }
  if (result.issues === undefined) return result.value
  const issues = result.issues.map(({ message, path = [] }) => {
    const place = path.map((step) => String(typeof step === 'object' ? step.key : step)).join('.')
    return place === '' ? message : `${place}: ${message}`
  })
  throw new Error(issues.join('; '))
}
