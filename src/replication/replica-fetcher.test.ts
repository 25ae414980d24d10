/**
 * Three replicas whose leader changes at random, cleanly or not, while leaders append, answers fail, are cut or come late, and
 * processes die. Whatever happened, a follower that is left in peace ends with the log of its leader, byte for byte.
 */
import { expect, test } from 'vitest'
import { KafkaError, OperationalError } from '../base/errors.ts'
import { SILENT } from '../base/logger.ts'
import { parseUuid, type Uuid } from '../base/uuid.ts'
import { DEFAULT_LOG_CONFIG } from '../config/log-config.ts'
import { buildBatch } from '../records/batch-builder.ts'
import type { FetchPlace } from '../rpc/fetch-session.ts'
import { PartitionLog } from '../storage/partition-log.ts'
import { SeededWorld } from '../testing/seeded-world.ts'
import type { World } from '../world/world.ts'
import { placeKey, type FetchAnswer, type FetchedPartition, type LeaderLink } from './leader-link.ts'
import { Partition, type Assignment } from './partition.ts'
import { testContext } from './test-partition.ts'
import type { ReplicaFetcher } from './replica-fetcher.ts'
import { testFetcher } from './test-fetcher.ts'

const TOPIC_ID = parseUuid('2Ch-bPKwRkmeGTSzNm1tLg') as Uuid
const REPLICAS = [1, 2, 3]
const SETTINGS = { waitMaxMs: 50, minBytes: 1, responseMaxBytes: 1 << 20, maxBytes: 600, backoffMs: 20 }
const CONFIG = { ...DEFAULT_LOG_CONFIG, segmentBytes: 1500, segmentIndexBytes: 1200, indexIntervalBytes: 200 }
const SEEDS = Number(process.env['KLAMM_LOG_SEEDS'] ?? 25)
const FIRST_SEED = Number(process.env['KLAMM_LOG_SEED'] ?? 0)

/** One broker's replica, over all of its processes. */
class Replica {
  readonly id: number
  readonly #world: SeededWorld
  #recoveryPoint = 0
  /** As checkpointed: records that were deleted don't come back. */
  #startOffset = 0
  partition!: Partition
  fetcher: ReplicaFetcher | null = null

  constructor(id: number, world: SeededWorld) {
    this.id = id
    this.#world = world
    world.node(`n${id}`).disk.heal()
  }

  get world(): World {
    return this.#world.node(`n${this.id}`).world
  }

  get log(): PartitionLog {
    return this.partition.log!
  }

