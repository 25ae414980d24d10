/**
 * Options and arguments as a user gives them against the tables of what they may be (expected.ts): names that nobody knows,
 * with what may have been meant, and values of a wrong kind. Runs when a client is made and once per call of methods that are
 * not called for each record.
 */
import { likelyMeant } from '../base/likely-meant.ts'
import type { CallOptions } from './call.ts'
import { ClientError } from './errors.ts'
import * as expected from './expected.ts'
import { checkProperties, checkValue, inWords, isPlain, type Expected, type Kind, type Shape } from './expected.ts'

type Table = Readonly<Record<string, Kind>>

/** What every call takes. */
export const CALL_OPTIONS: Shape<CallOptions> = { timeoutMs: expected.duration, signal: expected.signal }

/** Names from other clients, and what they are here; in small letters without dots, dashes and underscores. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  bootstrapservers: 'brokers',
  bootstrapbrokers: 'brokers',
  bootstrapserver: 'brokers',
  metadatabrokerlist: 'brokers',
  ssl: 'tls',
  group: 'groupId',
  autooffsetreset: 'offsetReset',
  frombeginning: "offsetReset: 'earliest'",
  enableautocommit: 'autoCommit',
  enableidempotence: 'idempotence',
  idempotent: 'idempotence',
  batchsize: 'batchBytes',
  buffermemory: 'bufferBytes',
  compressiontype: 'compression',
  connectiontimeout: 'connectTimeoutMs',
  maxinflightrequests: 'maxInFlight',
  maxinflightrequestsperconnection: 'maxInFlight',
  partitions: 'numPartitions',
  configentries: 'configs',
  clientrack: 'rack',
  rackid: 'rack',
  serializer: 'value',
  deserializer: 'value',
  valueserializer: 'value',
  valuedeserializer: 'value',
  keyserializer: 'key',
  keydeserializer: 'key',
}

/** An object that has only properties of `table`; `elsewhere` says who knows others, to send users there. */
export function exactly<T>(table: Shape<T>, elsewhere: Readonly<Record<string, Table>> = {}): Expected<T> {
  return {
    words: 'an object',
    isNeeded: false,
    accepts: isPlain,
    inside: (value: Readonly<Record<string, unknown>>, place) => {
      for (const name of Object.keys(value)) {
        if (!Object.hasOwn(table, name)) throw unknown(name, place, table, elsewhere)
      }
      checkProperties(table, value, place)
    },
  }
}

/**
 * Checks the options of `subject`, such as `new Klamm`. @throws ClientError INVALID_ARGUMENT with one sentence.
 */
export function checkOptions(subject: string, kind: Kind, options: unknown): void {
  if (!kind.accepts(options)) {
    throw new ClientError(
      'INVALID_ARGUMENT',
      `${subject} takes an object of options, and was given ${inWords(options)}.`,
    )
  }
  kind.inside(options as never, '')
}

function unknown(name: string, place: string, table: Table, elsewhere: Readonly<Record<string, Table>>): ClientError {
  const full = place === '' ? name : place.endsWith(': options') ? `${place.slice(0, -9)}: ${name}` : `${place}.${name}`
  const owner = Object.entries(elsewhere).find(([, other]) => Object.hasOwn(other, name))?.[0]
  if (owner !== undefined) return invalid(`${full} is not an option here: give it to ${owner}.`)
  const known = Object.keys(table)
  const meant = meaning(name, known)
  if (meant !== null) return invalid(`There is no option ${full}: did you mean ${meant}?`)
  return invalid(`There is no option ${full}: there are ${known.join(', ')}.`)
}

const UNITS = ['ms', 'bytes']

function meaning(name: string, known: readonly string[]): string | null {
  const bare = (one: string): string => one.toLowerCase().replace(/[._-]/g, '')
  // The unit in the name is what people leave out, or add.
  const isSame = (one: string, other: string): boolean =>
    one === other || UNITS.some((unit) => one + unit === other || other + unit === one)
  const same = known.filter((one) => isSame(bare(one), bare(name)))
  if (same.length > 0) return same[0]!
  const other = ELSEWHERE[bare(name)]
  if (other !== undefined && known.includes(other.split(':')[0]!)) return other
  // What is much longer is another word, not a slip.
  const near = likelyMeant(name, known).filter((one) => one.startsWith(name) || Math.abs(one.length - name.length) <= 3)
  return near.length === 0 || near.length > 3 ? null : near.join(' or ')
}

/** By method: what each argument is called and may be, in their order. */
export type MethodTable<Method extends PropertyKey> = Readonly<Record<Method, Table>>

/**
 * From now on methods of this class look at their arguments first. What is wrong is thrown, or makes the promise reject where
 * the method gives one.
 */
export function checkArguments<Method extends string>(
  prototype: Readonly<Record<Method, (...given: never[]) => unknown>>,
  table: MethodTable<Method>,
  fails: 'throws' | 'rejects',
): void {
  for (const method of Object.keys(table) as Method[]) {
    const names = Object.entries<Kind>(table[method])
    const unchecked = prototype[method] as (...given: unknown[]) => unknown
    const checked = function (this: unknown, ...given: unknown[]): unknown {
      try {
        names.forEach(([name, kind], index) => {
          const value = given[index]
          if (value !== undefined || kind.isNeeded) checkValue(kind, value, `${method}: ${name}`)
        })
      } catch (error) {
        if (fails === 'throws') throw error
        return Promise.reject(error)
      }
      return unchecked.apply(this, given)
    }
    Object.defineProperty(prototype, method, { value: checked, writable: true, configurable: true })
  }
}

function invalid(sentence: string): ClientError {
  return new ClientError('INVALID_ARGUMENT', sentence)
}
