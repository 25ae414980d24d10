/**
 * Which partition of an internal topic owns a key, by Java's hash of it. The same for groups, transactional ids and share
 * keys; FindCoordinator answers the leader of that partition.
 */
import { bucketOf, javaHashCode } from '../../base/java-hash.ts'

export function partitionOfKey(key: string, partitions: number): number {
  return bucketOf(javaHashCode(key), partitions)
}
