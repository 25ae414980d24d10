/** Replicas on the move, and what is refused. */
import { expect, test } from 'vitest'
import { ERROR_CODES } from '../base/error-codes.ts'
import { AlterPartitionRequest } from '../protocol/generated/alter-partition.ts'
import { AlterPartitionReassignmentsRequest } from '../protocol/generated/alter-partition-reassignments.ts'
import { ElectLeadersRequest } from '../protocol/generated/elect-leaders.ts'
import { DecidedCluster, TOPIC_ID, directoryId } from '../testing/decided-cluster.ts'
import { alterPartition } from './alter-partition.ts'
import { alterPartitionReassignments } from './alter-reassignments.ts'
import { electLeaders } from './elect-leaders.ts'
import { preferredElections, uncleanElections } from './leadership-changes.ts'
import { listPartitionReassignments } from './list-reassignments.ts'

function cluster4(): DecidedCluster {
  const cluster = new DecidedCluster()
  cluster.join(1, 2, 3, 4)
  return cluster
}

function move(
  cluster: DecidedCluster,
  replicas: readonly number[] | null,
  { name = 't', partitionIndex = 0, allowReplicationFactorChange = true } = {},
) {
  const topics = [{ name, partitions: [{ partitionIndex, replicas }] }]
  const request = AlterPartitionReassignmentsRequest.make({ topics, allowReplicationFactorChange })
  const { responses } = cluster.decide((state) => alterPartitionReassignments(state, request))
  return responses?.[0]?.partitions?.[0]
}

function alter(cluster: DecidedCluster, isr: readonly number[], { apiVersion = 3, brokerEpoch = 0 } = {}) {
  const { leader, leaderEpoch, partitionEpoch } = cluster.partition()
  const partition = {
    partitionIndex: 0,
    leaderEpoch,
    partitionEpoch,
    newIsr: isr,
    newIsrWithEpochs: isr.map((id) => ({ brokerId: id, brokerEpoch: brokerEpoch || cluster.epoch(id) })),
  }
  const topics = [{ topicId: TOPIC_ID, topicName: 't', partitions: [partition] }]
  const request = AlterPartitionRequest.make({ brokerId: leader, brokerEpoch: cluster.epoch(leader), topics })
  return cluster.decide((state) => alterPartition(state, request, apiVersion)).topics?.[0]?.partitions?.[0]
}

const listed = (cluster: DecidedCluster) =>
  cluster.decide((state) => listPartitionReassignments(state, { timeoutMs: 0, topics: null })).topics

test('a partition moves: both serve until all wanted replicas are in sync, then the others go and the leader changes', () => {
  const cluster = cluster4()
  cluster.topic([[1, 2]])
  expect(move(cluster, [3, 4])).toMatchObject({ errorCode: 0 })
  expect(cluster.partition()).toMatchObject({
    replicas: [3, 4, 1, 2],
    addingReplicas: [3, 4],
    removingReplicas: [1, 2],
    directories: [3, 4, 1, 2].map(directoryId),
    isr: [1, 2],
    leader: 1,
  })
  expect(listed(cluster)).toMatchObject([
    {
      name: 't',
      partitions: [{ partitionIndex: 0, replicas: [3, 4, 1, 2], addingReplicas: [3, 4], removingReplicas: [1, 2] }],
    },
  ])
  expect(alter(cluster, [1, 2, 3])).toMatchObject({ errorCode: 0, isr: [1, 2, 3] })
  expect(alter(cluster, [1, 2, 3, 4])).toEqual({ partitionIndex: 0, errorCode: ERROR_CODES.NEW_LEADER_ELECTED })
  expect(cluster.partition()).toMatchObject({ replicas: [3, 4], isr: [3, 4], leader: 3, addingReplicas: [] })
  expect(cluster.partition().directories).toEqual([3, 4].map(directoryId))
  expect(listed(cluster)).toEqual([])
})

