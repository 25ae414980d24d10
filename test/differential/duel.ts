/**
 * Kafka and Klamm step by step: each step goes to both, and the next one only when both have answered, closed, or are
 * silent as they may be (a JoinGroup that waits for others). An answer that is held is compared when it comes, and must
 * come at the same step on both sides.
 */
import { APIS } from '../../src/protocol/generated/apis.ts'
import type { Json } from '../../src/protocol/json.ts'
import { differences, type Difference } from './compare.ts'
import { CONNECTIONS, GROUPS, type RequestStep, type Step } from './generator.ts'
import type { RawStep } from './raw-frames.ts'
import { sleep } from './server.ts'
import { settingsAgree } from './settings.ts'
import type { Result, Scope, Side } from './side.ts'
import type { ValueObject } from './values.ts'

export interface Compared {
  readonly step: Step
  readonly api: string
  readonly version: number
  readonly kafka: Result
  readonly klamm: Result
  readonly differences: readonly Difference[]
  /** Both servers were to answer the same here; otherwise the step only prepares. */
  readonly judged: boolean
  /** A step that only prepares did not do the same on both: what comes after cannot be compared. */
  readonly apart: boolean
}

interface Held {
  readonly step: RequestStep
  kafka: Result | null
  klamm: Result | null
}

const ANSWER_MS_MAX = 10_000
/** Long enough for an answer that is not held. */
const HOLD_MS = 200
const OTHER_MS_MAX = 2500
/** What a server that has just answered needs for another answer. */
const AWAKE_MS = 500
const SETTLE_MS_MAX = 5000
const API_VERSIONS_V0 = Buffer.from('0000000d0012000000007a6900037365 6e'.replaceAll(' ', ''), 'hex')
const SENTINEL_CORRELATION = 0x0000_7a69

const JOIN_GROUP = 11
const SYNC_GROUP = 14
const PRODUCE = 0
const METADATA = 3
const DELETE_TOPICS = 20
const TOPIC_CHANGES = new Set([19, DELETE_TOPICS, 37])
const CONFIG_CHANGES = new Set([33, 44])
/** Where an answer tells what became of a change; the empty path: there is none, or it cannot be read. */
const OUTCOME = /(^|errorCode|baseOffset|generationId|memberId|producerId)$/
/** Preparations whose answers tell whether both servers are in the same state afterwards. */
const CHANGES = new Set([PRODUCE, 8, JOIN_GROUP, 13, SYNC_GROUP, ...TOPIC_CHANGES, 21, 22, ...CONFIG_CHANGES, 42, 47])

export class Duel {
  readonly #kafka: Side
  readonly #klamm: Side
  readonly #held = new Map<number, Held>()
  #prefix = ''

  constructor(kafka: Side, klamm: Side) {
    this.#kafka = kafka
    this.#klamm = klamm
  }

  begin(scope: Scope): void {
    this.#prefix = scope.prefix
    this.#held.clear()
    this.#kafka.begin(scope)
    this.#klamm.begin(scope)
  }

