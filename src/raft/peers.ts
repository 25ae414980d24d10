/** Requests under way: one at a time to each address, a deadline for each, a pause after a failure. */
import type { RaftRequest } from './messages.ts'
import type { Outgoing } from './raft-io.ts'
import type { HostPort } from './voters.ts'

export interface Sent {
  readonly requestId: number
  readonly address: string
  /** -1: an address of configuration. */
  readonly peerId: number
  readonly request: RaftRequest
  readonly deadlineMs: number
}

export class Peers {
  readonly #timing: { readonly requestTimeoutMs: number; readonly retryBackoffMs: number }
  readonly #sent = new Map<string, Sent>()
  readonly #pausedUntilMs = new Map<string, number>()
  #lastId = 0

  constructor(timing: { readonly requestTimeoutMs: number; readonly retryBackoffMs: number }) {
    this.#timing = timing
  }

  /** -Infinity: at once. */
  readyAtMs(to: HostPort): number {
    const address = addressOf(to)
    return this.#sent.get(address)?.deadlineMs ?? this.#pausedUntilMs.get(address) ?? -Infinity
  }

  isPaused(to: HostPort, nowMs: number): boolean {
    return (this.#pausedUntilMs.get(addressOf(to)) ?? -Infinity) > nowMs
  }

  get isIdle(): boolean {
    return this.#sent.size === 0
  }

  send(to: HostPort, peerId: number, request: RaftRequest, nowMs: number): Outgoing {
    const requestId = ++this.#lastId
    const address = addressOf(to)
    this.#pausedUntilMs.delete(address)
    this.#sent.set(address, { requestId, address, peerId, request, deadlineMs: nowMs + this.#timing.requestTimeoutMs })
    return { requestId, to, peerId, request }
  }

  /** The request that was answered; null if nobody waits for it any more. */
  take(requestId: number): Sent | null {
    for (const sent of this.#sent.values()) {
      if (sent.requestId !== requestId) continue
      this.#sent.delete(sent.address)
      return sent
    }
    return null
  }

  pause(address: string, nowMs: number): void {
    this.#pausedUntilMs.set(address, nowMs + this.#timing.retryBackoffMs)
  }

  /** Takes requests whose time is over. */
  expire(nowMs: number): readonly Sent[] {
    const expired = [...this.#sent.values()].filter(({ deadlineMs }) => deadlineMs <= nowMs)
    for (const { address } of expired) {
      this.#sent.delete(address)
      this.pause(address, nowMs)
    }
    return expired
  }

  /** Answers of what was sent so far are of no interest any more. */
  reset(): void {
    this.#sent.clear()
    this.#pausedUntilMs.clear()
  }
}

function addressOf({ host, port }: HostPort): string {
  return `${host}:${port}`
}
