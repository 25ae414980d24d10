/**
 * Which brokers the controller has heard of, and when: soft state beside the log, lost with the active controller. A
 * broker that is not heard of within its session is fenced. Times are monotonic milliseconds.
 */
export interface BrokerSession {
  readonly brokerId: number
  lastContactMs: number
  /** The metadata offset that the broker said it has applied. */
  metadataOffset: number
  /** Offset of the record by which it went into controlled shutdown; -1 otherwise. */
  controlledShutdownOffset: number
}

export class BrokerSessions {
  readonly #sessions = new Map<number, BrokerSession>()

  /** Begins or goes on. */
  touch(brokerId: number, nowMs: number): BrokerSession {
    let session = this.#sessions.get(brokerId)
    if (session === undefined) {
      session = { brokerId, lastContactMs: nowMs, metadataOffset: -1, controlledShutdownOffset: -1 }
      this.#sessions.set(brokerId, session)
    }
    session.lastContactMs = nowMs
    return session
  }

  /** The controller itself stood still for so long: nobody could be heard meanwhile. */
  extend(ms: number): void {
    for (const session of this.#sessions.values()) session.lastContactMs += ms
  }

  remove(brokerId: number): void {
    this.#sessions.delete(brokerId)
  }

  get(brokerId: number): BrokerSession | null {
    return this.#sessions.get(brokerId) ?? null
  }

  isLive(brokerId: number, nowMs: number, timeoutMs: number): boolean {
    const session = this.#sessions.get(brokerId)
    return session !== undefined && nowMs - session.lastContactMs < timeoutMs
  }

  /** Least applied offset of `brokerIds`; Infinity for none. */
  lowestOffset(brokerIds: Iterable<number>): number {
    let lowest = Infinity
    for (const id of brokerIds) lowest = Math.min(lowest, this.#sessions.get(id)?.metadataOffset ?? -1)
    return lowest
  }
}
