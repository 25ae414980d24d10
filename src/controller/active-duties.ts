/**
 * What the active controller does of itself, now and then: preferred elections, unclean ones where they are allowed, the fencing of
 * brokers that fell silent, and NoOp records while nothing else is written, so that a follower can tell "nothing new" from "not
 * heard".
 */
import type { Logger } from '../base/logger.ts'
import { metadataRecord, type MetadataRecord } from '../metadata/metadata-records.ts'
import type { Clock, Timer } from '../world/world.ts'
import type { BrokerSessions } from './broker-sessions.ts'
import { fenceStaleBrokers } from './brokers.ts'
import type { ControllerSettings, ControllerState, Decision } from './decision.ts'
import { preferredElections, uncleanElections } from './leadership-changes.ts'
import type { MetadataLog } from './metadata-log.ts'

export interface ActiveDutiesOptions {
  readonly clock: Clock
  readonly logger: Logger
  readonly settings: ControllerSettings
  readonly sessions: BrokerSessions
  readonly log: Pick<MetadataLog, 'nodeId' | 'endOffset'>
  /** False: a duty that is due isn't done, nor ever again before the next `start`. */
  readonly mayGoOn: () => boolean
  readonly decide: <Answer>(decide: (state: ControllerState) => Decision<Answer>) => Promise<Answer>
  readonly failed: (error: unknown, what: string) => void
}

/** Sessions are checked this often within one time-out. */
const SESSION_CHECKS = 4
const ELECTIONS_AT_ONCE = 1000

export class ActiveDuties {
  readonly #options: ActiveDutiesOptions
  readonly #timers = new Map<string, Timer>()
  /** End of the log when the idle timer last ran. */
  #idleSince = -1

  constructor(options: ActiveDutiesOptions) {
    this.#options = options
  }

  start(): void {
    const { settings, sessions } = this.#options
    this.#every('preferred leaders', settings.imbalanceCheckIntervalMs, () =>
      this.#elect('Electing preferred leaders failed', preferredElections),
    )
    this.#every('unclean leaders', settings.uncleanElectionIntervalMs, () =>
      this.#elect('Electing leaders uncleanly failed', uncleanElections),
    )
    this.#every('idle', settings.maxIdleIntervalMs, () => this.#idle())
    this.#every('sessions', settings.brokerSessionTimeoutMs / SESSION_CHECKS, (lateMs) => {
      // A process that was stopped, or a loop that was held, hears of its brokers a moment later.
      sessions.extend(lateMs)
      this.#fenceStale()
    })
  }

  stop(): void {
    for (const timer of this.#timers.values()) timer.cancel()
  }

  #every(name: string, intervalMs: number, task: (lateMs: number) => void): void {
    const { clock, mayGoOn } = this.#options
    if (intervalMs <= 0 || !mayGoOn()) return
    const dueMs = clock.monotonicMs() + intervalMs
    const timer = clock.at(dueMs, () => {
      if (!mayGoOn()) return
      task(Math.max(0, clock.monotonicMs() - dueMs))
      this.#every(name, intervalMs, task)
    })
    this.#timers.set(name, timer)
  }

  #idle(): void {
    const { log, decide } = this.#options
    if (log.endOffset === this.#idleSince) {
      decide(() => ({ records: [metadataRecord('NoOpRecord', 0, {})], answer: null })).catch(() => {})
    }
    this.#idleSince = log.endOffset
  }

  /** Some at a time, so that what is asked meanwhile does not wait for all. */
  #elect(failure: string, elections: (state: ControllerState, count: number) => readonly MetadataRecord[]): void {
    const { decide, failed } = this.#options
    const elect = async (): Promise<void> => {
      for (;;) {
        const count = await decide((state) => {
          const records = elections(state, ELECTIONS_AT_ONCE)
          return { records, answer: records.length, atomic: false }
        })
        if (count < ELECTIONS_AT_ONCE) return
      }
    }
    elect().catch((error: unknown) => failed(error, failure))
  }

  #fenceStale(): void {
    const { log, logger, decide, failed } = this.#options
    const fence = async (): Promise<void> => {
      for (;;) {
        const fenced = await decide((state) => fenceStaleBrokers(state))
        if (fenced.length === 0) return
        logger.info(`[QuorumController id=${log.nodeId}] Fenced broker ${fenced.join(', ')}: no heartbeat`)
      }
    }
    fence().catch((error: unknown) => failed(error, 'Fencing failed'))
  }
}
