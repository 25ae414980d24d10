/**
 * What a call over many keys gives back: for each key its value or the error that it met, so that what went wrong with one
 * never throws away the others. Every such method of the Admin answers in this one shape.
 *
 *     const created = await admin.createTopics([{ name: 'a' }, { name: 'b' }])
 *     created.all()                                   // throws if one failed
 *     for (const [name, outcome] of created) …        // outcome is an Error or the value
 *
 * Keys are text, numbers, or plain objects ({ topic, partition }) which are compared by what they say.
 */
import { ClientError } from '../errors.ts'

/** How keys of one kind are told apart. */
export type KeyText<Key> = (key: Key) => string

export class Outcomes<Key, Value> {
  readonly #textOf: KeyText<Key>
  readonly #entries: ReadonlyMap<string, readonly [Key, Value | Error]>

  constructor(textOf: KeyText<Key>, entries: Iterable<readonly [Key, Value | Error]>) {
    this.#textOf = textOf
    this.#entries = new Map([...entries].map((entry) => [textOf(entry[0]), entry]))
  }

  get size(): number {
    return this.#entries.size
  }

  /** In the order in which they were asked for. */
  [Symbol.iterator](): IterableIterator<readonly [Key, Value | Error]> {
    return this.#entries.values()
  }

  has(key: Key): boolean {
    return this.#entries.has(this.#textOf(key))
  }

  /** @throws ClientError INVALID_ARGUMENT for a key that was not asked for. */
  outcome(key: Key): Value | Error {
    const entry = this.#entries.get(this.#textOf(key))
    if (entry !== undefined) return entry[1]
    throw new ClientError('INVALID_ARGUMENT', `${this.#textOf(key)} is not among what was asked for.`)
  }

  /** @throws the error that the key met. */
  get(key: Key): Value {
    const outcome = this.outcome(key)
    if (outcome instanceof Error) throw outcome
    return outcome
  }

  /** @throws the first error of any key. */
  all(): Map<Key, Value> {
    const values = new Map<Key, Value>()
    for (const [key, outcome] of this) {
      if (outcome instanceof Error) throw outcome
      values.set(key, outcome)
    }
    return values
  }

  /** What did succeed. */
  values(): Map<Key, Value> {
    const values = new Map<Key, Value>()
    for (const [key, outcome] of this) if (!(outcome instanceof Error)) values.set(key, outcome)
    return values
  }

  /** What did not. */
  errors(): Map<Key, Error> {
    const errors = new Map<Key, Error>()
    for (const [key, outcome] of this) if (outcome instanceof Error) errors.set(key, outcome)
    return errors
  }

  /** The same keys with what `change` makes of each value; what it throws becomes the key's error. */
  map<Other>(change: (value: Value, key: Key) => Other): Outcomes<Key, Other> {
    const entries: [Key, Other | Error][] = []
    for (const [key, outcome] of this) {
      if (outcome instanceof Error) entries.push([key, outcome])
      else {
        try {
          entries.push([key, change(outcome, key)])
        } catch (error) {
          entries.push([key, error instanceof Error ? error : new Error(String(error))])
        }
      }
    }
    return new Outcomes(this.#textOf, entries)
  }
}

/** A list that is put together from what several brokers tell: what came, and what each broker met that failed. */
export class Listing<Item> {
  readonly valid: readonly Item[]
  readonly errors: readonly Error[]

  constructor(valid: readonly Item[], errors: readonly Error[]) {
    this.valid = valid
    this.errors = errors
  }

  /** @throws the first error of any broker. */
  all(): readonly Item[] {
    if (this.errors[0] !== undefined) throw this.errors[0]
    return this.valid
  }
}
