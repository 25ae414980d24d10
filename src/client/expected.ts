/**
 * What a value that a user gives may be, as words and as a test: `expected.text`, `expected.list(expected.text)`. Tables of
 * them stand beside the types that they repeat, and are tied to them: an `Expected<T>` fits a property of type T and no other,
 * so a table that lacks an option, has one too many or another kind of value doesn't compile.
 *
 * TypeScript tells its users the same at once; this is for JavaScript, and for settings that come from a file. Ranges and what
 * one option says about another stay where options are resolved.
 */
import { ClientError } from './errors.ts'

/** Looks at what is inside of a value, which is at `place`. @throws ClientError INVALID_ARGUMENT. */
type Inside = (value: never, place: string) => void

/** Of one kind of value, with its type forgotten. */
export interface Kind {
  /** Goes on from "must be". */
  readonly words: string
  readonly isNeeded: boolean
  /** Whether the value itself is of the kind; `inside` looks deeper. */
  readonly accepts: (value: unknown) => boolean
  readonly inside: Inside
}

export interface Expected<T> extends Kind {
  readonly isNeeded: false
  /** Never there: makes an Expected of one type differ from one of any other. */
  readonly typed?: (value: T) => T
}

/** May not be left out. */
export interface Needed<T> extends Omit<Expected<T>, 'isNeeded'> {
  readonly isNeeded: true
}

type Field<T, K extends keyof T> =
  Record<never, never> extends Pick<T, K> ? Expected<Exclude<T[K], undefined>> : Needed<T[K]>

/** One for each property of T, no more and no fewer. */
export type Shape<T> = { readonly [K in keyof T]-?: Field<T, K> }

const NOTHING_INSIDE: Inside = () => {}

function kind<T>(words: string, accepts: (value: unknown) => boolean, inside: Inside = NOTHING_INSIDE): Expected<T> {
  return { words, isNeeded: false, accepts, inside }
}

export const text = kind<string>('a string', (value) => typeof value === 'string')
export const name = kind<string>('a string that is not empty', (value) => typeof value === 'string' && value !== '')
export const flag = kind<boolean>('true or false', (value) => typeof value === 'boolean')
export const number = kind<number>('a number', (value) => typeof value === 'number')
export const whole = kind<number>('a whole number', Number.isInteger)
export const duration = kind<number>(
  'a number of milliseconds from 0 on',
  (value) => typeof value === 'number' && value >= 0,
)
export const bytes = kind<Buffer>('a Buffer', (value) => Buffer.isBuffer(value))
export const signal = kind<AbortSignal>('an AbortSignal', (value) => isObject(value) && 'aborted' in value)

/** One of some words that are looked up, and listed, where they are used. */
export function word<T extends string>(): Expected<T> {
  return kind('a string', (value) => typeof value === 'string')
}

/** A function of any type: nothing more can be seen of it. */
export function callable<T>(): Expected<T> {
  return kind('a function', (value) => typeof value === 'function')
}

/** An object of somebody's own with these methods, of which nothing more can be seen. */
export function withMethods<T>(...methods: readonly string[]): Expected<T> {
  const accepts = (value: unknown): boolean =>
    isObject(value) && methods.every((method) => typeof value[method] === 'function')
  const words =
    methods.length === 0 ? 'an object' : `an object with ${methods.map((method) => `${method}()`).join(', ')}`
  return kind(words, accepts)
}

/** Looked at by somebody else. */
export function anything<T>(): Expected<T> {
  return kind('given', (value) => value !== undefined)
}

export function oneOf<const T extends string | number>(...values: readonly T[]): Expected<T> {
  const words = values.map(literal)
  const last = words.pop()!
  return kind(words.length === 0 ? last : `${words.join(', ')} or ${last}`, (value) => values.includes(value as T))
}

export function list<T>(item: Expected<T>): Expected<readonly T[]> {
  return kind(`a list`, Array.isArray, (values: readonly unknown[], place) => {
    values.forEach((value, index) => checkValue(item, value, `${place}[${index}]`))
  })
}

/** By names of the user's choice. */
export function record<T>(item: Expected<T>): Expected<Readonly<Record<string, T>>> {
  return kind('an object', isPlain, (values: Readonly<Record<string, unknown>>, place) => {
    for (const [key, value] of Object.entries(values)) checkValue(item, value, `${place}.${key}`)
  })
}

/** The first that accepts a value says what may be inside of it. */
export function either<A, B>(first: Expected<A>, second: Expected<B>): Expected<A | B> {
  const accepts = (value: unknown): boolean => first.accepts(value) || second.accepts(value)
  return kind(`${first.words} or ${second.words}`, accepts, (value: never, place) =>
    (first.accepts(value) ? first : second).inside(value, place),
  )
}

export function orNull<T>(other: Expected<T>): Expected<T | null> {
  return either(
    other,
    kind<null>('null', (value) => value === null),
  )
}

export function needed<T>(expected: Expected<T>): Needed<T> {
  return { ...expected, isNeeded: true }
}

/** An object whose properties are as in `table`. Others are let be: it may be an object that a user has for more than this. */
export function open<T>(table: Shape<T>): Expected<T> {
  return kind('an object', isObject, (value: Readonly<Record<string, unknown>>, place) =>
    checkProperties(table, value, place),
  )
}

/** Checks what the table has of `value`. @throws ClientError INVALID_ARGUMENT. */
export function checkProperties(
  table: Readonly<Record<string, Kind>>,
  value: Readonly<Record<string, unknown>>,
  place: string,
): void {
  for (const key in table) {
    const expected = table[key]!
    const property = value[key]
    if (property !== undefined || expected.isNeeded)
      checkValue(expected, property, place === '' ? key : `${place}.${key}`)
  }
}

/** @throws ClientError INVALID_ARGUMENT that names the place, what was expected and what is there. */
export function checkValue(expected: Kind, value: unknown, place: string): void {
  if (!expected.accepts(value)) {
    throw new ClientError('INVALID_ARGUMENT', `${place} must be ${expected.words}, and is ${inWords(value)}.`)
  }
  expected.inside(value as never, place)
}

/** What a value is, in words that show the difference of 5 and '5'. */
export function inWords(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return value === ''
        ? 'the empty string'
        : `the string ${literal(value.length > 40 ? `${value.slice(0, 40)}…` : value)}`
    case 'number':
      return Number.isNaN(value) ? 'NaN' : `the number ${value}`
    case 'bigint':
      return `the bigint ${value}`
    case 'function':
      return 'a function'
    case 'object': {
      if (value === null) return 'null'
      if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
      const own = (value as { constructor?: { name?: unknown } }).constructor?.name
      return typeof own !== 'string' || own === 'Object' || own === '' ? 'an object' : `a ${own}`
    }
    default:
      return String(value)
  }
}

function literal(value: string | number): string {
  return typeof value === 'string' ? `'${value}'` : String(value)
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}

/** Not a list, a Map …, whose own names are not what the user means. */
export function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  return isObject(value) && !Array.isArray(value) && !(Symbol.iterator in value)
}
