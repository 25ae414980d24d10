/** What a consumer wants to read: nothing, partitions of its own choice, or topics by name or pattern. */
import { ClientError } from '../errors.ts'
import { keyOf, type TopicPartition } from './topic-partition.ts'

/** A pattern in RE2's syntax that the group's coordinator matches (KIP-848). A RegExp is matched by the client instead. */
export class SubscriptionPattern {
  readonly pattern: string

  constructor(pattern: string) {
    if (pattern === '') throw new ClientError('INVALID_ARGUMENT', 'A SubscriptionPattern must not be empty.')
    this.pattern = pattern
  }
}

export type Topics = string | readonly string[] | RegExp | SubscriptionPattern

export type Subscription =
  | { readonly kind: 'none' }
  | { readonly kind: 'partitions' }
  | { readonly kind: 'names'; readonly names: readonly string[] }
  | { readonly kind: 'regexp'; readonly regexp: RegExp }
  | { readonly kind: 'pattern'; readonly pattern: string }

/** @throws ClientError INVALID_ARGUMENT. */
export function subscriptionOf(topics: Topics): Subscription {
  if (topics instanceof SubscriptionPattern) return { kind: 'pattern', pattern: topics.pattern }
  if (topics instanceof RegExp)
    return { kind: 'regexp', regexp: new RegExp(topics.source, topics.flags.replace(/[gy]/g, '')) }
  const names = [...new Set(typeof topics === 'string' ? [topics] : topics)]
  const wrong = names.find((name) => typeof name !== 'string' || name.trim() === '')
  if (wrong === undefined && names.length > 0) return { kind: 'names', names }
  throw new ClientError('INVALID_ARGUMENT', 'subscribe takes at least one name of a topic, and none may be empty.')
}

/** @throws ClientError INVALID_ARGUMENT. */
export function checkPartitions(partitions: readonly TopicPartition[]): readonly TopicPartition[] {
  for (const { topic, partition } of partitions) {
    if (typeof topic === 'string' && topic !== '' && Number.isInteger(partition) && partition >= 0) continue
    throw new ClientError('INVALID_ARGUMENT', `${topic}-${partition} is not a partition of a topic.`)
  }
  const keys = new Map(partitions.map((one) => [keyOf(one), one]))
  return [...keys.values()].map(({ topic, partition }) => ({ topic, partition }))
}
