/**
 * Random lives of a few replicated partitions: brokers come and go, cleanly or not, ISRs shrink and grow, replicas move, leaders
 * are elected; the rules hold after every step.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { changedPartition } from '../metadata/topics-delta.ts'
import type { PartitionImage } from '../metadata/topics-image.ts'
import { AlterPartitionRequest } from '../protocol/generated/alter-partition.ts'
import { AlterPartitionReassignmentsRequest } from '../protocol/generated/alter-partition-reassignments.ts'
import { ElectLeadersRequest } from '../protocol/generated/elect-leaders.ts'
import { DecidedCluster, TOPIC_ID } from '../testing/decided-cluster.ts'
import { alterPartition } from './alter-partition.ts'
import { alterPartitionReassignments } from './alter-reassignments.ts'
import { fenceStaleBrokers } from './brokers.ts'
import { electLeaders } from './elect-leaders.ts'
import { isActiveBroker, preferredElections } from './leadership-changes.ts'
import { PartitionIndex } from './partition-index.ts'
import { isReassigning } from './reassigned-replicas.ts'

const BROKERS = [1, 2, 3, 4, 5]
const PARTITIONS = 3
const LONG_AGO_MS = 60_000

type Step =
  | { readonly kind: 'fence' | 'restart' | 'restart cleanly' | 'unfence' | 'shut down'; readonly broker: number }
  | { readonly kind: 'isr'; readonly partition: number; readonly members: readonly number[] }
  | { readonly kind: 'move'; readonly partition: number; readonly replicas: readonly number[] | null }
  | { readonly kind: 'elect'; readonly partition: number; readonly unclean: boolean }
  | { readonly kind: 'balance' }

const broker = fc.constantFrom(...BROKERS)
const partition = fc.nat({ max: PARTITIONS - 1 })
const someBrokers = fc.uniqueArray(broker, { minLength: 1, maxLength: 4 })
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constantFrom('fence', 'restart', 'restart cleanly', 'unfence', 'unfence', 'shut down'),
    broker,
  }),
  fc.record({ kind: fc.constant('isr' as const), partition, members: someBrokers }),
  fc.record({ kind: fc.constant('isr' as const), partition, members: fc.constant(BROKERS) }),
  fc.record({ kind: fc.constant('move' as const), partition, replicas: fc.option(someBrokers, { freq: 4 }) }),
  fc.record({ kind: fc.constant('elect' as const), partition, unclean: fc.boolean() }),
  fc.constant({ kind: 'balance' as const }),
)

/** What the partition's last reassignment wanted; null: none asked for, or taken back. */
type Targets = (readonly number[] | null)[]

function take(cluster: DecidedCluster, asked: Step, targets: Targets): void {
  switch (asked.kind) {
    case 'fence':
      cluster.nowMs += LONG_AGO_MS
      for (const id of BROKERS) if (id !== asked.broker) cluster.sessions.touch(id, cluster.nowMs)
      cluster.decide(fenceStaleBrokers)
      return
    case 'restart':
    case 'restart cleanly':
      cluster.nowMs += LONG_AGO_MS
      for (const id of BROKERS) if (id !== asked.broker) cluster.sessions.touch(id, cluster.nowMs)
      cluster.register(asked.broker, asked.kind === 'restart' ? -1 : cluster.epoch(asked.broker))
      return
    case 'unfence':
      cluster.heartbeat(asked.broker)
      return
    case 'shut down':
      cluster.heartbeat(asked.broker, { wantShutDown: true })
      return
    case 'isr': {
      const { leader, replicas, leaderEpoch, partitionEpoch } = cluster.partition(asked.partition)
      if (leader < 0) return
      const isr = replicas.filter(
        (id) => id === leader || (asked.members.includes(id) && isActiveBroker(cluster.image, id)),
      )
      const newIsrWithEpochs = isr.map((id) => ({ brokerId: id, brokerEpoch: cluster.epoch(id) }))
      const request = AlterPartitionRequest.make({
        brokerId: leader,
        brokerEpoch: cluster.epoch(leader),
        topics: [
          {
            topicId: TOPIC_ID,
            partitions: [{ partitionIndex: asked.partition, leaderEpoch, partitionEpoch, newIsrWithEpochs }],
          },
        ],
      })
      const answer = cluster.decide((state) => alterPartition(state, request, 3))
      expect([0, 108]).toContain(answer.topics?.[0]?.partitions?.[0]?.errorCode)
      return
    }
    case 'move': {
      const { partition: partitionIndex, replicas } = asked
      const topics = [{ name: 't', partitions: [{ partitionIndex, replicas }] }]
      const request = AlterPartitionReassignmentsRequest.make({ topics })
      const answer = cluster.decide((state) => alterPartitionReassignments(state, request))
      if (answer.responses?.[0]?.partitions?.[0]?.errorCode === 0) targets[partitionIndex] = replicas
      return
    }
    case 'elect': {
      const topicPartitions = [{ topic: 't', partitions: [asked.partition] }]
      const request = ElectLeadersRequest.make({ electionType: asked.unclean ? 1 : 0, topicPartitions })
      cluster.decide((state) => electLeaders(state, request))
      return
    }
    case 'balance':
      cluster.decide((state) => ({ records: preferredElections(state, 100), answer: null, atomic: false }))
  }
}

