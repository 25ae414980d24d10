/** Java's String.hashCode, over UTF-16 units: what Kafka spreads keys and partitions by. */
export function javaHashCode(text: string): number {
  let hash = 0
  for (let at = 0; at < text.length; at++) hash = (Math.imul(hash, 31) + text.charCodeAt(at)) | 0
  return hash
}
