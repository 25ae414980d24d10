/**
 * A consumer that follows some partitions from their beginning on: any version of Fetch, with or without a session, with
 * long polls. Reads every record once and in order; ends when it has everything that was acknowledged.
 */
import { errorName } from '../../../base/error-codes.ts'
import { Fetch, type FetchRequest, type FetchResponse } from '../../../protocol/generated/fetch.ts'
import { ListOffsets } from '../../../protocol/generated/list-offsets.ts'
import type { SeededRandom } from '../../seeded-random.ts'
import type { PartitionTruth } from '../log-truth.ts'
import { readFetched } from '../reading.ts'
import type { Sim } from '../sim.ts'
import { SimClient, Unanswered } from '../sim-client.ts'
import { machineFor, timeoutFor, type Workload } from '../workload.ts'

interface Position {
  readonly partition: PartitionTruth
  offset: number
  lossesSeen: number
  /** What the session was told. */
  toldOffset: number
}

export const tailConsumer: Workload = {
  name: 'tail',
  run: (sim, who, random) => new TailConsumer(sim, who, random).run(),
}

class TailConsumer {
  readonly #sim: Sim
  readonly #who: string
  readonly #random: SeededRandom
  readonly #client: SimClient
  readonly #version: number
  readonly #positions: Position[]
  readonly #maxWaitMs: number
  readonly #minBytes: number
  readonly #partitionBytes: number
  readonly #wantsSession: boolean
  readonly #pauseMs: number
  #session = { id: 0, epoch: 0 }

