/**
 * An idempotent producer with acks=all that retries as Java's does: batches of a partition stay in a queue until they are
 * acknowledged, are sent in order with up to five in flight, and go again with the same sequence after every error.
 */
import { errorName } from '../../../base/error-codes.ts'
import type { Uuid } from '../../../base/uuid.ts'
import { InitProducerId } from '../../../protocol/generated/init-producer-id.ts'
import { Produce, type ProduceResponse } from '../../../protocol/generated/produce.ts'
import { CODECS, type Codec } from '../../../records/batch.ts'
import { buildBatch } from '../../../records/batch-builder.ts'
import type { SeededRandom } from '../../seeded-random.ts'
import { valueOf, type KnownRecord, type PartitionTruth } from '../log-truth.ts'
import type { Sim } from '../sim.ts'
import { SimClient, Unanswered } from '../sim-client.ts'
import { machineFor, timeoutFor, type Workload } from '../workload.ts'

interface Batch {
  readonly sequence: number
  readonly records: readonly KnownRecord[]
  readonly bytes: Buffer
  readonly firstSentIn: number
  sends: number
}

interface Target {
  readonly partition: PartitionTruth
  queue: Batch[]
  nextSequence: number
  lossesSeen: number
}

type Outcome = { readonly answer: ProduceResponse } | { readonly unanswered: true }

export const idempotentProducer: Workload = {
  name: 'idempotent',
  run: (sim, who, random) => new IdempotentProducer(sim, who, random).run(),
}

class IdempotentProducer {
  readonly #sim: Sim
  readonly #who: string
  readonly #random: SeededRandom
  readonly #client: SimClient
  readonly #version: number
  readonly #codec: Codec
  readonly #depth: number
  readonly #targets: Target[]
  readonly #pauseMs: number
  readonly #valueBytes: number
  #id: { readonly producerId: number; readonly epoch: number } | null = null
  #values = 0

