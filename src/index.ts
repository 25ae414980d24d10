/**
 * `klamm`: a client for any Apache Kafka from 0.10 on.
 *
 *     import { Klamm, string, json } from 'klamm'
 *     const kafka = new Klamm({ brokers: 'localhost:9092' })
 *
 * The only file of the client that chooses the machine: sockets, clock and diagnostics channels of this process. What it
 * exports is what the package promises.
 */
import { channel } from 'node:diagnostics_channel'
import type { ClientOptions } from './client/client-options.ts'
import { KlammClient } from './client/klamm.ts'
import { nodeWorld } from './world/node/index.ts'

export { ERROR_CODES, type ErrorCode } from './base/error-codes.ts'
export { KafkaError, OperationalError, type OperationalCode } from './base/errors.ts'
export type { Logger } from './base/logger.ts'
export type { CallOptions } from './client/call.ts'
export type { ClientOptions } from './client/client-options.ts'
export type { CommitPoint, CommittedOffset } from './client/consumer/committer.ts'
export {
  Consumer,
  type CloseOptions,
  type ConsumerGroupMetadata,
  type PollOptions,
} from './client/consumer/consumer.ts'
export type { AssignorName, ConsumerOptions } from './client/consumer/consumer-options.ts'
export type {
  AssignablePartition,
  MemberAssignment,
  MemberSubscription,
  PartitionAssignor,
} from './client/consumer/group/assignors/assignor.ts'
export type { FoundOffset } from './client/consumer/offset-queries.ts'
export type { OffsetReset } from './client/consumer/offset-spec.ts'
export type { RebalanceListener } from './client/consumer/rebalance-listener.ts'
export type { CommitDetail, ConsumedRecord, RecordBatchView } from './client/consumer/record-batch-view.ts'
export { SubscriptionPattern, type Topics } from './client/consumer/subscription.ts'
export type { TopicPartition } from './client/consumer/topic-partition.ts'
export { ClientError, isFatal, isRetriable, type ClientErrorCode } from './client/errors.ts'
export { bytes, json, string, type Serde, type StandardSchema } from './client/serde.ts'

/** The clients of one cluster, on this machine. Adds nothing to KlammClient but the machine. */
export class Klamm extends KlammClient {
  /** @throws ClientError INVALID_ARGUMENT with one sentence. */
  constructor(options: ClientOptions) {
    super(nodeWorld(), { events: channel, ...options })
  }
}
