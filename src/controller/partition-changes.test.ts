import { expect, test } from 'vitest'
import type { Uuid } from '../base/uuid.ts'
import type { MetadataRecord } from '../metadata/metadata-records.ts'
import { EMPTY_IMAGE, type MetadataImage } from '../metadata/image.ts'
import type { PartitionImage } from '../metadata/topics-image.ts'
import { partitionChange, type ChangeWanted } from './partition-changes.ts'

const TOPIC_ID = 'ttttttttttttttttttttDA' as Uuid
const DIRECTORY = 'ddddddddddddddddddddDA' as Uuid
const LATEST_LEVEL = 30
/** The last metadata.version at which a shrinking ISR begins a new leader epoch. */
const BEFORE_KEPT_EPOCHS = 11

const imageAt = (metadataVersion: number): MetadataImage => {
  return { ...EMPTY_IMAGE, features: { ...EMPTY_IMAGE.features, metadataVersion } }
}

interface Case extends Partial<Pick<ChangeWanted, 'isr' | 'replicas' | 'adding' | 'removing' | 'lostReplica'>> {
  readonly election?: ChangeWanted['election']
  readonly live?: readonly number[]
  readonly elr?: boolean
  readonly minIsr?: number
  readonly level?: number
}

function partitionOf(state: Partial<PartitionImage> & { readonly replicas: readonly number[] }): PartitionImage {
  return {
    directories: state.replicas.map(() => DIRECTORY),
    isr: state.replicas,
    leader: state.isr?.[0] ?? state.replicas[0] ?? -1,
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

/** The fields that the record states; null: no record. */
function change(
  state: Partial<PartitionImage> & { readonly replicas: readonly number[] },
  { election = 'online', live = [1, 2, 3, 4], elr = false, minIsr = 1, level = LATEST_LEVEL, ...wanted }: Case,
): Record<string, unknown> | null {
  const record = partitionChange(imageAt(level), {
    topicId: TOPIC_ID,
    partitionId: 0,
    partition: partitionOf(state),
    rules: { keepsEligible: elr, minIsr, mayElectUncleanly: false },
    election,
    mayLead: (id) => live.includes(id),
    ...wanted,
  })
  if (record === null) return null
  if (record === null) return null
  const { isr, leader, leaderRecoveryState, eligibleLeaderReplicas, lastKnownElr, ...rest } = changeData(record)
  const { replicas, addingReplicas, removingReplicas } = rest
  const stated = {
    ...{ isr, eligibleLeaderReplicas, lastKnownElr, replicas, addingReplicas, removingReplicas },
    leader: leader === -2 ? null : leader,
    leaderRecoveryState: leaderRecoveryState === -1 ? null : leaderRecoveryState,
  }
  return Object.fromEntries(Object.entries(stated).filter(([, value]) => value !== null))
}

function changeData(record: MetadataRecord) {
  if (record.type !== 'PartitionChangeRecord') throw new Error(`a ${record.type}`)
  return record.data
}

const ALONE = { replicas: [1, 2, 3], isr: [1], leader: 1 }
const NOBODY = { replicas: [1, 2, 3], isr: [], leader: -1 }

test.each<[string, Parameters<typeof change>[0], Case, Record<string, unknown> | null]>([
  ['nothing asked is no record', { replicas: [1, 2] }, {}, null],
  ['a good leader stays', { replicas: [1, 2], leader: 2 }, {}, null],
  ['a preferred election gives back', { replicas: [1, 2], leader: 2 }, { election: 'preferred' }, { leader: 1 }],
  ['not to one out of sync', { replicas: [1, 2], isr: [2], leader: 2 }, { election: 'preferred' }, null],
  [
    'a leader that dies is followed by the next in sync',
    { replicas: [1, 2, 3], isr: [1, 3] },
    { live: [2, 3], isr: [3] },
    { leader: 3, isr: [3] },
  ],
  ['the last in sync stays in sync', ALONE, { live: [2, 3], isr: [] }, { leader: -1 }],
  [
    'unclean: any that lives, to be recovered',
    ALONE,
    { live: [2, 3], isr: [], election: 'unclean' },
    { leader: 2, isr: [2], leaderRecoveryState: 1 },
  ],
  ['an ISR that grows keeps the epoch', ALONE, { isr: [1, 2] }, { isr: [1, 2] }],
  ['one that shrinks too', { replicas: [1, 2] }, { isr: [1] }, { isr: [1] }],
  [
    'which was not so before 3.6-IV0',
    { replicas: [1, 2] },
    { isr: [1], level: BEFORE_KEPT_EPOCHS },
    { isr: [1], leader: 1 },
  ],
])('%s', (_name, state, wanted, expected) => {
  expect(change(state, wanted)).toEqual(expected)
})

const ELR = { elr: true, minIsr: 2 }

test.each<[string, Parameters<typeof change>[0], Case, Record<string, unknown> | null]>([
  [
    'who leaves an ISR that stays large enough is not eligible',
    { replicas: [1, 2, 3] },
    { isr: [1, 2] },
    { isr: [1, 2] },
  ],
  [
    'who leaves one below the minimum is',
    { replicas: [1, 2, 3], isr: [1, 2] },
    { isr: [1] },
    { isr: [1], eligibleLeaderReplicas: [2] },
  ],
  [
    'the last one leaves too, and is known as the last leader',
    { ...ALONE, elr: [2] },
    { isr: [], live: [3] },
    { isr: [], leader: -1, eligibleLeaderReplicas: [1, 2], lastKnownElr: [1] },
  ],
  [
    'an eligible one leads where nobody is in sync',
    { ...NOBODY, elr: [1, 2], lastKnownElr: [1] },
    { live: [2] },
    { isr: [2], leader: 2, eligibleLeaderReplicas: [1], lastKnownElr: [] },
  ],
  ['but not while somebody is', { ...ALONE, isr: [3], leader: -1, elr: [2] }, { live: [2] }, null],
  [
    'enough in sync: nobody is eligible any more',
    { ...ALONE, elr: [2] },
    { isr: [1, 3] },
    { isr: [1, 3], eligibleLeaderReplicas: [] },
  ],
  [
    'one that lost its replica is not',
    { ...ALONE, elr: [2] },
    { lostReplica: 2, live: [1] },
    { eligibleLeaderReplicas: [] },
  ],
  [
    'the last known leader leads when nobody is eligible, to be recovered',
    { ...NOBODY, lastKnownElr: [2] },
    { live: [1, 2] },
    { isr: [2], leader: 2, leaderRecoveryState: 1, lastKnownElr: [] },
  ],
  ['not one of several', { ...NOBODY, lastKnownElr: [1, 2] }, { live: [1, 2] }, null],
  ['nor when it is away', { ...NOBODY, lastKnownElr: [2] }, { live: [1] }, null],
  [
    'an unclean election forgets who was eligible',
    { ...NOBODY, elr: [2], lastKnownElr: [2] },
    { live: [1], election: 'unclean' },
    { isr: [1], leader: 1, leaderRecoveryState: 1, eligibleLeaderReplicas: [], lastKnownElr: [] },
  ],
  [
    'what an older leader list states stays while there is none',
    { ...NOBODY, elr: [2], lastKnownElr: [1] },
    { live: [] },
    null,
  ],
])('eligible replicas: %s', (_name, state, wanted, expected) => {
  expect(change(state, { ...ELR, ...wanted })).toEqual(expected)
})

test('without the feature eligible replicas of a log of before are dropped, and the last known leader does not lead', () => {
  expect(change({ ...NOBODY, elr: [2], lastKnownElr: [2] }, { live: [2] })).toEqual({
    isr: [2],
    leader: 2,
    eligibleLeaderReplicas: [],
  })
  expect(change({ ...NOBODY, lastKnownElr: [2] }, { live: [2] })).toBeNull()
})

const MOVING = { replicas: [3, 4, 1, 2], isr: [1, 2], leader: 1, addingReplicas: [3, 4], removingReplicas: [1, 2] }

test.each<[string, Parameters<typeof change>[0], Case, Record<string, unknown> | null]>([
  ['goes on while one is missing', MOVING, { isr: [1, 2, 3] }, { isr: [1, 2, 3] }],
  [
    'is complete with the last one, and moves the leader',
    MOVING,
    { isr: [1, 2, 3, 4] },
    { isr: [3, 4], leader: 3, replicas: [3, 4], addingReplicas: [], removingReplicas: [] },
  ],
  [
    'begins a new leader epoch when replicas go, though the leader stays',
    { ...MOVING, leader: 3, isr: [1, 2, 3] },
    { isr: [1, 2, 3, 4] },
    { isr: [3, 4], leader: 3, replicas: [3, 4], addingReplicas: [], removingReplicas: [] },
  ],
  [
    'is complete at once where only the order changes',
    { replicas: [1, 2], isr: [1, 2] },
    { replicas: [2, 1] },
    { replicas: [2, 1] },
  ],
])('a reassignment %s', (_name, state, wanted, expected) => {
  expect(change(state, wanted)).toEqual(expected)
})