  constructor(sim: Sim, who: string, random: SeededRandom) {
    this.#sim = sim
    this.#who = who
    this.#random = random
    this.#client = new SimClient(sim, machineFor(random), who, timeoutFor(random))
    this.#version = random.between(3, 13)
    this.#codec = random.chance(0.6) ? 'none' : (CODECS[random.below(this.#version >= 7 ? 5 : 4)] ?? 'none')
    this.#depth = random.chance(0.5) ? 1 : random.between(2, 5)
    this.#pauseMs = [20, 100, 500][random.below(3)] ?? 100
    this.#valueBytes = [20, 100, 700][random.below(3)] ?? 100
    const all = random.shuffle(sim.logs.all())
    this.#targets = all.slice(0, random.between(1, 3)).map((partition) => ({
      partition,
      queue: [],
      nextSequence: 0,
      lossesSeen: partition.losses,
    }))
  }

  async run(): Promise<void> {
    const sim: Sim = this.#sim
    while (!sim.stopping || this.#targets.some(({ queue }) => queue.length > 0)) {
      try {
        if (this.#id === null) await this.#begin()
        else await this.#round()
      } catch (error) {
        if (!(error instanceof Unanswered)) throw error
      }
      await sim.sleep(this.#random.between(1, this.#pauseMs))
    }
    this.#client.close()
  }

  async #begin(): Promise<void> {
    const answer = await this.#client.request(InitProducerId, this.#random.between(0, 4), {
      transactionalId: null,
      transactionTimeoutMs: 60_000,
    })
    if (answer.errorCode !== 0) return
    this.#id = { producerId: Number(answer.producerId), epoch: answer.producerEpoch }
    for (const target of this.#targets) {
      target.queue = []
      target.nextSequence = 0
      target.lossesSeen = target.partition.losses
    }
  }

  async #round(): Promise<void> {
    const sim: Sim = this.#sim
    const id = this.#id
    if (id === null) return
    const chosen = this.#random.shuffle(this.#targets).slice(0, this.#random.between(1, this.#targets.length))
    const depth = this.#random.between(1, this.#depth)
    for (const target of chosen) {
      while (target.queue.length < depth && !sim.stopping) target.queue.push(this.#newBatch(target, id))
    }
    const outcomes: Promise<Outcome>[] = []
    const sent: { target: Target; batch: Batch; request: number }[] = []
    for (let at = 0; at < depth; at++) {
      const parts = chosen.flatMap((target) => {
        const batch = target.queue[at]
        return batch === undefined ? [] : [{ target, batch }]
      })
      if (parts.length === 0) break
      for (const part of parts) {
        part.batch.sends += 1
        sent.push({ ...part, request: at })
      }
      outcomes.push(this.#send(parts))
    }
    const answers = await Promise.all(outcomes)
    const failed = new Map<Target, 'perhaps' | 'surely'>()
    for (const { target, batch, request } of sent) {
      const outcome = answers[request]
      if (outcome === undefined || 'unanswered' in outcome) {
        if (!failed.has(target)) failed.set(target, 'perhaps')
        continue
      }
      this.#answered(target, batch, outcome.answer, failed)
      if (this.#id === null) return
    }
  }

  async #send(parts: readonly { target: Target; batch: Batch }[]): Promise<Outcome> {
    const byTopic = new Map<
      string,
      { name: string; topicId: Uuid; partitionData: { index: number; records: Buffer }[] }
    >()
    for (const { target, batch } of parts) {
      const { topic, index } = target.partition
      const entry = byTopic.get(topic.name) ?? { name: topic.name, topicId: topic.id, partitionData: [] }
      byTopic.set(topic.name, entry)
      // The broker writes into what it received, and the network copies; yet a client never shares its batch either.
      entry.partitionData.push({ index, records: Buffer.from(batch.bytes) })
    }
    try {
      const message = { acks: -1, timeoutMs: 5000, topicData: [...byTopic.values()] }
      return { answer: await this.#client.request(Produce, this.#version, message) }
    } catch (error) {
      if (!(error instanceof Unanswered)) throw error
      return { unanswered: true }
    }
  }

  #answered(target: Target, batch: Batch, answer: ProduceResponse, failed: Map<Target, 'perhaps' | 'surely'>): void {
    const sim: Sim = this.#sim
    const { partition } = target
    const found = answer.responses
      .find(({ name, topicId }) => name === partition.topic.name || topicId === partition.topic.id)
      ?.partitionResponses.find(({ index }) => index === partition.index)
    sim.check(found !== undefined, () => `${this.#who}: no answer for ${partition.name}`)
    const offset = Number(found.baseOffset)
    if (found.errorCode === 0) {
      sim.check(
        failed.get(target) !== 'surely' || batch.sends > 1,
        () => `${this.#who}: ${partition.name} took sequence ${batch.sequence} although the batch before it failed`,
      )
      const at = target.queue.indexOf(batch)
      if (at >= 0) target.queue.splice(at, 1)
      target.lossesSeen = partition.losses
      if (batch.sends > 1 && sim.logs.isKnown(partition, offset, batch.records))
        sim.sometimes('duplicate batch answered')
      const records = partition.topic.logAppendTime
        ? batch.records.map(({ value }) => ({ value, timestamp: Number(found.logAppendTimeMs) }))
        : batch.records
      sim.logs.acknowledge(partition, offset, records, `the answer to ${this.#who}`)
      return
    }
    const error = errorName(found.errorCode)
    sim.note(this.#who, `${partition.name} sequence ${batch.sequence}: ${error}`)
    const first = !failed.has(target)
    failed.set(target, error === 'REQUEST_TIMED_OUT' ? 'perhaps' : 'surely')
    switch (error) {
      case 'KAFKA_STORAGE_ERROR':
      case 'NOT_LEADER_OR_FOLLOWER':
      case 'REQUEST_TIMED_OUT':
      case 'UNKNOWN_TOPIC_OR_PARTITION':
      case 'UNKNOWN_TOPIC_ID':
        return
      case 'OUT_OF_ORDER_SEQUENCE_NUMBER':
      case 'UNKNOWN_PRODUCER_ID': {
        if (!first) return
        const lost = partition.losses > target.lossesSeen
        // After a restart the broker remembers the last batch of a producer only.
        const forgotten = this.#depth > 1 && batch.firstSentIn !== sim.broker.incarnation
        sim.check(
          lost || forgotten,
          () => `${this.#who}: ${partition.name} answers ${error} to sequence ${batch.sequence}, which is the next`,
        )
        sim.sometimes('producer began anew')
        this.#id = null
        return
      }
      default:
        sim.check(false, () => `${this.#who}: ${partition.name} answers ${error} to a good batch`)
    }
  }

  #newBatch(target: Target, id: { producerId: number; epoch: number }): Batch {
    const count = this.#random.between(1, 4)
    const wallMs = this.#sim.world.clock.wallMs() - this.#random.below(200)
    const records: KnownRecord[] = []
    for (let at = 0; at < count; at++) {
      records.push({ value: valueOf(this.#who, target.partition, this.#values++), timestamp: wallMs + at })
    }
    const padding = ' '.padEnd(this.#random.between(1, this.#valueBytes), 'x')
    const sequence = target.nextSequence
    target.nextSequence += count
    const bytes = buildBatch({
      producerId: id.producerId,
      producerEpoch: id.epoch,
      baseSequence: sequence,
      codec: this.#codec,
      records: records.map(({ value, timestamp }) => ({ value: Buffer.from(value + padding), timestamp })),
    })
    return { sequence, records, bytes, firstSentIn: this.#sim.broker.incarnation, sends: 0 }
  }
}
