/**
 * One run of a kafkajs consumer, from joining the group until it is stopped or crashes: hands batches to the user's function,
 * commits, and tries again what failed.
 *
 * The client's consumer is asked for batches all the time, so that it takes part in rebalances whatever the user does. A
 * partition whose batch is being worked on is paused, and all are while as many as `partitionsConsumedConcurrently` are.
 * After a batch, reading goes on at what was resolved. A batch that fails is read again after a pause; after too many
 * failures in a row, or one that trying again can't mend, the run crashes.
 */
import { KafkaError } from '../base/errors.ts'
import { pause } from '../client/call.ts'
import type { Consumer as ClientConsumer } from '../client/consumer/consumer.ts'
import { keyOf, type TopicPartition } from '../client/consumer/topic-partition.ts'
import type { ClientWorld } from '../client/network-client.ts'
import { assignmentOf } from './assigners.ts'
import { Batch } from './batch.ts'
import { CONSUMER_EVENTS, type ConsumerRunConfig } from './consumer-types.ts'
import { asKafkaJS } from './error-mapping.ts'
import { KafkaJSError, KafkaJSNonRetriableError, KafkaJSNumberOfRetriesExceeded } from './errors.ts'
import type { Instrumentation } from './instrumentation.ts'
import type { Logger } from './logger.ts'
import { OffsetKeeper } from './offset-keeper.ts'
import { resolvePassed } from './passed-records.ts'
import type { PausedPartitions, PauseRequest } from './paused-partitions.ts'
import { jitteredPauseMs, type RetryPolicy } from './retry.ts'
import type { KafkaMessage, Offsets, TopicPartitionOffsetAndMetadata } from './types.ts'

export interface RunnerParts {
  readonly world: ClientWorld
  readonly policy: RetryPolicy
  readonly logger: Logger
  readonly instrumentation: Instrumentation
  readonly paused: PausedPartitions
  readonly run: ConsumerRunConfig
  readonly groupId: string
  readonly heartbeatIntervalMs: number
  readonly fetchMaxWaitMs: number
  readonly protocolName: () => string
  /** Asked once after each join: whether this member shared out. */
  readonly hasLed: () => boolean
  /** A leader that knows other subscriptions may give a member topics that it didn't ask for: they are left alone. */
  readonly isSubscribed: (topic: string) => boolean
  /** The leader of a partition; -1 if unknown. */
  readonly nodeOf: (partition: TopicPartition) => number
  readonly crashed: (error: Error) => void
}

/** What a rebalance brings about: the partition is read on by whoever has it. */
const OF_REBALANCE: ReadonlySet<string> = new Set([
  'REBALANCE_IN_PROGRESS',
  'ILLEGAL_GENERATION',
  'UNKNOWN_MEMBER_ID',
  'STALE_MEMBER_EPOCH',
  'NOT_COORDINATOR',
])
const BUGS: ReadonlySet<string> = new Set(['RangeError', 'ReferenceError', 'SyntaxError', 'TypeError'])

