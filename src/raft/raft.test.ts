/** What one replica answers and asks, input by input; how a quorum behaves is in scenarios/. */
import { expect, test } from 'vitest'
import { ZERO_UUID } from '../base/uuid.ts'
import type { RaftRequest, RaftResult, VoteRequest } from './messages.ts'
import { DIRECTORIES, TestRaft, THREE, testVoter } from './test-raft.ts'

const vote = (changes: Partial<VoteRequest>): VoteRequest => ({
  kind: 'vote',
  voter: { id: 1, directoryId: DIRECTORIES[0]! },
  candidate: { id: 2, directoryId: DIRECTORIES[1]! },
  epoch: 1,
  lastEpoch: 0,
  lastOffset: 0,
  preVote: false,
  ...changes,
})
const alone = { voters: [{ offset: -1, set: { kraftVersion: 1, voters: [testVoter(1)] } }] }

test('a single voter elects itself at its first step, and saves the new epoch before it writes in it', () => {
  const one = new TestRaft({
    ...alone,
    log: { startOffset: 0, endOffset: 100, epochs: [{ epoch: 4, startOffset: 0 }], snapshots: [] },
  })
  const output = one.tickAt(0)
  expect(output.save).toEqual({ leaderId: 1, leaderEpoch: 5, votedId: -1, votedDirectoryId: ZERO_UUID })
  expect(output.append).toMatchObject([{ kind: 'control', baseOffset: 100, endOffset: 103, epoch: 5 }])
  expect(output.committedTo).toBe(0)
  expect(output.wakeAtMs).toBe(Infinity)
})

test('old entries are committed only with the first entry of the epoch', () => {
  const one = new TestRaft({
    ...alone,
    log: { startOffset: 0, endOffset: 10, epochs: [{ epoch: 1, startOffset: 0 }], snapshots: [] },
  })
  one.tickAt(0)
  expect(one.step({ kind: 'synced', end: 10, cuts: 0 }).committedTo).toBe(0)
  expect(one.step({ kind: 'synced', end: 13, cuts: 0 }).committedTo).toBe(13)
  expect(one.step({ kind: 'synced', end: 11, cuts: 0 }).committedTo).toBe(13)
})

test('a sync that began before the log was cut says nothing', () => {
  const one = new TestRaft(alone)
  one.tickAt(0)
  expect(one.step({ kind: 'synced', end: 3, cuts: 7 }).committedTo).toBe(0)
})

test('after it stopped nothing is sent, saved or committed', () => {
  const one = new TestRaft(alone)
  one.tickAt(0)
  one.step({ kind: 'stopped' })
  expect(one.raft.role).toBe('stopped')
  expect(one.sync()).toMatchObject({ committedTo: 0, save: null, send: [], append: [], wakeAtMs: Infinity })
})

test('a vote is saved before it is given, and given once in an epoch', () => {
  const one = new TestRaft()
  one.tickAt(0)
  const first = one.receive(vote({}))
  expect(first.save).toMatchObject({ leaderEpoch: 1, votedId: 2, votedDirectoryId: DIRECTORIES[1] })
  expect(first.reply).toMatchObject([{ answer: { error: 'NONE', granted: true, leader: { epoch: 1, leaderId: -1 } } }])
  const other = one.receive(vote({ candidate: { id: 3, directoryId: DIRECTORIES[2]! } }))
  expect(other.reply).toMatchObject([{ answer: { error: 'NONE', granted: false } }])
  expect(one.receive(vote({})).reply).toMatchObject([{ answer: { granted: true } }])
})

test('a voter that starts anew knows whom it voted for, and one that led neither leads nor votes in that epoch', () => {
  const election = { leaderId: -1, leaderEpoch: 3, votedId: 2, votedDirectoryId: DIRECTORIES[1]! }
  const voted = new TestRaft({ election })
  voted.tickAt(0)
  const asked = { epoch: 3, lastEpoch: 2, lastOffset: 50 }
  expect(voted.receive(vote({ ...asked, candidate: { id: 3, directoryId: DIRECTORIES[2]! } })).reply).toMatchObject([
    { answer: { granted: false } },
  ])
  expect(voted.receive(vote(asked)).reply).toMatchObject([{ answer: { granted: true } }])

  const led = new TestRaft({ election: { ...election, leaderId: 1, votedId: -1 } })
  led.tickAt(0)
  expect(led.raft.role).toBe('resigned')
  expect(led.receive(vote(asked)).reply).toMatchObject([{ answer: { granted: false } }])
})

