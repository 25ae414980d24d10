/** Partitions that a request names and this broker does not have. */
import { KafkaError } from '../base/errors.ts'
import type { Services } from './services.ts'

/** Why a partition is not here: it doesn't exist, or another broker has it. */
export function notHosted(services: Services, topic: string, index: number): KafkaError {
  return services.image().topics.partition(topic, index) === null
    ? new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', `${topic}-${index} does not exist`)
    : new KafkaError('NOT_LEADER_OR_FOLLOWER', `${topic}-${index} is not on this broker`)
}
