/**
 * One change of a partition: what is wanted of its ISR, replicas or directories goes in, and the record that does it comes
 * out, with everything that follows from it: a reassignment that is complete, another leader, eligible leader replicas
 * (KIP-966), a leader epoch that must grow. A change of nothing is no record.
 *
 * A leader is in sync; only where nobody is may an eligible replica lead, which has everything that was committed. Without
 * eligible.leader.replicas.version the last member of an ISR stays in it: it is the one that has everything.
 */
import type { Uuid } from '../base/uuid.ts'
import { directoriesSupported, isrShrinkKeepsLeaderEpoch, partitionRecordVersion } from '../metadata/features.ts'
import type { MetadataImage } from '../metadata/image.ts'
import { hasOnlineDirectory } from '../metadata/online-directories.ts'
import { metadataRecord, type MetadataRecord } from '../metadata/metadata-records.ts'
import type { PartitionImage } from '../metadata/topics-image.ts'
import { defaultDirectory } from './new-partitions.ts'
import { isReassigning, withoutRemoved } from './reassigned-replicas.ts'
import type { TopicRules } from './topic-rules.ts'

export const NO_LEADER = -1
export const NO_LEADER_CHANGE = -2
export const RECOVERED = 0
export const RECOVERING = 1
const UNCHANGED = -1

/** online: keep a good leader, else the first good replica. preferred: the first replica if good. unclean: any live one. */
export type Election = 'online' | 'preferred' | 'unclean'

/** What isn't named stays as it is. */
export interface ChangeWanted {
  readonly topicId: Uuid
  readonly partitionId: number
  readonly partition: PartitionImage
  readonly rules: TopicRules
  readonly election: Election
  readonly mayLead: (brokerId: number) => boolean
  readonly isr?: readonly number[]
  readonly replicas?: readonly number[]
  readonly adding?: readonly number[]
  readonly removing?: readonly number[]
  /** May have lost what it had: neither in sync nor eligible. */
  readonly lostReplica?: number
  /** Stated by the leader (AlterPartition). */
  readonly leaderRecoveryState?: number
  /** Where a replica lies. */
  readonly directory?: { readonly brokerId: number; readonly id: Uuid }
}

/** What the partition comes to, but for its leader, who is elected from it. */
interface Target {
  isr: readonly number[]
  replicas: readonly number[]
  adding: readonly number[]
  removing: readonly number[]
  elr: readonly number[]
}

interface Fields {
  isr: readonly number[] | null
  leader: number
  leaderRecoveryState: number
  eligibleLeaderReplicas: readonly number[] | null
  lastKnownElr: readonly number[] | null
}

/** Null if nothing changes. */
export function partitionChange(image: MetadataImage, asked: ChangeWanted): MetadataRecord | null {
  const { topicId, partitionId, partition, rules } = asked
  const level = image.features.metadataVersion
  // A live broker whose log directory is gone can't lead what was in it (KIP-858).
  const mayLead = (id: number): boolean => asked.mayLead(id) && hasOnlineDirectory(image, partition, id)
  const wanted = { ...asked, mayLead }
  const target: Target = {
    isr: asked.isr ?? partition.isr,
    replicas: asked.replicas ?? partition.replicas,
    adding: asked.adding ?? partition.addingReplicas,
    removing: asked.removing ?? partition.removingReplicas,
    elr: partition.elr,
  }
  const fields: Fields = {
    isr: null,
    leader: NO_LEADER_CHANGE,
    leaderRecoveryState: UNCHANGED,
    eligibleLeaderReplicas: null,
    lastKnownElr: null,
  }
  // The order is that of what depends on what: who leads depends on who is left, epochs on whether the leader changed.
  completeReassignment(target)
  if (rules.keepsEligible) target.elr = eligibleBeside(target, asked)
  holdElection(wanted, target, fields)
  if (fields.leader === NO_LEADER_CHANGE && !includesAll(target.replicas, partition.replicas)) {
    fields.leader = partition.leader
  }
  if (fields.isr !== null || !rules.keepsEligible) target.elr = []
  if (!sameList(target.elr, partition.elr)) fields.eligibleLeaderReplicas = target.elr
  const mayBeEmpty = rules.keepsEligible || target.isr.length > 0
  if (fields.isr === null && mayBeEmpty && !sameList(target.isr, partition.isr)) fields.isr = target.isr
  const shrinks = fields.isr !== null && !includesAll(fields.isr, partition.isr)
  if (fields.leader === NO_LEADER_CHANGE && shrinks && !isrShrinkKeepsLeaderEpoch(level)) {
    fields.leader = partition.leader
  }
  if (rules.keepsEligible) fields.lastKnownElr = lastKnownLeader(partition, fields.leader)
  const stated = asked.leaderRecoveryState
  if (stated !== undefined && stated !== partition.leaderRecoveryState) fields.leaderRecoveryState = stated
  const assignment = assignmentChanges(image, asked, target)
  const isNothing =
    fields.leader === NO_LEADER_CHANGE &&
    fields.leaderRecoveryState === UNCHANGED &&
    [fields.isr, fields.eligibleLeaderReplicas, fields.lastKnownElr, ...Object.values(assignment)].every(isNull)
  if (isNothing) return null
  const data = { partitionId, topicId, ...fields, ...assignment }
  return metadataRecord('PartitionChangeRecord', partitionRecordVersion(level), data)
}

