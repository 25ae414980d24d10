/**
 * What must hold after every step of every replica (the invariants of raft/raft.ts), seen from outside: by what replicas
 * say and have on disk, over all their lives.
 */
import { assert } from '../../base/errors.ts'
import type { RaftOutput } from '../../raft/raft-io.ts'
import { sameKey, type ReplicaKey, type VoterSet } from '../../raft/voters.ts'
import { contentOf, type Replica } from './replica.ts'

export class QuorumChecks {
  /** Content of each committed entry, by its base offset. */
  readonly #committed = new Map<number, { readonly content: string; readonly endOffset: number }>()
  #committedEnd = 0
  readonly #leaders = new Map<number, number>()
  readonly #votes = new Map<string, ReplicaKey>()
  /** The highest epoch that a replica has spoken in. */
  readonly #spoken = new Map<number, number>()
  readonly #committedBy = new Map<Replica['raft'], number>()
  readonly #doneBy = new Map<Replica['raft'], number>()

  get committedEnd(): number {
    return this.#committedEnd
  }

  get epochs(): number {
    return this.#leaders.size
  }

  /** Stands for the state after all entries below `endOffset`. */
  digest(endOffset: number): string {
    return `all below ${endOffset}`
  }

  hasCommitted(content: string): boolean {
    return [...this.#committed.values()].some((one) => one.content.endsWith(`:${content}`))
  }

  onStep(replica: Replica, output: RaftOutput): void {
    const raft = replica.raft!
    if (raft.leader.leaderId >= 0) this.#checkLeader(raft.leader.epoch, raft.leader.leaderId)
    const before = this.#committedBy.get(raft) ?? 0
    assert(output.committedTo >= before, `node ${replica.id}: its committed end goes back`)
    this.#committedBy.set(raft, output.committedTo)
  }

  #checkLeader(epoch: number, leaderId: number): void {
    const known = this.#leaders.get(epoch)
    assert(known === undefined || known === leaderId, `epoch ${epoch} has leaders ${known} and ${leaderId}`)
    this.#leaders.set(epoch, leaderId)
  }

  /** When an output is carried out, and its messages leave. */
  onSpeech(replica: Replica, output: RaftOutput, all: readonly Replica[]): void {
    this.#checkSpeech(replica, output)
    const done = this.#doneBy.get(replica.raft) ?? 0
    if (output.committedTo <= done) return
    this.#doneBy.set(replica.raft, output.committedTo)
    this.#checkCommit(replica, output.committedTo, all)
  }

  #checkSpeech({ id }: Replica, { send, reply }: RaftOutput): void {
    const said = [
      ...send.flatMap(({ request }) => ('epoch' in request ? [request.epoch] : [])),
      ...reply.flatMap(({ answer }) => ('leader' in answer ? [answer.leader.epoch] : [])),
    ]
    const highest = this.#spoken.get(id) ?? 0
    for (const epoch of said) {
      assert(epoch >= highest, `node ${id} speaks in epoch ${epoch} after it spoke in ${highest}`)
      this.#spoken.set(id, Math.max(highest, epoch))
    }
  }

  /** When a vote leaves. */
  onVote(id: number, epoch: number, candidate: ReplicaKey): void {
    const name = `${id} in ${epoch}`
    const known = this.#votes.get(name)
    assert(known === undefined || sameKey(known, candidate), `node ${id} votes twice in epoch ${epoch}`)
    this.#votes.set(name, candidate)
  }

  /** Its log is the one truth up to there, and a majority has it on disk. */
  #checkCommit(replica: Replica, end: number, all: readonly Replica[]): void {
    const { disk, raft } = replica
    for (const entry of disk.entries) {
      if (entry.endOffset > end) break
      const content = contentOf(entry)
      const known = this.#committed.get(entry.baseOffset)
      assert(
        known === undefined || known.content === content,
        `offset ${entry.baseOffset} was committed as ${known?.content}, node ${replica.id} commits ${content}`,
      )
      this.#committed.set(entry.baseOffset, { content, endOffset: entry.endOffset })
    }
    if (raft?.role === 'leader' && end > this.#committedEnd) this.#checkMajority(replica, end, all)
    this.#committedEnd = Math.max(this.#committedEnd, end)
  }

  #checkMajority({ id, raft }: Replica, end: number, all: readonly Replica[]): void {
    const { voters } = raft!.voterSet
    const durable = voters.filter((voter) => {
      const other = all.find((one) => one.id === voter.id)
      return other !== undefined && other.disk.durableEnd >= end
    })
    assert(
      durable.length * 2 > voters.length,
      `node ${id} commits ${end}, which is synced on ${durable.length} of ${voters.length} voters`,
    )
  }

  /** At rest: every replica has committed the same. */
  atRest(all: readonly Replica[]): void {
    const sets = new Set(all.map(({ raft }) => (raft === null ? '' : textOf(raft.voterSet))))
    assert(sets.size === 1, `replicas know different voters: ${[...sets].join(' and ')}`)
    for (const { id, raft, disk } of all) {
      if (raft === null) continue
      assert(raft.committedTo >= this.#committedEnd, `node ${id} stays at ${raft.committedTo} of ${this.#committedEnd}`)
      for (const entry of disk.entries) {
        const known = this.#committed.get(entry.baseOffset)
        if (entry.endOffset > raft.committedTo || known === undefined) continue
        assert(known.content === contentOf(entry), `node ${id} differs at ${entry.baseOffset}`)
      }
    }
  }
}

function textOf({ kraftVersion, voters }: VoterSet): string {
  return `${voters.map(({ id, directoryId }) => `${id} ${directoryId}`).join()} (kraft.version ${kraftVersion})`
}
