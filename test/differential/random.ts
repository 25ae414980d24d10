/** Choices from a seed: the same seed makes the same run. */
export class Choices {
  #state: number

  constructor(seed: number) {
    this.#state = (seed ^ 0x9e3779b9) >>> 0
    for (let i = 0; i < 4; i++) this.#next()
  }

  /** 0 ≤ value < `bound`. */
  below(bound: number): number {
    return Math.floor((this.#next() / 0x1_0000_0000) * bound)
  }

  chance(probability: number): boolean {
    return this.#next() < probability * 0x1_0000_0000
  }

  pick<T>(values: readonly T[]): T {
    const value = values[this.below(values.length)]
    if (value === undefined && values.length === 0) throw new Error('nothing to pick from')
    return value as T
  }

  /** By weight. */
  weighted<T>(entries: readonly (readonly [weight: number, value: T])[]): T {
    let at = this.below(entries.reduce((sum, [weight]) => sum + weight, 0))
    for (const [weight, value] of entries) {
      if (at < weight) return value
      at -= weight
    }
    throw new Error('no weights')
  }

  #next(): number {
    // mulberry32
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
}
