/**
 * OffsetForLeaderEpoch v0-4 (KIP-101, KIP-320): where the log of an epoch ended, by which a consumer sees that it was
 * truncated under it. Nothing known answers (-1, -1).
 */
import { KafkaError } from '../../base/errors.ts'
import type { Init } from '../../protocol/codec.ts'
import {
  OffsetForLeaderEpoch,
  type OffsetForLeaderEpochRequest,
  type OffsetForLeaderEpochResponse,
} from '../../protocol/generated/offset-for-leader-epoch.ts'
import { handler } from '../handler.ts'
import type { Services } from '../services.ts'
import { notHosted } from '../not-hosted.ts'

export const offsetForLeaderEpochHandler = handler(OffsetForLeaderEpoch, {
  handle: (services, request) => ({
    topics: request.topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map((partition) => answer(services, topic, partition)),
    })),
  }),
})

function answer(
  services: Services,
  topic: string,
  asked: OffsetForLeaderEpochRequest.OffsetForLeaderPartition,
): Init<OffsetForLeaderEpochResponse.EpochEndOffset> {
  const { partition } = asked
  try {
    const hosted = services.replicas.partition(topic, partition)
    if (hosted === null) throw notHosted(services, topic, partition)
    const { epoch, endOffset } = hosted.leaderLog(asked.currentLeaderEpoch).endOffsetForEpoch(asked.leaderEpoch)
    return { partition, leaderEpoch: epoch, endOffset }
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    return { partition, errorCode: error.errno }
  }
}
