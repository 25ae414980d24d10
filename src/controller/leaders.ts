/**
 * ElectLeaders (preferred, or unclean on demand) and AlterPartition (a leader changes its ISR). v0 of ElectLeaders knows
 * preferred only; AlterPartition v2 names topics by id, v3 states the epochs of the ISR's brokers.
 */
import { ERROR_CODES, type ErrorCode } from '../base/error-codes.ts'
import { KafkaError } from '../base/errors.ts'
import { clampInt64 } from '../base/int64.ts'
import type { Init } from '../protocol/codec.ts'
import type { AlterPartitionRequest, AlterPartitionResponse } from '../protocol/generated/alter-partition.ts'
import type { ElectLeadersRequest, ElectLeadersResponse } from '../protocol/generated/elect-leaders.ts'
import { MetadataDelta } from '../metadata/delta.ts'
import type { MetadataRecord } from '../metadata/metadata-records.ts'
import type { PartitionImage, TopicImage } from '../metadata/topics-image.ts'
import { checkedBroker } from './brokers.ts'
import { NO_ERROR, attempt, errorFields, type ControllerState, type Decision } from './decision.ts'
import { NO_LEADER, isActiveBroker, partitionChange } from './partition-changes.ts'

const PREFERRED = 0
const UNCLEAN = 1
const RECOVERED = 0
const RECOVERING = 1

export function electLeaders(
  state: ControllerState,
  request: ElectLeadersRequest,
): Decision<Init<ElectLeadersResponse>> {
  const { image } = state
  const { electionType } = request
  if (electionType !== PREFERRED && electionType !== UNCLEAN) {
    throw new KafkaError('INVALID_REQUEST', `Unknown election type ${electionType}`)
  }
  const records: MetadataRecord[] = []
  // All partitions: those that need nothing are left out of the answer.
  const all = request.topicPartitions === null
  const wanted =
    request.topicPartitions ??
    [...image.topics.all()].map(({ name, partitions }) => ({ topic: name, partitions: [...partitions.keys()] }))
  const results: Init<ElectLeadersResponse.ReplicaElectionResult>[] = []
  for (const { topic, partitions } of wanted) {
    const partitionResult: Init<ElectLeadersResponse.PartitionResult>[] = []
    for (const partitionId of partitions) {
      const record = attempt(() => electLeader(state, topic, partitionId, electionType))
      if (!(record instanceof KafkaError)) {
        records.push(record)
        partitionResult.push({ partitionId, ...NO_ERROR })
      } else if (!all || record.code !== 'ELECTION_NOT_NEEDED') {
        partitionResult.push({ partitionId, ...errorFields(record.code, record.message) })
      }
    }
    if (!all || partitionResult.length > 0) results.push({ topic, partitionResult })
  }
  return { records, answer: { errorCode: 0, replicaElectionResults: results }, atomic: false }
}

/** @throws KafkaError */
function electLeader(
  { image }: ControllerState,
  name: string,
  partitionId: number,
  electionType: number,
): MetadataRecord {
  const topic = image.topics.byName(name)
  if (topic === null) throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', `No such topic as ${name}`)
  const partition = topic.partitions[partitionId]
  if (partition === undefined)
    throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', `No such partition as ${name}-${partitionId}`)
  const preferred = partition.replicas[0] ?? NO_LEADER
  if (electionType === PREFERRED && partition.leader === preferred) {
    throw new KafkaError('ELECTION_NOT_NEEDED', 'Leader election not needed for topic partition.')
  }
  if (electionType === UNCLEAN && partition.leader !== NO_LEADER) {
    throw new KafkaError('ELECTION_NOT_NEEDED', 'Leader election not needed for topic partition.')
  }
  const record = partitionChange(image, {
    topicId: topic.id,
    partitionId,
    partition,
    isr: partition.isr,
    election: electionType === PREFERRED ? 'preferred' : 'unclean',
    mayLead: (id) => isActiveBroker(image, id),
  })
  if (record !== null) return record
  throw electionType === PREFERRED
    ? new KafkaError('PREFERRED_LEADER_NOT_AVAILABLE', 'The preferred leader was not available.')
    : new KafkaError('ELIGIBLE_LEADERS_NOT_AVAILABLE', 'Eligible topic partition leaders are not available.')
}

