/** What programs give to a kafkajs consumer and get from it: settings, handlers, events. */
import type { Assignment, PartitionAssigner } from './assigners.ts'
import type { Batch } from './batch.ts'
import type { InstrumentationEvent } from './instrumentation.ts'
import type { RequestPayload, RequestTimeoutPayload } from './request-events.ts'
import type { RetryOptions } from './retry.ts'
import type { KafkaMessage, Offsets, OffsetsByTopicPartition, TopicOffsets } from './types.ts'

export interface ConsumerConfig {
  groupId: string
  /** In order of preference. `PartitionAssigners.roundRobin` if left out. */
  partitionAssigners?: PartitionAssigner[]
  metadataMaxAge?: number
  /** Milliseconds. 30,000 if left out. */
  sessionTimeout?: number
  /** Milliseconds that a rebalance waits for a member. 60,000 if left out. */
  rebalanceTimeout?: number
  /** Milliseconds. 3000 if left out. */
  heartbeatInterval?: number
  /** 1,048,576 if left out. */
  maxBytesPerPartition?: number
  minBytes?: number
  /** 10,485,760 if left out. */
  maxBytes?: number
  /** Milliseconds. 5000 if left out. */
  maxWaitTimeInMs?: number
  retry?: RetryOptions
  allowAutoTopicCreation?: boolean
  /** Taken without effect: a broker is asked for records once at a time. */
  maxInFlightRequests?: number
  /** Records of transactions before their commit, and those aborted. False if left out. */
  readUncommitted?: boolean
  rackId?: string
}

export type ConsumerSubscribeTopic = { topic: string | RegExp; fromBeginning?: boolean }
export type ConsumerSubscribeTopics = { topics: (string | RegExp)[]; fromBeginning?: boolean }

export interface EachMessagePayload {
  topic: string
  partition: number
  message: KafkaMessage
  heartbeat(): Promise<void>
  /** Pauses the partition; what it returns resumes it. */
  pause(): () => void
}

export interface EachBatchPayload {
  batch: Batch
  resolveOffset(offset: string): void
  heartbeat(): Promise<void>
  pause(): () => void
  commitOffsetsIfNecessary(offsets?: Offsets): Promise<void>
  uncommittedOffsets(): OffsetsByTopicPartition
  isRunning(): boolean
  isStale(): boolean
}

export type ConsumerEachMessagePayload = EachMessagePayload
export type ConsumerEachBatchPayload = EachBatchPayload
export type EachMessageHandler = (payload: EachMessagePayload) => Promise<void>
export type EachBatchHandler = (payload: EachBatchPayload) => Promise<void>

export type ConsumerRunConfig = {
  autoCommit?: boolean
  /** Milliseconds. */
  autoCommitInterval?: number | null
  /** Messages. */
  autoCommitThreshold?: number | null
  eachBatchAutoResolve?: boolean
  partitionsConsumedConcurrently?: number
  eachBatch?: EachBatchHandler
  eachMessage?: EachMessageHandler
}

export const CONSUMER_EVENTS = {
  HEARTBEAT: 'consumer.heartbeat',
  COMMIT_OFFSETS: 'consumer.commit_offsets',
  GROUP_JOIN: 'consumer.group_join',
  FETCH_START: 'consumer.fetch_start',
  FETCH: 'consumer.fetch',
  START_BATCH_PROCESS: 'consumer.start_batch_process',
  END_BATCH_PROCESS: 'consumer.end_batch_process',
  CONNECT: 'consumer.connect',
  DISCONNECT: 'consumer.disconnect',
  STOP: 'consumer.stop',
  CRASH: 'consumer.crash',
  REBALANCING: 'consumer.rebalancing',
  REQUEST: 'consumer.network.request',
  REQUEST_TIMEOUT: 'consumer.network.request_timeout',
} as const
export type ConsumerEvents = typeof CONSUMER_EVENTS

interface BatchProcess {
  topic: string
  partition: number
  highWatermark: string
  offsetLag: string
  offsetLagLow: string
  batchSize: number
  firstOffset: string
  lastOffset: string
}

/** By event name. */
export interface ConsumerPayloads {
  'consumer.heartbeat': { groupId: string; memberId: string; groupGenerationId: number }
  'consumer.commit_offsets': { groupId: string; memberId: string; groupGenerationId: number; topics: TopicOffsets[] }
  'consumer.group_join': {
    duration: number
    groupId: string
    isLeader: boolean
    /** This member's own id, or empty: another member leads. */
    leaderId: string
    groupProtocol: string
    memberId: string
    memberAssignment: Assignment
  }
  'consumer.fetch_start': { nodeId: number }
  'consumer.fetch': { numberOfBatches: number; duration: number; nodeId: number }
  'consumer.start_batch_process': BatchProcess
  'consumer.end_batch_process': BatchProcess & { duration: number }
  'consumer.connect': null
  'consumer.disconnect': null
  'consumer.stop': null
  'consumer.crash': { error: Error; groupId: string; restart: boolean }
  'consumer.rebalancing': { groupId: string; memberId: string }
  'consumer.network.request': RequestPayload
  'consumer.network.request_timeout': RequestTimeoutPayload
}

type EventOf<Name extends keyof ConsumerPayloads> = InstrumentationEvent<ConsumerPayloads[Name]>
export type ConsumerHeartbeatEvent = EventOf<'consumer.heartbeat'>
export type ConsumerCommitOffsetsEvent = EventOf<'consumer.commit_offsets'>
export type ConsumerGroupJoinEvent = EventOf<'consumer.group_join'>
export type ConsumerFetchStartEvent = EventOf<'consumer.fetch_start'>
export type ConsumerFetchEvent = EventOf<'consumer.fetch'>
export type ConsumerStartBatchProcessEvent = EventOf<'consumer.start_batch_process'>
export type ConsumerEndBatchProcessEvent = EventOf<'consumer.end_batch_process'>
export type ConsumerCrashEvent = EventOf<'consumer.crash'>
export type ConsumerRebalancingEvent = EventOf<'consumer.rebalancing'>
export type ConnectEvent = InstrumentationEvent<null>
export type DisconnectEvent = InstrumentationEvent<null>
export type IMemberAssignment = Assignment
