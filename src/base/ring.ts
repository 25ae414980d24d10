/**
 * A queue in one array that is used round and round: in steady state it makes no garbage, and what it holds needs no object
 * around it. Places are counted from the first that was ever put, so they stay right while the queue moves on.
 */
import { assert } from './errors.ts'

const FIRST_CAPACITY = 8

export class Ring<Item> {
  #items: Item[] = []
  /** Place of the oldest. */
  #head = 0
  /** Place of the next. */
  #end = 0
  readonly #nothing: Item

  /** @param nothing stands where no item is. */
  constructor(nothing: Item) {
    this.#nothing = nothing
  }

  get head(): number {
    return this.#head
  }

  get end(): number {
    return this.#end
  }

  get length(): number {
    return this.#end - this.#head
  }

  /** `place` must be head … end-1. */
  at(place: number): Item {
    return this.#items[place & (this.#items.length - 1)]!
  }

  set(place: number, item: Item): void {
    this.#items[place & (this.#items.length - 1)] = item
  }

  push(item: Item): void {
    if (this.#end - this.#head === this.#items.length) this.#grow()
    this.#items[this.#end & (this.#items.length - 1)] = item
    this.#end++
  }

  shift(): Item {
    assert(this.#head < this.#end, 'a queue that is shifted holds something')
    const at = this.#head & (this.#items.length - 1)
    const item = this.#items[at]!
    this.#items[at] = this.#nothing
    this.#head++
    return item
  }

  clear(): void {
    this.#items = []
    this.#head = this.#end
  }

  #grow(): void {
    const grown: Item[] = []
    const capacity = Math.max(FIRST_CAPACITY, this.#items.length * 2)
    for (let at = 0; at < capacity; at++) grown.push(this.#nothing)
    for (let place = this.#head; place < this.#end; place++) grown[place & (capacity - 1)] = this.at(place)
    this.#items = grown
  }
}
