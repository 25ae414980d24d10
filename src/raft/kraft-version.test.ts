/** Static voters tell the leader what they are, until kraft.version is raised; what scenarios/ can't show of it. */
import { expect, test } from 'vitest'
import type { ErrorCode } from '../base/error-codes.ts'
import { ZERO_UUID } from '../base/uuid.ts'
import type { UpdateVoterRequest } from './messages.ts'
import type { Outgoing, RaftInput } from './raft-io.ts'
import { DIRECTORIES, TestRaft, testVoter } from './test-raft.ts'
import { KRAFT_VERSIONS, STATIC_KRAFT_VERSIONS } from './voters.ts'

const STATIC = [1, 2, 3].map((id) => {
  return { ...testVoter(id), directoryId: ZERO_UUID, kraftVersions: STATIC_KRAFT_VERSIONS }
})
const REFUSAL = 'Invalid upgrade of kraft.version to KRAFT_VERSION_1 because not all of the voters support it'

function staticRaft(): TestRaft {
  return new TestRaft({ voters: [{ offset: -1, set: { kraftVersion: 0, voters: STATIC } }] })
}

/** Leads, and has committed in its epoch. */
function leader(): TestRaft {
  const one = staticRaft()
  one.elect()
  one.sync()
  one.fetchFrom(2, 1, one.raft.epoch)
  return one
}

function tell(one: TestRaft, id: number, changes: Partial<UpdateVoterRequest> = {}): string {
  const { directoryId, endpoints } = testVoter(id)
  const voter = { id, directoryId }
  const { epoch } = one.raft
  const told = { kind: 'updateVoter', voter, epoch, endpoints, kraftVersions: KRAFT_VERSIONS, ...changes } as const
  const { reply } = one.receive(told)
  const { answer } = reply[0]!
  return answer.error
}

test('what a voter tells is refused before the leader has committed, and when it is not what a voter could be', () => {
  const young = staticRaft()
  young.elect()
  expect(tell(young, 2)).toBe('REQUEST_TIMED_OUT')
  const one = leader()
  expect(tell(one, 2, { epoch: one.raft.epoch - 1 })).toBe('FENCED_LEADER_EPOCH')
  expect(tell(one, 2, { endpoints: [] })).toBe('INVALID_REQUEST')
  expect(tell(one, 2, { voter: { id: 2, directoryId: ZERO_UUID } })).toBe('INVALID_REQUEST')
  expect(tell(one, 2, { kraftVersions: { min: 1, max: 1 } })).toBe('INVALID_REQUEST')
  expect(tell(one, 2, { voter: { id: 9, directoryId: DIRECTORIES[1]! } })).toBe('VOTER_NOT_FOUND')
  expect(one.raft.upgradeObstacle(1)).toBe(REFUSAL)
})

test('kraft.version is raised once all have told, by one batch with what they told last', () => {
  const one = leader()
  expect(tell(one, 2)).toBe('NONE')
  expect(tell(one, 3, { kraftVersions: STATIC_KRAFT_VERSIONS })).toBe('NONE')
  expect(one.raft.upgradeObstacle(1)).toBe(REFUSAL)
  const endpoints = [{ name: 'CONTROLLER', host: 'moved', port: 9093 }]
  expect(tell(one, 3, { endpoints })).toBe('NONE')
  expect(one.raft.upgradeObstacle(1)).toBe(null)
  const voters = [testVoter(1), testVoter(2), { ...testVoter(3), endpoints }]
  const { append } = one.step({ kind: 'upgraded', kraftVersion: 1 })
  expect(append).toMatchObject([
    { baseOffset: 1, endOffset: 3, leaderChange: null, voters: { kraftVersion: 1, voters } },
  ])
  expect(one.raft.voterSet).toEqual({ kraftVersion: 1, voters })
  // Again: nothing to do.
  expect(one.raft.upgradeObstacle(1)).toBe(null)
  expect(one.step({ kind: 'upgraded', kraftVersion: 1 }).append).toEqual([])
})

test('voters are as far after the raise as before, under the directories that they told', () => {
  const one = leader()
  tell(one, 2)
  tell(one, 3)
  one.step({ kind: 'upgraded', kraftVersion: 1 })
  const progress = one.raft
    .status(one.nowMs)!
    .voters.map(({ voter, progress: at }) => [voter.directoryId, at?.endOffset])
  expect(progress).toEqual([
    [DIRECTORIES[0], undefined],
    [DIRECTORIES[1], 1],
    [DIRECTORIES[2], undefined],
  ])
  one.sync()
  expect(one.fetchFrom(2, 3, one.raft.epoch).committedTo).toBe(3)
  // Another directory of node 3 is no voter any more, and can not tell that it is.
  expect(tell(one, 3, { voter: { id: 3, directoryId: DIRECTORIES[1]! } })).toBe('VOTER_NOT_FOUND')
})

const LEADER = { epoch: 1, leaderId: 3, endpoint: null }

/** Follows node 3, which answers every fetch that there is nothing new, and what it is told with `told`. */
class Follower {
  readonly one = staticRaft()
  /** When the leader answered what it was told, 100 ms after that was sent. */
  readonly toldAtMs: number[] = []
  readonly #told: (sent: Outgoing) => RaftInput
  #pending: readonly Outgoing[]

  constructor(told: (sent: Outgoing) => RaftInput) {
    this.#told = told
    const { endpoints } = testVoter(3)
    this.#pending = this.one.receive({ kind: 'beginEpoch', voter: null, leaderId: 3, epoch: 1, endpoints }).send
  }

  runTo(endMs: number): void {
    while (this.one.nowMs < endMs) {
      const sent = [...this.#pending, ...this.one.tickAt(this.one.nowMs + 100).send]
      this.#pending = sent.flatMap((outgoing) => this.one.step(this.#answer(outgoing)).send)
    }
  }

  #answer(sent: Outgoing): RaftInput {
    const { requestId, request } = sent
    if (request.kind === 'updateVoter') {
      this.toldAtMs.push(this.one.nowMs)
      return this.#told(sent)
    }
    const nothing = { diverging: null, snapshotId: null, batches: [], highWatermark: -1, logStartOffset: 0 }
    return { kind: 'answered', requestId, result: { kind: 'fetch', error: 'NONE', leader: LEADER, ...nothing } }
  }
}

const answered = ({ requestId }: Outgoing, error: ErrorCode): RaftInput => {
  return { kind: 'answered', requestId, result: { kind: 'updateVoter', error, leader: LEADER, granted: false } }
}

test.each<[string, (sent: Outgoing) => RaftInput]>([
  ['knows it now', (sent) => answered(sent, 'NONE')],
  ['refuses it for good', (sent) => answered(sent, 'UNSUPPORTED_VERSION')],
  ['does not know the request', ({ requestId }) => ({ kind: 'failed', requestId, unsupported: true })],
])('a static voter tells a leader once that %s', (_how, answer) => {
  const follower = new Follower(answer)
  follower.runTo(20_000)
  expect(follower.toldAtMs).toEqual([2100])
})

test.each<[string, (sent: Outgoing) => RaftInput]>([
  ['had no time for it', (sent) => answered(sent, 'REQUEST_TIMED_OUT')],
  ['did not answer', ({ requestId }) => ({ kind: 'failed', requestId, unsupported: false })],
])('a static voter tells a leader again that %s', (_how, answer) => {
  const follower = new Follower(answer)
  follower.runTo(7000)
  expect(follower.toldAtMs).toEqual([2100, 4100, 6100])
})
