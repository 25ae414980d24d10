/** Brokers come and go: what is written about the partitions that they hold, and when they may shut down. */
import { expect, test } from 'vitest'
import { DIRECTORY_LOST, type Uuid } from '../base/uuid.ts'
import { AssignReplicasToDirsRequest } from '../protocol/generated/assign-replicas-to-dirs.ts'
import { BrokerHeartbeatRequest } from '../protocol/generated/broker-heartbeat.ts'
import { DecidedCluster, TOPIC_ID, directoryId } from '../testing/decided-cluster.ts'
import { assignReplicasToDirs } from './assign-directories.ts'
import { brokerHeartbeat, fenceStaleBrokers, unregisterBroker } from './brokers.ts'

const written = (cluster: DecidedCluster): string[] => cluster.records.map(({ type }) => type)
const OTHER_DIRECTORY = 'oooooooooooooooooooooA' as Uuid

function fence(cluster: DecidedCluster, ...brokerIds: readonly number[]): void {
  cluster.nowMs += 60_000
  for (const { id, fenced } of cluster.image.cluster.brokers.values()) {
    if (!fenced && !brokerIds.includes(id)) cluster.sessions.touch(id, cluster.nowMs)
  }
  for (const _ of brokerIds) cluster.decide(fenceStaleBrokers)
}

test('a broker that falls silent: first its partitions get other leaders, then it is fenced', () => {
  const cluster = new DecidedCluster()
  cluster.join(1, 2, 3)
  cluster.topic([
    [1, 2, 3],
    [2, 3],
  ])
  fence(cluster, 1)
  expect(written(cluster)).toEqual(['PartitionChangeRecord', 'BrokerRegistrationChangeRecord'])
  expect(cluster.partition(0)).toMatchObject({ leader: 2, isr: [2, 3], leaderEpoch: 1 })
  expect(cluster.partition(1)).toMatchObject({ leader: 2, isr: [2, 3], leaderEpoch: 0 })
})

test('the last one in sync stays so without a leader, and leads again when it is back; with eligible replicas another one may', () => {
  for (const withElr of [false, true]) {
    const cluster = new DecidedCluster({ withElr, minIsr: 2 })
    cluster.join(1, 2)
    cluster.topic([[1, 2]])
    fence(cluster, 2)
    fence(cluster, 1)
    expect(cluster.partition()).toMatchObject({ leader: -1, isr: withElr ? [] : [1], elr: withElr ? [1, 2] : [] })
    cluster.register(2, cluster.epoch(2))
    cluster.heartbeat(2)
    expect(cluster.partition()).toMatchObject(withElr ? { leader: 2, isr: [2], elr: [1] } : { leader: -1, isr: [1] })
    cluster.register(1, cluster.epoch(1))
    cluster.heartbeat(1)
    expect(cluster.partition().leader).toBe(withElr ? 2 : 1)
  }
})

test('a process that says which epoch its predecessor shut down in keeps what that was eligible for, another does not', () => {
  for (const isClean of [true, false]) {
    const cluster = new DecidedCluster({ withElr: true, minIsr: 2 })
    cluster.join(1, 2)
    cluster.topic([[1, 2]])
    fence(cluster, 2)
    expect(cluster.partition()).toMatchObject({ isr: [1], elr: [2] })
    cluster.register(2, isClean ? cluster.epoch(2) : -1)
    expect(cluster.partition().elr).toEqual(isClean ? [2] : [])
    expect(written(cluster).at(-1)).toBe('RegisterBrokerRecord')
  }
})

test('a process that lost its replica does not lead, though it was the last in sync', () => {
  const cluster = new DecidedCluster({ withElr: true, minIsr: 1 })
  cluster.join(1)
  cluster.topic([[1]])
  fence(cluster, 1)
  cluster.register(1)
  expect(cluster.partition()).toMatchObject({ isr: [], leader: -1, elr: [], lastKnownElr: [1] })
  cluster.heartbeat(1)
  // The only one who may have it all: it leads, and is to recover.
  expect(cluster.partition()).toMatchObject({ isr: [1], leader: 1, leaderRecoveryState: 1, lastKnownElr: [] })
})

test('who replaces a process is unfenced when it knows of its registration, behind what was written of partitions', () => {
  const cluster = new DecidedCluster()
  cluster.join(1, 2)
  cluster.topic([
    [1, 2],
    [1, 2],
    [1, 2],
  ])
  cluster.nowMs += 60_000
  cluster.sessions.touch(2, cluster.nowMs)
  cluster.register(1)
  const registered = cluster.epoch(1) + 3
  expect(written(cluster)).toHaveLength(4)
  expect(cluster.heartbeat(1, { currentMetadataOffset: registered - 1 })).toMatchObject({
    isFenced: true,
    isCaughtUp: false,
  })
  expect(cluster.heartbeat(1, { currentMetadataOffset: registered })).toMatchObject({
    isFenced: false,
    isCaughtUp: true,
  })
})

