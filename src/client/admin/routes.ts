/**
 * Which node has which keys: routes for `askByKey`. By what is fixed, by the key itself, by the leader of a partition, by
 * the coordinator of a group or transactional id.
 *
 * Leaders and coordinators are looked up for all keys at once (FindCoordinator before version 4 takes one key per request),
 * and anew before each attempt: what moved is found again.
 */
import { ERROR_CODES, type ErrorCode } from '../../base/error-codes.ts'
import { KafkaError } from '../../base/errors.ts'
import { FindCoordinator } from '../../protocol/generated/find-coordinator.ts'
import { Metadata, type MetadataResponse } from '../../protocol/generated/metadata.ts'
import { errorOf } from '../errors.ts'
import { adminNode, type AdminNode, type AdminTarget, type Route, type Routed } from './admin-call.ts'
import { byPartition, type TopicPartition } from './admin-types.ts'

export function routeTo<Key>(target: AdminTarget): Route<Key> {
  return (_client, keys) => Promise.resolve({ groups: new Map([[target, keys]]), failed: [], later: [] })
}

export function routeBy<Key>(targetOf: (key: Key) => AdminTarget): Route<Key> {
  return (_client, keys) => Promise.resolve(routed(keys, targetOf))
}

/** Why a key has no node: for good, or just now. */
interface Unroutable {
  readonly error: Error
  readonly mayPass: boolean
}

function routed<Key>(keys: readonly Key[], targetOf: (key: Key) => AdminTarget | Unroutable): Routed<Key> {
  const groups = new Map<AdminTarget, Key[]>()
  const failed: [Key, Error][] = []
  const later: [Key, Error][] = []
  for (const key of keys) {
    const target = targetOf(key)
    if (typeof target === 'object') {
      ;(target.mayPass ? later : failed).push([key, target.error])
      continue
    }
    const group = groups.get(target)
    if (group === undefined) groups.set(target, [key])
    else group.push(key)
  }
  return { groups, failed, later }
}

/** Metadata of some topics, which it must not make. A broker that would make them is asked for all there are. */
export async function askMetadata(
  node: AdminNode,
  request: {
    readonly topics: readonly { readonly name?: string | null; readonly topicId?: MetadataTopicId }[]
    readonly includeTopicAuthorizedOperations?: boolean
  },
): Promise<MetadataResponse> {
  const mayNotMake = node.versions.find(Metadata, { min: 4 }) !== null
  if (!mayNotMake) return node.ask(Metadata, { topics: null }, { versions: { min: 1 } })
  return node.ask(Metadata, { ...request, allowAutoTopicCreation: false })
}

type MetadataTopicId = MetadataResponse.MetadataResponseTopic['topicId']

/**
 * To the leaders of partitions. `unknownTopics`: whether a topic that a broker does not know may only be new to it
 * (`wait`, as for records) or fails at once (`fail`, as for offsets).
 */
export function routeToLeaders(unknownTopics: 'wait' | 'fail'): Route<TopicPartition> {
  return async (client, keys, leftMs) => {
    const names = [...new Set(keys.map(({ topic }) => topic))]
    const answer = await askMetadata(await adminNode(client, 'any', leftMs), {
      topics: names.map((name) => ({ name })),
    })
    if (answer.brokers.length > 0) {
      const nodes = answer.brokers.map(({ nodeId, host, port, rack }) => ({ id: nodeId, host, port, rack }))
      const { clusterId, controllerId } = client.metadata
      client.metadata.applyNodes(
        nodes,
        answer.clusterId ?? clusterId ?? '',
        Math.max(answer.controllerId, controllerId),
      )
    }
    const topics = new Map(answer.topics.map((topic) => [topic.name, foundTopic(topic)]))
    return routed(keys, (key) => leaderOf(key, topics.get(key.topic), unknownTopics))
  }
}

interface FoundTopic {
  readonly errorCode: number
  readonly partitions: ReadonlyMap<number, MetadataResponse.MetadataResponsePartition>
}

/** A topic may have 100,000 partitions, each of which is asked for. */
function foundTopic({ errorCode, partitions }: MetadataResponse.MetadataResponseTopic): FoundTopic {
  return { errorCode, partitions: new Map(partitions.map((partition) => [partition.partitionIndex, partition])) }
}

