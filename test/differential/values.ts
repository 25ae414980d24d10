/**
 * What a step's message is made of: JSON-like values and references to what only a server can give (topic ids, member
 * ids, generations, producer ids, fetch sessions). A reference is resolved for each server when the step is sent, so a
 * step can be dropped or replayed alone.
 */
import type { Int64 } from '../../src/base/int64.ts'
import type { RecordsRecipe } from './record-recipes.ts'

export type Reference =
  | { readonly ref: 'topicId'; readonly topic: string }
  | { readonly ref: 'memberId'; readonly group: string; readonly nth: number }
  | { readonly ref: 'generation'; readonly group: string; readonly plus: number }
  | { readonly ref: 'producerId'; readonly nth: number }
  | { readonly ref: 'session'; readonly of: number }
  | { readonly ref: 'sessionEpoch'; readonly of: number; readonly plus: number }
  | { readonly ref: 'records'; readonly recipe: RecordsRecipe }

export type Value = null | boolean | Int64 | string | Buffer | Reference | readonly Value[] | ValueObject
export interface ValueObject {
  readonly [name: string]: Value
}

export type Plain = null | boolean | Int64 | string | Buffer | readonly Plain[] | { readonly [name: string]: Plain }

export function isReference(value: Value): value is Reference {
  return typeof value === 'object' && value !== null && 'ref' in value
}

function isList(value: object): value is readonly Value[] {
  return Array.isArray(value)
}

export function resolve(value: Value, known: (reference: Reference) => Plain): Plain {
  if (value === null || typeof value !== 'object' || Buffer.isBuffer(value)) return value
  if (isReference(value)) return known(value)
  if (isList(value)) return value.map((element) => resolve(element, known))
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, resolve(inner, known)]))
}

/** For reading: references as such, bytes as base64, long texts cut. */
export function show(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => {
    if (typeof inner === 'bigint') return String(inner)
    if (typeof inner === 'string' && inner.length > 120) return `${inner.slice(0, 60)}… (${inner.length} characters)`
    if (typeof inner === 'object' && inner !== null && 'type' in inner && inner.type === 'Buffer' && 'data' in inner) {
      return Array.isArray(inner.data) ? `base64:${Buffer.from(inner.data).toString('base64').slice(0, 120)}` : inner
    }
    return inner
  })
}
