/**
 * The order in which Java's hash maps give their keys. Kafka's sticky assignors go through such maps where ties are broken, so
 * whoever must come to the same assignment as a leader that runs on the JVM must go in the same order.
 *
 * A key lies in the bucket of its spread hash; buckets come in order, keys of one bucket as they were put. A map begins with
 * 16 buckets and doubles them when it is filled to three quarters. (Buckets of more than 8 keys become trees in maps of 64
 * buckets and more; their order by `next` stays that of putting.)
 */
import type { TopicPartition } from '../../topic-partition.ts'

const BUCKETS_MIN = 16

/** Java's String.hashCode. */
export function stringHash(text: string): number {
  let hash = 0
  for (let index = 0; index < text.length; index++) hash = (Math.imul(hash, 31) + text.charCodeAt(index)) | 0
  return hash
}

/** Of Kafka's TopicPartition. */
export function partitionHash({ topic, partition }: TopicPartition): number {
  return (Math.imul(31, (31 + partition) | 0) + stringHash(topic)) | 0
}

/** `keys` in the order of a map that they were put into in theirs, and which never had more of them. */
export function inHashOrder<Key>(keys: Iterable<Key>, hashOf: (key: Key) => number): Key[] {
  const put = [...keys]
  let buckets = BUCKETS_MIN
  while (put.length > buckets * 0.75) buckets *= 2
  const places = put.map((key, index) => {
    const hash = hashOf(key)
    return { key, index, bucket: (hash ^ (hash >>> 16)) & (buckets - 1) }
  })
  places.sort((one, other) => one.bucket - other.bucket || one.index - other.index)
  return places.map(({ key }) => key)
}
