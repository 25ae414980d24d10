/** ElectLeaders v0-2: preferred leaders, or on demand (v1) unclean ones for partitions that have none. */
import { KafkaError } from '../base/errors.ts'
import type { Init } from '../protocol/codec.ts'
import type { ElectLeadersRequest, ElectLeadersResponse } from '../protocol/generated/elect-leaders.ts'
import type { MetadataRecord } from '../metadata/metadata-records.ts'
import { NO_ERROR, attempt, errorFields, noRecords, type ControllerState, type Decision } from './decision.ts'
import { isActiveBroker } from './leadership-changes.ts'
import { NO_LEADER, partitionChange } from './partition-changes.ts'
import { topicRules } from './topic-rules.ts'

const PREFERRED = 0
const UNCLEAN = 1

export function electLeaders(
  state: ControllerState,
  request: ElectLeadersRequest,
): Decision<Init<ElectLeadersResponse>> {
  const { image } = state
  const { electionType } = request
  if (request.topicPartitions?.length === 0) return noRecords({ errorCode: 0, replicaElectionResults: [] })
  if (electionType !== PREFERRED && electionType !== UNCLEAN) {
    throw new KafkaError('INVALID_REQUEST', `Unknown election type ${electionType}`)
  }
  const records: MetadataRecord[] = []
  // All partitions: those that need nothing are left out of the answer, their topics are named.
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
    results.push({ topic, partitionResult })
  }
  return { records, answer: { errorCode: 0, replicaElectionResults: results }, atomic: false }
}

/** @throws KafkaError */
function electLeader(
  { image, rules }: ControllerState,
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
    rules: topicRules(image, rules, topic),
    election: electionType === PREFERRED ? 'preferred' : 'unclean',
    mayLead: (id) => isActiveBroker(image, id),
  })
  if (record !== null) return record
  throw electionType === PREFERRED
    ? new KafkaError('PREFERRED_LEADER_NOT_AVAILABLE', 'The preferred leader was not available.')
    : new KafkaError('ELIGIBLE_LEADERS_NOT_AVAILABLE', 'Eligible topic partition leaders are not available.')
}
