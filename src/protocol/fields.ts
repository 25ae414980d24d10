/**
 * The schemas as data, for what works on messages of any kind: JSON, vectors, fuzzing. The codecs do not need it, so the
 * broker never loads the table (generated/messages.ts).
 */
import type { MessageCodec } from './codec.ts'

export type FieldKind =
  | 'bool'
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'uint16'
  | 'uint32'
  | 'float64'
  | 'string'
  | 'uuid'
  | 'bytes'
  | 'records'
  | 'struct'

export interface FieldDescription {
  readonly name: string
  readonly kind: FieldKind
  readonly array: boolean
  /** First and last version that has it; 32767 is "and all later ones". */
  readonly versions: readonly [low: number, high: number]
  readonly tag: number | null
  /** First and last version in which it may be null; null if in none. */
  readonly nullable: readonly [low: number, high: number] | null
  /** As the schema writes it; null for a default of null, undefined for the kind's own default. */
  readonly default: string | null | undefined
  /** The fields of a struct, else empty. */
  readonly fields: readonly FieldDescription[]
}

export type MessageKind =
  | 'request'
  | 'response'
  | 'header'
  | 'data'
  | 'metadata'
  | 'remote-log'
  | 'coordinator-key'
  | 'coordinator-value'

export interface MessageDescription {
  readonly name: string
  readonly kind: MessageKind
  /** API key, record id or record type. */
  readonly number: number | null
  // oxlint-disable-next-line typescript/no-explicit-any -- a table of messages of all types
  readonly codec: MessageCodec<any>
  readonly fields: readonly FieldDescription[]
}

export function hasVersion(field: FieldDescription, version: number): boolean {
  return version >= field.versions[0] && version <= field.versions[1]
}
