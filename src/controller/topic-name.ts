/** Which names a topic may have. The sentences are Kafka's. */
import { KafkaError } from '../base/errors.ts'
import type { MetadataImage } from '../metadata/image.ts'

const NAME_LENGTH_MAX = 249

/** @throws KafkaError INVALID_TOPIC_EXCEPTION */
export function validateTopicName(name: string): void {
  const reason = reasonAgainst(name)
  if (reason !== null) throw new KafkaError('INVALID_TOPIC_EXCEPTION', `Topic name is invalid: ${reason}`)
}

export const isTopicName = (name: string): boolean => reasonAgainst(name) === null

function reasonAgainst(name: string): string | null {
  if (name === '') return 'the empty string is not allowed'
  if (name === '.' || name === '..') return `'${name}' is not allowed`
  if (name.length > NAME_LENGTH_MAX) {
    return `the length of '${name}' is longer than the max allowed length ${NAME_LENGTH_MAX}`
  }
  if (!/^[a-zA-Z0-9._-]+$/.test(name)) {
    return `'${name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'`
  }
  return null
}

/** Two names that differ in '.' and '_' only share their metric names. */
const collisionKey = (name: string): string => name.replaceAll('.', '_')

/** An existing topic that `name` collides with. Names without '.' and '_' can't collide. */
export function collidingTopic(image: MetadataImage, name: string): string | null {
  if (!/[._]/.test(name)) return null
  const key = collisionKey(name)
  for (const other of image.topics.names()) {
    if (other.length === name.length && other !== name && collisionKey(other) === key) return other
  }
  return null
}