test.each<[string, Partial<VoteRequest>, string]>([
  ['a last epoch that is not before the candidate’s', { epoch: 1, lastEpoch: 1 }, 'INVALID_REQUEST'],
  ['a negative offset', { lastOffset: -1 }, 'INVALID_REQUEST'],
  ['a negative candidate', { candidate: { id: -1, directoryId: ZERO_UUID } }, 'INVALID_REQUEST'],
  ['another voter', { voter: { id: 2, directoryId: DIRECTORIES[1]! } }, 'INVALID_VOTER_KEY'],
  ['another directory of this voter', { voter: { id: 1, directoryId: DIRECTORIES[2]! } }, 'INVALID_VOTER_KEY'],
  ['an old epoch', { epoch: 0, lastEpoch: -1 }, 'INVALID_REQUEST'],
])('a vote is refused for %s', (_what, changes, error) => {
  const one = new TestRaft()
  one.tickAt(0)
  expect(one.receive(vote(changes)).reply).toMatchObject([{ answer: { error, granted: false } }])
})

test('a vote in an older epoch is fenced with this one', () => {
  const one = new TestRaft({ election: { leaderId: -1, leaderEpoch: 7, votedId: -1, votedDirectoryId: ZERO_UUID } })
  one.tickAt(0)
  expect(one.receive(vote({ epoch: 6, lastEpoch: 5 })).reply).toMatchObject([
    { answer: { error: 'FENCED_LEADER_EPOCH', leader: { epoch: 7, leaderId: -1 } } },
  ])
})

test('a candidate whose log is shorter gets no vote', () => {
  const log = { startOffset: 0, endOffset: 10, epochs: [{ epoch: 2, startOffset: 0 }], snapshots: [] }
  const one = new TestRaft({ log })
  one.tickAt(0)
  expect(one.receive(vote({ epoch: 5, lastEpoch: 2, lastOffset: 9 })).reply).toMatchObject([
    { answer: { granted: false } },
  ])
  expect(one.receive(vote({ epoch: 5, lastEpoch: 1, lastOffset: 99 })).reply).toMatchObject([
    { answer: { granted: false } },
  ])
  expect(one.receive(vote({ epoch: 5, lastEpoch: 2, lastOffset: 10 })).reply).toMatchObject([
    { answer: { granted: true } },
  ])
})

test('a pre-vote changes nothing on disk, and is refused while the leader is heard', () => {
  const one = new TestRaft()
  one.tickAt(0)
  const asked = one.receive(vote({ epoch: 0, preVote: true }))
  expect(asked).toMatchObject({ save: null, reply: [{ answer: { granted: true } }] })

  const begun = one.receive({
    kind: 'beginEpoch',
    voter: null,
    leaderId: 3,
    epoch: 1,
    endpoints: testVoter(3).endpoints,
  })
  expect(begun.save).toMatchObject({ leaderId: 3, leaderEpoch: 1 })
  const [fetch] = begun.send
  expect(fetch).toMatchObject({ to: { host: 'node-3', port: 9093 }, request: { kind: 'fetch', epoch: 1, offset: 0 } })
  const leader = { epoch: 1, leaderId: 3, endpoint: null }
  one.answer(fetch!, {
    kind: 'fetch',
    error: 'NONE',
    leader,
    highWatermark: 0,
    logStartOffset: 0,
    diverging: null,
    snapshotId: null,
    batches: [],
  })
  expect(one.receive(vote({ epoch: 1, preVote: true })).reply).toMatchObject([{ answer: { granted: false } }])
})

test('a peer that knows no pre-vote counts as one that would vote', () => {
  const one = new TestRaft()
  const asked = one.tickAt(2500)
  expect(asked.send.map(({ request }) => request)).toMatchObject([
    { kind: 'vote', preVote: true, epoch: 0 },
    { kind: 'vote', preVote: true, epoch: 0 },
  ])
  const output = one.step({ kind: 'failed', requestId: asked.send[0]!.requestId, unsupported: true })
  expect(one.raft.role).toBe('candidate')
  expect(output.save).toMatchObject({ leaderEpoch: 1, votedId: 1 })
})

