/** A leader whose snapshot arrives damaged: how often it is fetched again, and that another leader can take its place. */
import { expect, test } from 'vitest'
import type { RaftOutput } from './raft-io.ts'
import { DIRECTORIES, TestRaft } from './test-raft.ts'

const LEADER = { epoch: 1, leaderId: 3, endpoint: { host: 'node-3', port: 9093 } }
const ID = { endOffset: 100, epoch: 1 }
const OFFER = { kind: 'fetch', error: 'NONE', leader: LEADER, highWatermark: 100, logStartOffset: 100 } as const
const PIECE_BYTES = 5

function follower(): { readonly one: TestRaft; readonly begun: RaftOutput } {
  const one = new TestRaft()
  one.tickAt(0)
  return { one, begun: one.receive({ kind: 'beginEpoch', voter: null, leaderId: 3, epoch: 1, endpoints: [] }) }
}

/** The leader names its snapshot in answer to the fetch that `asked` sends. */
function offered(one: TestRaft, asked: RaftOutput): RaftOutput {
  expect(asked.send).toMatchObject([{ request: { kind: 'fetch' } }])
  return one.answer(asked.send[0]!, { ...OFFER, diverging: null, snapshotId: ID, batches: [] })
}

function piece(one: TestRaft, asked: RaftOutput, size: number): RaftOutput {
  const [outgoing] = asked.send
  if (outgoing?.request.kind !== 'fetchSnapshot') throw new Error('no piece is asked for')
  const { position } = outgoing.request
  const bytes = Buffer.alloc(PIECE_BYTES)
  return one.answer(outgoing, {
    kind: 'fetchSnapshot',
    error: 'NONE',
    leader: LEADER,
    snapshotId: ID,
    size,
    position,
    bytes,
  })
}

/** One download from fetch to the end of its only piece, which is none of a snapshot. */
function damaged(one: TestRaft, asked: RaftOutput): RaftOutput {
  piece(one, offered(one, asked), PIECE_BYTES)
  return one.step({ kind: 'snapshotDamaged', id: ID })
}

test('a damaged snapshot is fetched again after pauses that double, up to the fetch time-out', () => {
  const { one, begun } = follower()
  let asked = begun
  const pauses: number[] = []
  while (pauses.length < 12) {
    const output = damaged(one, asked)
    expect(output).toMatchObject({ send: [], complaints: [expect.stringContaining('100-1 of leader 3 is damaged')] })
    const startedMs = one.nowMs
    do {
      asked = one.tickAt(one.nowMs + 10)
      // It takes it for lost once in a while, and its pre-vote is refused.
      for (const outgoing of asked.send) {
        if (outgoing.request.kind !== 'vote') continue
        const refused = one.answer(outgoing, { kind: 'vote', error: 'NONE', leader: LEADER, granted: false })
        if (one.raft.role === 'follower') asked = refused
      }
    } while (asked.send[0]?.request.kind !== 'fetch')
    pauses.push(one.nowMs - startedMs)
  }
  expect(pauses).toEqual([20, 40, 80, 160, 320, 640, 1280, 2000, 2000, 2000, 2000, 2000])
})

test('damaged downloads do not count as hearing the leader: the voter asks for an election at the fetch time-out', () => {
  const { one, begun } = follower()
  let asked = begun
  while (one.nowMs < 1990) {
    const output = asked.send.length > 0 ? damaged(one, asked) : asked
    const ticked = one.tickAt(one.nowMs + 10)
    asked = output.send.length > 0 ? output : ticked
  }
  expect(one.raft.role).toBe('follower')
  expect(one.tickAt(2000).send).toMatchObject([{ request: { kind: 'vote', preVote: true } }, {}])
})

test('a voter that gets only damaged snapshots grants pre-votes, also while the next one comes', () => {
  const { one, begun } = follower()
  const isGranted = (): boolean => {
    const candidate = { id: 2, directoryId: DIRECTORIES[1]! }
    const ask = { kind: 'vote', voter: null, candidate, epoch: 1, lastEpoch: 0, lastOffset: 0, preVote: true } as const
    const [reply] = one.receive(ask).reply
    return reply?.answer.kind === 'vote' && reply.answer.granted
  }
  const first = offered(one, begun)
  expect(isGranted()).toBe(false)
  piece(one, first, PIECE_BYTES)
  one.step({ kind: 'snapshotDamaged', id: ID })
  expect(isGranted()).toBe(true)
  offered(one, one.tickAt(20))
  expect(isGranted()).toBe(true)
})

test('a download behind a damaged one may take longer than the fetch time-out, and ends what was held against the leader', () => {
  const { one, begun } = follower()
  damaged(one, begun)
  let asked = offered(one, one.tickAt(20))
  for (let pieces = 1; pieces <= 10; pieces++) {
    one.nowMs += 1000
    piece(one, asked, 10 * PIECE_BYTES)
    const whole = pieces === 10 ? { kraftVersion: null, voters: null } : null
    asked = one.step({ kind: 'chunkStored', id: ID, end: pieces * PIECE_BYTES, whole })
    expect(one.raft.role).toBe('follower')
  }
  expect(asked).toMatchObject({ install: ID, committedTo: 100 })
  expect(one.sync().send).toMatchObject([{ request: { kind: 'fetch', offset: 100, lastFetchedEpoch: 1 } }])
})
