/** Values for a performance test, one after the other. Making one costs less than sending it: letters are drawn beforehand. */
import type { Random } from '../../world/world.ts'
import type { Payload } from './producer-perf-options.ts'

const DRAWN_BYTES = 65_536
/** Different values before they come again. */
const VALUES = 1024

/** What it gives must not be changed. */
export function payloads(payload: Payload, random: Random): (index: number) => Buffer {
  if (payload.kind === 'monotonic') return (index) => Buffer.from(String(index))
  if (payload.kind === 'any') {
    const { values } = payload
    return () => values[random.below(values.length)]!
  }
  const { bytes } = payload
  const letters = Buffer.alloc(DRAWN_BYTES + bytes)
  for (let at = 0; at < letters.length; at++) letters[at] = 65 + random.below(26)
  const values = Array.from({ length: VALUES }, () => {
    const from = random.below(DRAWN_BYTES)
    return letters.subarray(from, from + bytes)
  })
  return (index) => values[index % VALUES]!
}
