/**
 * Which topics there must be: what was acknowledged exists, with its id, partitions and settings, over crashes and power
 * losses; what was deleted is gone. A change whose answer was lost may or may not have happened.
 */
import type { Uuid } from '../../base/uuid.ts'
import type { MetadataImage } from '../../metadata/image.ts'
import { CONFIG_RESOURCE } from '../../metadata/configs-image.ts'
import type { Sim } from './sim.ts'

export interface KnownTopic {
  readonly name: string
  readonly id: Uuid
  /** Acknowledged at least. */
  partitions: number
  /** Might have been added. */
  partitionsMax: number
  /** Acknowledged values; a key whose change is unanswered has all that it may be. */
  readonly configs: Map<string, Set<string>>
  readonly durable: boolean
  readonly retention: boolean
  readonly logAppendTime: boolean
  state: 'exists' | 'deleting'
}

export class TopicTruth {
  readonly #sim: Sim
  readonly #topics = new Map<string, KnownTopic>()
  /** Ids that were deleted. */
  readonly #gone = new Set<Uuid>()

  constructor(sim: Sim) {
    this.#sim = sim
  }

  created(topic: KnownTopic): void {
    this.#sim.check(!this.#gone.has(topic.id), () => `the topic id ${topic.id} of ${topic.name} is given twice`)
    this.#topics.set(topic.name, topic)
  }

  deleted(topic: KnownTopic): void {
    this.#gone.add(topic.id)
    if (this.#topics.get(topic.name) === topic) this.#topics.delete(topic.name)
  }

  get(name: string): KnownTopic | null {
    return this.#topics.get(name) ?? null
  }

  existing(): KnownTopic[] {
    return [...this.#topics.values()].filter(({ state }) => state === 'exists')
  }

  /** What a broker that has just started shows, or one at rest. */
  checkImage(image: MetadataImage): void {
    const sim: Sim = this.#sim
    for (const id of this.#gone) sim.check(image.topics.byId(id) === null, () => `the deleted topic ${id} is there`)
    for (const topic of this.#topics.values()) {
      const found = image.topics.byId(topic.id)
      if (topic.state === 'deleting' && found === null) continue
      sim.check(found !== null, () => `the topic ${topic.name} (${topic.id}) was acknowledged and is not there`)
      const count = found?.partitions.length ?? 0
      sim.check(
        count >= topic.partitions && count <= topic.partitionsMax,
        () => `${topic.name} has ${count} partitions, acknowledged were ${topic.partitions}`,
      )
      const values = image.configs.get(CONFIG_RESOURCE.TOPIC, topic.name)
      for (const [key, allowed] of topic.configs) {
        const value = values.get(key) ?? ''
        sim.check(
          allowed.has(value),
          () => `${key} of ${topic.name} is '${value}', acknowledged '${[...allowed].join("' or '")}'`,
        )
      }
    }
  }
}
