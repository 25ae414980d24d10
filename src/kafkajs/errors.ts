/**
 * Errors under the names, fields and families of kafkajs: programs tell them apart by `name`, `type`, `code`, `retriable`
 * and `instanceof`. Only those are here that this package throws.
 */

export interface KafkaJSErrorMetadata {
  readonly retriable?: boolean
  readonly cause?: Error | undefined
}

type Reason = Error | string

export class KafkaJSError extends Error {
  readonly retriable: boolean
  readonly helpUrl?: string
  override readonly cause?: Error

  constructor(reason: Reason, { retriable = true, cause }: KafkaJSErrorMetadata = {}) {
    super(typeof reason === 'string' ? reason : reason.message)
    this.name = 'KafkaJSError'
    this.retriable = retriable
    if (cause !== undefined) this.cause = cause
  }
}

export class KafkaJSNonRetriableError extends KafkaJSError {
  constructor(reason: Reason, { cause }: KafkaJSErrorMetadata = {}) {
    super(reason, { retriable: false, cause })
    this.name = 'KafkaJSNonRetriableError'
  }
}

/** What a broker answers. */
export interface ProtocolReason {
  readonly message: string
  /** Kafka's name of the code, as kafkajs spells it. */
  readonly type: string
  readonly code: number
  readonly retriable: boolean
}

export class KafkaJSProtocolError extends KafkaJSError {
  readonly type: string
  readonly code: number

  constructor({ message, type, code, retriable }: ProtocolReason) {
    super(message, { retriable })
    this.name = 'KafkaJSProtocolError'
    this.type = type
    this.code = code
  }
}

export class KafkaJSCreateTopicError extends KafkaJSProtocolError {
  readonly topic: string

  constructor(reason: ProtocolReason, topic: string) {
    super(reason)
    this.name = 'KafkaJSCreateTopicError'
    this.topic = topic
  }
}

export class KafkaJSAlterPartitionReassignmentsError extends KafkaJSProtocolError {
  readonly topic: string
  readonly partition: number

  constructor(reason: ProtocolReason, topic: string, partition: number) {
    super(reason)
    this.name = 'KafkaJSAlterPartitionReassignmentsError'
    this.topic = topic
    this.partition = partition
  }
}

export class KafkaJSAggregateError extends Error {
  readonly errors: (Error | string)[]

  constructor(message: string, errors: (Error | string)[]) {
    super(message)
    this.name = 'KafkaJSAggregateError'
    this.errors = errors
  }
}

export class KafkaJSNumberOfRetriesExceeded extends KafkaJSNonRetriableError {
  readonly retryCount: number
  /** Milliseconds that the last pause took. */
  readonly retryTime: number

  constructor(reason: Error, { retryCount, retryTime }: { readonly retryCount: number; readonly retryTime: number }) {
    super(reason, { cause: reason })
    this.name = 'KafkaJSNumberOfRetriesExceeded'
    this.retryCount = retryCount
    this.retryTime = retryTime
  }
}

export class KafkaJSConnectionError extends KafkaJSError {
  readonly broker?: string
  readonly code?: string

  constructor(reason: Reason, { broker, code }: { readonly broker?: string; readonly code?: string } = {}) {
    super(reason)
    this.name = 'KafkaJSConnectionError'
    if (broker !== undefined) this.broker = broker
    if (code !== undefined) this.code = code
  }
}

export class KafkaJSRequestTimeoutError extends KafkaJSError {
  constructor(reason: Reason) {
    super(reason)
    this.name = 'KafkaJSRequestTimeoutError'
  }
}

export class KafkaJSSASLAuthenticationError extends KafkaJSNonRetriableError {
  constructor(reason: Reason) {
    super(reason)
    this.name = 'KafkaJSSASLAuthenticationError'
  }
}

export class KafkaJSNotImplemented extends KafkaJSNonRetriableError {
  constructor(reason: Reason) {
    super(reason)
    this.name = 'KafkaJSNotImplemented'
  }
}

export interface KafkaJSDeleteGroupsErrorGroups {
  readonly groupId: string
  readonly errorCode: number
  readonly error: KafkaJSError
}

export class KafkaJSDeleteGroupsError extends KafkaJSError {
  readonly groups: KafkaJSDeleteGroupsErrorGroups[]

  constructor(reason: Reason, groups: KafkaJSDeleteGroupsErrorGroups[] = []) {
    super(reason)
    this.name = 'KafkaJSDeleteGroupsError'
    this.groups = groups
  }
}

export interface KafkaJSDeleteTopicRecordsErrorPartition {
  readonly partition: number
  readonly offset: string
  readonly error: KafkaJSError
}

export class KafkaJSDeleteTopicRecordsError extends KafkaJSError {
  readonly partitions: KafkaJSDeleteTopicRecordsErrorPartition[]

  /** Retriable if every partition's error is. */
  constructor({ partitions }: { readonly partitions: KafkaJSDeleteTopicRecordsErrorPartition[] }) {
    super('Records of some partitions were not deleted', {
      retriable: partitions.every(({ error }) => error.retriable),
    })
    this.name = 'KafkaJSDeleteTopicRecordsError'
    this.partitions = partitions
  }
}