test('a move ends when what it adds is in sync, though others that stay are not', () => {
  const cluster = cluster4()
  cluster.topic([[1, 2, 3]])
  move(cluster, [4, 2, 3])
  // 2 and 3 have fallen behind.
  alter(cluster, [1])
  expect(cluster.partition()).toMatchObject({ replicas: [4, 2, 3, 1], isr: [1], addingReplicas: [4] })
  expect(alter(cluster, [1, 4])).toMatchObject({ errorCode: ERROR_CODES.NEW_LEADER_ELECTED })
  expect(cluster.partition()).toMatchObject({ replicas: [4, 2, 3], isr: [4], leader: 4, addingReplicas: [] })
})

test('a move to fewer replicas ends when all that stay are in sync', () => {
  const cluster = cluster4()
  cluster.topic([[1, 2, 3]])
  alter(cluster, [1])
  move(cluster, [1, 2])
  expect(cluster.partition()).toMatchObject({ replicas: [1, 2, 3], isr: [1], removingReplicas: [3] })
  expect(alter(cluster, [1, 2])).toMatchObject({ errorCode: 0 })
  expect(cluster.partition()).toMatchObject({ replicas: [1, 2], isr: [1, 2], removingReplicas: [] })
})

test('before version 2 the leader is told that its epoch is over, and that it may not, by older codes', () => {
  const cluster = cluster4()
  cluster.topic([[1]])
  expect(alter(cluster, [1], { apiVersion: 1 })).toMatchObject({ errorCode: 0 })
  move(cluster, [2])
  expect(alter(cluster, [1, 2], { apiVersion: 1 })).toMatchObject({ errorCode: ERROR_CODES.FENCED_LEADER_EPOCH })
  move(cluster, [2, 3])
  cluster.heartbeat(3, { wantFence: true })
  expect(alter(cluster, [2, 3], { apiVersion: 1 })).toMatchObject({ errorCode: ERROR_CODES.OPERATION_NOT_ATTEMPTED })
  expect(alter(cluster, [2, 3])).toMatchObject({ errorCode: ERROR_CODES.INELIGIBLE_REPLICA })
  cluster.heartbeat(3)
  expect(alter(cluster, [2, 3], { brokerEpoch: 7777 })).toMatchObject({ errorCode: ERROR_CODES.INELIGIBLE_REPLICA })
})

test('a move that is taken back leaves what was there before', () => {
  const cluster = cluster4()
  cluster.topic([[1, 2]])
  move(cluster, [2, 3])
  alter(cluster, [1, 2])
  expect(move(cluster, null)).toMatchObject({ errorCode: 0 })
  expect(cluster.partition()).toMatchObject({
    replicas: [2, 1],
    isr: [1, 2],
    leader: 1,
    addingReplicas: [],
    removingReplicas: [],
  })
  expect(move(cluster, null)).toMatchObject({
    errorCode: ERROR_CODES.NO_REASSIGNMENT_IN_PROGRESS,
    errorMessage: null,
  })
})

test('a move is replaced by another: what the second wants is what comes of it', () => {
  const cluster = cluster4()
  cluster.topic([[1, 2]])
  move(cluster, [2, 3])
  move(cluster, [2, 3, 1])
  expect(cluster.partition()).toMatchObject({ replicas: [2, 3, 1], removingReplicas: [] })
  alter(cluster, [1, 2, 3])
  expect(cluster.partition()).toMatchObject({ replicas: [2, 3, 1], addingReplicas: [], removingReplicas: [] })
})

test('to take back a move whose old replicas are all out of sync is an unclean election', () => {
  const cluster = cluster4()
  cluster.topic([[3, 1]], [{ isr: [3], addingReplicas: [3], removingReplicas: [1] }])
  expect(move(cluster, null)).toEqual({
    partitionIndex: 0,
    errorCode: ERROR_CODES.INVALID_REPLICA_ASSIGNMENT,
    errorMessage: 'Unable to revert partition assignment for t:0 because it would require an unclean leader election.',
  })
  cluster.config('t', 'unclean.leader.election.enable', 'true')
  expect(move(cluster, null)).toMatchObject({ errorCode: 0 })
  expect(cluster.partition()).toMatchObject({ replicas: [1], isr: [1], leader: 1 })
})

