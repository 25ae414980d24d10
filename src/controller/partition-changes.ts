/**
 * How a partition's leader and ISR change: which replica may lead, and the record that says so. The first acceptable
 * replica in the order of preference that is in sync leads; the last member of an ISR is never removed; without an
 * acceptable member the partition has no leader. A change of nothing is no record.
 *
 * Eligible leader replicas (KIP-966) aren't kept here, but a directory of Kafka's may state some: partitions whose ISR is
 * empty. Such a replica has everything that was committed and may lead; of the last known leader that isn't certain.
 */
import type { Uuid } from '../base/uuid.ts'
import { isActive } from '../metadata/cluster-image.ts'
import { CONFIG_RESOURCE } from '../metadata/configs-image.ts'
import { elrSupported, isrShrinkKeepsLeaderEpoch, partitionRecordVersion } from '../metadata/features.ts'
import type { MetadataImage } from '../metadata/image.ts'
import { directoryOf, hasOnlineDirectory } from '../metadata/online-directories.ts'
import { metadataRecord, type MetadataRecord } from '../metadata/metadata-records.ts'
import type { PartitionImage, TopicImage } from '../metadata/topics-image.ts'

export const NO_LEADER = -1
const NO_LEADER_CHANGE = -2
const RECOVERING = 1

/** online: keep a good leader, else the first good replica. preferred: the first replica if good. unclean: any live one. */
export type Election = 'online' | 'preferred' | 'unclean'

export interface ChangeWanted {
  readonly topicId: Uuid
  readonly partitionId: number
  readonly partition: PartitionImage
  readonly isr: readonly number[]
  readonly election: Election
  readonly mayLead: (brokerId: number) => boolean
  /** Stated by the leader (AlterPartition). */
  readonly leaderRecoveryState?: number
}

/** Null if nothing changes. */
export function partitionChange(image: MetadataImage, asked: ChangeWanted): MetadataRecord | null {
  const { topicId, partitionId, partition } = asked
  // A live broker whose log directory is gone can't lead what was in it (KIP-858).
  const mayLead = (id: number): boolean => asked.mayLead(id) && hasOnlineDirectory(image, partition, id)
  const wanted = { ...asked, mayLead }
  const level = image.features.metadataVersion
  // Without eligible leader replicas an ISR never becomes empty: its last member is the one that has everything.
  let isr = wanted.isr.length === 0 ? partition.isr : wanted.isr
  let leaderRecoveryState = -1
  let leader = elect(wanted, isr)
  if (leader === NO_LEADER) {
    leader = electUncleanly(wanted, isr)
    if (leader !== NO_LEADER) {
      isr = [leader]
      if (partition.leaderRecoveryState !== RECOVERING) leaderRecoveryState = RECOVERING
    }
  } else if (!isr.includes(leader)) isr = [leader]
  const stated = wanted.leaderRecoveryState
  if (stated !== undefined && stated !== partition.leaderRecoveryState) leaderRecoveryState = stated
  const isrChanged = !sameList(isr, partition.isr)
  const shrinks = partition.isr.some((id) => !isr.includes(id))
  const newEpoch = leader !== partition.leader || (shrinks && !isrShrinkKeepsLeaderEpoch(level))
  if (!newEpoch && !isrChanged && leaderRecoveryState === -1) return null
  return metadataRecord('PartitionChangeRecord', partitionRecordVersion(level), {
    partitionId,
    topicId,
    isr: isrChanged ? isr : null,
    leader: newEpoch ? leader : NO_LEADER_CHANGE,
    leaderRecoveryState,
    ...(elrSupported(level) && leader !== NO_LEADER ? withoutEligible(partition, isr) : {}),
  })
}

/** Who is in the ISR is not named as eligible, and a partition with a leader has no last known one. */
function withoutEligible({ elr, lastKnownElr }: PartitionImage, isr: readonly number[]): EligibleChange {
  const others = elr.filter((id) => !isr.includes(id))
  return {
    ...(others.length < elr.length ? { eligibleLeaderReplicas: others } : {}),
    ...(lastKnownElr.length > 0 ? { lastKnownElr: [] } : {}),
  }
}

interface EligibleChange {
  readonly eligibleLeaderReplicas?: readonly number[]
  readonly lastKnownElr?: readonly number[]
}

