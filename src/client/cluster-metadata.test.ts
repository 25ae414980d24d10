import { expect, test } from 'vitest'
import type { Uuid } from '../base/uuid.ts'
import { MetadataResponse } from '../protocol/generated/metadata.ts'
import { ClusterMetadata } from './cluster-metadata.ts'

const ID = 'AAAAAAAAAAAAAAAAAAAAAQ' as Uuid
const OTHER_ID = 'AAAAAAAAAAAAAAAAAAAABQ' as Uuid

function answer(leaderId: number, leaderEpoch: number, topicId = ID): MetadataResponse {
  const partitions = [{ partitionIndex: 0, leaderId, leaderEpoch, replicaNodes: [1, 2], isrNodes: [1, 2] }]
  return MetadataResponse.make({
    brokers: [1, 2].map((nodeId) => ({ nodeId, host: 'h', port: nodeId })),
    topics: [{ name: 't', topicId, partitions }],
  })
}

test('a leader of an older epoch does not replace a newer one', () => {
  const metadata = new ClusterMetadata()
  metadata.apply(answer(2, 5), 'all')
  metadata.apply(answer(1, 4), 'all')
  expect(metadata.leader('t', 0)?.id).toBe(2)
  metadata.apply(answer(1, 6), 'all')
  expect(metadata.leader('t', 0)?.id).toBe(1)
})

test('a topic made anew begins with any epoch', () => {
  const metadata = new ClusterMetadata()
  metadata.apply(answer(2, 5), 'all')
  metadata.apply(answer(1, 0, OTHER_ID), 'all')
  expect(metadata.partition('t', 0)).toMatchObject({ leader: 1, leaderEpoch: 0 })
  expect(metadata.nameOf(ID)).toBeNull()
  expect(metadata.nameOf(OTHER_ID)).toBe('t')
})

test('a leader that a refusing broker names is taken if it is newer and its node is known', () => {
  const metadata = new ClusterMetadata()
  metadata.apply(answer(1, 5), 'all')
  expect(metadata.applyLeader('t', 0, 2, 5, null)).toBe(false)
  expect(metadata.applyLeader('t', 0, 9, 6, null)).toBe(false)
  expect(metadata.applyLeader('t', 0, 9, 6, { id: 9, host: 'h', port: 9, rack: null })).toBe(true)
  expect(metadata.leader('t', 0)?.id).toBe(9)
})

test('a topic that was asked for and is not in the answer is gone; one that was not asked for stays', () => {
  const metadata = new ClusterMetadata()
  metadata.apply(answer(1, 5), 'all')
  metadata.apply(MetadataResponse.make({}), new Set(['u']))
  expect(metadata.topic('t')).not.toBeNull()
  metadata.apply(MetadataResponse.make({ topics: [{ name: 't', errorCode: 3 }] }), new Set(['t']))
  expect(metadata.topic('t')).toBeNull()
  expect(metadata.errorOf('t')).toBe('UNKNOWN_TOPIC_OR_PARTITION')
})
