/**
 * Which partition of an internal topic owns a key: `|hash| % partitions` of Java's String.hashCode, which runs over
 * UTF-16 units. The one hash without an absolute value counts as 0; the sign bit is not masked out, as it is elsewhere.
 * The same for groups, transactional ids and share keys; FindCoordinator answers the leader of that partition.
 */
import { javaHashCode } from '../../base/java-hash.ts'

export function partitionOfKey(key: string, partitions: number): number {
  const hash = javaHashCode(key)
  return hash === -0x8000_0000 ? 0 : Math.abs(hash) % partitions
}
