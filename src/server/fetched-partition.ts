/** What a Fetch answer says of one partition: its records in a form that the version can carry, or why there are none. */
import { ERROR_CODES } from '../base/error-codes.ts'
import { KafkaError } from '../base/errors.ts'
import type { Init } from '../protocol/codec.ts'
import type { FetchResponse } from '../protocol/generated/fetch.ts'
import { downConvert } from '../records/convert.ts'
import type { FetchResult } from '../replication/partition-read.ts'
import type { SessionPartition } from './fetch-sessions.ts'
import type { RequestContext } from './handler.ts'
import type { Services } from './services.ts'

export type PartitionAnswer = Init<FetchResponse.PartitionData>

/** Consumers that may read from followers (KIP-392). */
export const FROM_FOLLOWERS_VERSION = 11
const MAGIC_1_VERSION = 2
const MAGIC_2_VERSION = 4

/** @param leaders gets who leads instead, where the answer says so */
export function partitionAnswer(
  services: Services,
  partition: SessionPartition,
  result: FetchResult,
  context: RequestContext,
  leaders: Set<number>,
): PartitionAnswer {
  const index = { partitionIndex: partition.partition }
  if (isZstdTopic(services, partition, context.apiVersion)) return unsupported(partition)
  if (result.error !== null) {
    const errorCode =
      result.error.code === 'KAFKA_STORAGE_ERROR' && context.apiVersion <= 5
        ? ERROR_CODES.NOT_LEADER_OR_FOLLOWER
        : result.error.errno
    const failed = { ...failure(partition, errorCode), abortedTransactions: isUnknown(result.error) ? [] : null }
    if (result.error.code !== 'NOT_LEADER_OR_FOLLOWER' || context.apiVersion < 16) return failed
    const found = services.image().topics.partition(partition.topic, partition.partition)
    if (found === null) return failed
    leaders.add(found.leader)
    return { ...failed, currentLeader: { leaderId: found.leader, leaderEpoch: found.leaderEpoch } }
  }
  const { highWatermark, lastStableOffset, logStartOffset, abortedTransactions, divergingEpoch } = result
  const preferredReadReplica = context.apiVersion >= FROM_FOLLOWERS_VERSION ? result.preferredReplica : -1
  const good = { ...index, preferredReadReplica, highWatermark, lastStableOffset, logStartOffset, abortedTransactions }
  try {
    const records = forVersion(result.pieces, partition.fetchOffset, context.apiVersion)
    return divergingEpoch === null ? { ...good, records } : { ...good, records, divergingEpoch }
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    return unsupported(partition)
  }
}

/** The one error without even an empty set of records. */
function unsupported(partition: SessionPartition): PartitionAnswer {
  return { ...failure(partition, ERROR_CODES.UNSUPPORTED_COMPRESSION_TYPE), records: null }
}

/** Null for aborted transactions as where a log was asked; who asks for nothing that exists gets an empty list. */
function failure({ partition }: SessionPartition, errorCode: number): PartitionAnswer {
  const records = Buffer.alloc(0)
  return { partitionIndex: partition, errorCode, highWatermark: -1, abortedTransactions: null, records }
}

const isUnknown = ({ code }: KafkaError): boolean =>
  code === 'UNKNOWN_TOPIC_OR_PARTITION' || code === 'UNKNOWN_TOPIC_ID'

/**
 * The stored batches in a form that the version can carry. From version 4 on they are given as they are, zstd too, which
 * clients are only supposed to know from version 10 on.
 * @throws KafkaError UNSUPPORTED_COMPRESSION_TYPE for zstd, which older versions have no form for.
 */
function forVersion(pieces: readonly Buffer[], fetchOffset: number, version: number): readonly Buffer[] {
  if (version >= MAGIC_2_VERSION || pieces.length === 0) return pieces
  return downConvert(pieces, version >= MAGIC_1_VERSION ? 1 : 0, fetchOffset)
}

/** Whether nothing that is produced here can be converted for the version. */
function isZstdTopic(services: Services, { topic, partition }: SessionPartition, version: number): boolean {
  if (version >= MAGIC_2_VERSION) return false
  return services.replicas.partition(topic, partition)?.log?.config.compressionType === 'zstd'
}
