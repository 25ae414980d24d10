/** Java's String.hashCode, over UTF-16 units: what Kafka spreads keys and partitions by. */
export function javaHashCode(text: string): number {
  let hash = 0
  for (let at = 0; at < text.length; at++) hash = (Math.imul(hash, 31) + text.charCodeAt(at)) | 0
  return hash
}

/** What Java's HashMap begins with, and how full it gets before it doubles. */
const BUCKETS = 16
const LOAD_FACTOR = 0.75

/** In the order of a walk over Java's HashMap, into which `names` were put one after the other; each stands once. */
export function inHashMapOrder(names: readonly string[]): string[] {
  let buckets = BUCKETS
  while (names.length > buckets * LOAD_FACTOR) buckets *= 2
  const bucket = (name: string): number => {
    const hash = javaHashCode(name)
    return (hash ^ (hash >>> 16)) & (buckets - 1)
  }
  return names.toSorted((left, right) => bucket(left) - bucket(right))
}

/** `|hash| % count`. The one hash without an absolute value counts as 0; the sign bit is not masked out, as it is elsewhere. */
export function bucketOf(hash: number, count: number): number {
  return hash === -0x8000_0000 ? 0 : Math.abs(hash) % count
}
