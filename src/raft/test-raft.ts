/** One replica of a quorum of three, with every peer played by the test. */
import type { Uuid } from '../base/uuid.ts'
import type { RaftRequest, RaftResult } from './messages.ts'
import { Raft } from './raft.ts'
import type { Outgoing, RaftInput, RaftOptions, RaftOutput } from './raft-io.ts'
import { KRAFT_VERSIONS, type Voter } from './voters.ts'

export const DIRECTORIES = ['ddddddddddddddddddddDA', 'eeeeeeeeeeeeeeeeeeeeeA', 'ffffffffffffffffffffFA'] as Uuid[]

export function testVoter(id: number): Voter {
  const endpoints = [{ name: 'CONTROLLER', host: `node-${id}`, port: 9090 + id }]
  return { id, directoryId: DIRECTORIES[id - 1]!, endpoints, kraftVersions: KRAFT_VERSIONS }
}

export const THREE: readonly Voter[] = [1, 2, 3].map(testVoter)

export function testOptions(changes: Partial<RaftOptions> = {}): RaftOptions {
  return {
    nodeId: 1,
    directoryId: DIRECTORIES[0]!,
    mayVote: true,
    autoJoin: false,
    endpoints: THREE[0]!.endpoints,
    listenerName: 'CONTROLLER',
    bootstrapServers: [],
    election: null,
    log: { startOffset: 0, endOffset: 0, epochs: [], snapshots: [] },
    syncedEnd: 0,
    voters: [{ offset: 2, set: { kraftVersion: 1, voters: THREE } }],
    timing: {
      electionTimeoutMs: 1000,
      electionBackoffMaxMs: 1000,
      fetchTimeoutMs: 2000,
      requestTimeoutMs: 2000,
      retryBackoffMs: 20,
      fetchMaxWaitMs: 500,
    },
    random: () => 0,
    ...changes,
  }
}

export class TestRaft {
  readonly raft: Raft
  nowMs = 0
  #token = 0

  constructor(changes: Partial<RaftOptions> = {}) {
    this.raft = new Raft(testOptions(changes), 0)
  }

  step(input: RaftInput): RaftOutput {
    return this.raft.step(input, this.nowMs)
  }

  tickAt(nowMs: number): RaftOutput {
    this.nowMs = nowMs
    return this.step({ kind: 'tick' })
  }

  receive(request: RaftRequest): RaftOutput {
    return this.step({ kind: 'received', token: ++this.#token, request })
  }

  /** Has the log synced as far as it goes. */
  sync(): RaftOutput {
    return this.step({ kind: 'synced', end: this.raft.endOffset, cuts: this.raft.cuts })
  }

  answer({ requestId }: Outgoing, result: RaftResult): RaftOutput {
    return this.step({ kind: 'answered', requestId, result })
  }

  /** Makes it the leader of the next epoch, with node 2's votes. */
  elect(): RaftOutput {
    let output = this.tickAt(this.nowMs + 2500)
    for (let round = 0; round < 3 && this.raft.role !== 'leader'; round++) {
      const asked = output.send.find(({ peerId, request }) => peerId === 2 && request.kind === 'vote')
      if (asked === undefined) throw new Error('nobody is asked for a vote')
      const leader = { epoch: this.raft.epoch, leaderId: -1, endpoint: null }
      output = this.answer(asked, { kind: 'vote', error: 'NONE', leader, granted: true })
    }
    return output
  }

  /** As node 2's, or another's, next fetch. */
  fetchFrom(id: number, offset: number, lastFetchedEpoch: number, maxWaitMs = 0): RaftOutput {
    return this.receive({
      kind: 'fetch',
      replica: { id, directoryId: DIRECTORIES[id - 1] ?? DIRECTORIES[2]! },
      epoch: this.raft.epoch,
      offset,
      lastFetchedEpoch,
      maxWaitMs,
      highWatermark: null,
    })
  }
}