  /** The step's own outcome and those of held answers that it released. */
  async perform(step: Step): Promise<Compared[]> {
    const outcomes: Compared[] = []
    if (step.kind === 'close') {
      this.#close(step.connection)
      this.#held.delete(step.connection)
      await sleep(5)
    } else if (step.kind === 'raw') outcomes.push(...(await this.#raw(step)))
    else outcomes.push(...(await this.#request(step)))
    outcomes.push(...(await this.#released()))
    if (step.kind === 'request') outcomes.push(...(await this.#settle(step)))
    return outcomes
  }

  /** What is still held is held on both sides, or one of them answered too late. */
  async end(): Promise<Compared[]> {
    const outcomes = await this.#released()
    this.#kafka.end()
    this.#klamm.end()
    return outcomes
  }

  async #request(step: RequestStep): Promise<Compared[]> {
    let index = step.connection
    while (this.#held.has(index)) index += CONNECTIONS
    const { api, version, message } = step
    const [kafka, klamm] = await Promise.all([this.#kafka.connection(index), this.#klamm.connection(index)])
    const toKafka = this.#kafka.encode(api, version, step.clientId, message)
    const toKlamm = this.#klamm.encode(api, version, step.clientId, message)
    kafka.send(toKafka)
    klamm.send(toKlamm)
    if (api === PRODUCE && message['acks'] === 0) {
      kafka.send(API_VERSIONS_V0)
      klamm.send(API_VERSIONS_V0)
      const results = await Promise.all([
        this.#untilSentinel(this.#kafka, index),
        this.#untilSentinel(this.#klamm, index),
      ])
      await this.#sameEnds()
      return [this.#compare(step, ...results, index)]
    }
    const held = api === JOIN_GROUP || api === SYNC_GROUP
    const waitMs = held ? HOLD_MS : OTHER_MS_MAX
    let [here, there] = await Promise.all([
      this.#kafka.take(kafka, api, version, message, waitMs),
      this.#klamm.take(klamm, api, version, message, waitMs),
    ])
    if (!held && here.kind === 'silence' && there.kind === 'silence') {
      here = await this.#kafka.take(kafka, api, version, message, ANSWER_MS_MAX)
      there = await this.#klamm.take(klamm, api, version, message, OTHER_MS_MAX)
    }
    if (held && here.kind === 'silence' && there.kind === 'silence') {
      // On a busy machine both may be about to answer.
      here = await this.#late(this.#kafka, () => this.#kafka.take(kafka, api, version, message, HOLD_MS / 2))
      there = await this.#late(this.#klamm, () => this.#klamm.take(klamm, api, version, message, HOLD_MS / 2))
    }
    if (held && here.kind === 'silence' && there.kind === 'silence') {
      this.#held.set(index, { step, kafka: null, klamm: null })
      return []
    }
    const longer = held ? OTHER_MS_MAX : AWAKE_MS
    if (here.kind === 'silence')
      here = await this.#late(this.#kafka, () => this.#kafka.take(kafka, api, version, message, longer))
    if (there.kind === 'silence')
      there = await this.#late(this.#klamm, () => this.#klamm.take(klamm, api, version, message, longer))
    return [this.#compare(step, here, there, index)]
  }

  /** One side has answered, the other not yet: on a busy machine that says nothing before it has answered somebody else. */
  async #late(side: Side, take: () => Promise<Result>): Promise<Result> {
    await side.ask(18, 0, {})
    return take()
  }

  async #untilSentinel(side: Side, index: number): Promise<Result> {
    const connection = await side.connection(index)
    const received = await connection.next(ANSWER_MS_MAX)
    if (received === null) return { kind: 'silence' }
    if (received.kind === 'closed') return received
    if (received.frame.readInt32BE(0) === SENTINEL_CORRELATION) return { kind: 'answer', json: { then: 'nothing' } }
    return { kind: 'bytes', hex: received.frame.toString('hex').slice(0, 400) }
  }

  async #raw(step: RawStep): Promise<Compared[]> {
    let index = step.connection
    while (this.#held.has(index)) index += CONNECTIONS
    const results: Result[] = []
    for (const side of [this.#kafka, this.#klamm]) {
      const connection = await side.connection(index)
      connection.send(step.bytes)
      if (step.hangUp) {
        await sleep(5)
        side.close(index)
        results.push({ kind: 'silence' })
        continue
      }
      connection.send(API_VERSIONS_V0)
      const frames: string[] = []
      for (;;) {
        const received = await connection.next(3000)
        if (received === null) frames.push('silence')
        else if (received.kind === 'closed') frames.push('closed')
        else if (received.frame.readInt32BE(0) === SENTINEL_CORRELATION) frames.push('open')
        else {
          frames.push(comparableBytes(step, received.frame))
          continue
        }
        break
      }
      results.push({ kind: 'answer', json: { frames } })
    }
    const [kafka, klamm] = results
    if (kafka === undefined || klamm === undefined) return []
    const compared = this.#compare(step, kafka, klamm, index)
    this.#close(index)
    return [compared]
  }

  #close(index: number): void {
    this.#kafka.close(index)
    this.#klamm.close(index)
  }

  #compare(step: Step, kafka: Result, klamm: Result, index: number): Compared {
    if (kafka.kind !== 'answer' || klamm.kind !== 'answer') this.#close(index)
    const found =
      kafka.kind === 'answer' && klamm.kind === 'answer'
        ? differences(kafka.json, klamm.json)
        : kafka.kind === klamm.kind
          ? []
          : [{ path: '', kafka: brief(kafka), klamm: brief(klamm) }]
    const request = step.kind === 'request'
    const judged = !request || step.compared
    return {
      step,
      api: request ? (APIS.get(step.api)?.name ?? '') : step.kind === 'raw' ? 'raw' : 'close',
      version: request ? step.version : 0,
      kafka,
      klamm,
      differences: judged ? found : [],
      judged,
      apart: request && !judged && CHANGES.has(step.api) && found.some(({ path }) => OUTCOME.test(path)),
    }
  }

  async #released(): Promise<Compared[]> {
    const outcomes: Compared[] = []
    for (const [index, held] of this.#held) {
      const { api, version, message } = held.step
      const [kafka, klamm] = await Promise.all([this.#kafka.connection(index), this.#klamm.connection(index)])
      const take = async (side: Side, from: typeof kafka, waitMs: number): Promise<Result | null> => {
        const result = await side.take(from, api, version, message, waitMs)
        return result.kind === 'silence' ? null : result
      }
      held.kafka ??= await take(this.#kafka, kafka, 1)
      held.klamm ??= await take(this.#klamm, klamm, 1)
      if (held.kafka === null && held.klamm === null) continue
      held.kafka ??= await take(this.#kafka, kafka, OTHER_MS_MAX)
      held.klamm ??= await take(this.#klamm, klamm, OTHER_MS_MAX)
      this.#held.delete(index)
      const silence: Result = { kind: 'silence' }
      outcomes.push(this.#compare(held.step, held.kafka ?? silence, held.klamm ?? silence, index))
      if (held.kafka === null || held.klamm === null) this.#close(index)
    }
    return outcomes
  }

  /** Kafka's broker follows its controller a moment later: what a step changed must have arrived before the next. */
  async #settle(step: RequestStep): Promise<Compared[]> {
    if (CONFIG_CHANGES.has(step.api)) await settingsAgree(this.#kafka, this.#klamm)
    const creates = step.api === METADATA && (step.version < 4 || step.message['allowAutoTopicCreation'] === true)
    if (!TOPIC_CHANGES.has(step.api) && !creates) return []
    const outcomes = await this.settleTopics(step)
    if (step.api === DELETE_TOPICS) await this.#sameOffsets()
    return outcomes
  }

  async settleTopics(step: Step): Promise<Compared[]> {
    const end = performance.now() + SETTLE_MS_MAX
    for (;;) {
      const [kafka, klamm] = await Promise.all([this.#kafka.topics(), this.#klamm.topics()])
      const found = differences(kafka, klamm)
      if (found.length === 0) {
        await this.#ledBy(this.#kafka, kafka)
        break
      }
      if (performance.now() > end) {
        const answer = (topics: Json): Result => ({ kind: 'answer', json: { topics } })
        return [
          {
            step,
            api: 'topics',
            version: 0,
            kafka: answer(kafka),
            klamm: answer(klamm),
            differences: found,
            judged: true,
            apart: false,
          },
        ]
      }
      await sleep(15)
    }
    await sleep(25)
    return []
  }

  /** Nobody waits for a Produce with acks=0: what the logs end with is the same when both have written it, not before. */
  async #sameEnds(): Promise<void> {
    const end = performance.now() + OTHER_MS_MAX
    while (performance.now() < end) {
      const [kafka, klamm] = await Promise.all([this.#ends(this.#kafka), this.#ends(this.#klamm)])
      if (kafka === klamm) return
      await sleep(10)
    }
  }

  async #ends(side: Side): Promise<string> {
    const { topics } = await side.ask(2, 5, {
      replicaId: -1,
      isolationLevel: 0,
      topics: allPartitions(await side.topics()),
    })
    const ends = [topics ?? []].flat().flatMap((topic: Json) => {
      const { name, partitions } = Object(topic) as { name?: Json; partitions?: Json }
      return [partitions ?? []].flat().map((partition: Json) => {
        const { partitionIndex, offset } = Object(partition) as { partitionIndex?: Json; offset?: Json }
        return `${String(name)}-${String(partitionIndex)}: ${String(offset)}`
      })
    })
    return ends.sort().join('\n')
  }

  /** What was committed for a deleted topic goes a moment after it. */
  async #sameOffsets(): Promise<void> {
    const end = performance.now() + OTHER_MS_MAX
    const offsets = async (side: Side): Promise<string> => {
      const found: string[] = []
      for (const group of GROUPS) {
        const { topics } = await side.ask(9, 5, { groupId: this.#prefix + group, topics: null })
        found.push(...[topics ?? []].flat().map((topic: Json) => `${group} ${JSON.stringify(topic)}`))
      }
      return found.sort().join('\n')
    }
    while (performance.now() < end) {
      const [kafka, klamm] = await Promise.all([offsets(this.#kafka), offsets(this.#klamm)])
      if (kafka === klamm) return
      await sleep(20)
    }
  }

  /** Until the broker leads what the metadata says it leads. */
  async #ledBy(side: Side, topics: Json): Promise<void> {
    const asked = allPartitions(topics)
    const end = performance.now() + SETTLE_MS_MAX
    while (performance.now() < end) {
      const answer = await side.ask(2, 5, { replicaId: -1, isolationLevel: 0, topics: asked })
      if (!JSON.stringify(answer).match(/"errorCode":(3|5|6)\b/)) return
      await sleep(15)
    }
  }
}

/** What ListOffsets is to ask for the ends of all partitions. */
function allPartitions(topics: Json): ValueObject[] {
  return [topics].flat().flatMap((topic: Json) => {
    const { name, partitions } = Object(topic) as { name?: Json; partitions?: Json }
    if (typeof name !== 'string' || name === '' || !Array.isArray(partitions)) return []
    const asked = partitions.map((_, index) => ({ partitionIndex: index, currentLeaderEpoch: -1, timestamp: -1 }))
    return [{ name, partitions: asked }]
  })
}

function brief(result: Result): Json {
  return result.kind === 'answer'
    ? JSON.stringify(result.json).slice(0, 600)
    : result.kind === 'bytes'
      ? result.hex
      : result.kind
}

/** Answers to requests that are nearly right: those of Metadata name brokers and topics, so only that they came counts. */
function comparableBytes(step: RawStep, frame: Buffer): string {
  return /^(Metadata|FindCoordinator|ListGroups|client id)/.test(step.what)
    ? 'an answer'
    : frame.toString('hex').slice(0, 400)
}