function checkPartition(cluster: DecidedCluster, now: PartitionImage, withElr: boolean): void {
  const { leader, isr, replicas, elr, lastKnownElr, addingReplicas, removingReplicas } = now
  expect(new Set(isr).size).toBe(isr.length)
  expect(new Set(replicas).size).toBe(replicas.length)
  for (const list of [isr, elr, addingReplicas, removingReplicas])
    expect(replicas).toEqual(expect.arrayContaining([...list]))
  if (leader >= 0) {
    expect(isr).toContain(leader)
    expect(isActiveBroker(cluster.image, leader)).toBe(true)
  }
  if (!withElr) expect(isr.length).toBeGreaterThan(0)
  if (isr.length === 0) expect(leader).toBe(-1)
  expect(elr.filter((id) => isr.includes(id))).toEqual([])
  if (isr.length >= 2) expect(elr).toEqual([])
  if (leader >= 0) expect(lastKnownElr).toEqual([])
  expect(lastKnownElr.length).toBeLessThan(2)
}

function checkStep(before: PartitionImage, after: PartitionImage): void {
  const grew = after.leaderEpoch - before.leaderEpoch
  expect(grew).toBeGreaterThanOrEqual(0)
  expect(after.partitionEpoch - before.partitionEpoch).toBeGreaterThanOrEqual(grew)
  if (after !== before) expect(after.partitionEpoch).toBeGreaterThan(before.partitionEpoch)
  if (after.leader !== before.leader) expect(grew).toBeGreaterThan(0)
}

test.each([true, false])('what holds of partitions holds after every step, with eligible replicas: %s', (withElr) => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const cluster = new DecidedCluster({ withElr, minIsr: 2 })
      cluster.join(...BROKERS)
      cluster.topic([[1, 2, 3], [2, 3, 4], [5]])
      const targets: Targets = [null, null, null]
      for (const asked of steps) {
        const before = cluster.t.partitions
        take(cluster, asked, targets)
        for (const record of cluster.records) {
          if (record.type !== 'PartitionChangeRecord') continue
          const { partitionId } = record.data
          checkStep(cluster.partition(partitionId), changedPartition(cluster.partition(partitionId), record.data))
        }
        cluster.t.partitions.forEach((now, partitionId) => {
          checkStep(before[partitionId] ?? now, now)
          checkPartition(cluster, now, withElr)
          const target = targets[partitionId] ?? null
          if (target !== null && !isReassigning(now.addingReplicas, now.removingReplicas)) {
            expect(now.replicas).toEqual(target)
            targets[partitionId] = null
          }
        })
        expect(indexed(cluster.partitions)).toEqual(indexed(PartitionIndex.of(cluster.image.topics)))
      }
    }),
    { numRuns: 60 },
  )
})

/** What an index finds, in an order of its own. */
function indexed(index: PartitionIndex): unknown {
  const numbers = (found: ReturnType<PartitionIndex['leaderless']>): number[] =>
    [...found].flatMap(({ partitions }) => [...partitions]).sort((left, right) => left - right)
  return {
    leaderships: BROKERS.map((id) => index.hasLeaderships(id)),
    inSync: BROKERS.map((id) => numbers(index.inSyncOn(id))),
    eligible: BROKERS.map((id) => numbers(index.eligibleOn(id))),
    leaderless: numbers(index.leaderless()),
    imbalanced: numbers(index.imbalanced()),
    reassigning: numbers(index.reassigning()),
  }
}
