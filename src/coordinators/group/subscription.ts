/**
 * Which topics the members of a consumer group subscribe to: offsets of those neither expire nor may be deleted. The
 * subscription is parsed as version 0, the common beginning of all versions, so that newer clients are understood too.
 */
import { ByteReader, MalformedError } from '../../base/byte-reader.ts'
import type { Member } from './member.ts'

export const CONSUMER_PROTOCOL_TYPE = 'consumer'

/** Null if that can't be known: members that are no consumers, or a subscription in another form. */
export function subscribedTopics(group: {
  readonly protocolType: string | null
  readonly protocol: string | null
  readonly members: ReadonlyMap<string, Member>
}): ReadonlySet<string> | null {
  const { protocolType, protocol, members } = group
  if (protocolType !== CONSUMER_PROTOCOL_TYPE) return null
  const topics = new Set<string>()
  if (members.size === 0) return topics
  if (protocol === null) return null
  for (const member of members.values()) {
    const mine = topicsOf(member.metadataOf(protocol))
    if (mine === null) return null
    for (const topic of mine) topics.add(topic)
  }
  return topics
}

function topicsOf(subscription: Buffer | null): string[] | null {
  if (subscription === null) return null
  try {
    const reader = new ByteReader(subscription)
    if (reader.int16() < 0) return null
    const count = reader.count(2)
    return Array.from({ length: count }, () => reader.string())
  } catch (error) {
    if (error instanceof MalformedError) return null
    throw error
  }
}
