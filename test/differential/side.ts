/** One of the two servers while a scenario runs: its connections, what it gave (identities), and answers made comparable. */
import { ByteReader } from '../../src/base/byte-reader.ts'
import { APIS } from '../../src/protocol/generated/apis.ts'
import { MESSAGES } from '../../src/protocol/generated/messages.ts'
import type { FieldDescription } from '../../src/protocol/fields.ts'
import { readResponse, writeRequest } from '../../src/protocol/frames.ts'
import { messageToJson, type Json, type JsonObject } from '../../src/protocol/json.ts'
import { PeerConnection, type Received } from './connection.ts'
import { Identities } from './identities.ts'
import { normalise } from './normalise.ts'
import { makeRecords } from './record-recipes.ts'
import { resolve, type Plain, type Reference, type ValueObject } from './values.ts'

const RESPONSE_FIELDS = new Map<number, readonly FieldDescription[]>(
  [...MESSAGES.values()].flatMap(({ kind, number, fields }) =>
    kind === 'response' && number !== null ? [[number, fields] as const] : [],
  ),
)
const CORRELATION_ID = 4711
const CONTROL_TIMEOUT_MS = 15_000

export type Result =
  | { readonly kind: 'answer'; readonly json: JsonObject }
  | { readonly kind: 'bytes'; readonly hex: string }
  | { readonly kind: 'closed' }
  | { readonly kind: 'silence' }

export interface Scope {
  readonly prefix: string
  readonly anyPrefix: RegExp
}

export class Side {
  readonly #port: number
  readonly #connections = new Map<number, PeerConnection>()
  #control: PeerConnection | null = null
  identities = new Identities()
  #scope: Scope = { prefix: '', anyPrefix: /^$/ }

  constructor(port: number) {
    this.#port = port
  }

  begin(scope: Scope): void {
    this.end()
    this.#scope = scope
    this.identities = new Identities()
  }

  end(): void {
    for (const index of [...this.#connections.keys()]) this.close(index)
  }

  async connection(index: number): Promise<PeerConnection> {
    const open = this.#connections.get(index)
    if (open !== undefined) return open
    const opened = await PeerConnection.open(this.#port)
    this.#connections.set(index, opened)
    return opened
  }

  close(index: number): void {
    this.#connections.get(index)?.destroy()
    this.#connections.delete(index)
  }

  encode(key: number, version: number, clientId: string | null, message: ValueObject): Buffer {
    const api = APIS.get(key)
    if (api === undefined) throw new Error(`no API ${key}`)
    const plain = resolve(message, (reference) => this.#known(reference))
    return Buffer.concat(writeRequest<object>(api, version, CORRELATION_ID, clientId, Object(plain)))
  }

  /** What came, as JSON that can be compared; what it tells about ids is learned. */
  async take(
    connection: PeerConnection,
    key: number,
    version: number,
    message: ValueObject,
    timeoutMs: number,
  ): Promise<Result> {
    return this.#read(await connection.next(timeoutMs), key, version, message)
  }

  #read(received: Received | null, key: number, version: number, message: ValueObject): Result {
    if (received === null) return { kind: 'silence' }
    if (received.kind === 'closed') return received
    const json = this.#decode(received.frame, key, version)
    if (json === null) return { kind: 'bytes', hex: received.frame.toString('hex').slice(0, 400) }
    this.#learn(key, json, message)
    return { kind: 'answer', json: this.#comparable(key, version, json) }
  }

  /** A request of the harness itself, on a connection of its own. */
  async ask(key: number, version: number, message: ValueObject): Promise<JsonObject> {
    this.#control ??= await PeerConnection.open(this.#port)
    this.#control.send(this.encode(key, version, 'control', message))
    const received = await this.#control.next(CONTROL_TIMEOUT_MS)
    const json = received?.kind === 'frame' ? this.#decode(received.frame, key, version) : null
    if (json === null) {
      this.#control.destroy()
      this.#control = null
      const what =
        received === null ? 'silence' : received.kind === 'closed' ? 'a close' : received.frame.toString('hex')
      throw new Error(`API ${key} version ${version} at port ${this.#port} got ${what.slice(0, 2000)}`)
    }
    return json
  }

  closeControl(): void {
    this.#control?.destroy()
    this.#control = null
  }

  #decode(frame: Buffer, key: number, version: number): JsonObject | null {
    const api = APIS.get(key)
    const fields = RESPONSE_FIELDS.get(key)
    if (api === undefined || fields === undefined) return null
    try {
      const reader = new ByteReader(Buffer.from(frame))
      const message: unknown = readResponse<unknown>(api, version, reader)
      if (reader.remaining > 0 || typeof message !== 'object' || message === null) return null
      return messageToJson(fields, message, version)
    } catch {
      return null
    }
  }

  #comparable(key: number, version: number, json: JsonObject): JsonObject {
    const fields = RESPONSE_FIELDS.get(key) ?? []
    const api = APIS.get(key)?.name ?? ''
    return normalise(fields, json, { api, version, ...this.#scope, identities: this.identities })
  }

  #learn(key: number, json: JsonObject, message: ValueObject): void {
    const { identities } = this
    identities.learnTopicIds(json)
    const { errorCode } = json
    if (key === 11) {
      const group = String(message['groupId'])
      const asked = resolve(message['memberId'] ?? '', (reference) => this.#known(reference))
      const { memberId, generationId } = json
      if (typeof memberId === 'string' && memberId !== '' && memberId !== asked) identities.learnMember(group, memberId)
      if (errorCode === 0 && typeof generationId === 'number') identities.learnGeneration(group, generationId)
    }
    if (key === 22 && errorCode === 0) {
      const { producerId } = json
      if (typeof producerId === 'number' && producerId >= 0) identities.learnProducer(producerId)
    }
    if (key === 1 && errorCode === 0) {
      const { sessionId } = json
      if (typeof sessionId === 'number' && sessionId !== 0) identities.learnSession(sessionId)
    }
  }

  #known(reference: Reference): Plain {
    const { identities } = this
    switch (reference.ref) {
      case 'topicId':
        return identities.topicId(reference.topic)
      case 'memberId':
        return identities.member(reference.group, reference.nth)
      case 'generation':
        return identities.generation(reference.group) + reference.plus
      case 'producerId':
        return identities.producer(reference.nth)
      case 'session':
        return identities.session.id
      case 'sessionEpoch':
        return identities.session.epoch + reference.plus
      case 'records':
        return makeRecords(reference.recipe, (nth) => Number(identities.producer(nth)))
    }
  }

  #isMine(topic: Json): boolean {
    const { name } = Object(topic) as { name?: Json }
    return typeof name === 'string' && name.startsWith(this.#scope.prefix)
  }

  /** Topics of this scenario as this server shows them. */
  async topics(): Promise<Json> {
    const answer = await this.ask(3, 12, {
      topics: null,
      allowAutoTopicCreation: false,
      includeTopicAuthorizedOperations: false,
    })
    this.identities.learnTopicIds(answer)
    const { topics } = answer
    const mine = Array.isArray(topics) ? topics.filter((topic: Json) => this.#isMine(topic)) : []
    return this.#comparable(3, 12, { topics: mine })['topics'] ?? []
  }
}
