/**
 * kafkajs's consumer: subscriptions, runs that follow each other after crashes, and what may be done meanwhile. runner.ts does the
 * work of one run. The group's protocol is the classic one, with kafkajs's assigner, so that members on kafkajs may be in it.
 */
import { Consumer as ClientConsumer } from '../client/consumer/consumer.ts'
import { byTopic, keyOf, type TopicPartition } from '../client/consumer/topic-partition.ts'
import { assignorOf, PartitionAssigners } from './assigners.ts'
import type { Connection } from './connection.ts'
import {
  CONSUMER_EVENTS,
  type ConsumerConfig,
  type ConsumerEvents,
  type ConsumerPayloads,
  type ConsumerRunConfig,
  type ConsumerSubscribeTopic,
  type ConsumerSubscribeTopics,
} from './consumer-types.ts'
import { describeGroups } from './describe-groups.ts'
import { mapped } from './error-mapping.ts'
import { KafkaJSNonRetriableError, KafkaJSNumberOfRetriesExceeded } from './errors.ts'
import {
  Instrumentation,
  type InstrumentationEvent,
  type RemoveInstrumentationEventListener,
} from './instrumentation.ts'
import type { Logger } from './logger.ts'
import { PausedPartitions, type PauseRequest } from './paused-partitions.ts'
import { Runner } from './runner.ts'
import { matchingTopics } from './topics.ts'
import type {
  GroupDescription,
  TopicPartitionOffset,
  TopicPartitionOffsetAndMetadata,
  TopicPartitions,
} from './types.ts'

export interface ConsumerParts {
  readonly connection: Connection
  readonly logger: Logger
}

const DEFAULTS = {
  sessionTimeout: 30_000,
  rebalanceTimeout: 60_000,
  heartbeatInterval: 3000,
  maxBytesPerPartition: 1_048_576,
  minBytes: 1,
  maxBytes: 10_485_760,
  maxWaitTimeInMs: 5000,
}

export class Consumer {
  readonly events: ConsumerEvents = CONSUMER_EVENTS
  readonly #connection: Connection
  readonly #config: ConsumerConfig & typeof DEFAULTS
  readonly #logger: Logger
  readonly #instrumentation: Instrumentation
  readonly #paused = new PausedPartitions()
  /** Whether each is read from its beginning. */
  readonly #topics = new Map<string, boolean>()
  #runner: Runner | null = null
  #restart: { cancel(): void } | null = null

