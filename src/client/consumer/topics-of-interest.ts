/**
 * What a consumer is subscribed to, and the topics that follow from it: those to read, and those whose metadata it must keep.
 */
import { KafkaError } from '../../base/errors.ts'
import { TOPIC_REFUSALS } from '../errors.ts'
import type { NetworkClient } from '../network-client.ts'
import type { Subscription } from './subscription.ts'
import type { TopicPartition } from './topic-partition.ts'

export interface InterestSettings {
  readonly allowAutoCreateTopics: boolean
  readonly excludeInternalTopics: boolean
}

export class TopicsOfInterest {
  subscription: Subscription = { kind: 'none' }
  /** Topics of others in the group that this member, as its leader, must know. */
  watched: ReadonlySet<string> = new Set()
  /** Those of questions that are being asked. */
  readonly #held = new Set<readonly string[]>()
  readonly #network: NetworkClient
  readonly #settings: InterestSettings
  readonly #partitions: () => Iterable<TopicPartition>

  /** @param partitions that are read now */
  constructor(network: NetworkClient, settings: InterestSettings, partitions: () => Iterable<TopicPartition>) {
    this.#network = network
    this.#settings = settings
    this.#partitions = partitions
  }

  /** Subscribed to by name, or by a RegExp that they match. What the coordinator matches is its own to know. */
  names(): readonly string[] {
    const { subscription } = this
    if (subscription.kind === 'names') return subscription.names
    if (subscription.kind !== 'regexp') return []
    const names: string[] = []
    for (const { name, isInternal } of this.#network.metadata.topics.values()) {
      if (isInternal && this.#settings.excludeInternalTopics) continue
      if (subscription.regexp.test(name)) names.push(name)
    }
    return names
  }

  /** For the coordinator to match; null for another kind of subscription. */
  get pattern(): string | null {
    return this.subscription.kind === 'pattern' ? this.subscription.pattern : null
  }

  /** Nothing of such a topic would ever be assigned, and nobody would know why: the next poll says it, as Java's does. */
  get refusal(): KafkaError | null {
    if (this.subscription.kind !== 'names') return null
    for (const name of this.subscription.names) {
      const code = this.#network.metadata.errorOf(name)
      if (code === null || !TOPIC_REFUSALS.has(code)) continue
      return new KafkaError(code, `Topic ${name} cannot be subscribed to: ${code}.`)
    }
    return null
  }

  /** Keeps these besides, until what it returns is called. */
  hold(topics: readonly string[]): () => void {
    this.#held.add(topics)
    this.tell()
    return () => {
      this.#held.delete(topics)
      this.tell()
    }
  }

  /** Tells the network whose metadata to keep. To be called when any of it has changed. */
  tell(): void {
    const { kind } = this.subscription
    if (kind === 'regexp' || kind === 'pattern') {
      this.#network.setInterest('all')
      return
    }
    const topics = new Set([...this.names(), ...this.watched, ...[...this.#held].flat()])
    for (const { topic } of this.#partitions()) topics.add(topic)
    this.#network.setInterest(topics, { mayCreateTopics: this.#settings.allowAutoCreateTopics })
  }
}

/** Of a group, which assigns what is read. */
export function isMember({ kind }: Subscription): boolean {
  return kind === 'names' || kind === 'regexp' || kind === 'pattern'
}
