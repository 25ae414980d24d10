/**
 * State that can be taken back to the last commit, and read as of it. Deciders see what was appended; readers outside
 * see what was committed; a lost write is undone in the reverse order of its changes.
 *
 * A mark is a position in the journal. `revertTo(mark)` takes back everything after it; `forgetTo(mark)` makes
 * everything before it final.
 */
import type { ErrorCode } from '../../base/error-codes.ts'

interface Change {
  /** `cause`: why the write is lost that this change rests on. */
  revert(cause: ErrorCode): void
  forget(): void
}

export class UndoLog {
  /** Off while a log is loaded: what was read there is committed. */
  recording = true
  #changes: Change[] = []
  #forgotten = 0

  get mark(): number {
    return this.#forgotten + this.#changes.length
  }

  push(change: Change): void {
    if (this.recording) this.#changes.push(change)
  }

  revertTo(mark: number, cause: ErrorCode): void {
    while (this.mark > mark) {
      const change = this.#changes.pop()
      if (change === undefined) return
      change.revert(cause)
    }
  }

  forgetTo(mark: number): void {
    const count = mark - this.#forgotten
    if (count <= 0) return
    for (const change of this.#changes.splice(0, count)) change.forget()
    this.#forgotten += count
  }
}

/** A map under an undo log. Only keys that changed since the last commit cost more than in a plain map. */
export class TimelineMap<Key, Value extends object> {
  readonly #undo: UndoLog
  readonly #current = new Map<Key, Value>()
  /** What a key held before each change not yet committed, oldest first; null: it was absent. */
  readonly #before = new Map<Key, (Value | null)[]>()

  constructor(undo: UndoLog) {
    this.#undo = undo
  }

  get size(): number {
    return this.#current.size
  }

  get(key: Key): Value | null {
    return this.#current.get(key) ?? null
  }

  getCommitted(key: Key): Value | null {
    const before = this.#before.get(key)?.[0]
    return before === undefined ? this.get(key) : before
  }

  set(key: Key, value: Value): void {
    this.#remember(key)
    this.#current.set(key, value)
  }

  /** What was removed. */
  delete(key: Key): Value | null {
    const value = this.get(key)
    if (value === null) return null
    this.#remember(key)
    this.#current.delete(key)
    return value
  }

  values(): IterableIterator<Value> {
    return this.#current.values()
  }

  keys(): IterableIterator<Key> {
    return this.#current.keys()
  }

  entries(): IterableIterator<[Key, Value]> {
    return this.#current.entries()
  }

  /** Empty, and nothing that could be taken back would change that. */
  get isBare(): boolean {
    return this.#current.size === 0 && this.#before.size === 0
  }

  *committedValues(): Generator<Value> {
    for (const [key, value] of this.#current) if (!this.#before.has(key)) yield value
    for (const before of this.#before.values()) {
      const value = before[0]
      if (value !== undefined && value !== null) yield value
    }
  }

  #remember(key: Key): void {
    if (!this.#undo.recording) return
    const before = this.#before.get(key)
    if (before === undefined) this.#before.set(key, [this.get(key)])
    else before.push(this.get(key))
    this.#undo.push({ revert: () => this.#revert(key), forget: () => this.#forget(key) })
  }

  #revert(key: Key): void {
    const value = this.#before.get(key)?.pop() ?? null
    if (value === null) this.#current.delete(key)
    else this.#current.set(key, value)
    this.#dropEmpty(key)
  }

  #forget(key: Key): void {
    this.#before.get(key)?.shift()
    this.#dropEmpty(key)
  }

  #dropEmpty(key: Key): void {
    if (this.#before.get(key)?.length === 0) this.#before.delete(key)
  }
}