  async open(assignment: Assignment): Promise<void> {
    const log = await PartitionLog.open({
      ...this.world,
      logger: SILENT,
      directory: '/d/t-0',
      topicPartition: { topic: 't', partition: 0 },
      topicId: TOPIC_ID,
      config: CONFIG,
      cleanShutdown: false,
      recoveryPoint: this.#recoveryPoint,
      logStartOffset: this.#startOffset,
      producerIdExpirationMs: 86_400_000,
      tailCache: null,
    })
    log.onRecoveryPointLowered(async () => void (this.#recoveryPoint = log.recoveryPoint))
    this.partition = new Partition({ topic: 't', index: 0, topicId: TOPIC_ID }, testContext(this.id), log, assignment)
  }

  /** As ReplicaManager does it. */
  async assign(assignment: Assignment, leader: Replica, broken: (error: unknown) => void): Promise<void> {
    await this.fetcher?.close()
    this.fetcher = null
    this.partition.assign(assignment)
    if (leader === this) return
    this.fetcher = testFetcher({
      leaderId: leader.id,
      clock: this.world.clock,
      link: new ScriptedLink(this.#world, this.world, leader),
      log: () => this.log,
      settings: SETTINGS,
      broken,
    })
    this.fetcher.add(this.partition)
  }

  crash(): void {
    this.#startOffset = this.log.startOffset
    this.#world.node(`n${this.id}`).crash()
    this.fetcher = null
  }
}

/** What stands between a follower and the log of its leader. */
class ScriptedLink implements LeaderLink {
  static faults = 0
  readonly #choices: SeededWorld['choices']
  readonly #own: World
  readonly #leader: Replica

  constructor(world: SeededWorld, own: World, leader: Replica) {
    this.#choices = world.choices
    this.#own = own
    this.#leader = leader
  }

  async fetch(places: ReadonlyMap<string, FetchPlace>): Promise<FetchAnswer> {
    await this.#delay()
    const answer = new Map<string, FetchedPartition>()
    for (const place of places.values()) {
      const part = await this.#part(place)
      if (part !== null) answer.set(placeKey(place.topicId, place.partition), part)
    }
    await this.#delay()
    return { partitions: answer, memory: null }
  }

  async offset(place: FetchPlace, which: 'earliest' | 'latest'): Promise<number> {
    await this.#delay()
    const log = this.#leader.partition.leaderLog(place.currentLeaderEpoch)
    return which === 'latest' ? log.writtenEnd : log.startOffset
  }

  close(): void {}

  async #part(place: FetchPlace): Promise<FetchedPartition | null> {
    const base = { partitionIndex: 0, errorCode: 0, highWatermark: -1, lastStableOffset: -1, logStartOffset: -1 }
    const none = {
      divergingEpoch: { epoch: -1, endOffset: -1 },
      currentLeader: { leaderId: -1, leaderEpoch: -1 },
      snapshotId: { endOffset: -1, epoch: -1 },
      abortedTransactions: null,
      preferredReadReplica: -1,
      records: null,
    }
    try {
      const log = this.#leader.partition.leaderLog(place.currentLeaderEpoch)
      const good = { ...base, ...none, highWatermark: log.highWatermark, logStartOffset: log.startOffset }
      if (place.lastFetchedEpoch >= 0) {
        const end = log.endOffsetForEpoch(place.lastFetchedEpoch)
        if (end.epoch < 0) throw new KafkaError('OFFSET_OUT_OF_RANGE', '')
        if (end.epoch < place.lastFetchedEpoch || end.endOffset < place.fetchOffset) {
          return { ...good, divergingEpoch: end }
        }
      }
      const read = await log.read(place.fetchOffset, log.writtenEnd, place.maxBytes, true)
      const records = Buffer.concat(read.pieces)
      read.release()
      if (this.#choices.below(100) >= ScriptedLink.faults) return { ...good, records }
      if (this.#choices.below(2) === 0)
        return { ...good, records: records.subarray(0, this.#choices.below(records.length + 1)) }
      if (records.length > 0) records[records.length - 1]! ^= 0xff
      return { ...good, records }
    } catch (error) {
      if (error instanceof KafkaError) return { ...base, ...none, errorCode: error.errno }
      throw error
    }
  }

  async #delay(): Promise<void> {
    const { clock } = this.#own
    const ms = this.#choices.below(5)
    await new Promise<void>((resolve) => void clock.at(clock.monotonicMs() + ms, resolve))
    if (this.#choices.below(100) < ScriptedLink.faults) throw new OperationalError('NETWORK_FAILED', 'as scripted')
  }
}

async function sleep(world: World, ms: number): Promise<void> {
  await new Promise<void>((resolve) => void world.clock.at(world.clock.monotonicMs() + ms, resolve))
}

async function bytesOf(log: PartitionLog): Promise<Buffer> {
  const pieces: Buffer[] = []
  await log.scan(log.startOffset, (bytes, at, size) => void pieces.push(Buffer.from(bytes.subarray(at, at + size))))
  return Buffer.concat(pieces)
}

test.each(Array.from({ length: SEEDS }, (_, index) => FIRST_SEED + index))(
  'a follower that is left in peace has the log of its leader, seed %i',
  (seed) =>
    new SeededWorld(seed).run(async (world) => {
      const { choices } = world
      const observer = world.node('observer').world
      const failures: unknown[] = []
      const broken = (error: unknown): void => void failures.push(error)
      const assignment = (leader: number, epoch: number): Assignment => ({
        leader,
        leaderEpoch: epoch,
        partitionEpoch: epoch,
        // Nobody holds the high watermark back: what is lost in these elections may have been committed.
        isr: [leader],
        replicas: REPLICAS,
      })
      const replicas = REPLICAS.map((id) => new Replica(id, world))
      for (const replica of replicas) await replica.open(assignment(-1, 0))
      let leader = replicas[0]!
      let current = assignment(-1, 0)
      for (let epoch = 1; epoch <= 8; epoch++) {
        ScriptedLink.faults = choices.below(2) === 0 ? 0 : choices.below(40)
        leader = replicas[choices.below(3)]!
        current = assignment(leader.id, epoch)
        // Some learn of the election later than others, and some not at all.
        for (const replica of replicas)
          if (replica === leader || choices.below(4) > 0) await replica.assign(current, leader, broken)
        for (let step = choices.below(12); step > 0; step--) {
          if (choices.below(3) > 0) {
            const records = Array.from({ length: 1 + choices.below(3) }, () => ({
              timestamp: 0,
              value: Buffer.alloc(choices.below(200), epoch),
            }))
            leader.partition.append(leader.log, buildBatch({ records }), { origin: 'client' }).written.catch(() => {})
          } else if (choices.below(6) === 0 && leader.log.highWatermark > leader.log.startOffset) {
            const { startOffset, highWatermark } = leader.log
            leader.log.deleteRecordsBefore(choices.between(startOffset, highWatermark))
          } else await sleep(observer, choices.below(30))
          const victim = replicas[choices.below(3)]!
          if (victim !== leader && choices.below(6) === 0) {
            victim.crash()
            await victim.open(assignment(-1, 0))
            await victim.assign(current, leader, broken)
          }
        }
      }
      ScriptedLink.faults = 0
      for (const replica of replicas) if (replica !== leader) await replica.assign(current, leader, broken)
      await leader.log.settled()
      for (let waits = 0; waits < 200; waits++) {
        if (replicas.every(({ log }) => log.writtenEnd === leader.log.writtenEnd)) break
        await sleep(observer, 20)
      }
      await sleep(observer, 200)
      expect(failures).toEqual([])
      const bytes = await bytesOf(leader.log)
      for (const { id, log, fetcher } of replicas) {
        expect([log.writtenEnd, log.assignedEnd], `end of ${id}`).toEqual([
          leader.log.writtenEnd,
          leader.log.writtenEnd,
        ])
        // Who led before may have deleted more.
        expect(log.startOffset, `start of ${id}`).toBeGreaterThanOrEqual(leader.log.startOffset)
        expect(log.highWatermark, `high watermark of ${id}`).toBe(leader.log.highWatermark)
        const own = await bytesOf(log)
        expect(own.length > 0 || log.startOffset === log.writtenEnd, `something in ${id}`).toBe(true)
        expect(bytes.subarray(bytes.length - own.length).equals(own), `bytes of ${id}`).toBe(true)
        await fetcher?.close()
        await log.close()
      }
    }),
)
