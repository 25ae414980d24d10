/** Random numbers of the machine. 32-bit numbers come from a block of entropy, so that a call costs nanoseconds. */
import { assert } from '../../base/errors.ts'
import { nodeCrypto } from '../../base/node-crypto.ts'
import type { Random } from '../world.ts'

const block = new Uint32Array(256)
let used = block.length

function uint32(): number {
  if (used === block.length) {
    nodeCrypto().randomFillSync(block)
    used = 0
  }
  const value = block[used] ?? 0
  block[used] = 0 // a number once given is not to be found in memory again
  used += 1
  return value
}

export const nodeRandom: Random = {
  uint32,
  below(bound) {
    assert(Number.isInteger(bound) && bound > 0 && bound <= 2 ** 32, 'the bound of a random number is 1 … 2^32')
    // Numbers above the last whole multiple of `bound` would favour small results.
    const limit = 2 ** 32 - (2 ** 32 % bound)
    for (;;) {
      const value = uint32()
      if (value < limit) return value % bound
    }
  },
  bytes: (length) => nodeCrypto().randomBytes(length),
}
