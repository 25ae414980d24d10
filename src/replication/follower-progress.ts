/**
 * How far one follower of a partition is, as its fetches tell the leader.
 *
 * A follower that fetches from an offset has everything below it. It counts as caught up at the time of a fetch that reached
 * the leader's end; one that reaches the end as it was at the fetch before was caught up at that time: so a follower
 * that is always one fetch behind a busy leader is not taken for a slow one.
 */

/** Before the first fetch of this leadership. */
const UNKNOWN = -1
const NEVER = -Infinity

/** A fetch of a follower, at the moment it is read for. */
export interface FollowerFetch {
  readonly offset: number
  /** Where the follower's log begins. */
  readonly startOffset: number
  /** -1: the follower does not tell. */
  readonly brokerEpoch: number
  /** Where the leader's log ends. */
  readonly leaderEnd: number
  readonly nowMs: number
}

export class FollowerProgress {
  readonly id: number
  #endOffset = UNKNOWN
  #startOffset = UNKNOWN
  #leaderEndAtFetch = UNKNOWN
  #fetchedMs = NEVER
  #caughtUpMs = NEVER
  #brokerEpoch: number | null = null

  constructor(id: number) {
    this.id = id
  }

  /** Everything below it is in the follower's log; -1 while that isn't known. */
  get endOffset(): number {
    return this.#endOffset
  }

  /** -1 while it isn't known. */
  get startOffset(): number {
    return this.#startOffset
  }

  get caughtUpMs(): number {
    return this.#caughtUpMs
  }

  /** What its last fetch told; null before one. */
  get brokerEpoch(): number | null {
    return this.#brokerEpoch
  }

  fetched({ offset, startOffset, brokerEpoch, leaderEnd, nowMs }: FollowerFetch): void {
    if (offset >= leaderEnd) this.#caughtUpMs = Math.max(this.#caughtUpMs, nowMs)
    else if (offset >= this.#leaderEndAtFetch) this.#caughtUpMs = Math.max(this.#caughtUpMs, this.#fetchedMs)
    this.#endOffset = offset
    this.#startOffset = startOffset
    this.#leaderEndAtFetch = Math.max(this.#leaderEndAtFetch, leaderEnd)
    this.#fetchedMs = nowMs
    this.#brokerEpoch = brokerEpoch
  }

  /**
   * A leader epoch begins on this broker: who is in sync has its time to catch up from here on. What a leader knew from
   * the epoch before still holds; who becomes one knows nothing.
   */
  restart(nowMs: number, leaderEnd: number, isInSync: boolean, isNewLeader: boolean): void {
    this.#caughtUpMs = isInSync ? nowMs : NEVER
    this.#fetchedMs = isInSync && !isNewLeader ? nowMs : NEVER
    this.#leaderEndAtFetch = isNewLeader ? UNKNOWN : leaderEnd
    if (!isNewLeader) return
    this.#endOffset = UNKNOWN
    this.#startOffset = UNKNOWN
    this.#brokerEpoch = null
  }

  isCaughtUp(leaderEnd: number, nowMs: number, lagMaxMs: number): boolean {
    return this.#endOffset === leaderEnd || nowMs - this.#caughtUpMs <= lagMaxMs
  }
}
