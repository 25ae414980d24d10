/**
 * An immutable map with cheap small changes: a large base that is shared by all versions, and a small overlay of what
 * changed since. Reading costs one or two lookups; a changed version copies the overlay only, and now and then (after
 * about the square root of its size in changes) the base. So an image of 10,000 topics costs microseconds to change, an
 * old image stays valid for whoever reads it, and the undo of a decision is the reference to the image before it.
 */
const OVERLAY_SIZE_MIN = 64

export class PersistentMap<Key, Value> {
  readonly #base: ReadonlyMap<Key, Value>
  /** Undefined: deleted from the base. */
  readonly #overlay: ReadonlyMap<Key, Value | undefined>
  readonly size: number

  private constructor(base: ReadonlyMap<Key, Value>, overlay: ReadonlyMap<Key, Value | undefined>, size: number) {
    this.#base = base
    this.#overlay = overlay
    this.size = size
  }

  static empty<Key, Value>(): PersistentMap<Key, Value> {
    return new PersistentMap<Key, Value>(new Map(), new Map(), 0)
  }

  get(key: Key): Value | undefined {
    if (this.#overlay.size === 0) return this.#base.get(key)
    return this.#overlay.has(key) ? this.#overlay.get(key) : this.#base.get(key)
  }

  has(key: Key): boolean {
    return this.get(key) !== undefined
  }

  /** In no particular order. */
  *entries(): IterableIterator<[Key, Value]> {
    if (this.#overlay.size === 0) {
      yield* this.#base.entries()
      return
    }
    for (const entry of this.#base) if (!this.#overlay.has(entry[0])) yield entry
    for (const [key, value] of this.#overlay) if (value !== undefined) yield [key, value]
  }

  *values(): IterableIterator<Value> {
    for (const entry of this.entries()) yield entry[1]
  }

  *keys(): IterableIterator<Key> {
    for (const entry of this.entries()) yield entry[0]
  }

  /** A new version; undefined deletes. */
  with(changes: ReadonlyMap<Key, Value | undefined>): PersistentMap<Key, Value> {
    if (changes.size === 0) return this
    let size = this.size
    for (const [key, value] of changes) {
      if (this.has(key) !== (value !== undefined)) size += value === undefined ? -1 : 1
    }
    const overlay = new Map(this.#overlay)
    for (const [key, value] of changes) {
      if (value === undefined && !this.#base.has(key)) overlay.delete(key)
      else overlay.set(key, value)
    }
    if (overlay.size <= Math.max(OVERLAY_SIZE_MIN, Math.sqrt(this.#base.size))) {
      return new PersistentMap(this.#base, overlay, size)
    }
    const base = new Map(this.#base)
    for (const [key, value] of overlay) {
      if (value === undefined) base.delete(key)
      else base.set(key, value)
    }
    return new PersistentMap(base, new Map(), size)
  }
}
