/** In which log directory of its broker a replica lies (KIP-858), and whether that one is there. */
import { DIRECTORY_LOST, DIRECTORY_MIGRATING, DIRECTORY_UNASSIGNED, type Uuid } from '../base/uuid.ts'
import type { BrokerImage } from './cluster-image.ts'
import type { MetadataImage } from './image.ts'
import type { PartitionImage } from './topics-image.ts'

/** Null if the metadata doesn't say. */
export function directoryOf({ replicas, directories }: PartitionImage, brokerId: number): Uuid | null {
  return directories[replicas.indexOf(brokerId)] ?? null
}

/** Of a replica whose directory isn't known nothing bad is known either. */
export function hasOnlineDirectory(image: MetadataImage, partition: PartitionImage, brokerId: number): boolean {
  const directory = directoryOf(partition, brokerId)
  return directory === null || isOnlineDirectory(image.cluster.brokers.get(brokerId), directory)
}

export function isOnlineDirectory(broker: BrokerImage | undefined, directory: Uuid): boolean {
  if (directory === DIRECTORY_UNASSIGNED || directory === DIRECTORY_MIGRATING) return true
  if (directory === DIRECTORY_LOST) return false
  const online = broker?.directories ?? []
  // Registrations before metadata.version 3.7-IV2 state none.
  return online.length === 0 || online.includes(directory)
}
