import { expect, test } from 'vitest'
import type { Uuid } from '../base/uuid.ts'
import { EMPTY_IMAGE, type MetadataImage } from '../metadata/image.ts'
import type { PartitionImage } from '../metadata/topics-image.ts'
import { partitionChange, type Election } from './partition-changes.ts'

const TOPIC_ID = 'ttttttttttttttttttttDA' as Uuid
const DIRECTORY = 'ddddddddddddddddddddDA' as Uuid
const LATEST_LEVEL = 30

const IMAGE: MetadataImage = { ...EMPTY_IMAGE, features: { ...EMPTY_IMAGE.features, metadataVersion: LATEST_LEVEL } }

/** Without a leader, as Kafka leaves a partition whose ISR has emptied (KIP-966). */
function leaderless(state: Partial<PartitionImage>): PartitionImage {
  return {
    replicas: [1, 2],
    directories: [DIRECTORY, DIRECTORY],
    isr: [],
    leader: -1,
    leaderEpoch: 3,
    partitionEpoch: 5,
    addingReplicas: [],
    removingReplicas: [],
    leaderRecoveryState: 0,
    elr: [],
    lastKnownElr: [],
    ...state,
  }
}

function change(partition: PartitionImage, live: readonly number[], election: Election = 'online'): unknown {
  const mayLead = (id: number): boolean => live.includes(id)
  const { isr } = partition
  const record = partitionChange(IMAGE, { topicId: TOPIC_ID, partitionId: 0, partition, isr, election, mayLead })
  return record === null ? null : record.data
}

test('an eligible replica leads a partition whose ISR is empty, and is not named as eligible any more', () => {
  expect(change(leaderless({ elr: [2], lastKnownElr: [2] }), [1, 2])).toMatchObject({
    leader: 2,
    isr: [2],
    leaderRecoveryState: -1,
    eligibleLeaderReplicas: [],
    lastKnownElr: [],
  })
})

test('other eligible replicas stay eligible', () => {
  expect(change(leaderless({ elr: [2, 1] }), [1, 2])).toMatchObject({
    leader: 1,
    isr: [1],
    eligibleLeaderReplicas: [2],
    lastKnownElr: null,
  })
})

test('the last known leader leads, to be recovered, when nobody is eligible', () => {
  expect(change(leaderless({ lastKnownElr: [2] }), [1, 2])).toMatchObject({
    leader: 2,
    isr: [2],
    leaderRecoveryState: 1,
    lastKnownElr: [],
  })
})

test('a live replica that is neither in sync nor eligible does not lead, unless unclean elections are allowed', () => {
  expect(change(leaderless({ elr: [2], lastKnownElr: [2] }), [1])).toBeNull()
  expect(change(leaderless({ elr: [2], lastKnownElr: [2] }), [1], 'unclean')).toMatchObject({
    leader: 1,
    isr: [1],
    leaderRecoveryState: 1,
    eligibleLeaderReplicas: null,
    lastKnownElr: [],
  })
})