/** @throws KafkaError for the whole request. */
export function alterPartition(
  state: ControllerState,
  request: AlterPartitionRequest,
  apiVersion: number,
): Decision<Init<AlterPartitionResponse>> {
  checkedBroker(state, request.brokerId, request.brokerEpoch)
  const records: MetadataRecord[] = []
  const topics = request.topics.map((wanted) => {
    const { topicId, topicName } = wanted
    const topic = apiVersion >= 2 ? state.image.topics.byId(topicId) : state.image.topics.byName(topicName)
    const partitions = wanted.partitions.map((partition) => {
      const { partitionIndex } = partition
      const failed = (code: ErrorCode) => ({ partitionIndex, errorCode: ERROR_CODES[code] })
      if (topic === null) return failed(apiVersion >= 2 ? 'UNKNOWN_TOPIC_ID' : 'UNKNOWN_TOPIC_OR_PARTITION')
      const altered = attempt(() => alterOne(state, topic, partition, request.brokerId, apiVersion))
      if (altered instanceof KafkaError) return failed(altered.code)
      records.push(...altered.records)
      const { leader, leaderEpoch, isr, leaderRecoveryState, partitionEpoch } = altered.after
      const errorCode = leader === request.brokerId ? 0 : ERROR_CODES.NEW_LEADER_ELECTED
      return { partitionIndex, errorCode, leaderId: leader, leaderEpoch, isr, leaderRecoveryState, partitionEpoch }
    })
    return { topicName, topicId, partitions }
  })
  return { records, answer: { errorCode: 0, topics }, atomic: false }
}

/** @throws KafkaError */
function alterOne(
  state: ControllerState,
  topic: TopicImage,
  wanted: AlterPartitionRequest.PartitionData,
  brokerId: number,
  apiVersion: number,
): { records: MetadataRecord[]; after: PartitionImage } {
  const { image } = state
  const { partitionIndex, leaderRecoveryState } = wanted
  const partition = topic.partitions[partitionIndex]
  if (partition === undefined) throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', 'no such partition')
  const members =
    apiVersion >= 3 ? wanted.newIsrWithEpochs : wanted.newIsr.map((id) => ({ brokerId: id, brokerEpoch: -1 }))
  const isr = members.map((member) => member.brokerId)
  checkAlter(partition, wanted, isr, brokerId)
  for (const member of members) {
    const epoch = clampInt64(member.brokerEpoch)
    const registered = image.cluster.brokers.get(member.brokerId)
    if (!isActiveBroker(image, member.brokerId) || (epoch !== -1 && registered?.epoch !== epoch)) {
      throw new KafkaError('INELIGIBLE_REPLICA', `broker ${member.brokerId} may not be in the ISR`)
    }
  }
  const record = partitionChange(image, {
    topicId: topic.id,
    partitionId: partitionIndex,
    partition,
    isr,
    election: 'online',
    mayLead: (id) => isActiveBroker(image, id),
    leaderRecoveryState,
  })
  if (record === null) return { records: [], after: partition }
  const delta = new MetadataDelta(image)
  delta.replay(record)
  return { records: [record], after: delta.image().topics.byId(topic.id)?.partitions[partitionIndex] ?? partition }
}

/** In Kafka's order. @throws KafkaError */
function checkAlter(
  partition: PartitionImage,
  wanted: AlterPartitionRequest.PartitionData,
  isr: readonly number[],
  brokerId: number,
): void {
  const { leaderEpoch, partitionEpoch, leaderRecoveryState } = wanted
  const refuse = (code: ErrorCode, detail: string): never => {
    throw new KafkaError(code, detail)
  }
  if (leaderEpoch > partition.leaderEpoch || partitionEpoch > partition.partitionEpoch) {
    refuse('NOT_CONTROLLER', 'the broker knows more than this controller')
  }
  if (leaderEpoch < partition.leaderEpoch) refuse('FENCED_LEADER_EPOCH', 'an older leader epoch')
  if (partition.leader !== brokerId) refuse('INVALID_REQUEST', 'not the leader')
  if (partitionEpoch < partition.partitionEpoch) refuse('INVALID_UPDATE_VERSION', 'an older partition epoch')
  const outside = isr.some((id) => !partition.replicas.includes(id))
  if (outside || new Set(isr).size !== isr.length) refuse('INVALID_REQUEST', 'not a set of replicas')
  if (!isr.includes(brokerId)) refuse('INVALID_REQUEST', 'without its leader')
  if (leaderRecoveryState !== RECOVERED && leaderRecoveryState !== RECOVERING)
    refuse('INVALID_REQUEST', 'recovery state')
  if (leaderRecoveryState === RECOVERING) {
    if (isr.length > 1) refuse('INVALID_REQUEST', 'a recovering leader is alone in its ISR')
    if (partition.leaderRecoveryState === RECOVERED) refuse('INVALID_REQUEST', 'it has recovered before')
  }
}