function elect({ partition, election, mayLead }: ChangeWanted, isr: readonly number[]): number {
  const good = (id: number): boolean => (isr.includes(id) || partition.elr.includes(id)) && mayLead(id)
  const [preferred] = partition.replicas
  if (election === 'preferred' && preferred !== undefined && good(preferred)) return preferred
  if (good(partition.leader)) return partition.leader
  return partition.replicas.find(good) ?? NO_LEADER
}

/** One that may lack records: the last known leader if nobody else is known to have them, else any where it is allowed. */
function electUncleanly({ partition, election, mayLead }: ChangeWanted, isr: readonly number[]): number {
  const [last, ...others] = partition.lastKnownElr
  const isLast = last !== undefined && others.length === 0 && isr.length === 0 && partition.elr.length === 0
  if (isLast && mayLead(last)) return last
  return election === 'unclean' ? (partition.replicas.find(mayLead) ?? NO_LEADER) : NO_LEADER
}

function sameList(left: readonly number[], right: readonly number[]): boolean {
  return left.length === right.length && left.every((id, index) => id === right[index])
}

export const isActiveBroker = (image: MetadataImage, id: number): boolean => {
  const broker = image.cluster.brokers.get(id)
  return broker !== undefined && isActive(broker)
}

/** unclean.leader.election.enable: of the topic, else of the cluster. */
export function uncleanElectionAllowed(image: MetadataImage, topic: string): boolean {
  const key = 'unclean.leader.election.enable'
  const { TOPIC, BROKER } = CONFIG_RESOURCE
  return (image.configs.get(TOPIC, topic).get(key) ?? image.configs.get(BROKER, '').get(key)) === 'true'
}

/** The broker may not lead any more and leaves every ISR where others remain (fenced, shutting down, unregistered). */
export function brokerLeaves(image: MetadataImage, brokerId: number): MetadataRecord[] {
  const mayLead = (id: number): boolean => id !== brokerId && isActiveBroker(image, id)
  return changesOf(image, (partition) => partition.isr.includes(brokerId) || partition.leader === brokerId, {
    isrOf: (partition) => partition.isr.filter((id) => id !== brokerId),
    mayLead,
  })
}

/** Directories of a live broker failed: it leads nothing that was in them, and leaves those ISRs where others remain. */
export function directoriesFail(image: MetadataImage, brokerId: number, failed: readonly Uuid[]): MetadataRecord[] {
  const isGone = (partition: PartitionImage): boolean => {
    const directory = directoryOf(partition, brokerId)
    return directory !== null && failed.includes(directory)
  }
  return changesOf(image, isGone, {
    isrOf: (partition) => partition.isr.filter((id) => id !== brokerId),
    mayLead: (id) => id !== brokerId && isActiveBroker(image, id),
  })
}

/** The broker may lead now: partitions without a leader get one where it is in sync. */
export function brokerArrives(image: MetadataImage, brokerId: number): MetadataRecord[] {
  const mayLead = (id: number): boolean => id === brokerId || isActiveBroker(image, id)
  return changesOf(image, (partition) => partition.leader === NO_LEADER && partition.replicas.includes(brokerId), {
    isrOf: (partition) => partition.isr,
    mayLead,
  })
}

function changesOf(
  image: MetadataImage,
  concerns: (partition: PartitionImage) => boolean,
  change: { isrOf: (partition: PartitionImage) => readonly number[]; mayLead: (id: number) => boolean },
): MetadataRecord[] {
  const records: MetadataRecord[] = []
  for (const topic of image.topics.all()) {
    for (const [partitionId, partition] of topic.partitions.entries()) {
      if (!concerns(partition)) continue
      const record = partitionChange(image, {
        topicId: topic.id,
        partitionId,
        partition,
        isr: change.isrOf(partition),
        election: electionOf(image, topic),
        mayLead: change.mayLead,
      })
      if (record !== null) records.push(record)
    }
  }
  return records
}

function electionOf(image: MetadataImage, topic: TopicImage): Election {
  return uncleanElectionAllowed(image, topic.name) ? 'unclean' : 'online'
}

export function hasLeaderships(image: MetadataImage, brokerId: number): boolean {
  for (const topic of image.topics.all()) {
    if (topic.partitions.some((partition) => partition.leader === brokerId)) return true
  }
  return false
}
