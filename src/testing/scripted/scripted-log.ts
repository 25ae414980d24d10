/**
 * The logs of a scripted cluster: Produce as a broker does it, with the checks of an idempotent producer's numbers, and with
 * faults at the places where they hurt. Logs are those of the cluster, not of a node: what was written survives a move of the
 * leader, as with acks=all.
 *
 *     const logs = new ScriptedLogs(cluster, { fault: () => null })
 *     logs.values('orders', 0) // what a consumer would see
 */
import { ERROR_CODES, type ErrorCode } from '../../base/error-codes.ts'
import type { Int64 } from '../../base/int64.ts'
import type { Init } from '../../protocol/codec.ts'
import { InitProducerId } from '../../protocol/generated/init-producer-id.ts'
import { Produce, type ProduceResponse } from '../../protocol/generated/produce.ts'
import {
  NO_SEQUENCE,
  baseSequence,
  crc,
  incrementSequence,
  isTransactional,
  lastSequence,
  producerEpoch,
  producerId,
  recordCount,
} from '../../records/batch.ts'
import { crc32c } from '../../records/crc32c.ts'
import { readRecords } from '../../records/record-reader.ts'
import { HANG_UP, SILENCE, type ScriptedCluster } from './scripted-cluster.ts'

/**
 * What goes wrong with one Produce request: before anything is written (`refuse`), after it (`answer` the code although it
 * is written), or with its answer. `delayMs` comes first.
 */
export interface ProduceFault {
  readonly refuse?: ErrorCode
  readonly answer?: ErrorCode
  readonly silent?: boolean
  readonly hangUp?: boolean
  readonly delayMs?: number
  readonly throttleMs?: number
}

export interface ScriptedLogsOptions {
  /** Asked for each Produce request. */
  readonly fault?: (node: number) => ProduceFault | null
  readonly pause?: (ms: number) => Promise<void>
  /** Values are unique, and of no transaction: then each number belongs to one value. */
  readonly seesReuse?: boolean
  /** Larger batches are MESSAGE_TOO_LARGE. */
  readonly batchBytesMax?: number
}

export interface WrittenRecord {
  readonly key: string | null
  readonly value: string | null
  readonly timestamp: number
  readonly producerId: Int64
  readonly producerEpoch: number
}

interface ProducerState {
  epoch: number
  /** The last five batches. */
  batches: { readonly first: number; readonly last: number; readonly offset: number }[]
}

interface Log {
  /** By producer, epoch and number, the value that was sent under it. */
  readonly sent: Map<string, string | null>
  readonly records: WrittenRecord[]
  readonly producers: Map<Int64, ProducerState>
}

const CACHED_BATCHES = 5
/** Produce of a transaction of version 2. */
const TRANSACTION_V2_VERSION = 12

export class ScriptedLogs {
  readonly #cluster: ScriptedCluster
  readonly #options: ScriptedLogsOptions
  readonly #logs = new Map<string, Log>()
  #nextProducerId = 1000
  /**
   * What no producer may do, whatever becomes of its requests: a number that one record was sent under given to another one of the
   * same partition and epoch.
   */
  readonly violations: string[] = []
  /** How often each error was answered. */
  readonly answered = new Map<string, number>()

