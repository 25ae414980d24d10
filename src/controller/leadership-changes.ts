/**
 * What becomes of partitions when a broker or a log directory comes or goes, and what the controller does of itself now and then:
 * preferred elections, and unclean ones for partitions that have no leader where they are allowed.
 */
import type { Uuid } from '../base/uuid.ts'
import { isActive } from '../metadata/cluster-image.ts'
import type { MetadataImage } from '../metadata/image.ts'
import { directoryOf } from '../metadata/online-directories.ts'
import type { MetadataRecord } from '../metadata/metadata-records.ts'
import type { PartitionImage } from '../metadata/topics-image.ts'
import type { ControllerState } from './decision.ts'
import { partitionChange, type ChangeWanted, type Election } from './partition-changes.ts'
import type { FoundTopic } from './partition-index.ts'
import { topicRules, type TopicRules } from './topic-rules.ts'

export type Leadership = Pick<ControllerState, 'image' | 'rules' | 'partitions'>

export const isActiveBroker = (image: MetadataImage, id: number): boolean => {
  const broker = image.cluster.brokers.get(id)
  return broker !== undefined && isActive(broker)
}

/** By itself a partition that may elect uncleanly does so as soon as it must. */
export const ownElection = (rules: TopicRules): Election => (rules.mayElectUncleanly ? 'unclean' : 'online')

/** The broker may not lead any more and leaves every ISR (fenced, shutting down, replaced by a process that shut down cleanly). */
export function brokerLeaves(state: Leadership, brokerId: number): MetadataRecord[] {
  return changesOf(state, state.partitions.inSyncOn(brokerId), leaving(state.image, brokerId))
}

/** As `brokerLeaves`, for good. */
export function brokerIsUnregistered(state: Leadership, brokerId: number): MetadataRecord[] {
  const leaves = leaving(state.image, brokerId)
  return [
    ...changesOf(state, state.partitions.inSyncOn(brokerId), leaves),
    ...changesOf(state, state.partitions.eligibleOn(brokerId), leaves),
  ]
}

/** A process that did not shut down cleanly may have lost what was not on disk yet: its replicas aren't eligible either. */
export function brokerLosesReplicas(state: Leadership, brokerId: number): MetadataRecord[] {
  const loses = { ...leaving(state.image, brokerId), lostReplica: brokerId }
  return [
    ...changesOf(state, state.partitions.inSyncOn(brokerId), loses),
    ...changesOf(state, state.partitions.eligibleOn(brokerId), loses),
  ]
}

/** Directories of a live broker failed: it leads nothing that was in them, and leaves those ISRs. */
export function directoriesFail(state: Leadership, brokerId: number, failed: readonly Uuid[]): MetadataRecord[] {
  const isGone = (partition: PartitionImage): boolean => {
    const directory = directoryOf(partition, brokerId)
    return directory !== null && failed.includes(directory)
  }
  return changesOf(state, state.partitions.inSyncOn(brokerId), leaving(state.image, brokerId), isGone)
}

/** The broker may lead now: partitions without a leader get one where it has what was committed. */
export function brokerArrives(state: Leadership, brokerId: number): MetadataRecord[] {
  const { image } = state
  const mayLead = (id: number): boolean => id === brokerId || isActiveBroker(image, id)
  return changesOf(state, state.partitions.leaderless(), { mayLead, isr: asItIs })
}

/** Records that give partitions back to their preferred leaders, at most `count`. */
export function preferredElections(state: Leadership, count: number): MetadataRecord[] {
  return elections(state, state.partitions.imbalanced(), count, () => 'preferred')
}

/** Records that give leaders to partitions that have none and may elect uncleanly, at most `count`. */
export function uncleanElections(state: Leadership, count: number): MetadataRecord[] {
  return elections(state, state.partitions.leaderless(), count, (rules) => (rules.mayElectUncleanly ? 'unclean' : null))
}

interface Change {
  readonly mayLead: ChangeWanted['mayLead']
  readonly isr: (partition: PartitionImage) => readonly number[]
  readonly lostReplica?: number
}

const asItIs: Change['isr'] = ({ isr }) => isr

function leaving(image: MetadataImage, brokerId: number): Change {
  return {
    mayLead: (id) => id !== brokerId && isActiveBroker(image, id),
    isr: ({ isr }) => isr.filter((id) => id !== brokerId),
  }
}

function changesOf(
  { image, rules }: Leadership,
  found: Iterable<FoundTopic>,
  { mayLead, isr, lostReplica }: Change,
  concerns: (partition: PartitionImage) => boolean = () => true,
): MetadataRecord[] {
  const records: MetadataRecord[] = []
  for (const { topic, partitions } of found) {
    const ofTopic = topicRules(image, rules, topic)
    for (const partitionId of partitions) {
      const partition = topic.partitions[partitionId]
      if (partition === undefined || !concerns(partition)) continue
      const record = partitionChange(image, {
        topicId: topic.id,
        partitionId,
        partition,
        rules: ofTopic,
        election: ownElection(ofTopic),
        mayLead,
        isr: isr(partition),
        ...(lostReplica === undefined ? {} : { lostReplica }),
      })
      if (record !== null) records.push(record)
    }
  }
  return records
}

function elections(
  { image, rules }: Leadership,
  found: Iterable<FoundTopic>,
  count: number,
  electionOf: (rules: TopicRules) => Election | null,
): MetadataRecord[] {
  const records: MetadataRecord[] = []
  for (const { topic, partitions } of found) {
    const ofTopic = topicRules(image, rules, topic)
    const election = electionOf(ofTopic)
    if (election === null) continue
    for (const partitionId of partitions) {
      if (records.length >= count) return records
      const partition = topic.partitions[partitionId]
      if (partition === undefined) continue
      const mayLead = (id: number): boolean => isActiveBroker(image, id)
      const wanted = { topicId: topic.id, partitionId, partition, rules: ofTopic, election, mayLead }
      const record = partitionChange(image, wanted)
      if (record !== null) records.push(record)
    }
  }
  return records
}