test('a broker shuts down when nothing is left to lead and all others know of it', () => {
  const cluster = new DecidedCluster()
  cluster.join(1, 2)
  cluster.topic([[1, 2], [1]])
  expect(cluster.heartbeat(1, { wantShutDown: true })).toMatchObject({ shouldShutDown: false })
  expect(cluster.partition(0)).toMatchObject({ leader: 2, isr: [2] })
  expect(cluster.partition(1)).toMatchObject({ leader: -1, isr: [1] })
  const moved = cluster.sessions.get(1)?.controlledShutdownOffset ?? -1
  expect(written(cluster)[0]).toBe('BrokerRegistrationChangeRecord')
  cluster.heartbeat(2, { currentMetadataOffset: moved - 1 })
  expect(cluster.heartbeat(1, { wantShutDown: true })).toMatchObject({ shouldShutDown: false })
  cluster.heartbeat(2, { currentMetadataOffset: moved })
  expect(cluster.heartbeat(1, { wantShutDown: true })).toMatchObject({ shouldShutDown: true, isFenced: true })
  expect(cluster.image.cluster.brokers.get(1)).toMatchObject({ fenced: true })
})

test('a fenced broker may shut down at once, and is fenced once more', () => {
  const cluster = new DecidedCluster()
  cluster.join(1, 2)
  cluster.topic([[1, 2]])
  fence(cluster, 1)
  expect(cluster.heartbeat(1, { wantShutDown: true })).toMatchObject({ shouldShutDown: true, isFenced: true })
  expect(cluster.records).toMatchObject([{ type: 'BrokerRegistrationChangeRecord', data: { brokerId: 1, fenced: 1 } }])
})

test('the session of a broker that shut down ends too: it is fenced once more, and not again', () => {
  const cluster = new DecidedCluster()
  cluster.join(1, 2)
  cluster.heartbeat(1, { wantFence: true })
  fence(cluster, 1)
  expect(cluster.records).toMatchObject([{ type: 'BrokerRegistrationChangeRecord', data: { brokerId: 1, fenced: 1 } }])
  fence(cluster, 1)
  expect(cluster.records).toEqual([])
  // Who has registered and said nothing has no session.
  cluster.register(3)
  fence(cluster, 3)
  expect(cluster.records).toEqual([])
})

test('a shutdown that another controller began goes on: what that one did not get written is written', () => {
  const cluster = new DecidedCluster()
  cluster.join(1, 2)
  cluster.topic([[1, 2]])
  const { state } = cluster
  const request = BrokerHeartbeatRequest.make({ brokerId: 1, brokerEpoch: cluster.epoch(1), wantShutDown: true })
  const { records } = brokerHeartbeat(state, request)
  cluster.replay(...records.slice(0, 1))
  cluster.sessions.remove(1)
  cluster.heartbeat(1, { wantShutDown: true })
  expect(written(cluster)).toEqual(['PartitionChangeRecord'])
  expect(cluster.partition().leader).toBe(2)
})

test('a broker that nobody knows has a stale epoch', () => {
  const cluster = new DecidedCluster()
  expect(() => cluster.heartbeat(7)).toThrow('No broker registration found for broker id 7')
  cluster.join(1)
  const stale = BrokerHeartbeatRequest.make({ brokerId: 7, brokerEpoch: 1 })
  expect(() => cluster.decide((state) => brokerHeartbeat(state, stale))).toThrow(
    expect.objectContaining({ code: 'STALE_BROKER_EPOCH' }),
  )
})

test('a broker that goes for good leaves its partitions first', () => {
  const cluster = new DecidedCluster()
  cluster.join(1, 2)
  cluster.topic([[1, 2]])
  const answer = cluster.decide((state) => unregisterBroker(state, { brokerId: 1 }))
  expect(answer).toEqual({ errorCode: 0, errorMessage: '' })
  expect(written(cluster)).toEqual(['PartitionChangeRecord', 'UnregisterBrokerRecord'])
  expect(cluster.partition()).toMatchObject({ leader: 2, isr: [2] })
})

function assign(cluster: DecidedCluster, brokerId: number, id: Uuid): void {
  const topics = [{ topicId: TOPIC_ID, partitions: [{ partitionIndex: 0 }] }]
  const brokerEpoch = cluster.epoch(brokerId)
  const request = AssignReplicasToDirsRequest.make({ brokerId, brokerEpoch, directories: [{ id, topics }] })
  const answer = cluster.decide((state) => assignReplicasToDirs(state, request))
  expect(answer.directories?.[0]?.topics?.[0]?.partitions?.[0]?.errorCode).toBe(0)
}

test('a replica in a directory that is lost, or that nobody knows, is out of sync and does not lead', () => {
  for (const directory of [DIRECTORY_LOST, OTHER_DIRECTORY]) {
    const cluster = new DecidedCluster()
    cluster.join(1, 2)
    cluster.topic([[1, 2]])
    assign(cluster, 1, directory)
    expect(cluster.partition()).toMatchObject({ leader: 2, isr: [2], directories: [directory, directoryId(2)] })
    assign(cluster, 1, directoryId(1))
    expect(cluster.partition()).toMatchObject({ leader: 2, isr: [2], directories: [directoryId(1), directoryId(2)] })
    assign(cluster, 1, directoryId(1))
    expect(cluster.records).toEqual([])
  }
})

test('a partition whose directory failed is led again as soon as the broker is back with it', () => {
  const cluster = new DecidedCluster()
  cluster.join(1)
  cluster.topic([[1]])
  cluster.heartbeat(1, { offlineLogDirs: [directoryId(1)] })
  expect(cluster.partition()).toMatchObject({ leader: -1, isr: [1] })
  fence(cluster, 1)
  cluster.join(1)
  expect(cluster.partition()).toMatchObject({ leader: 1, isr: [1] })
})
