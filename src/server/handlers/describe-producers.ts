/** DescribeProducers v0 (KIP-664): the producers that a partition remembers, answered by its leader. */
import { KafkaError } from '../../base/errors.ts'
import { validateTopicName } from '../../controller/topic-name.ts'
import type { Init } from '../../protocol/codec.ts'
import { DescribeProducers, type DescribeProducersResponse } from '../../protocol/generated/describe-producers.ts'
import { handler } from '../handler.ts'
import type { Services } from '../services.ts'
import { notHosted } from '../not-hosted.ts'

export const describeProducersHandler = handler(DescribeProducers, {
  handle: (services, request) => ({
    topics: request.topics.map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((partitionIndex) => answer(services, name, partitionIndex)),
    })),
  }),
})

function answer(
  services: Services,
  topic: string,
  partitionIndex: number,
): Init<DescribeProducersResponse.PartitionResponse> {
  try {
    validateTopicName(topic)
    const hosted = services.replicas.partition(topic, partitionIndex)
    // The sentence belongs to topics that don't exist; of others only the code is told.
    if (hosted === null && services.image().topics.byName(topic) !== null) {
      return { partitionIndex, errorCode: notHosted(services, topic, partitionIndex).errno }
    }
    if (hosted === null) {
      throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', 'This server does not host this topic-partition.')
    }
    return { partitionIndex, activeProducers: hosted.leaderLog().activeProducers() }
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    return { partitionIndex, errorCode: error.errno, errorMessage: error.message }
  }
}
