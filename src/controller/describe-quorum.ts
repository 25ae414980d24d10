/** DescribeQuorum, answered by the leader. v1 adds times, v2 directories and endpoints. */
import { ERROR_CODES } from '../base/error-codes.ts'
import type { Init } from '../protocol/codec.ts'
import type { DescribeQuorumRequest, DescribeQuorumResponse } from '../protocol/generated/describe-quorum.ts'
import type { LogReplica, MetadataLog } from './metadata-log.ts'

const ADDRESSES_VERSION = 2
const METADATA_TOPIC = '__cluster_metadata'

function refused(
  { topics }: DescribeQuorumRequest,
  errorCode: number,
  errorMessage: string,
): Init<DescribeQuorumResponse> {
  return {
    errorCode: 0,
    topics: topics.map(({ topicName, partitions }) => ({
      topicName,
      partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode, errorMessage })),
    })),
  }
}

export function describeQuorum(
  log: MetadataLog,
  request: DescribeQuorumRequest,
  apiVersion: number,
): Init<DescribeQuorumResponse> {
  const [first] = request.topics
  const isAsked =
    request.topics.length === 1 &&
    first?.topicName === METADATA_TOPIC &&
    first.partitions.length === 1 &&
    first.partitions[0]?.partitionIndex === 0
  // There is one partition to ask for, and one question to ask at a time.
  if (!isAsked) {
    const message = 'This server does not host this topic-partition.'
    return refused(request, ERROR_CODES.UNKNOWN_TOPIC_OR_PARTITION, message)
  }
  if (!log.isLeader) {
    const message =
      'For requests intended only for the leader, this error indicates that the broker is not the current leader. '
    const rest =
      'For requests intended for any replica, this error indicates that the broker is not a replica of the topic partition.'
    return refused(request, ERROR_CODES.NOT_LEADER_OR_FOLLOWER, message + rest)
  }
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
  // Where the voters listen, as the quorum knows it.
  const nodes = log.voters.map(({ id, endpoints }) => {
    return { nodeId: id, listeners: endpoints.map(({ name, host, port }) => ({ name, host, port })) }
  })
  return { errorCode: 0, topics, nodes }
}
