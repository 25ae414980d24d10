/**
 * What must hold of the metadata's quorum at any time: one controller leads in an epoch, what a leader commits is on a
 * majority of the voters, and what is committed stays: the epochs of committed offsets are in one order on all nodes.
 */
import type { Quorum } from '../../quorum/quorum.ts'
import { majorityOf, type Voter } from '../../raft/voters.ts'
import type { ClusterNode } from './cluster-node.ts'
import type { ClusterSim } from './cluster-sim.ts'

interface Reach {
  first: number
  last: number
}

export class QuorumChecker {
  readonly #sim: ClusterSim
  readonly #leaders = new Map<number, number>()
  /** Of committed offsets that some node has seen, by their epoch. */
  readonly #reachOf = new Map<number, Reach>()
  #committedEnd = 0
  /** Of the leader that was looked at last; those before its last change may have committed too. */
  #voters: readonly Voter[] = []
  #votersBefore: readonly Voter[] = []

  constructor(sim: ClusterSim) {
    this.#sim = sim
  }

  check(node: ClusterNode): void {
    const { quorum } = node
    if (quorum !== null && quorum.isLeader) this.#checkLeader(node, quorum)
    const image = node.node?.image
    if (image !== undefined) this.#checkCommitted(node, image.provenance)
  }

  #checkLeader({ name, id }: ClusterNode, quorum: Quorum): void {
    const { epoch, committedEnd } = quorum
    const known = this.#leaders.get(epoch)
    if (known === undefined) this.#leaders.set(epoch, id)
    else if (known !== id) this.#sim.check(false, () => `the quorum is led by ${known} and ${id} in epoch ${epoch}`)
    if (quorum.voters !== this.#voters) {
      this.#votersBefore = this.#voters
      this.#voters = quorum.voters
    }
    if (committedEnd <= this.#committedEnd) return
    this.#committedEnd = committedEnd
    const isOnMajority =
      this.#isOnMajority(this.#voters, committedEnd) || this.#isOnMajority(this.#votersBefore, committedEnd)
    this.#sim.check(isOnMajority, () => {
      const ends = this.#sim.controllers.map((node) => `${node.name} ${node.quorumEnd}`)
      const voters = quorum.voters.map((voter) => voter.id)
      return `${name} has committed to ${committedEnd}, and the ends of voters ${voters.join()} are ${ends.join()}`
    })
  }

  #isOnMajority(voters: readonly Voter[], end: number): boolean {
    if (voters.length === 0) return false
    const have = voters.filter(({ id }) =>
      this.#sim.controllers.some((node) => node.id === id && node.quorumEnd >= end),
    )
    return have.length >= majorityOf(voters.length)
  }

  #checkCommitted({ name }: ClusterNode, { offset, epoch }: { readonly offset: number; readonly epoch: number }): void {
    if (offset < 0) return
    const reach = this.#reachOf.get(epoch)
    if (reach !== undefined && reach.first <= offset && offset <= reach.last) return
    for (const [other, { first, last }] of this.#reachOf) {
      const isInOrder = other === epoch || (other < epoch ? last < offset : offset < first)
      if (!isInOrder) {
        this.#sim.check(
          false,
          () => `${name} has committed ${offset} in epoch ${epoch}; in ${other}, ${first} to ${last} were committed`,
        )
      }
    }
    if (reach === undefined) this.#reachOf.set(epoch, { first: offset, last: offset })
    else {
      reach.first = Math.min(reach.first, offset)
      reach.last = Math.max(reach.last, offset)
    }
  }
}