export class Runner {
  readonly #parts: RunnerParts
  readonly #offsets = new OffsetKeeper()
  /** Work by partition. */
  readonly #inFlight = new Map<string, Promise<void>>()
  /** Partitions whose offset the user set since their batch was handed out. */
  readonly #stale = new Set<string>()
  readonly #revoking = new Set<string>()
  readonly #seeks = new Map<string, TopicPartition & { readonly offset: number }>()
  readonly #ending = new AbortController()
  #consumer!: ClientConsumer
  #isRunning = true
  #hasJoined = false
  #failures = 0
  #joinStartMs: number
  #heartbeatMs = -Infinity
  #passedMs = -Infinity
  #lastCommitMs: number
  #loop: Promise<void> = Promise.resolve()
  #joined!: () => void
  /** Resolves once the group has given this member its partitions, or the run has ended before. */
  readonly joined = new Promise<void>((resolve) => (this.#joined = resolve))

  constructor(parts: RunnerParts) {
    this.#parts = parts
    this.#joinStartMs = this.#nowMs
    this.#lastCommitMs = this.#nowMs
  }

  start(consumer: ClientConsumer): void {
    this.#consumer = consumer
    this.#loop = this.#poll()
  }

  /** Lets work end, commits what is resolved, leaves the group. */
  async stop(): Promise<void> {
    if (!this.#isRunning) return
    this.#isRunning = false
    this.#joined()
    this.#ending.abort(new KafkaJSError('The consumer was stopped.'))
    await this.#loop
    await Promise.all(this.#inFlight.values())
    try {
      await this.#autoCommit()
      await this.#consumer.close()
    } catch (error) {
      this.#parts.logger.warn(`The consumer was not stopped in order: ${String(error)}`)
    }
  }

  /** What was paused or resumed comes into force. */
  applyPauses(): void {
    const isFull = this.#inFlight.size >= (this.#parts.run.partitionsConsumedConcurrently ?? 1)
    const toPause: TopicPartition[] = []
    const toResume: TopicPartition[] = []
    for (const partition of this.#consumer.assignment()) {
      const isBusy = isFull || this.#inFlight.has(keyOf(partition))
      const isUnwanted = !this.#parts.isSubscribed(partition.topic)
      const shallPause = isBusy || isUnwanted || this.#parts.paused.isPaused(partition.topic, partition.partition)
      ;(shallPause ? toPause : toResume).push(partition)
    }
    this.#consumer.pause(toPause)
    this.#consumer.resume(toResume)
  }

  pausedPartitions(): TopicPartition[] {
    return this.#consumer.assignment().filter(({ topic, partition }) => this.#parts.paused.isPaused(topic, partition))
  }

  /** Goes on there, now or once the partition is assigned. -1 is the end, -2 the beginning. */
  seek(partition: TopicPartition, offset: number): void {
    const key = keyOf(partition)
    if (!this.#isAssigned(key)) {
      if (!this.#hasJoined) this.#seeks.set(key, { ...partition, offset })
      return
    }
    this.#stale.add(key)
    if (offset === -1) this.#consumer.seekToEnd([partition])
    else if (offset === -2) this.#consumer.seekToBeginning([partition])
    else {
      this.#consumer.seek(partition, offset)
      this.#offsets.set(partition, offset)
      if (this.#parts.run.autoCommit !== false) {
        this.#commit([{ ...partition, offset: String(offset) }]).catch((error: unknown) => {
          this.#parts.logger.warn(`The offset that was sought is not committed: ${String(error)}`)
        })
      }
      return
    }
    this.#offsets.forget(partition)
  }

  /** Rejects with one of kafkajs's errors. */
  async commitOffsets(points: readonly TopicPartitionOffsetAndMetadata[]): Promise<void> {
    try {
      await this.#commit(points)
    } catch (error) {
      throw asKafkaJS(error, this.#parts.policy)
    }
  }

  /** The group has given partitions to this member. Before anything is fetched of them. */
  assigned(partitions: readonly TopicPartition[]): void {
    const { instrumentation, groupId, protocolName, hasLed, isSubscribed, logger } = this.#parts
    const { memberId } = this.#consumer.groupMetadata()
    this.#hasJoined = true
    const isLeader = hasLed()
    const assignment = this.#consumer.assignment()
    const wanted = assignment.filter(({ topic }) => isSubscribed(topic))
    if (wanted.length < assignment.length) {
      const topics = [...new Set(assignment.map(({ topic }) => topic))].filter((topic) => !isSubscribed(topic))
      logger.warn('The group gave this consumer topics that it is not subscribed to: they are left alone.', { topics })
    }
    instrumentation.emit(CONSUMER_EVENTS.GROUP_JOIN, {
      duration: this.#nowMs - this.#joinStartMs,
      groupId,
      memberId,
      isLeader,
      leaderId: isLeader ? memberId : '',
      groupProtocol: protocolName(),
      memberAssignment: assignmentOf(wanted),
    })
    for (const partition of partitions) {
      const wish = this.#seeks.get(keyOf(partition))
      if (wish !== undefined) this.seek(partition, wish.offset)
    }
    this.#seeks.clear()
    this.#stale.clear()
    this.applyPauses()
    this.#joined()
  }

  /** The group wants partitions back. */
  async revoked(partitions: readonly TopicPartition[]): Promise<void> {
    if (partitions.length === 0) return
    const { instrumentation, groupId, logger } = this.#parts
    this.#joinStartMs = this.#nowMs
    const { memberId } = this.#consumer.groupMetadata()
    instrumentation.emit(CONSUMER_EVENTS.REBALANCING, { groupId, memberId })
    const keys = new Set(partitions.map(keyOf))
    for (const key of keys) this.#revoking.add(key)
    await Promise.all([...keys].map((key) => this.#inFlight.get(key)))
    try {
      await this.#autoCommit(keys)
    } catch (error) {
      logger.warn(`Offsets were not committed before a rebalance: ${String(error)}`)
    }
    this.lost(partitions)
  }

  lost(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) {
      this.#revoking.delete(keyOf(partition))
      this.#offsets.forget(partition)
    }
  }

  get #nowMs(): number {
    return this.#parts.world.clock.monotonicMs()
  }

  #isAssigned(key: string): boolean {
    return this.#consumer.assignment().some((partition) => keyOf(partition) === key)
  }

  async #poll(): Promise<void> {
    const { instrumentation, fetchMaxWaitMs, nodeOf, policy } = this.#parts
    const { signal } = this.#ending
    while (this.#isRunning) {
      const startMs = this.#nowMs
      if (this.#hasJoined) instrumentation.emit(CONSUMER_EVENTS.FETCH_START, { nodeId: -1 })
      try {
        const view = await this.#consumer.poll({ timeoutMs: fetchMaxWaitMs, signal })
        if (this.#hasJoined) {
          const nodeId = view === null ? -1 : nodeOf(view)
          instrumentation.emit(CONSUMER_EVENTS.FETCH, { numberOfBatches: 0, duration: this.#nowMs - startMs, nodeId })
        }
        if (view === null) {
          this.#heartbeat()
          await this.#commitPassed()
          continue
        }
        const key = keyOf(view)
        this.#stale.delete(key)
        const batch = new Batch(view)
        this.#offsets.begin(view, Number(batch.firstOffset() ?? view.nextOffset))
        const work = this.#work(batch).finally(() => {
          this.#inFlight.delete(key)
          if (this.#isRunning) this.applyPauses()
        })
        this.#inFlight.set(key, work)
        this.applyPauses()
        if (this.#nowMs >= this.#passedMs + this.#parts.heartbeatIntervalMs) await this.#commitPassed()
      } catch (error) {
        if (this.#isRunning) await this.#failed(asKafkaJS(error, policy))
      }
    }
  }

  /** What partitions have passed that have nothing for the user. Between two polls. */
  async #commitPassed(): Promise<void> {
    if (!this.#hasJoined) return
    this.#passedMs = this.#nowMs
    const idle = this.#consumer
      .assignment()
      .map((partition) => ({ ...partition, key: keyOf(partition) }))
      .filter(({ key, topic }) => {
        return !this.#inFlight.has(key) && !this.#revoking.has(key) && this.#parts.isSubscribed(topic)
      })
    const passed = await resolvePassed(this.#consumer, this.#offsets, idle)
    if (passed.size > 0) await this.#autoCommit(passed)
  }

  /** Never rejects. */
  async #work(batch: Batch): Promise<void> {
    const key = keyOf(batch)
    try {
      await this.#process(batch)
      await this.#autoCommit()
      this.#heartbeat()
      this.#failures = 0
    } catch (error) {
      if (!(error instanceof KafkaError)) await this.#report(batch, error)
      if (this.#isRunning) await this.#failed(asKafkaJS(error, this.#parts.policy))
    }
    const next = this.#offsets.next(batch)
    const isDone = next === null || next === Number(batch.lastOffset()) + 1
    if (!isDone && !this.#stale.has(key) && this.#isAssigned(key)) this.#consumer.seek(batch, next)
  }

  async #process(batch: Batch): Promise<void> {
    const { run, instrumentation } = this.#parts
    const startMs = this.#nowMs
    const payload = {
      topic: batch.topic,
      partition: batch.partition,
      highWatermark: batch.highWatermark,
      offsetLag: batch.offsetLag(),
      offsetLagLow: batch.offsetLagLow(),
      batchSize: batch.messages.length,
      firstOffset: batch.firstOffset(),
      lastOffset: batch.lastOffset(),
    }
    instrumentation.emit(CONSUMER_EVENTS.START_BATCH_PROCESS, payload)
    if (run.eachMessage !== undefined) await this.#eachMessage(batch)
    else if (run.eachBatch !== undefined) await this.#eachBatch(batch)
    else this.#offsets.set(batch, Number(batch.lastOffset()) + 1)
    const duration = this.#nowMs - startMs
    instrumentation.emit(CONSUMER_EVENTS.END_BATCH_PROCESS, { ...payload, duration })
  }

  async #eachMessage(batch: Batch): Promise<void> {
    const { topic, partition, messages } = batch
    const key = keyOf(batch)
    const heartbeat = (): Promise<void> => this.#beat()
    const last = messages.at(-1)
    const ofMessage = (message: KafkaMessage): number => {
      // Behind the last one that is shown, all is done.
      return Number(message === last ? batch.lastOffset() : message.offset) + 1
    }
    for (const message of messages) {
      if (!this.#isRunning || this.#stale.has(key) || this.#revoking.has(key)) return
      await this.#parts.run.eachMessage!({ topic, partition, message, heartbeat, pause: this.#pauseOf(batch) })
      if (!this.#stale.has(key)) this.#offsets.set(batch, ofMessage(message))
      this.#heartbeat()
      await this.#commitIfDue()
      if (this.#parts.paused.isPaused(topic, partition)) return
    }
    if (messages.length === 0) this.#offsets.set(batch, Number(batch.lastOffset()) + 1)
  }

  async #eachBatch(batch: Batch): Promise<void> {
    const { run } = this.#parts
    const key = keyOf(batch)
    const resolve = (offset: string): void => {
      // Behind the last message there may be what is not shown: it is done with it.
      const isLast = offset === batch.messages.at(-1)?.offset
      this.#offsets.set(batch, Number(isLast ? batch.lastOffset() : offset) + 1)
    }
    await run.eachBatch!({
      batch,
      resolveOffset: resolve,
      heartbeat: () => this.#beat(),
      pause: this.#pauseOf(batch),
      commitOffsetsIfNecessary: (offsets) => {
        return offsets === undefined ? this.#commitIfDue(true) : this.commitOffsets(pointsOf(offsets))
      },
      uncommittedOffsets: () => this.#offsets.uncommitted(),
      isRunning: () => this.#isRunning,
      isStale: () => this.#stale.has(key) || this.#revoking.has(key),
    })
    if (run.eachBatchAutoResolve !== false && !this.#stale.has(key)) resolve(batch.lastOffset())
  }

  #pauseOf({ topic, partition }: TopicPartition): () => () => void {
    const one: PauseRequest[] = [{ topic, partitions: [partition] }]
    return () => {
      this.#parts.paused.pause(one)
      this.applyPauses()
      return () => {
        this.#parts.paused.resume(one)
        this.applyPauses()
      }
    }
  }

  /** What the user's function threw; what was resolved before is committed. */
  async #report({ topic, partition }: TopicPartition, error: unknown): Promise<void> {
    const { logger } = this.#parts
    if (!(error instanceof KafkaJSError)) {
      const stack = error instanceof Error ? error.stack : undefined
      logger.error('The function of eachMessage or eachBatch failed.', { topic, partition, error, stack })
    }
    try {
      await this.#autoCommit()
    } catch (failure) {
      logger.warn(`Offsets were not committed after a failure: ${String(failure)}`)
    }
  }

  /** Waits until it may be tried again, or crashes. Never rejects. */
  async #failed(error: Error): Promise<void> {
    const { policy, world, logger, crashed } = this.#parts
    if (error instanceof KafkaJSError && 'type' in error && OF_REBALANCE.has(String(error.type))) {
      logger.warn(`The group is rebalancing: ${error.message}`)
      return
    }
    const isHopeless = BUGS.has(error.name) || (error as Partial<KafkaJSError>).retriable === false
    const retryCount = this.#failures++
    const retryTime = jitteredPauseMs(policy, retryCount + 1, world.random)
    if (!isHopeless && retryCount < policy.retries) {
      logger.debug(`Trying again in ${retryTime} ms after: ${error.message}`, { retryCount })
      await pause(world.clock, retryTime, this.#ending.signal).catch(() => {})
      return
    }
    this.#isRunning = false
    this.#joined()
    this.#ending.abort(error)
    crashed(
      isHopeless
        ? error instanceof KafkaJSNumberOfRetriesExceeded
          ? error
          : new KafkaJSNonRetriableError(error, { cause: error })
        : new KafkaJSNumberOfRetriesExceeded(error, { retryCount, retryTime }),
    )
  }

  /** After a crash: what is left of the run. */
  async abandon(): Promise<void> {
    await this.#loop
    await Promise.all(this.#inFlight.values())
    await this.#consumer.close().catch((error: unknown) => {
      this.#parts.logger.warn(`The consumer was not closed in order: ${String(error)}`)
    })
  }

  #beat(): Promise<void> {
    this.#heartbeat()
    return Promise.resolve()
  }

  /** The membership is kept up in the background: here it is told. */
  #heartbeat(): void {
    if (this.#nowMs < this.#heartbeatMs + this.#parts.heartbeatIntervalMs) return
    this.#heartbeatMs = this.#nowMs
    const { memberId, generationId } = this.#consumer.groupMetadata()
    if (memberId === '') return
    const { instrumentation, groupId } = this.#parts
    instrumentation.emit(CONSUMER_EVENTS.HEARTBEAT, { groupId, memberId, groupGenerationId: generationId })
  }

  async #autoCommit(keys: ReadonlySet<string> | null = null): Promise<void> {
    if (this.#parts.run.autoCommit === false) return
    await this.#commit(pointsOf(this.#offsets.uncommitted(keys)))
  }

  /** By interval and threshold. Without them nothing is due before the batch ends. */
  async #commitIfDue(isAsked = false): Promise<void> {
    const { autoCommit = true, autoCommitInterval = null, autoCommitThreshold = null } = this.#parts.run
    if (!autoCommit && !isAsked) return
    const isLate = autoCommitInterval !== null && this.#nowMs >= this.#lastCommitMs + autoCommitInterval
    const isMuch = autoCommitThreshold !== null && this.#offsets.uncommittedCount >= autoCommitThreshold
    if (isLate || isMuch) await this.#commit(pointsOf(this.#offsets.uncommitted()))
  }

  async #commit(points: readonly TopicPartitionOffsetAndMetadata[]): Promise<void> {
    this.#lastCommitMs = this.#nowMs
    if (points.length === 0) return
    await this.#consumer.commit(
      points.map(({ topic, partition, offset, metadata }) => {
        const point = { topic, partition, offset: Number(offset) }
        return metadata === undefined || metadata === null ? point : { ...point, metadata }
      }),
    )
    for (const point of points) this.#offsets.committed(point, Number(point.offset))
    const { memberId, generationId } = this.#consumer.groupMetadata()
    const { instrumentation, groupId } = this.#parts
    const topics = offsetsOf(points).topics
    instrumentation.emit(CONSUMER_EVENTS.COMMIT_OFFSETS, { groupId, memberId, groupGenerationId: generationId, topics })
  }
}

function pointsOf({ topics }: Offsets): TopicPartitionOffsetAndMetadata[] {
  return topics.flatMap(({ topic, partitions }) => partitions.map((one) => ({ topic, ...one })))
}

function offsetsOf(points: readonly TopicPartitionOffsetAndMetadata[]): Offsets {
  const topics = [...new Set(points.map(({ topic }) => topic))]
  return {
    topics: topics.map((topic) => ({
      topic,
      partitions: points
        .filter((point) => point.topic === topic)
        .map(({ partition, offset }) => ({ partition, offset: String(offset) })),
    })),
  }
}
