/**
 * What a consumer is subscribed to, and the topics that follow from it: those to read, and those whose metadata it must keep.
 */
import { KafkaError } from '../../base/errors.ts'
import type { NetworkClient } from '../network-client.ts'
import type { Subscription } from './subscription.ts'
import type { TopicPartition } from './topic-partition.ts'

export interface InterestSettings {
  readonly allowAutoCreateTopics: boolean
  readonly excludeInternalTopics: boolean
}

export class TopicsOfInterest {
  subscription: Subscription = { kind: 'none' }
  /** Topics of others in the group that this member, as its leader, must know, and those that were asked about. */
  watched: ReadonlySet<string> = new Set()
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
      if (code !== 'INVALID_TOPIC_EXCEPTION' && code !== 'TOPIC_AUTHORIZATION_FAILED') continue
      return new KafkaError(code, `Topic ${name} cannot be subscribed to: ${code}.`)
    }
    return null
  }

  /** Tells the network whose metadata to keep. To be called when any of it has changed. */
  tell(): void {
    const { kind } = this.subscription
    if (kind === 'regexp' || kind === 'pattern') {
      this.#network.setInterest('all')
      return
    }
    const topics = new Set([...this.names(), ...this.watched])
    for (const { topic } of this.#partitions()) topics.add(topic)
    this.#network.setInterest(topics, { mayCreateTopics: this.#settings.allowAutoCreateTopics })
  }
}

/** Of a group, which assigns what is read. */
export function isMember({ kind }: Subscription): boolean {
  return kind === 'names' || kind === 'regexp' || kind === 'pattern'
}
