/**
 * KRaft consensus as a pure state machine: input in, output out; knows no file, socket, clock or promise. Its caller
 * carries out an output in the order of the fields. This is the quorum of one voter: it elects itself in a new epoch
 * whenever it starts, and an entry is committed once it survives a power loss here.
 *
 * Invariants: an epoch is never used twice (it is saved before anything is written in it); nothing is committed in an
 * epoch before its first entry, the leader change, is; `committedTo` never goes back.
 */
import { assert } from '../base/errors.ts'
import type { Uuid } from '../base/uuid.ts'
import { ZERO_UUID } from '../base/uuid.ts'

/** What `quorum-state` holds. */
export interface ElectionState {
  /** -1: unknown. */
  readonly leaderId: number
  readonly leaderEpoch: number
  /** -1: no vote given in this epoch. */
  readonly votedId: number
  readonly votedDirectoryId: Uuid
}

export type RaftInput =
  /** Everything was loaded; `logEnd` is where the leader change will go. */
  | { readonly kind: 'started'; readonly logEnd: number }
  /** All below `end` survives a power loss. */
  | { readonly kind: 'synced'; readonly end: number }
  /** The log failed, or the node stops: no entry is committed any more. */
  | { readonly kind: 'resigned' }

export interface RaftOutput {
  /** On disk before anything below. */
  readonly save: ElectionState | null
  /** Append a leader change in this epoch. */
  readonly lead: { readonly epoch: number } | null
  /** All below is committed; -1 until the epoch's first entry is. */
  readonly committedTo: number
}

export type RaftRole = 'unattached' | 'leader' | 'resigned'

export class Raft {
  readonly #nodeId: number
  #epoch: number
  #role: RaftRole = 'unattached'
  /** Offset of the leader change. */
  #epochStart = 0
  #committedTo = -1

  /** `lastEpoch`: the highest that the election state, the log or a snapshot names. */
  constructor(options: { readonly nodeId: number; readonly lastEpoch: number }) {
    this.#nodeId = options.nodeId
    this.#epoch = options.lastEpoch
  }

  get epoch(): number {
    return this.#epoch
  }

  get role(): RaftRole {
    return this.#role
  }

  step(input: RaftInput): RaftOutput {
    switch (input.kind) {
      case 'started':
        return this.#elect(input.logEnd)
      case 'synced':
        if (this.#role === 'leader' && input.end > this.#epochStart) {
          this.#committedTo = Math.max(this.#committedTo, input.end)
        }
        return this.#output(null, null)
      case 'resigned':
        this.#role = 'resigned'
        return this.#output(null, null)
    }
  }

  #elect(logEnd: number): RaftOutput {
    assert(this.#role === 'unattached', 'a voter is started once')
    this.#epoch += 1
    this.#role = 'leader'
    this.#epochStart = logEnd
    const save = { leaderId: this.#nodeId, leaderEpoch: this.#epoch, votedId: -1, votedDirectoryId: ZERO_UUID }
    return this.#output(save, { epoch: this.#epoch })
  }

  #output(save: ElectionState | null, lead: RaftOutput['lead']): RaftOutput {
    return { save, lead, committedTo: this.#committedTo }
  }
}
