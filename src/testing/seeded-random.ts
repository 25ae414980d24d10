/**
 * Random numbers of a seed: xoshiro128**, seeded by splitmix32. Each user forks a stream of its own by name, so that one
 * more draw in one place does not change the draws of all others.
 */
import { assert } from '../base/errors.ts'
import type { Random } from '../world/world.ts'

export class SeededRandom implements Random {
  #a: number
  #b: number
  #c: number
  #d: number

  constructor(seed: number) {
    const state: [number, number, number, number] = [0, 0, 0, 0]
    // A seed has up to 53 bits; both halves count.
    let mixed = (seed >>> 0) ^ Math.imul(Math.floor(seed / 2 ** 32), 0x9e3779b1)
    for (let index = 0; index < 4; index++) {
      mixed = (mixed + 0x9e3779b9) | 0
      let word = mixed ^ (mixed >>> 16)
      word = Math.imul(word, 0x21f0aaad)
      word ^= word >>> 15
      word = Math.imul(word, 0x735a2d97)
      state[index] = word ^ (word >>> 15)
    }
    ;[this.#a, this.#b, this.#c, this.#d] = state
  }

  fork(name: string): SeededRandom {
    let seed = this.uint32()
    for (let index = 0; index < name.length; index++) seed = Math.imul(seed ^ name.charCodeAt(index), 0x01000193)
    return new SeededRandom(seed >>> 0)
  }

  uint32(): number {
    const b = this.#b
    const scrambled = Math.imul(b, 5)
    const result = Math.imul((scrambled << 7) | (scrambled >>> 25), 9) >>> 0
    const c = this.#c ^ this.#a
    const d = this.#d ^ b
    this.#b = b ^ c
    this.#a ^= d
    this.#c = c ^ (b << 9)
    this.#d = (d << 11) | (d >>> 21)
    return result
  }

  below(bound: number): number {
    assert(Number.isInteger(bound) && bound > 0 && bound <= 2 ** 32, 'the bound of a random number is 1 … 2^32')
    return this.uint32() % bound
  }

  bytes(length: number): Buffer {
    const bytes = Buffer.alloc(length)
    for (let index = 0; index < length; index++) bytes[index] = this.uint32() >>> 24
    return bytes
  }

  /** From `least` to `most`, both included. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1)
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return probability > 0 && this.uint32() < probability * 2 ** 32
  }

  shuffle<T>(items: readonly T[]): T[] {
    const shuffled = [...items]
    for (let left = shuffled.length - 1; left > 0; left--) {
      const other = this.below(left + 1)
      const [a, b] = [shuffled[left], shuffled[other]]
      if (a !== undefined && b !== undefined) [shuffled[left], shuffled[other]] = [b, a]
    }
    return shuffled
  }
}
