/**
 * The ids that one server gave, and the names under which they are compared with the other's: the same request made both,
 * so the first id of a kind here and there get the same name.
 */
import type { Json, JsonObject } from '../../src/protocol/json.ts'
import { ZERO_UUID } from '../../src/base/uuid.ts'
import type { Int64 } from '../../src/base/int64.ts'

const MADE_UP_TOPIC_ID = 'Zm9vYmFyYmF6cXV4MTIzNQ'
const MADE_UP_PRODUCER_ID = 123_456
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g
const TOPIC_ID = /(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{22}(?![A-Za-z0-9_-])/g

export class Identities {
  readonly #topicIdOfName = new Map<string, string>()
  readonly #nameOfTopicId = new Map<string, string>()
  readonly #generationsOfName = new Map<string, number>()
  readonly #members = new Map<string, string[]>()
  readonly #nameOfMember = new Map<string, string>()
  readonly #producers: Int64[] = []
  readonly #generations = new Map<string, number>()
  #session = { id: 0, epoch: 0 }

  /** Names and ids that stand side by side anywhere in an answer. */
  learnTopicIds(json: Json): void {
    if (Array.isArray(json)) {
      for (const element of json) this.learnTopicIds(element)
      return
    }
    if (typeof json !== 'object' || json === null) return
    const values: JsonObject = Object(json)
    const { topicId, name, errorCode } = values
    // An error may echo a name and an id that are not of one topic.
    const isTrue = errorCode === undefined || errorCode === 0
    if (isTrue && typeof topicId === 'string' && typeof name === 'string' && name !== '' && topicId !== ZERO_UUID) {
      this.#learnTopicId(name, topicId)
    }
    for (const value of Object.values(values)) if (typeof value === 'object') this.learnTopicIds(value)
  }

  #learnTopicId(name: string, id: string): void {
    if (this.#nameOfTopicId.has(id)) return
    const generation = (this.#generationsOfName.get(name) ?? 0) + 1
    this.#generationsOfName.set(name, generation)
    this.#nameOfTopicId.set(id, `id ${generation} of ${name}`)
    this.#topicIdOfName.set(name, id)
  }

  learnMember(group: string, id: string): void {
    if (this.#nameOfMember.has(id)) return
    const members = this.#members.get(group) ?? []
    this.#members.set(group, members)
    members.push(id)
    this.#nameOfMember.set(id, `member ${members.length} of ${group}`)
  }

  learnGeneration(group: string, generation: number): void {
    this.#generations.set(group, generation)
  }

  learnProducer(id: Int64): void {
    if (!this.#producers.includes(id)) this.#producers.push(id)
  }

  learnSession(id: number): void {
    if (id !== this.#session.id) this.#session = { id, epoch: 0 }
    else this.#session.epoch++
  }

  topicId(name: string): string {
    return this.#topicIdOfName.get(name) ?? MADE_UP_TOPIC_ID
  }

  member(group: string, nth: number): string {
    const members = this.#members.get(group) ?? []
    return members.length === 0 ? 'nobody yet' : (members[nth % members.length] ?? '')
  }

  generation(group: string): number {
    return this.#generations.get(group) ?? 1
  }

  producer(nth: number): Int64 {
    return this.#producers.length === 0 ? MADE_UP_PRODUCER_ID : (this.#producers[nth % this.#producers.length] ?? 0)
  }

  get session(): { readonly id: number; readonly epoch: number } {
    return this.#session
  }

  nameOfTopicId(value: Json): Json {
    return typeof value === 'string' ? (this.#nameOfTopicId.get(value) ?? value) : value
  }

  nameOfMember(value: Json): Json {
    if (typeof value !== 'string') return value
    return this.#nameOfMember.get(value) ?? value.replaceAll(UUID, '<uuid>')
  }

  nameOfProducer(value: Json): Json {
    if (typeof value !== 'number') return value
    const index = this.#producers.indexOf(value)
    return index < 0 ? value : `producer ${index}`
  }

  /** Ids inside messages. */
  inText(text: string): string {
    return (
      text
        .replaceAll(/\b1[789]\d{11}\b/g, (time) => (time.startsWith('1700000000') ? time : '<now>'))
        // The oldest time of a topic that takes any.
        .replaceAll(/-922337\d{13}\b/g, '<now, less the largest number>')
        .replaceAll(TOPIC_ID, (id) => this.#nameOfTopicId.get(id) ?? id)
        .replaceAll(/\S+[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, (id) =>
          String(this.nameOfMember(id)),
        )
    )
  }
}
