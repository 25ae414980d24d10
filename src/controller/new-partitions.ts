/** Replica lists of partitions to be made, given by the caller or placed, as partitions of the image. */
import { KafkaError } from '../base/errors.ts'
import { DIRECTORY_MIGRATING, DIRECTORY_UNASSIGNED, type Uuid } from '../base/uuid.ts'
import { isActive, type ClusterImage } from '../metadata/cluster-image.ts'
import type { PartitionImage } from '../metadata/topics-image.ts'

/** @throws KafkaError INVALID_REPLICA_ASSIGNMENT; `replicationFactor` null: not known yet. */
export function validateAssignment(
  cluster: ClusterImage,
  replicas: readonly number[],
  replicationFactor: number | null,
): void {
  if (replicas.length === 0) throw invalid('The manual partition assignment includes an empty replica list.')
  const seen = new Set<number>()
  for (const id of [...replicas].sort((left, right) => left - right)) {
    if (!cluster.brokers.has(id)) {
      throw invalid(`The manual partition assignment includes broker ${id}, but no such broker is registered.`)
    }
    if (seen.has(id)) throw invalid(`The manual partition assignment includes the broker ${id} more than once.`)
    seen.add(id)
  }
  if (replicationFactor !== null && replicas.length !== replicationFactor) {
    throw invalid(
      `The manual partition assignment includes a partition with ${replicas.length} replica(s), but this is not ` +
        `consistent with previous partitions, which have ${replicationFactor} replica(s).`,
    )
  }
}

/** Null if no replica could be in sync: all are fenced or shutting down. */
export function newPartition(cluster: ClusterImage, replicas: readonly number[]): PartitionImage | null {
  const isr = replicas.filter((id) => {
    const broker = cluster.brokers.get(id)
    return broker !== undefined && isActive(broker)
  })
  const leader = isr[0]
  if (leader === undefined) return null
  return {
    replicas,
    directories: replicas.map((id) => defaultDirectory(cluster, id)),
    isr,
    leader,
    leaderEpoch: 0,
    partitionEpoch: 0,
    addingReplicas: [],
    removingReplicas: [],
    leaderRecoveryState: 0,
    elr: [],
    lastKnownElr: [],
  }
}

/** Only a broker with one directory leaves no choice. */
export function defaultDirectory(cluster: ClusterImage, id: number): Uuid {
  const directories = cluster.brokers.get(id)?.directories
  if (directories === undefined) return DIRECTORY_UNASSIGNED
  if (directories.length === 0) return DIRECTORY_MIGRATING
  return directories.length === 1 ? (directories[0] ?? DIRECTORY_UNASSIGNED) : DIRECTORY_UNASSIGNED
}

const invalid = (detail: string): KafkaError => new KafkaError('INVALID_REPLICA_ASSIGNMENT', detail)
