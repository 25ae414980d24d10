/**
 * Which brokers the controller has heard of, and when: soft state beside the log, lost with the active controller. A
 * broker that is not heard of within its session is fenced. Times are monotonic milliseconds.
 */
export const NOT_SHUTTING_DOWN = -1

export interface BrokerSession {
  readonly brokerId: number
  lastContactMs: number
  /** The metadata offset that the broker said it has applied. */
  metadataOffset: number
  /** Offset of the last record by which it went into controlled shutdown, or NOT_SHUTTING_DOWN. */
  controlledShutdownOffset: number
  /** Offset of its registration record; -1: not known, it was written before this controller was active. */
  readonly registrationOffset: number
}

export class BrokerSessions {
  readonly #sessions = new Map<number, BrokerSession>()

  /** Begins or goes on. */
  touch(brokerId: number, nowMs: number): BrokerSession {
    let session = this.#sessions.get(brokerId)
    if (session === undefined) {
      session = newSession(brokerId, nowMs, -1)
      this.#sessions.set(brokerId, session)
    }
    session.lastContactMs = nowMs
    return session
  }

  /** A new process, that has not been heard of otherwise: nothing of its predecessor's holds for it. */
  register(brokerId: number, registrationOffset: number): void {
    this.#sessions.set(brokerId, newSession(brokerId, -Infinity, registrationOffset))
  }

  /** It was not heard of in time. */
  end(brokerId: number): void {
    const session = this.#sessions.get(brokerId)
    if (session === undefined) return
    session.lastContactMs = -Infinity
    session.controlledShutdownOffset = NOT_SHUTTING_DOWN
  }

  /** Since it registered, or this controller is active; until its session ends. */
  isHeardOf(brokerId: number): boolean {
    return (this.#sessions.get(brokerId)?.lastContactMs ?? -Infinity) > -Infinity
  }

  /** The controller itself stood still for so long: nobody could be heard meanwhile. */
  extend(ms: number): void {
    for (const session of this.#sessions.values()) session.lastContactMs += ms
  }

  /** Another controller has kept them meanwhile. */
  clear(): void {
    this.#sessions.clear()
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

function newSession(brokerId: number, lastContactMs: number, registrationOffset: number): BrokerSession {
  const controlledShutdownOffset = NOT_SHUTTING_DOWN
  return { brokerId, lastContactMs, metadataOffset: -1, controlledShutdownOffset, registrationOffset }
}