test.each([
  [[1], { name: 'u' }, 'UNKNOWN_TOPIC_OR_PARTITION', 'Unable to find a topic named u.'],
  [[1], { partitionIndex: 7 }, 'UNKNOWN_TOPIC_OR_PARTITION', 'Unable to find partition t:7.'],
  [[], {}, 'INVALID_REPLICA_ASSIGNMENT', 'The manual partition assignment includes an empty replica list.'],
  [
    [9],
    {},
    'INVALID_REPLICA_ASSIGNMENT',
    'The manual partition assignment includes broker 9, but no such broker is registered.',
  ],
  [[1, 1], {}, 'INVALID_REPLICA_ASSIGNMENT', 'The manual partition assignment includes the broker 1 more than once.'],
  [
    [1, 2, 3],
    { allowReplicationFactorChange: false },
    'INVALID_REPLICATION_FACTOR',
    'The replication factor is changed from 2 to 3',
  ],
] as const)('replicas %j of %j are refused', (replicas, where, code, errorMessage) => {
  const cluster = cluster4()
  cluster.topic([[1, 2]])
  expect(move(cluster, replicas, where)).toMatchObject({ errorCode: ERROR_CODES[code], errorMessage })
})

test('of a partition on the move the number of replicas that it is to have counts', () => {
  const cluster = cluster4()
  cluster.topic([[1, 2]])
  move(cluster, [3, 4])
  expect(move(cluster, [1, 3], { allowReplicationFactorChange: false })).toMatchObject({ errorCode: 0 })
})

function elect(cluster: DecidedCluster, electionType: number) {
  const request = ElectLeadersRequest.make({ electionType, topicPartitions: [{ topic: 't', partitions: [0] }] })
  return cluster.decide((state) => electLeaders(state, request)).replicaElectionResults?.[0]?.partitionResult?.[0]
    ?.errorCode
}

test('leaders are elected on demand: the preferred one if it is in sync, an unclean one if there is none', () => {
  const cluster = cluster4()
  cluster.topic([[1, 2, 3]], [{ leader: 2, isr: [2] }])
  expect(elect(cluster, 0)).toBe(ERROR_CODES.PREFERRED_LEADER_NOT_AVAILABLE)
  alter(cluster, [1, 2])
  expect(elect(cluster, 0)).toBe(0)
  expect(elect(cluster, 0)).toBe(ERROR_CODES.ELECTION_NOT_NEEDED)
  expect(elect(cluster, 1)).toBe(ERROR_CODES.ELECTION_NOT_NEEDED)
  alter(cluster, [1])
  cluster.heartbeat(1, { wantFence: true })
  expect(cluster.partition()).toMatchObject({ leader: -1, isr: [1] })
  expect(elect(cluster, 1)).toBe(0)
  expect(cluster.partition()).toMatchObject({ leader: 2, isr: [2], leaderRecoveryState: 1 })
})

test('by itself the controller elects preferred leaders, a bounded number at once, and unclean ones where they are allowed', () => {
  const cluster = cluster4()
  cluster.topic(
    [
      [1, 2],
      [2, 1],
      [1, 2],
      [1, 2],
    ],
    [{ leader: 2 }, { leader: 1 }, { leader: 2, isr: [2] }, { leader: -1, isr: [4] }],
  )
  const run = (elections: typeof preferredElections, count: number): void => {
    cluster.decide((state) => ({ records: elections(state, count), answer: null }))
  }
  run(preferredElections, 1)
  expect(cluster.records).toHaveLength(1)
  run(preferredElections, 10)
  expect(cluster.t.partitions.map(({ leader }) => leader)).toEqual([1, 2, 2, -1])
  run(uncleanElections, 10)
  expect(cluster.records).toHaveLength(0)
  cluster.config('t', 'unclean.leader.election.enable', 'true')
  run(uncleanElections, 10)
  expect(cluster.partition(3)).toMatchObject({ leader: 1, isr: [1], leaderRecoveryState: 1 })
})