  constructor(cluster: ScriptedCluster, options: ScriptedLogsOptions = {}) {
    this.#cluster = cluster
    this.#options = options
    cluster.on(InitProducerId, () => ({ producerId: this.#nextProducerId++, producerEpoch: 0 }))
    cluster.on(Produce, async (request, { node, version }) => {
      const fault = this.#options.fault?.(node) ?? null
      if (fault?.delayMs !== undefined) await this.#options.pause!(fault.delayMs)
      const responses = request.topicData.map(({ name, topicId, partitionData }) => {
        const topic = version >= 13 ? [...cluster.topics].find(([, { id }]) => id === topicId)?.[0] : name
        const partitionResponses = partitionData.map(({ index, records }) =>
          this.#produce(node, version, topic, index, records!, fault),
        )
        return version >= 13 ? { topicId, partitionResponses } : { name, partitionResponses }
      })
      if (fault?.silent === true) return SILENCE
      if (fault?.hangUp === true || request.acks === 0) return request.acks === 0 ? SILENCE : HANG_UP
      const nodeEndpoints = version >= 10 ? cluster.nodes.map((id) => cluster.endpoint(id)) : []
      return { responses, throttleTimeMs: fault?.throttleMs ?? 0, ...(version >= 10 ? { nodeEndpoints } : {}) }
    })
  }

  records(topic: string, partition: number): readonly WrittenRecord[] {
    return this.#log(`${topic}-${partition}`).records
  }

  values(topic: string, partition: number): (string | null)[] {
    return this.records(topic, partition).map(({ value }) => value)
  }

  /** The log's producers are forgotten, as after they expired or the log was lost. */
  forgetProducers(topic: string, partition: number): void {
    this.#log(`${topic}-${partition}`).producers.clear()
  }

  #produce(
    node: number,
    version: number,
    topic: string | undefined,
    index: number,
    bytes: Buffer,
    fault: ProduceFault | null,
  ): Init<ProduceResponse.PartitionProduceResponse> {
    const refused = (code: ErrorCode, more = {}): Init<ProduceResponse.PartitionProduceResponse> => {
      this.answered.set(code, (this.answered.get(code) ?? 0) + 1)
      return { index, errorCode: ERROR_CODES[code], baseOffset: -1, ...more }
    }
    if (topic === undefined) return refused('UNKNOWN_TOPIC_ID')
    if (crc(bytes, 0) === crc32c(bytes, 21)) this.#see(`${topic}-${index}`, bytes)
    const known = this.#cluster.topics.get(topic)
    if (known === undefined || index >= known.leaders.length) return refused('UNKNOWN_TOPIC_OR_PARTITION')
    if (!this.#cluster.leads(node, topic, index)) {
      const currentLeader = { leaderId: known.leaders[index]!, leaderEpoch: known.epochs[index]! }
      return refused('NOT_LEADER_OR_FOLLOWER', version >= 10 ? { currentLeader } : {})
    }
    if (fault?.refuse !== undefined) return refused(fault.refuse)
    if (bytes.length > (this.#options.batchBytesMax ?? Infinity)) return refused('MESSAGE_TOO_LARGE')
    if (crc(bytes, 0) !== crc32c(bytes, 21)) return refused('CORRUPT_MESSAGE')
    const log = this.#log(`${topic}-${index}`)
    const offset = this.#append(log, bytes, version >= TRANSACTION_V2_VERSION && isTransactional(bytes, 0))
    if (typeof offset === 'string') return refused(offset)
    if (fault?.answer !== undefined) return refused(fault.answer)
    return { index, baseOffset: offset, logStartOffset: 0 }
  }

  #see(key: string, bytes: Buffer): void {
    const first = baseSequence(bytes, 0)
    if (first === NO_SEQUENCE || this.#options.seesReuse !== true) return
    const { sent } = this.#log(key)
    for (const [index, { value }] of readRecords(bytes, 0).entries()) {
      const number = `number ${incrementSequence(first, index)} of producer ${producerId(bytes, 0)} epoch ${producerEpoch(bytes, 0)}`
      const text = value?.toString() ?? null
      const before = sent.get(number)
      if (before !== undefined && before !== text) this.violations.push(`${key}: ${before} and ${text} had ${number}`)
      sent.set(number, text)
    }
  }

  /** Where it was written, now or before; or why not. */
  #append(log: Log, bytes: Buffer, isVersion2: boolean): number | ErrorCode {
    const id = producerId(bytes, 0)
    const epoch = producerEpoch(bytes, 0)
    const first = baseSequence(bytes, 0)
    if (first !== NO_SEQUENCE) {
      const last = lastSequence(bytes, 0)
      const state = log.producers.get(id)
      if (state !== undefined) {
        const duplicate =
          state.epoch === epoch && state.batches.find((batch) => batch.first === first && batch.last === last)
        if (duplicate !== undefined && duplicate !== false) return duplicate.offset
        if (epoch < state.epoch) return 'INVALID_PRODUCER_EPOCH'
        const expected = epoch > state.epoch ? 0 : incrementSequence(state.batches.at(-1)!.last, 1)
        if (first !== expected) return 'OUT_OF_ORDER_SEQUENCE_NUMBER'
      } else if (first !== 0 && isVersion2) return 'OUT_OF_ORDER_SEQUENCE_NUMBER'
      // Any other producer that the log knows nothing of may begin with any number.
      const batches = state === undefined || state.epoch !== epoch ? [] : state.batches
      batches.push({ first, last, offset: log.records.length })
      log.producers.set(id, { epoch, batches: batches.slice(-CACHED_BATCHES) })
    }
    const offset = log.records.length
    const read = readRecords(bytes, 0)
    if (read.length !== recordCount(bytes, 0)) return 'INVALID_RECORD'
    for (const { key, value, timestamp } of read) {
      log.records.push({
        key: key?.toString() ?? null,
        value: value?.toString() ?? null,
        timestamp: Number(timestamp),
        producerId: id,
        producerEpoch: epoch,
      })
    }
    return offset
  }

  #log(key: string): Log {
    let log = this.#logs.get(key)
    if (log === undefined) {
      log = { sent: new Map(), records: [], producers: new Map() }
      this.#logs.set(key, log)
    }
    return log
  }
}