test('the leader begins its epoch with a leader change that names who voted', () => {
  const one = new TestRaft()
  const output = one.elect()
  expect(output.append).toMatchObject([
    { kind: 'control', epoch: 1, leaderChange: { granting: [{ id: 1 }, { id: 2 }] }, voters: null },
  ])
  expect(output.send.map(({ request }) => request)).toMatchObject([
    { kind: 'beginEpoch', voter: { id: 2 }, leaderId: 1, epoch: 1, endpoints: THREE[0]!.endpoints },
    { kind: 'beginEpoch', voter: { id: 3 }, leaderId: 1, epoch: 1 },
  ])
})

test('an entry is committed when a majority has synced it, observers not counted', () => {
  const one = new TestRaft()
  one.elect()
  one.fetchFrom(9, 1, 1)
  expect(one.sync().committedTo).toBe(0)
  expect(one.fetchFrom(2, 0, 0).committedTo).toBe(0)
  expect(one.fetchFrom(2, 1, 1).committedTo).toBe(1)
})

test('a fetch of what is not there yet is held, and answered by news or by time', () => {
  const one = new TestRaft()
  one.elect()
  one.sync()
  expect(one.fetchFrom(2, 1, 1, 500).reply).toEqual([])
  const { nowMs } = one
  const { endOffset: baseOffset, epoch } = one.raft
  const news = one.step({
    kind: 'proposed',
    batch: { baseOffset, endOffset: baseOffset + 1, epoch, voters: null, bytes: Buffer.from('a') },
  })
  expect(news.reply).toMatchObject([{ answer: { kind: 'fetch', readFrom: 1, readTo: 2, highWatermark: 1 } }])
  expect(one.fetchFrom(2, 2, 1, 500).reply).toEqual([])
  // Old versions don't say which high watermark they know: that it moved is news.
  expect(one.sync().reply).toMatchObject([{ token: 2, answer: { readFrom: null, highWatermark: 2 } }])
  expect(one.fetchFrom(3, 2, 1, 500).reply).toEqual([])
  expect(one.tickAt(nowMs + 499).reply).toEqual([])
  expect(one.tickAt(nowMs + 500).reply).toMatchObject([{ token: 3, answer: { readFrom: null, highWatermark: 2 } }])
})

test.each<[string, Partial<RaftRequest & { kind: 'fetch' }>, string]>([
  ['an old epoch', { epoch: 0 }, 'FENCED_LEADER_EPOCH'],
  ['an epoch to come', { epoch: 9 }, 'UNKNOWN_LEADER_EPOCH'],
  ['a negative offset', { offset: -1 }, 'INVALID_REQUEST'],
  ['a last epoch beyond its own', { lastFetchedEpoch: 5 }, 'INVALID_REQUEST'],
  ['the leader itself', { replica: { id: 1, directoryId: DIRECTORIES[0]! } }, 'INVALID_REQUEST'],
])('a fetch with %s is answered with the error', (_what, changes, error) => {
  const one = new TestRaft()
  one.elect()
  const { reply } = one.receive({
    kind: 'fetch',
    replica: { id: 2, directoryId: DIRECTORIES[1]! },
    epoch: 1,
    offset: 0,
    lastFetchedEpoch: 0,
    maxWaitMs: 0,
    highWatermark: null,
    ...changes,
  })
  expect(reply).toMatchObject([{ answer: { kind: 'fetch', error, leader: { epoch: 1, leaderId: 1 } } }])
})

test('a leader whose fetches stop coming from a majority resigns after one and a half fetch time-outs', () => {
  const one = new TestRaft()
  one.elect()
  one.sync()
  const { nowMs } = one
  one.tickAt(nowMs + 2000)
  one.fetchFrom(2, 1, 1)
  expect(one.tickAt(nowMs + 4999) && one.raft.role).toBe('leader')
  const output = one.tickAt(nowMs + 5000)
  expect(one.raft.role).toBe('resigned')
  // Node 2 has most of the log.
  expect(output.send[0]!.request).toMatchObject({ kind: 'endEpoch', epoch: 1, successors: [{ id: 2 }, { id: 3 }] })
})

