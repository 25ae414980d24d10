/**
 * The order in which Kafka's assignors go through members: static ones by instance id, then the others by member id; and
 * whether racks say anything about who should read what (KIP-881).
 */
import type { AssignablePartition, MemberSubscription, Subscriptions } from './assignor.ts'

/** Java's order of strings: by UTF-16 code units. */
export function compareStrings(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}

/** Ids of members in order. */
export function inMemberOrder(members: Iterable<readonly [string, MemberSubscription]>): string[] {
  const sorted = [...members].toSorted(([id, { groupInstanceId }], [otherId, { groupInstanceId: otherInstance }]) => {
    if (groupInstanceId !== null && otherInstance !== null) return compareStrings(groupInstanceId, otherInstance)
    if (groupInstanceId !== null) return -1
    return otherInstance !== null ? 1 : compareStrings(id, otherId)
  })
  return sorted.map(([id]) => id)
}

/** Racks of members that tell one. */
export function racksOf(members: Subscriptions): Map<string, string> {
  const racks = new Map<string, string>()
  for (const [id, { rackId }] of members) if (rackId !== null && rackId !== '') racks.set(id, rackId)
  return racks
}

/** Racks that hold a replica. */
export function replicaRacks({ racks }: AssignablePartition): Set<string> {
  return new Set(racks.filter((rack) => rack !== null))
}

/** Not where no member is in a rack with a replica, nor where every rack has everything. */
export function racksMatter(memberRacks: ReadonlySet<string>, partitions: readonly ReadonlySet<string>[]): boolean {
  const all = new Set<string>()
  for (const racks of partitions) for (const rack of racks) all.add(rack)
  if (![...memberRacks].some((rack) => all.has(rack))) return false
  return !partitions.every((racks) => racks.size === all.size)
}
