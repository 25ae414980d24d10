/**
 * What goes by itself: offsets whose time is over, groups that are empty and hold nothing, offsets of deleted topics.
 *
 * An offset expires `offsets.retention.minutes` after: the group became empty, for a group that had members; its commit,
 * for a simple group and for topics that no member of a Stable consumer group subscribes to. An expiry of its own (v2-4
 * commits) goes before all of that. Nothing expires while a transaction that may change it is open. Groups of types
 * that aren't served are left alone.
 */
import { clampInt64 } from '../../base/int64.ts'
import type { TopicsImage } from '../../metadata/topics-image.ts'
import { ClassicGroup } from './classic-group.ts'
import { CONSUMER_PROTOCOL_TYPE } from './subscription.ts'
import type { GroupState } from './group-state.ts'
import type { CommittedOffset } from './offsets.ts'
import { decision, type GroupDecider, type GroupDecision, type GroupEnvironment } from './requests.ts'

const EXPIRY_KEY = 'expire-groups'

/** Starts the timer of a partition that was loaded; each round sets the next one. */
export function scheduleExpiry(environment: GroupEnvironment, into: GroupDecision): void {
  const round: GroupDecider = (state, nowMs) => {
    const next = expire(state, nowMs, environment)
    scheduleExpiry(environment, next)
    return next
  }
  into.schedule(EXPIRY_KEY, environment.config.current.offsetsRetentionCheckIntervalMs, round)
}

export function expire(state: GroupState, nowMs: number, environment: GroupEnvironment): GroupDecision {
  const into = decision()
  into.isAtomic = false
  state.offsets.sweep()
  const retentionMs = environment.config.current.offsetsRetentionMs
  for (const group of state.groups.values()) {
    if (!(group instanceof ClassicGroup)) continue
    const baseOf = expiryBase(group)
    let holdsOffsets = false
    for (const offset of state.offsets.ofGroup(group.id)) {
      const { topic, partition } = offset
      const isKept =
        baseOf === null ||
        group.isSubscribedTo(topic) ||
        !isExpired(offset, baseOf(offset), nowMs, retentionMs) ||
        state.offsets.isPending(group.id, topic, partition)
      if (isKept) holdsOffsets = true
      else into.append({ kind: 'offset', groupId: group.id, topic, partition, value: null })
    }
    const isBusy = state.offsets.pendingOfGroup(group.id).next().done !== true
    if (group.state === 'Empty' && !holdsOffsets && !isBusy)
      into.append({ kind: 'classic', groupId: group.id, value: null })
  }
  if (into.records.length > 0)
    environment.logger.info(`Removing ${into.records.length} expired offsets and groups without members and offsets`)
  return into
}

/** Offsets of topics that were there before and aren't now, or are others of the same name. */
export function forgetDeleted(state: GroupState, before: TopicsImage, after: TopicsImage): GroupDecision {
  const into = decision()
  into.isAtomic = false
  const gone = new Set<string>()
  for (const name of state.offsets.topics) {
    const id = before.byName(name)?.id
    if (id !== undefined && id !== after.byName(name)?.id) gone.add(name)
  }
  if (gone.size === 0) return into
  for (const { groupId, offset } of state.offsets.ofTopics(gone))
    into.append({ kind: 'offset', groupId, topic: offset.topic, partition: offset.partition, value: null })
  return into
}

/** From when on the retention of an offset counts; null: none of them expires now. */
function expiryBase(group: ClassicGroup): ((offset: CommittedOffset) => number) | null {
  const ofCommit = ({ value }: CommittedOffset): number => clampInt64(value.commitTimestamp)
  if (group.protocolType === null) return ofCommit
  if (group.state === 'Empty') {
    const sinceMs = clampInt64(group.stateSinceMs)
    return sinceMs === -1 ? ofCommit : () => sinceMs
  }
  const isTracked = group.protocolType === CONSUMER_PROTOCOL_TYPE && group.topics !== null
  return isTracked && group.state === 'Stable' ? ofCommit : null
}

function isExpired({ value }: CommittedOffset, baseMs: number, nowMs: number, retentionMs: number): boolean {
  const expireMs = clampInt64(value.expireTimestamp)
  return expireMs === -1 ? nowMs - baseMs >= retentionMs : nowMs >= expireMs
}
