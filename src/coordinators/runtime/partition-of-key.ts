/**
 * Which partition of an internal topic owns a key: `(hash & 0x7fffffff) % partitions` of Java's String.hashCode, which
 * runs over UTF-16 units. The same for groups, transactional ids and share keys; FindCoordinator answers the leader of it.
 */
export function javaHashCode(text: string): number {
  let hash = 0
  for (let at = 0; at < text.length; at++) hash = (Math.imul(hash, 31) + text.charCodeAt(at)) | 0
  return hash
}

export function partitionOfKey(key: string, partitions: number): number {
  return (javaHashCode(key) & 0x7fff_ffff) % partitions
}