test('two leaders of one epoch are a peer’s fault: complained about, and not followed', () => {
  const one = new TestRaft()
  one.tickAt(0)
  const begin = (leaderId: number): RaftRequest => ({
    kind: 'beginEpoch',
    voter: null,
    leaderId,
    epoch: 1,
    endpoints: [],
  })
  expect(one.receive(begin(2)).complaints).toEqual([])
  const output = one.receive(begin(3))
  expect(output.complaints).toEqual(['epoch 1 has two leaders: 2 and 3'])
  expect(output.reply).toMatchObject([{ answer: { error: 'INVALID_REQUEST' } }])
  expect(one.raft.leader.leaderId).toBe(2)
})

test('no epoch follows the last: nobody is elected, nothing larger is saved, and it is complained about', () => {
  const last = 0x7fff_ffff
  const one = new TestRaft()
  one.tickAt(0)
  const output = one.receive(vote({ epoch: last, preVote: true, voter: null }))
  expect(output.save).toMatchObject({ leaderEpoch: last })
  expect(output.complaints).toEqual([expect.stringContaining('the last that there is')])
  for (let atMs = 0; atMs < 20_000; atMs += 500) {
    const later = one.tickAt(atMs)
    expect(later.save).toBe(null)
    expect(later.send.filter(({ request }) => request.kind === 'vote')).toEqual([])
  }
  expect(one.raft.role).toBe('unattached')
})

test('who led the last epoch stays out of it after a restart', () => {
  const last = 0x7fff_ffff
  const election = { leaderId: 1, leaderEpoch: last, votedId: -1, votedDirectoryId: ZERO_UUID }
  const one = new TestRaft({ election })
  expect(one.tickAt(0).complaints).toEqual([expect.stringContaining('the last that there is')])
  for (let atMs = 0; atMs < 20_000; atMs += 500) expect(one.tickAt(atMs).save).toBe(null)
  expect(one.raft.role).toBe('resigned')
})

test('a leader that would have committed entries cut off is not obeyed, and complained about once', () => {
  const log = {
    startOffset: 10,
    endOffset: 20,
    epochs: [{ epoch: 2, startOffset: 10 }],
    snapshots: [{ endOffset: 15, epoch: 2, bytes: 9 }],
  }
  const one = new TestRaft({ log, syncedEnd: 20 })
  one.tickAt(0)
  const begun = one.receive({ kind: 'beginEpoch', voter: null, leaderId: 3, epoch: 4, endpoints: [] })
  const cutsTooMuch: RaftResult = {
    kind: 'fetch',
    error: 'NONE',
    leader: { epoch: 4, leaderId: 3, endpoint: null },
    highWatermark: 9,
    logStartOffset: 0,
    diverging: { epoch: 2, endOffset: 12 },
    snapshotId: null,
    batches: [],
  }
  const output = one.answer(begun.send[0]!, cutsTooMuch)
  expect(output.truncateTo).toBe(null)
  expect(output.complaints).toHaveLength(1)
  const again = one.answer(one.tickAt(20).send[0]!, cutsTooMuch)
  expect(again).toMatchObject({ truncateTo: null, complaints: [] })
})

test('batches that do not continue the log, or are of an epoch to come, are left out', () => {
  const one = new TestRaft()
  one.tickAt(0)
  const begun = one.receive({ kind: 'beginEpoch', voter: null, leaderId: 3, epoch: 2, endpoints: [] })
  const batch = (baseOffset: number, epoch: number) => {
    return { baseOffset, endOffset: baseOffset + 1, epoch, voters: null, bytes: Buffer.from('x') }
  }
  const output = one.answer(begun.send[0]!, {
    kind: 'fetch',
    error: 'NONE',
    leader: { epoch: 2, leaderId: 3, endpoint: null },
    highWatermark: 5,
    logStartOffset: 0,
    diverging: null,
    snapshotId: null,
    batches: [batch(0, 1), batch(1, 2), batch(2, 3), batch(3, 2)],
  })
  expect(output.append.map(({ baseOffset }) => baseOffset)).toEqual([0, 1])
  expect(output.committedTo).toBe(2)
  // Not before what came is synced: the next fetch says that it is.
  expect(output.send).toEqual([])
  expect(one.sync().send).toMatchObject([
    { request: { kind: 'fetch', offset: 2, lastFetchedEpoch: 2, highWatermark: 2 } },
  ])
})