function leaderOf(
  key: TopicPartition,
  topic: FoundTopic | undefined,
  unknownTopics: 'wait' | 'fail',
): number | Unroutable {
  const topicError = errorOf(topic === undefined ? ERROR_CODES.UNKNOWN_TOPIC_OR_PARTITION : topic.errorCode)
  if (topicError !== null) return lookupError(topicError, key, unknownTopics)
  const partition = topic?.partitions.get(key.partition)
  if (partition === undefined) {
    const error = new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', `Topic ${key.topic} has no partition ${key.partition}.`)
    return { error, mayPass: true }
  }
  // An offline replica is an error of the partition in old versions; the leader may be there all the same.
  if (partition.leaderId >= 0 && partition.errorCode !== ERROR_CODES.LEADER_NOT_AVAILABLE) return partition.leaderId
  return leaderless(key)
}

function leaderless(key: TopicPartition): Unroutable {
  const error = new KafkaError('LEADER_NOT_AVAILABLE', `Partition ${byPartition(key)} has no leader just now.`)
  return { error, mayPass: true }
}

function lookupError({ code }: KafkaError, key: TopicPartition, unknownTopics: 'wait' | 'fail'): Unroutable {
  if (code === 'LEADER_NOT_AVAILABLE' || code === 'BROKER_NOT_AVAILABLE') return leaderless(key)
  const reasons: Partial<Record<ErrorCode, string>> = {
    UNKNOWN_TOPIC_OR_PARTITION: `because metadata for topic \`${key.topic}\` could not be found`,
    TOPIC_AUTHORIZATION_FAILED: 'due to topic authorization failure',
    INVALID_TOPIC_EXCEPTION: `due to invalid topic \`${key.topic}\``,
  }
  const reason = reasons[code] ?? `due to unexpected error for topic \`${key.topic}\``
  const error = new KafkaError(code, `Failed to fetch metadata for partition ${byPartition(key)} ${reason}`)
  return { error, mayPass: code === 'UNKNOWN_TOPIC_OR_PARTITION' && unknownTopics === 'wait' }
}

const COORDINATOR_TYPES = { GROUP: 0, TRANSACTION: 1 } as const

/** To the coordinators of groups or transactional ids. `idOf`: the one that a key is about. */
export function routeToCoordinators<Key>(type: keyof typeof COORDINATOR_TYPES, idOf: (key: Key) => string): Route<Key> {
  return async (client, keys, leftMs) => {
    const node = await adminNode(client, 'any', leftMs)
    const ids = [...new Set(keys.map(idOf))]
    const found = await findCoordinators(node, type, ids)
    return routed(keys, (key) => {
      const outcome = found.get(idOf(key)) ?? new KafkaError('COORDINATOR_NOT_AVAILABLE', `No coordinator was named.`)
      if (typeof outcome === 'number') return outcome
      const mayPass = outcome.code === 'COORDINATOR_NOT_AVAILABLE' || outcome.code === 'COORDINATOR_LOAD_IN_PROGRESS'
      return { error: outcome, mayPass }
    })
  }
}

async function findCoordinators(
  node: AdminNode,
  type: keyof typeof COORDINATOR_TYPES,
  ids: readonly string[],
): Promise<Map<string, number | KafkaError>> {
  const keyType = COORDINATOR_TYPES[type]
  const found = new Map<string, number | KafkaError>()
  if (node.versions.find(FindCoordinator, { min: 4 }) !== null) {
    const answer = await node.ask(FindCoordinator, { keyType, coordinatorKeys: ids }, { versions: { min: 4 } })
    for (const { key, nodeId, errorCode, errorMessage } of answer.coordinators) {
      found.set(key, coordinatorError(errorCode, errorMessage, key) ?? nodeId)
    }
    return found
  }
  const versions = { min: type === 'TRANSACTION' ? 1 : 0, max: 3 }
  await Promise.all(
    ids.map(async (key) => {
      const answer = await node.ask(FindCoordinator, { keyType, key }, { versions })
      found.set(key, coordinatorError(answer.errorCode, answer.errorMessage, key) ?? answer.nodeId)
    }),
  )
  return found
}

function coordinatorError(code: number, message: string | null, key: string): KafkaError | null {
  const error = errorOf(code, message)
  switch (error?.code) {
    case undefined:
      return null
    case 'GROUP_AUTHORIZATION_FAILED':
      return new KafkaError(
        error.code,
        `FindCoordinator request for groupId \`${key}\` failed due to authorization failure`,
      )
    case 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED':
      return new KafkaError(
        error.code,
        `FindCoordinator request for transactionalId \`${key}\` failed due to authorization failure`,
      )
    default:
      return error
  }
}
