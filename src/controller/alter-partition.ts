/**
 * AlterPartition: the leader of a partition changes its ISR, or has recovered after an unclean election. With the last missing
 * replica in sync a reassignment is complete, which may end the leader's own part. v2 names topics by id, v3 states the
 * epochs of the ISR's brokers.
 */
import { ERROR_CODES, type ErrorCode } from '../base/error-codes.ts'
import { KafkaError, assert } from '../base/errors.ts'
import { clampInt64 } from '../base/int64.ts'
import type { Init } from '../protocol/codec.ts'
import type { AlterPartitionRequest, AlterPartitionResponse } from '../protocol/generated/alter-partition.ts'
import type { MetadataRecord } from '../metadata/metadata-records.ts'
import { changedPartition } from '../metadata/topics-delta.ts'
import type { PartitionImage, TopicImage } from '../metadata/topics-image.ts'
import { checkedBroker } from './brokers.ts'
import { attempt, type ControllerState, type Decision } from './decision.ts'
import { isActiveBroker, ownElection } from './leadership-changes.ts'
import { RECOVERED, RECOVERING, partitionChange } from './partition-changes.ts'
import { topicRules } from './topic-rules.ts'

const OLD_CODES: ReadonlyMap<ErrorCode, ErrorCode> = new Map([
  ['NEW_LEADER_ELECTED', 'FENCED_LEADER_EPOCH'],
  ['INELIGIBLE_REPLICA', 'OPERATION_NOT_ATTEMPTED'],
])

/** @throws KafkaError for the whole request. */
export function alterPartition(
  state: ControllerState,
  request: AlterPartitionRequest,
  apiVersion: number,
): Decision<Init<AlterPartitionResponse>> {
  checkedBroker(state, request.brokerId, request.brokerEpoch)
  // Before version 2 brokers know neither of these codes.
  const known = (code: ErrorCode): ErrorCode => (apiVersion >= 2 ? code : (OLD_CODES.get(code) ?? code))
  const records: MetadataRecord[] = []
  const topics = request.topics.map((wanted) => {
    const { topicId, topicName } = wanted
    const topic = apiVersion >= 2 ? state.image.topics.byId(topicId) : state.image.topics.byName(topicName)
    const partitions = wanted.partitions.map((partition) => {
      const { partitionIndex } = partition
      const failed = (code: ErrorCode) => ({ partitionIndex, errorCode: ERROR_CODES[known(code)] })
      if (topic === null) return failed(apiVersion >= 2 ? 'UNKNOWN_TOPIC_ID' : 'UNKNOWN_TOPIC_OR_PARTITION')
      const altered = attempt(() => alterOne(state, topic, partition, request.brokerId, apiVersion))
      if (altered instanceof KafkaError) return failed(altered.code)
      records.push(...altered.records)
      const { leader, leaderEpoch, isr, leaderRecoveryState, partitionEpoch } = altered.after
      // The change ended a reassignment of which this broker is no part any more.
      if (leader !== request.brokerId) return failed('NEW_LEADER_ELECTED')
      return { partitionIndex, errorCode: 0, leaderId: leader, leaderEpoch, isr, leaderRecoveryState, partitionEpoch }
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
  const rules = topicRules(image, state.rules, topic)
  const record = partitionChange(image, {
    topicId: topic.id,
    partitionId: partitionIndex,
    partition,
    rules,
    isr,
    election: ownElection(rules),
    mayLead: (id) => isActiveBroker(image, id),
    leaderRecoveryState,
  })
  if (record === null) return { records: [], after: partition }
  assert(record.type === 'PartitionChangeRecord', 'a partition changes by this record')
  return { records: [record], after: changedPartition(partition, record.data) }
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