test('a voter set that was cut off with its record gives way to the one before', () => {
  const one = new TestRaft({
    log: { startOffset: 0, endOffset: 3, epochs: [{ epoch: 1, startOffset: 0 }], snapshots: [] },
    syncedEnd: 3,
  })
  one.tickAt(0)
  const begun = one.receive({ kind: 'beginEpoch', voter: null, leaderId: 3, epoch: 2, endpoints: [] })
  const result = { kind: 'fetch', error: 'NONE', logStartOffset: 0, snapshotId: null } as const
  const two = THREE.slice(0, 2)
  one.answer(begun.send[0]!, {
    ...result,
    leader: { epoch: 2, leaderId: 3, endpoint: null },
    highWatermark: 3,
    diverging: null,
    batches: [
      { baseOffset: 3, endOffset: 4, epoch: 2, voters: { kraftVersion: null, voters: two }, bytes: Buffer.alloc(1) },
    ],
  })
  expect(one.raft.voterSet.voters).toEqual(two)
  one.sync()
  const next = one.receive({ kind: 'beginEpoch', voter: null, leaderId: 2, epoch: 5, endpoints: [] })
  const cut = one.answer(next.send[0]!, {
    ...result,
    leader: { epoch: 5, leaderId: 2, endpoint: null },
    highWatermark: 3,
    diverging: { epoch: 1, endOffset: 3 },
    batches: [],
  })
  expect(cut.truncateTo).toBe(3)
  expect(one.raft.voterSet.voters).toEqual(THREE)
})

test('a voter that listens elsewhere than the set says asks the leader to change that', () => {
  const endpoints = [{ name: 'CONTROLLER', host: 'moved', port: 1 }]
  const one = new TestRaft({ endpoints })
  one.tickAt(0)
  const begun = one.receive({ kind: 'beginEpoch', voter: null, leaderId: 3, epoch: 1, endpoints: [] })
  one.step({ kind: 'failed', requestId: begun.send[0]!.requestId, unsupported: false })
  one.receive({ kind: 'beginEpoch', voter: null, leaderId: 3, epoch: 2, endpoints: [] })
  expect(one.tickAt(1990).send).toEqual([])
  const own = new TestRaft({
    endpoints,
    log: { startOffset: 0, endOffset: 3, epochs: [{ epoch: 1, startOffset: 0 }], snapshots: [] },
    syncedEnd: 3,
  })
  expect(own.elect().append).toMatchObject([
    { voters: { kraftVersion: 1, voters: [{ id: 1, endpoints }, { id: 2 }, { id: 3 }] } },
  ])
})

test('a controller that joins by itself removes its former directory first', () => {
  const DIRECTORY = DIRECTORIES[2]!
  const one = new TestRaft({
    autoJoin: true,
    directoryId: DIRECTORY,
    bootstrapServers: [{ host: 'node-3', port: 9093 }],
  })
  const asked = one.tickAt(0)
  expect(asked.send).toMatchObject([{ request: { kind: 'fetch', replica: { id: 1, directoryId: DIRECTORY } } }])
  const leader = { epoch: 1, leaderId: 3, endpoint: { host: 'node-3', port: 9093 } }
  const found = { kind: 'fetch', error: 'FENCED_LEADER_EPOCH', leader, highWatermark: -1, logStartOffset: 0 } as const
  const fetch = one.answer(asked.send[0]!, { ...found, diverging: null, snapshotId: null, batches: [] })
  expect(fetch.send).toMatchObject([{ request: { kind: 'fetch', epoch: 1 } }])
  const nothing = { ...found, error: 'NONE', diverging: null, snapshotId: null, batches: [] } as const
  one.nowMs = 1500
  const again = one.answer(fetch.send[0]!, nothing)
  expect(again.send).toMatchObject([{ request: { kind: 'fetch' } }])
  one.nowMs = 2100
  const join = one.answer(again.send[0]!, nothing)
  expect(join.send).toMatchObject([{ request: { kind: 'removeVoter', voter: { id: 1, directoryId: DIRECTORIES[0] } } }])
})