  constructor({ connection, logger }: ConsumerParts, config: ConsumerConfig) {
    this.#connection = connection
    this.#config = { ...DEFAULTS, ...withoutUndefined(config) }
    this.#logger = logger
    this.#instrumentation = new Instrumentation(Object.values(CONSUMER_EVENTS), connection.world.clock, logger)
    connection.watchRequests(CONSUMER_EVENTS, this.#instrumentation)
    if (typeof config.groupId !== 'string' || config.groupId === '') {
      throw new KafkaJSNonRetriableError('A consumer needs a groupId.')
    }
    const { heartbeatInterval, sessionTimeout } = this.#config
    if (heartbeatInterval >= sessionTimeout) {
      throw new KafkaJSNonRetriableError(
        `heartbeatInterval (${heartbeatInterval}) must be lower than sessionTimeout (${sessionTimeout}).`,
      )
    }
  }

  async connect(): Promise<void> {
    await this.#connection.connect()
    this.#instrumentation.emit(CONSUMER_EVENTS.CONNECT)
  }

  async disconnect(): Promise<void> {
    await this.stop()
    this.#connection.disconnect()
    this.#instrumentation.emit(CONSUMER_EVENTS.DISCONNECT)
  }

  /** Before `run`. A RegExp stands for the topics that there are now. */
  async subscribe(subscription: ConsumerSubscribeTopics | ConsumerSubscribeTopic): Promise<void> {
    const { fromBeginning = false } = subscription
    if (this.#runner !== null) throw new KafkaJSNonRetriableError('The consumer runs: subscribe before run.')
    const wanted: unknown = 'topics' in subscription ? subscription.topics : [subscription.topic]
    if (!Array.isArray(wanted) || wanted.length === 0) {
      throw new KafkaJSNonRetriableError('subscribe needs topic, or topics that are not empty.')
    }
    for (const topic of wanted as unknown[]) {
      if (topic instanceof RegExp || (typeof topic === 'string' && topic !== '')) continue
      throw new KafkaJSNonRetriableError(`A topic is a name or a RegExp, and not ${String(topic)}.`)
    }
    for (const topic of wanted as (string | RegExp)[]) {
      const names = typeof topic === 'string' ? [topic] : await this.#mapped(() => matchingTopics(this.#network, topic))
      for (const name of names) this.#topics.set(name, fromBeginning)
    }
  }

  /** Resolves once the member is in its group; the run goes on in the background. Crashes are told by events. */
  async run(config: ConsumerRunConfig = {}): Promise<void> {
    if (this.#runner !== null) {
      this.#logger.warn('The consumer runs already: this call of run does nothing.')
      return
    }
    if (this.#topics.size === 0) throw new KafkaJSNonRetriableError('Nothing is subscribed to: call subscribe first.')
    // At once if it can be: programs seek and pause right behind the call, without waiting for it.
    if (!this.#connection.isConnected) await this.#connection.connect()
    await this.#start(config).joined
  }

  /** Lets work end, commits, and leaves the group. It may be run again. */
  async stop(): Promise<void> {
    this.#restart?.cancel()
    this.#restart = null
    const runner = this.#runner
    if (runner === null) return
    await runner.stop()
    this.#runner = null
    this.#instrumentation.emit(CONSUMER_EVENTS.STOP)
  }

  async commitOffsets(topicPartitions: readonly TopicPartitionOffsetAndMetadata[]): Promise<void> {
    for (const { topic, partition, offset } of topicPartitions) {
      checkPlace(topic, partition)
      if (!(Number(offset) >= 0)) throw new KafkaJSNonRetriableError(`An offset is 0 or more, and not ${offset}.`)
    }
    await this.#running('commitOffsets').commitOffsets(topicPartitions)
  }

  seek({ topic, partition, offset }: TopicPartitionOffset): void {
    checkPlace(topic, partition)
    const number = Number(offset)
    if (!Number.isSafeInteger(number) || number < -2) {
      throw new KafkaJSNonRetriableError(`An offset is a number from 0, -1 (the end) or -2 (the beginning): ${offset}.`)
    }
    this.#running('seek').seek({ topic, partition }, number)
  }

  async describeGroup(): Promise<GroupDescription> {
    const { groups } = await this.#mapped(() => describeGroups(this.#network, [this.#config.groupId]))
    return groups[0]!
  }

  pause(topics: PauseRequest[]): void {
    for (const { topic } of topics) checkTopic(topic)
    const runner = this.#running('pause')
    this.#paused.pause(topics)
    runner.applyPauses()
  }

  resume(topics: PauseRequest[]): void {
    for (const { topic } of topics) checkTopic(topic)
    const runner = this.#running('resume')
    this.#paused.resume(topics)
    runner.applyPauses()
  }

  paused(): TopicPartitions[] {
    if (this.#runner === null) return []
    return [...byTopic(this.#runner.pausedPartitions())].map(([topic, parts]) => ({
      topic,
      partitions: parts.map(({ partition }) => partition).toSorted((a, b) => a - b),
    }))
  }

  on<Name extends keyof ConsumerPayloads>(
    eventName: Name,
    listener: (event: InstrumentationEvent<ConsumerPayloads[Name]>) => void,
  ): RemoveInstrumentationEventListener<Name> {
    return this.#instrumentation.on(eventName, listener)
  }

  logger(): Logger {
    return this.#logger
  }

  get #network(): Connection['network'] {
    return this.#connection.network
  }

  #running(what: string): Runner {
    if (this.#runner !== null) return this.#runner
    throw new KafkaJSNonRetriableError(`${what} needs a consumer that runs: call run first.`)
  }

  /** Connects if need be. */
  #mapped<T>(work: () => Promise<T>): Promise<T> {
    return mapped(this.#connection.policy, async () => {
      await this.#connection.connect()
      return work()
    })
  }

  #start(run: ConsumerRunConfig): Runner {
    const { world, policy, options } = this.#connection
    const { groupId, partitionAssigners = [PartitionAssigners.roundRobin], ...config } = this.#config
    let hasLed = false
    const context = { groupId, logger: this.#logger, led: (): void => void (hasLed = true) }
    const assignors = partitionAssigners.map((make) => assignorOf(make, context))
    const network = this.#network
    const runner = new Runner({
      world,
      policy,
      run,
      groupId,
      logger: this.#logger.namespace('Runner'),
      instrumentation: this.#instrumentation,
      paused: this.#paused,
      heartbeatIntervalMs: config.heartbeatInterval,
      fetchMaxWaitMs: config.maxWaitTimeInMs,
      protocolName: () => assignors[0]!.name,
      hasLed: () => {
        const led = hasLed
        hasLed = false
        return led
      },
      isSubscribed: (topic) => this.#topics.has(topic),
      nodeOf: ({ topic, partition }) => network.metadata.topic(topic)?.partitions[partition]?.leader ?? -1,
      crashed: (error) => void this.#crashed(runner, run, error),
    })
    const isFirstFromBeginning = [...this.#topics.values()][0] === true
    const consumer: ClientConsumer = new ClientConsumer(world, {
      ...options,
      // A long poll must not be taken for a lost request.
      requestTimeoutMs: Math.max(options.requestTimeoutMs, config.maxWaitTimeInMs + 1000),
      groupId,
      groupProtocol: 'classic',
      assignors,
      sessionTimeoutMs: config.sessionTimeout,
      // 0 asks for one at each message; the membership needs a pause between two of them.
      heartbeatIntervalMs: Math.max(config.heartbeatInterval, 1),
      maxPollIntervalMs: config.rebalanceTimeout,
      maxPartitionFetchBytes: config.maxBytesPerPartition,
      fetchMinBytes: config.minBytes,
      fetchMaxBytes: config.maxBytes,
      fetchMaxWaitMs: config.maxWaitTimeInMs,
      autoCommit: false,
      isolationLevel: config.readUncommitted === true ? 'read_uncommitted' : 'read_committed',
      allowAutoCreateTopics: config.allowAutoTopicCreation ?? true,
      excludeInternalTopics: false,
      offsetReset: isFirstFromBeginning ? 'earliest' : 'latest',
      ...(config.rackId === undefined || config.rackId === '' ? {} : { rack: config.rackId }),
      onRebalance: {
        assigned: async (partitions) => {
          await this.#beginDifferently(consumer, partitions, isFirstFromBeginning)
          runner.assigned(partitions)
        },
        revoked: (partitions) => runner.revoked(partitions),
        lost: (partitions) => runner.lost(partitions),
      },
    })
    consumer.subscribe([...this.#topics.keys()])
    this.#runner = runner
    runner.start(consumer)
    return runner
  }

  /** Topics that begin elsewhere than the first one, where nothing is committed. */
  async #beginDifferently(
    consumer: ClientConsumer,
    partitions: readonly TopicPartition[],
    isFirstFromBeginning: boolean,
  ): Promise<void> {
    const others = partitions.filter(({ topic }) => this.#topics.get(topic) !== isFirstFromBeginning)
    if (others.length === 0) return
    const committed = await consumer.committed(others)
    const open = others.filter((partition) => committed.get(keyOf(partition)) === null)
    if (isFirstFromBeginning) consumer.seekToEnd(open)
    else consumer.seekToBeginning(open)
  }

  async #crashed(runner: Runner, run: ConsumerRunConfig, error: Error): Promise<void> {
    const { groupId, retry } = this.#config
    const { policy, world } = this.#connection
    this.#logger.error(`The consumer crashed: ${error.name}: ${error.message}`, { groupId, stack: error.stack })
    await runner.abandon()
    if (this.#runner !== runner) return
    this.#runner = null
    this.#connection.disconnect()
    this.#instrumentation.emit(CONSUMER_EVENTS.DISCONNECT)
    let restart = error instanceof KafkaJSNumberOfRetriesExceeded
    if (restart && retry?.restartOnFailure !== undefined) {
      restart = await retry.restartOnFailure(error).catch((failure: unknown) => {
        this.#logger.error(`restartOnFailure failed, so the consumer restarts: ${String(failure)}`, { groupId })
        return true
      })
    }
    this.#instrumentation.emit(CONSUMER_EVENTS.CRASH, { error, groupId, restart })
    if (!restart) return
    const retryTime = error instanceof KafkaJSNumberOfRetriesExceeded ? error.retryTime : policy.initialRetryTime
    this.#logger.error(`The consumer restarts in ${retryTime} ms.`, { groupId })
    this.#restartIn(retryTime, run, world)
  }

  #restartIn(ms: number, run: ConsumerRunConfig, { clock }: Connection['world']): void {
    this.#restart = clock.at(clock.monotonicMs() + ms, () => {
      this.#restart = null
      void this.#connection.connect().then(
        () => void this.#start(run),
        (error: unknown) => {
          this.#logger.error(`The consumer could not restart: ${String(error)}`)
          this.#restartIn(Math.max(ms, this.#connection.policy.initialRetryTime), run, this.#connection.world)
        },
      )
    })
  }
}

function checkTopic(topic: unknown): void {
  if (typeof topic !== 'string' || topic === '') throw new KafkaJSNonRetriableError(`Invalid topic: ${String(topic)}`)
}

function checkPlace(topic: unknown, partition: unknown): void {
  checkTopic(topic)
  if (Number.isInteger(partition)) return
  throw new KafkaJSNonRetriableError(`A partition is a whole number, and not ${String(partition)}.`)
}

function withoutUndefined<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T
}
