/** The votes of one election, or of one question whether an election could be won. */
import { keyOf, majorityOf, type ReplicaKey, type Voter } from './voters.ts'

export class Ballot {
  readonly #voters: readonly Voter[]
  readonly #granted = new Set<number>()
  readonly #refused = new Set<number>()

  constructor(voters: readonly Voter[], ownId: number) {
    this.#voters = voters
    this.record(ownId, true)
  }

  record(voterId: number, granted: boolean): void {
    if (!this.#voters.some(({ id }) => id === voterId) || this.#granted.has(voterId)) return
    if (granted) {
      this.#refused.delete(voterId)
      this.#granted.add(voterId)
    } else this.#refused.add(voterId)
  }

  get isWon(): boolean {
    return this.#granted.size >= majorityOf(this.#voters.length)
  }

  get isLost(): boolean {
    return this.#voters.length - this.#refused.size < majorityOf(this.#voters.length)
  }

  /** Who hasn't answered. */
  get open(): readonly Voter[] {
    return this.#voters.filter(({ id }) => !this.#granted.has(id) && !this.#refused.has(id))
  }

  get granting(): readonly ReplicaKey[] {
    return this.#voters.filter(({ id }) => this.#granted.has(id)).map(keyOf)
  }
}
