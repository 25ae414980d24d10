/**
 * Drives one kind of coordinator over the partitions of its topic that this broker leads: loads a partition when it is
 * elected, decides requests against it, unloads it when it resigns. What is decided and how is the coordinator's; when
 * it is written and answered is shard.ts'.
 */
import type { ErrorCode } from '../../base/error-codes.ts'
import { KafkaError } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import { MalformedError } from '../../base/byte-reader.ts'
import type { Clock } from '../../world/world.ts'
import type { Coordinator } from './coordinator.ts'
import type { Decider, Decision } from './decision.ts'
import { NOTHING_REPLAYED, replayBatches } from './load.ts'
import type { PartitionWriter } from './partition-writer.ts'
import type { Reply } from './reply.ts'
import { codeOfLogError } from './write-errors.ts'
import { Shard, type ShardSettings } from './shard.ts'

export interface RuntimeOptions<State, Record> {
  readonly coordinator: Coordinator<State, Record>
  readonly writer: PartitionWriter
  readonly clock: Clock
  readonly logger: Logger
  /** Asked anew for each batch. */
  readonly settings: () => ShardSettings
}

export class CoordinatorRuntime<State, Record> {
  readonly #options: RuntimeOptions<State, Record>
  readonly #shards = new Map<number, Shard<State, Record>>()
  #closed = false

  constructor(options: RuntimeOptions<State, Record>) {
    this.#options = options
  }

  /** Loads a partition as its leader. Resolves when it is served, was overtaken, or could not be read. */
  async load(partition: number, leaderEpoch: number): Promise<void> {
    const { coordinator, writer, clock, logger, settings } = this.#options
    const before = this.#shards.get(partition)
    if (this.#closed || (before !== undefined && before.leaderEpoch >= leaderEpoch)) return
    before?.close('NOT_COORDINATOR')
    const shard = new Shard(partition, leaderEpoch, coordinator, writer, clock, settings)
    this.#shards.set(partition, shard)
    const startMs = clock.monotonicMs()
    let replayed = NOTHING_REPLAYED
    shard.undo.recording = false
    try {
      await writer.scan(partition, leaderEpoch, (batches) => {
        if (shard.phase !== 'loading') return false
        replayed = replayBatches(coordinator, shard.state, batches, replayed)
        return true
      })
    } catch (error) {
      const detail = error instanceof MalformedError ? error.message : codeOfLogError(error)
      const line = `Loading ${coordinator.name} coordinator partition ${partition} failed: ${detail}`
      if (detail === 'NOT_LEADER_OR_FOLLOWER' || detail === 'NOT_COORDINATOR') logger.info(line)
      else logger.error(line, error)
      if (shard.phase === 'loading') shard.close('NOT_COORDINATOR')
      return
    }
    if (shard.phase !== 'loading') return
    shard.undo.recording = true
    const took = `${replayed.records} records in ${Math.round(clock.monotonicMs() - startMs)} ms`
    const line = `Loaded ${coordinator.name} coordinator partition ${partition} at epoch ${leaderEpoch}: ${took}`
    // Most of the fifty are empty, and a line for each would hide the others.
    if (replayed.records > 0) logger.info(line)
    else logger.debug(line)
    if (replayed.unknown > 0)
      logger.warn(
        `Partition ${partition} holds ${replayed.unknown} records of unknown kinds; they are kept as they are`,
      )
    shard.activate(replayed.nextOffset)
  }

  /** No longer leader: whoever waits is told to look for the new coordinator. */
  unload(partition: number): void {
    this.#shards.get(partition)?.close('NOT_COORDINATOR')
    this.#shards.delete(partition)
  }

  close(): void {
    this.#closed = true
    for (const shard of this.#shards.values()) shard.close('NOT_COORDINATOR')
    this.#shards.clear()
  }

  /** Decides one request; errors of the partition itself are answered by `failed` too. */
  write<Response>(
    partition: number,
    failed: (code: ErrorCode) => Response,
    decide: (state: State, reply: Reply<Response>, nowMs: number) => Decision<State, Record>,
  ): Promise<Response> {
    const shard = this.#serving(partition)
    return typeof shard === 'string' ? Promise.resolve(failed(shard)) : shard.decide(failed, decide)
  }

  /** Reads committed state at once. @throws KafkaError NOT_COORDINATOR | COORDINATOR_LOAD_IN_PROGRESS */
  read<Result>(partition: number, read: (state: State) => Result): Result {
    const shard = this.#serving(partition)
    if (typeof shard === 'string') throw new KafkaError(shard, `partition ${partition} is not served here`)
    return read(shard.state)
  }

  /** Every partition led here. @throws KafkaError COORDINATOR_LOAD_IN_PROGRESS if one isn't loaded yet. */
  readAll<Result>(read: (state: State) => Result): Result[] {
    const results: Result[] = []
    for (const shard of this.#shards.values()) {
      if (shard.phase === 'loading') throw new KafkaError('COORDINATOR_LOAD_IN_PROGRESS', 'groups are being loaded')
      if (shard.phase === 'active') results.push(read(shard.state))
    }
    return results
  }

  /** Decides on one partition if it is served; nobody waits. */
  writeAlone(partition: number, decide: Decider<State, Record>): void {
    const shard = this.#serving(partition)
    if (typeof shard !== 'string') shard.decideAlone(decide)
  }

  /** Null: the partition isn't coordinated here. */
  leaderEpochOf(partition: number): number | null {
    const shard = this.#shards.get(partition)
    return shard === undefined || shard.phase === 'closed' ? null : shard.leaderEpoch
  }

  /** Decides on every active partition; nobody waits. */
  writeAll(decide: Decider<State, Record>): void {
    for (const shard of this.#shards.values()) if (shard.phase === 'active') shard.decideAlone(decide)
  }

  #serving(partition: number): Shard<State, Record> | ErrorCode {
    const shard = this.#shards.get(partition)
    if (shard === undefined || shard.phase === 'closed') return 'NOT_COORDINATOR'
    return shard.phase === 'loading' ? 'COORDINATOR_LOAD_IN_PROGRESS' : shard
  }
}