/**
 * Done when every replica that is added is in sync, and one that stays; where fewer are added than removed, when all that stay are: the
 * partition would otherwise end with fewer in sync than it began with.
 */
function completeReassignment(target: Target): void {
  const { adding, removing } = target
  if (!isReassigning(adding, removing)) return
  const isr = withoutRemoved(target.isr, removing)
  const replicas = withoutRemoved(target.replicas, removing)
  if (isr.length === 0 || replicas.length === 0 || !includesAll(isr, adding)) return
  if (adding.length < removing.length && !includesAll(isr, replicas)) return
  target.isr = isr
  target.replicas = replicas
  target.adding = []
  target.removing = []
}

/**
 * While the ISR is below the minimum nothing new is committed: who was in sync meanwhile has all that ever was. Of the replicas
 * that stay, only: Kafka names those that a completed reassignment removed too, which could not lead anyway.
 */
function eligibleBeside({ isr, replicas }: Target, { partition, rules, lostReplica }: ChangeWanted): readonly number[] {
  if (isr.length >= rules.minIsr) return []
  const candidates = new Set([...partition.elr, ...partition.isr])
  return [...candidates]
    .filter((id) => replicas.includes(id) && !isr.includes(id) && id !== lostReplica)
    .sort((left, right) => left - right)
}

function holdElection(wanted: ChangeWanted, target: Target, fields: Fields): void {
  const { partition } = wanted
  const { leader, isClean } = elect(wanted, target)
  if (leader === partition.leader) return
  fields.leader = leader
  if (target.elr.includes(leader)) {
    target.isr = [leader]
    target.elr = target.elr.filter((id) => id !== leader)
  }
  if (isClean) return
  // The others may have what this one lacks: they start again from what it has.
  fields.isr = [leader]
  if (partition.leaderRecoveryState !== RECOVERING) fields.leaderRecoveryState = RECOVERING
}

function elect(wanted: ChangeWanted, target: Target): { leader: number; isClean: boolean } {
  const { partition, election, mayLead, rules } = wanted
  const { isr, elr, replicas } = target
  const isGood = (id: number): boolean => (isr.includes(id) || (isr.length === 0 && elr.includes(id))) && mayLead(id)
  const [preferred] = replicas
  if (election === 'preferred' && preferred !== undefined && isGood(preferred)) {
    return { leader: preferred, isClean: true }
  }
  const good = isGood(partition.leader) ? partition.leader : replicas.find(isGood)
  if (good !== undefined) return { leader: good, isClean: true }
  const [last, ...others] = partition.lastKnownElr
  const isOnlyHope = rules.keepsEligible && elr.length === 0 && isr.length === 0 && others.length === 0
  if (isOnlyHope && last !== undefined && mayLead(last)) return { leader: last, isClean: false }
  const live = election === 'unclean' ? replicas.find(mayLead) : undefined
  return live === undefined ? { leader: NO_LEADER, isClean: true } : { leader: live, isClean: false }
}

/** Who led when the partition lost its leader; forgotten when one leads again. Null: as it is. */
function lastKnownLeader(partition: PartitionImage, leader: number): readonly number[] | null {
  if (leader === NO_LEADER && partition.lastKnownElr.length === 0) return [partition.leader]
  return leader >= 0 && partition.lastKnownElr.length > 0 ? [] : null
}

function assignmentChanges(image: MetadataImage, { partition, directory }: ChangeWanted, target: Target) {
  const { replicas, adding, removing } = target
  const changed = <Item>(after: readonly Item[], before: readonly Item[]): readonly Item[] | null =>
    sameList(after, before) ? null : after
  const directories = replicas.map((id) => {
    if (directory?.brokerId === id) return directory.id
    return partition.directories[partition.replicas.indexOf(id)] ?? defaultDirectory(image.cluster, id)
  })
  return {
    directories: directoriesSupported(image.features.metadataVersion)
      ? changed(directories, partition.directories)
      : null,
    replicas: changed(replicas, partition.replicas),
    removingReplicas: changed(removing, partition.removingReplicas),
    addingReplicas: changed(adding, partition.addingReplicas),
  }
}

const isNull = (value: unknown): boolean => value === null

function includesAll(list: readonly number[], items: readonly number[]): boolean {
  return items.every((id) => list.includes(id))
}

function sameList<Item>(left: readonly Item[], right: readonly Item[]): boolean {
  return left.length === right.length && left.every((item, index) => item === right[index])
}
