/**
 * How often and for how long something is tried. The client limits a call by time, kafkajs by a number of tries with growing
 * pauses: the time is what those pauses take together.
 */
import type { Random } from '../world/world.ts'

export interface RetryOptions {
  /** Milliseconds of the longest pause. 30,000 if left out. */
  maxRetryTime?: number
  /** Milliseconds of the first pause. 300 if left out. */
  initialRetryTime?: number
  /** Share of a pause by which it is longer or shorter at random. 0.2 if left out. */
  factor?: number
  /** By which each pause is longer than the one before. 2 if left out. */
  multiplier?: number
  /** Tries after the first. 5 if left out. */
  retries?: number
  /** Asked after a crash that restarting may mend. */
  restartOnFailure?: (error: Error) => Promise<boolean>
}

export type RetryPolicy = Required<Omit<RetryOptions, 'restartOnFailure'>>

/** No number of tries makes a call wait longer. */
const BUDGET_MS_MAX = 24 * 60 * 60 * 1000

export function retryPolicy(...options: readonly (RetryOptions | undefined)[]): RetryPolicy {
  const {
    maxRetryTime = 30_000,
    initialRetryTime = 300,
    factor = 0.2,
    multiplier = 2,
    retries = 5,
  } = Object.assign({}, ...options) as RetryOptions
  return { maxRetryTime, initialRetryTime, factor, multiplier, retries }
}

/** Milliseconds before try `count` + 1, without chance. `count` is 1 or more. */
function pauseMs({ initialRetryTime, multiplier, maxRetryTime }: RetryPolicy, count: number): number {
  return Math.min(initialRetryTime * multiplier ** Math.max(0, count - 1), maxRetryTime)
}

export function jitteredPauseMs(policy: RetryPolicy, count: number, random: Random): number {
  const share = 1 + policy.factor * ((2 * random.uint32()) / 0x1_0000_0000 - 1)
  return Math.ceil(Math.min(pauseMs(policy, count) * share, policy.maxRetryTime))
}

export function lastPauseMs(policy: RetryPolicy): number {
  return Math.round(pauseMs(policy, policy.retries))
}

/** Milliseconds that all pauses take together, and one more request. */
export function budgetMs(policy: RetryPolicy, requestMs: number): number {
  let sum = requestMs
  for (let count = 1; count <= policy.retries && sum < BUDGET_MS_MAX; count++) sum += pauseMs(policy, count)
  return Math.round(Math.min(sum, BUDGET_MS_MAX))
}
