/**
 * Changes of in-sync replicas on their way to whoever decides them (a controller).
 *
 * One request is under way at a time, with everything that was wanted when it left; what is wanted meanwhile goes with the
 * next. A request that fails as a whole, and a change whose answer asks for patience, is sent again after a while; what its partition no
 * longer wants is dropped. Every half of replica.lag.time.max.ms all partitions look for followers that are too slow.
 */
import type { ErrorCode } from '../base/error-codes.ts'
import type { Logger } from '../base/logger.ts'
import type { Uuid } from '../base/uuid.ts'
import type { Clock, Timer } from '../world/world.ts'

/** What a leader wants the in-sync replicas of its partition to be. */
export interface IsrProposal {
  readonly topic: string
  readonly topicId: Uuid | null
  readonly partition: number
  readonly leaderEpoch: number
  /** The change is one of the partition as of this epoch. */
  readonly partitionEpoch: number
  /** The ISR of that epoch. */
  readonly before: readonly number[]
  /** Broker epoch -1: not known; null: this broker. */
  readonly isr: readonly { readonly brokerId: number; readonly brokerEpoch: number | null }[]
}

export type IsrAnswer =
  | { readonly error: ErrorCode }
  | {
      readonly error: null
      readonly leaderEpoch: number
      readonly partitionEpoch: number
      readonly isr: readonly number[]
    }

/** Who decides on in-sync replicas. */
export interface IsrWriter {
  /** An answer a proposal, in their order; null: none came. Rejects if the request failed as a whole. */
  write(proposals: readonly IsrProposal[]): Promise<readonly (IsrAnswer | null)[]>
}

/** One change and who wants it. */
export interface IsrRequest {
  readonly proposal: IsrProposal
  /** Whether the change is still wanted. */
  isWanted(): boolean
  /** Takes the answer; true: ask again. */
  settle(answer: IsrAnswer): boolean
}

/** The part of IsrChanges that partitions see. */
export interface IsrQueue {
  submit(request: IsrRequest): void
}

export interface IsrChangesOptions {
  readonly clock: Clock
  readonly logger: Logger
  readonly writer: IsrWriter
  /** replica.lag.time.max.ms */
  readonly lagTimeMaxMs: () => number
}

const RETRY_MS = 50

export class IsrChanges implements IsrQueue {
  readonly #options: IsrChangesOptions
  /** By partition: a newer wish takes the place of one that was not sent. */
  readonly #unsent = new Map<string, IsrRequest>()
  #isSending = false
  #isFailing = false
  #isClosed = false
  #retry: Timer | null = null
  #look: Timer | null = null

  constructor(options: IsrChangesOptions) {
    this.#options = options
  }

  /** `shrink` looks through all partitions that are led here. */
  start(shrink: () => void): void {
    const { clock, lagTimeMaxMs } = this.#options
    const again = (): void => {
      this.#look = clock.at(clock.monotonicMs() + lagTimeMaxMs() / 2, () => {
        shrink()
        again()
      })
    }
    again()
  }

  close(): void {
    this.#isClosed = true
    this.#look?.cancel()
    this.#retry?.cancel()
    this.#unsent.clear()
  }

  submit(request: IsrRequest): void {
    if (this.#isClosed) return
    const { before, isr } = request.proposal
    const wanted = isr.map(({ brokerId }) => brokerId)
    this.#options.logger.info(`${keyOf(request)}: the ISR is to change from [${before}] to [${wanted}]`)
    this.#unsent.set(keyOf(request), request)
    if (this.#retry === null) void this.#send()
  }

  async #send(): Promise<void> {
    if (this.#isSending || this.#isClosed) return
    const requests = [...this.#unsent.values()].filter((request) => request.isWanted())
    this.#unsent.clear()
    if (requests.length === 0) return
    this.#isSending = true
    const answers = await this.#ask(requests)
    this.#isSending = false
    let mustWait = false
    for (const [at, request] of requests.entries()) {
      const answer = answers[at] ?? null
      if (answer !== null) this.#tell(request, answer)
      if (answer !== null && !request.settle(answer)) continue
      mustWait = true
      if (!this.#unsent.has(keyOf(request))) this.#unsent.set(keyOf(request), request)
    }
    if (!mustWait) return this.#send()
    if (this.#isClosed) return
    const { clock } = this.#options
    this.#retry = clock.at(clock.monotonicMs() + RETRY_MS, () => {
      this.#retry = null
      void this.#send()
    })
  }

  #tell(request: IsrRequest, answer: IsrAnswer): void {
    const told =
      answer.error === null
        ? `the ISR is [${answer.isr}] now, in partition epoch ${answer.partitionEpoch}`
        : `the controller doesn't change the ISR: ${answer.error}`
    this.#options.logger.info(`${keyOf(request)}: ${told}`)
  }

  async #ask(requests: readonly IsrRequest[]): Promise<readonly (IsrAnswer | null)[]> {
    try {
      const answers = await this.#options.writer.write(requests.map(({ proposal }) => proposal))
      this.#isFailing = false
      return answers
    } catch (error) {
      // Said once until it works again.
      if (!this.#isFailing && !this.#isClosed)
        this.#options.logger.warn('In-sync replicas could not be changed, which is tried again', error)
      this.#isFailing = true
      return []
    }
  }
}

function keyOf({ proposal }: IsrRequest): string {
  return `${proposal.topic}-${proposal.partition}`
}
