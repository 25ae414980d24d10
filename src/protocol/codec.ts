/**
 * What the generator makes of a schema (protocol/*.schema → src/protocol/generated/*.ts), and the helpers it calls.
 *
 * One file per schema. For each body NAME of it: `interface NAME` (what `read` returns: every field present, a field that
 * the version lacks has its default), `namespace NAME` with the interfaces of its structs, and `const NAME: MessageCodec`.
 * An API file also exports `const <Api>: Api<Request, Response>`. What a caller builds may leave out any field whose
 * default it means (`Init`); bytes may be given in pieces.
 */
import type { ByteReader } from '../base/byte-reader.ts'
import type { ByteWriter, Records } from '../base/byte-writer.ts'

/** A tagged field that our schema does not know; kept per struct and written back, as Kafka does. */
export interface UnknownTag {
  readonly tag: number
  readonly data: Buffer
}

/** The form in which a message is built: fields may be left out where the default is meant. */
export type Init<T> = T extends string
  ? T // before `object`: a branded string is both
  : T extends Buffer
    ? Records
    : T extends readonly (infer Element)[]
      ? readonly Init<Element>[]
      : T extends object
        ? { readonly [Key in keyof T]?: Init<T[Key]> }
        : T

export interface MessageCodec<T> {
  readonly name: string
  readonly lowestVersion: number
  readonly highestVersion: number
  /** First version in the flexible encoding; 32767 when there is none. */
  readonly flexibleFrom: number
  /** The message with every default, then `fields`. */
  make(fields?: Init<T>): T
  /** @throws MalformedError. Bytes behind the message are left in the reader. */
  read(reader: ByteReader, version: number): T
  /** @throws EncodeError for a value that `version` cannot carry and must not drop. */
  write(writer: ByteWriter, message: Init<T>, version: number): void
}

export interface Api<Request, Response> {
  readonly key: number
  readonly name: string
  readonly request: MessageCodec<Request>
  readonly response: MessageCodec<Response>
}

// oxlint-disable-next-line typescript/no-explicit-any -- a table of APIs of all types
export type AnyApi = Api<any, any>

/** Version of the request header that goes with a version of the API's body. */
export function requestHeaderVersion(api: AnyApi, version: number): number {
  if (version >= api.request.flexibleFrom) return 2
  return api.key === CONTROLLED_SHUTDOWN_KEY && version === 0 ? 0 : 1
}

/** Version of the response header; ApiVersions answers stay at 0, so that a client can read them before it knows us. */
export function responseHeaderVersion(api: AnyApi, version: number): number {
  return version >= api.response.flexibleFrom && api.key !== API_VERSIONS_KEY ? 1 : 0
}

const CONTROLLED_SHUTDOWN_KEY = 7
const API_VERSIONS_KEY = 18
