/** DescribeQuorum, answered by the leader: itself is the only voter, others may observe. v1 adds times, v2 directories and endpoints. */
import { ERROR_CODES } from '../base/error-codes.ts'
import type { Init } from '../protocol/codec.ts'
import type { DescribeQuorumRequest, DescribeQuorumResponse } from '../protocol/generated/describe-quorum.ts'
import type { EndpointImage } from '../metadata/cluster-image.ts'
import type { LogReplica, MetadataLog } from './metadata-log.ts'

const ADDRESSES_VERSION = 2
const METADATA_TOPIC = '__cluster_metadata'

/** There is one partition to ask for, and one question to ask at a time. */
function unknown({ topicName, partitions }: DescribeQuorumRequest.TopicData): Init<DescribeQuorumResponse.TopicData> {
  return {
    topicName,
    partitions: partitions.map(({ partitionIndex }) => ({
      partitionIndex,
      errorCode: ERROR_CODES.UNKNOWN_TOPIC_OR_PARTITION,
      errorMessage: 'This server does not host this topic-partition.',
    })),
  }
}

export function describeQuorum(
  log: MetadataLog,
  listeners: readonly EndpointImage[],
  request: DescribeQuorumRequest,
  apiVersion: number,
): Init<DescribeQuorumResponse> {
  const [first] = request.topics
  const isAsked =
    request.topics.length === 1 &&
    first?.topicName === METADATA_TOPIC &&
    first.partitions.length === 1 &&
    first.partitions[0]?.partitionIndex === 0
  if (!isAsked) return { errorCode: 0, topics: request.topics.map(unknown) }
  const state = ({ id, directoryId, endOffset, lastFetchMs, lastCaughtUpMs }: LogReplica) => ({
    replicaId: id,
    ...(apiVersion < ADDRESSES_VERSION ? {} : { replicaDirectoryId: directoryId }),
    logEndOffset: endOffset,
    lastFetchTimestamp: lastFetchMs,
    lastCaughtUpTimestamp: lastCaughtUpMs,
  })
  const { voters, observers } = log.replicas
  const quorum = {
    errorCode: 0,
    leaderId: log.nodeId,
    leaderEpoch: log.epoch,
    highWatermark: log.committedEnd,
    currentVoters: voters.map(state),
    observers: observers.map(state),
  }
  const topics = [{ topicName: METADATA_TOPIC, partitions: [{ partitionIndex: 0, ...quorum }] }]
  // Older versions have no place for addresses, and no default that could be left out.
  if (apiVersion < ADDRESSES_VERSION) return { errorCode: 0, topics }
  const nodes = [{ nodeId: log.nodeId, listeners: listeners.map(({ name, host, port }) => ({ name, host, port })) }]
  return { errorCode: 0, topics, nodes }
}
