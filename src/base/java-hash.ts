/** Java's String.hashCode, over UTF-16 units: what Kafka spreads keys and partitions by. */
export function javaHashCode(text: string): number {
  let hash = 0
  for (let at = 0; at < text.length; at++) hash = (Math.imul(hash, 31) + text.charCodeAt(at)) | 0
  return hash
}

/** `|hash| % count`. The one hash without an absolute value counts as 0; the sign bit is not masked out, as it is elsewhere. */
export function bucketOf(hash: number, count: number): number {
  return hash === -0x8000_0000 ? 0 : Math.abs(hash) % count
}