  constructor(sim: Sim, who: string, random: SeededRandom) {
    this.#sim = sim
    this.#who = who
    this.#random = random
    this.#client = new SimClient(sim, machineFor(random), who, timeoutFor(random))
    this.#version = random.chance(0.3) ? random.between(0, 3) : random.between(4, 17)
    this.#maxWaitMs = [0, 100, 500, 2000][random.below(4)] ?? 500
    this.#minBytes = [1, 1, 500, 100_000][random.below(4)] ?? 1
    this.#partitionBytes = [500, 5000, 1 << 20][random.below(3)] ?? 5000
    this.#wantsSession = this.#version >= 7 && random.chance(0.8)
    this.#pauseMs = [20, 100, 500][random.below(3)] ?? 100
    const all = random.shuffle(sim.logs.all())
    this.#positions = all.slice(0, random.between(1, all.length)).map((partition) => ({
      partition,
      offset: 0,
      lossesSeen: partition.losses,
      toldOffset: -1,
    }))
  }

  async run(): Promise<void> {
    const sim: Sim = this.#sim
    while (!sim.stopping || this.#positions.some(({ partition, offset }) => offset < partition.ackedEnd)) {
      if (sim.stopping && this.#random.chance(0.02)) this.#noteMissing()
      try {
        await this.#poll()
      } catch (error) {
        if (!(error instanceof Unanswered)) throw error
        this.#session = { id: 0, epoch: 0 }
      }
      await sim.sleep(sim.stopping ? 5 : this.#random.between(1, this.#pauseMs))
    }
    this.#client.close()
  }

  #noteMissing(): void {
    const missing = this.#positions
      .filter(({ partition, offset }) => offset < partition.ackedEnd)
      .map(({ partition, offset }) => `${partition.name} ${offset} of ${partition.ackedEnd}`)
    this.#sim.note(
      this.#who,
      `v${this.#version} still needs ${missing.join(', ')}${this.#sim.rotting ? ', the disk rots' : ''}; session ${this.#session.id}`,
    )
  }

  async #poll(): Promise<void> {
    const sim: Sim = this.#sim
    const startedMs = sim.nowMs
    const isContinued = this.#session.epoch > 0
    const asked = this.#positions.map((position) => ({ position, offset: position.offset }))
    const told = asked.filter(({ position, offset }) => !isContinued || position.toldOffset !== offset)
    for (const { position, offset } of asked) position.toldOffset = offset
    const answer = await this.#client.request(Fetch, this.#version, this.#request(told), this.#maxWaitMs)
    if (answer.errorCode !== 0) {
      sim.note(this.#who, `session: ${errorName(answer.errorCode)}`)
      sim.sometimes('fetch session lost')
      this.#session = { id: 0, epoch: 0 }
      return
    }
    if (this.#wantsSession) this.#continued(answer, isContinued)
    if (this.#version < 4) sim.sometimes('old fetcher')
    let records = 0
    for (const topic of answer.responses) {
      for (const partition of topic.partitions) {
        const found = asked.find(
          ({ position: { partition: known } }) =>
            known.index === partition.partitionIndex &&
            (this.#version >= 13 ? known.topic.id === topic.topicId : known.topic.name === topic.topic),
        )
        sim.check(
          found !== undefined,
          () => `${this.#who}: was not asked for ${topic.topic}-${partition.partitionIndex}`,
        )
        records += await this.#answered(found.position, found.offset, partition)
      }
    }
    if (this.#maxWaitMs >= 100) {
      const waitedMs = sim.nowMs - startedMs
      if (records === 0 && waitedMs >= this.#maxWaitMs) sim.sometimes('long poll timed out')
      else if (records > 0 && waitedMs > 20) sim.sometimes('long poll woken')
    }
  }

  #request(told: readonly { position: Position; offset: number }[]): object & Partial<FetchRequest> {
    const topics = new Map<string, FetchRequest.FetchTopic & { partitions: FetchRequest.FetchPartition[] }>()
    for (const { position, offset } of told) {
      const { topic, index } = position.partition
      const entry = topics.get(topic.id) ?? { topic: topic.name, topicId: topic.id, partitions: [] }
      topics.set(topic.id, entry)
      entry.partitions.push({
        partition: index,
        currentLeaderEpoch: -1,
        fetchOffset: offset,
        lastFetchedEpoch: -1,
        logStartOffset: -1,
        // At the end it hurries.
        partitionMaxBytes: this.#sim.stopping ? 1 << 20 : this.#partitionBytes,
        replicaDirectoryId: topic.id,
        highWatermark: 0,
      })
    }
    return {
      replicaId: -1,
      maxWaitMs: this.#maxWaitMs,
      minBytes: this.#sim.stopping ? 1 : this.#minBytes,
      maxBytes: 1 << 20,
      isolationLevel: this.#random.below(2),
      sessionId: this.#session.id,
      sessionEpoch: this.#wantsSession ? this.#session.epoch : -1,
      topics: [...topics.values()],
    }
  }

  #continued(answer: FetchResponse, wasContinued: boolean): void {
    if (answer.sessionId === 0) {
      if (!wasContinued) this.#sim.sometimes('fetch session refused')
      this.#session = { id: 0, epoch: 0 }
      return
    }
    if (wasContinued) this.#sim.sometimes('fetch session continued')
    this.#session = { id: answer.sessionId, epoch: this.#session.epoch + 1 }
  }

  async #answered(position: Position, asked: number, answer: FetchResponse.PartitionData): Promise<number> {
    const sim: Sim = this.#sim
    const { partition } = position
    if (answer.errorCode !== 0) {
      const error = errorName(answer.errorCode)
      sim.note(this.#who, `${partition.name} from ${asked}: ${error}`)
      if (error === 'OFFSET_OUT_OF_RANGE') await this.#reset(position, asked)
      else {
        sim.check(
          error === 'KAFKA_STORAGE_ERROR' ||
            error === 'NOT_LEADER_OR_FOLLOWER' ||
            error === 'UNKNOWN_TOPIC_OR_PARTITION' ||
            error === 'UNKNOWN_TOPIC_ID' ||
            (error === 'UNSUPPORTED_COMPRESSION_TYPE' && this.#version < 10),
          () => `${this.#who}: ${partition.name} answers ${error}`,
        )
        if (error === 'UNSUPPORTED_COMPRESSION_TYPE')
          position.offset = Math.max(position.offset, asked + 1, partition.end)
      }
      return 0
    }
    const records = readFetched(sim, partition, answer.records, asked)
    if (records === null) return 0
    const highWatermark = Number(answer.highWatermark)
    const log = sim.broker.inside?.services.replicas.partition(partition.topic.name, partition.index)?.log ?? null
    for (const { offset, value, timestamp } of records) {
      const known = { value, timestamp: partition.topic.logAppendTime ? -1 : timestamp }
      sim.check(
        offset < highWatermark,
        () => `${this.#who}: ${partition.name} gives ${offset}, the high watermark is ${highWatermark}`,
      )
      sim.check(
        log === null || offset < log.writtenEnd || partition.losses > position.lossesSeen,
        () => `${this.#who}: ${partition.name} gives ${offset}, the written end is ${log?.writtenEnd}`,
      )
      sim.check(
        offset === position.offset ||
          position.offset !== asked ||
          Number(answer.logStartOffset) >= offset ||
          // A power loss may leave a hole between two segments, which recovery keeps.
          partition.losses > 0,
        () => `${this.#who}: ${partition.name} gives ${offset} for ${position.offset}: records are left out`,
      )
      sim.logs.observe(partition, offset, known, `a fetch of ${this.#who}`)
      position.offset = offset + 1
      asked = position.offset
    }
    if (records.length > 0) position.lossesSeen = partition.losses
    return records.length
  }

  async #reset(position: Position, asked: number): Promise<void> {
    const sim: Sim = this.#sim
    const { partition } = position
    sim.sometimes('offset out of range')
    const at = async (timestamp: number): Promise<number> => {
      const { topics } = await this.#client.request(ListOffsets, this.#random.between(1, 9), {
        replicaId: -1,
        topics: [{ name: partition.topic.name, partitions: [{ partitionIndex: partition.index, timestamp }] }],
      })
      const answer = topics[0]?.partitions[0]
      return answer === undefined || answer.errorCode !== 0 ? -1 : Number(answer.offset)
    }
    const first = await at(-2)
    const end = await at(-1)
    if (first < 0 || end < 0) return
    const lost = partition.losses > position.lossesSeen
    sim.check(
      asked < first || asked > end || lost,
      () => `${this.#who}: ${partition.name} has ${first}..${end}, and ${asked} is out of range`,
    )
    sim.check(asked <= end || lost, () => `${this.#who}: ${partition.name} ends at ${end}, ${asked} was read before`)
    position.offset = asked < first ? first : Math.min(asked, end)
    position.lossesSeen = partition.losses
  }
}
