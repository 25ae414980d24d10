/** Shapes of kafkajs that more than one of its clients speaks of. Offsets and times are decimal text, as there. */
import type { TlsOptions } from '../world/world.ts'
import type { CompressionTypes, logLevel } from './constants.ts'
import type { logCreator } from './logger.ts'
import type { RetryOptions } from './retry.ts'

export type BrokersFunction = () => string[] | Promise<string[]>

export interface OauthbearerProviderResponse {
  value: string
}

export type SASLOptions =
  | { mechanism: 'plain'; username: string; password: string }
  | { mechanism: 'scram-sha-256'; username: string; password: string }
  | { mechanism: 'scram-sha-512'; username: string; password: string }
  | { mechanism: 'oauthbearer'; oauthBearerProvider: () => Promise<OauthbearerProviderResponse> }
export type SASLMechanism = SASLOptions['mechanism']

export interface KafkaConfig {
  brokers: string[] | BrokersFunction
  /** What `tls.connect` takes, as far as TlsOptions has it; other keys are refused. */
  ssl?: boolean | TlsOptions
  sasl?: SASLOptions
  clientId?: string
  /** Milliseconds. 1000 if left out. */
  connectionTimeout?: number
  /** Taken without effect: `connectionTimeout` includes authentication, and sessions are renewed in time. */
  authenticationTimeout?: number
  reauthenticationThreshold?: number
  /** Milliseconds. 30,000 if left out. */
  requestTimeout?: number
  /** False: requests are waited for without limit. True if left out. */
  enforceRequestTimeout?: boolean
  retry?: RetryOptions
  logLevel?: logLevel
  logCreator?: logCreator
}

export interface IHeaders {
  [key: string]: Buffer | string | (Buffer | string)[] | undefined
}

export interface Message {
  key?: Buffer | string | null
  value: Buffer | string | null
  partition?: number
  headers?: IHeaders
  timestamp?: string
}

export interface PartitionMetadata {
  partitionErrorCode: number
  partitionId: number
  leader: number
  replicas: number[]
  isr: number[]
  offlineReplicas?: number[]
}

export interface ProducerRecord {
  topic: string
  messages: Message[]
  acks?: number
  timeout?: number
  compression?: CompressionTypes
}

export interface TopicMessages {
  topic: string
  messages: Message[]
}

export interface ProducerBatch {
  acks?: number
  timeout?: number
  compression?: CompressionTypes
  topicMessages?: TopicMessages[]
}

export interface RecordMetadata {
  topicName: string
  partition: number
  errorCode: number
  offset?: string
  timestamp?: string
  baseOffset?: string
  logAppendTime?: string
  logStartOffset?: string
}

export interface TopicPartition {
  topic: string
  partition: number
}
export interface TopicPartitions {
  topic: string
  partitions: number[]
}
export interface TopicPartitionOffset extends TopicPartition {
  offset: string
}
export interface TopicPartitionOffsetAndMetadata extends TopicPartitionOffset {
  metadata?: string | null
}
export interface PartitionOffset {
  partition: number
  offset: string
}
export type SeekEntry = PartitionOffset
export interface TopicOffsets {
  topic: string
  partitions: PartitionOffset[]
}
export interface Offsets {
  topics: TopicOffsets[]
}
export type OffsetsByTopicPartition = Offsets

export interface KafkaMessage {
  key: Buffer | null
  value: Buffer | null
  timestamp: string
  attributes: number
  offset: string
  headers: IHeaders
  size?: never
}

export interface MemberDescription {
  clientHost: string
  clientId: string
  memberId: string
  memberAssignment: Buffer
  memberMetadata: Buffer
}
export type ConsumerGroupState = 'Unknown' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' | 'Dead' | 'Empty'
export interface GroupDescription {
  errorCode: number
  groupId: string
  members: MemberDescription[]
  protocol: string
  protocolType: string
  state: ConsumerGroupState
}
export interface GroupDescriptions {
  groups: GroupDescription[]
}
