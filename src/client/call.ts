/**
 * Time limits, cancelling and trying again: what every call of the client has in common.
 *
 * A call tries again after what may pass (isRetriable), with pauses that double and are spread by a fifth either way, as
 * Java's client does (KIP-580), until its time is over or its signal aborts. An aborted call rejects with the signal's reason.
 */
import { abortable } from '../base/abortable.ts'
import type { Clock, Random } from '../world/world.ts'
import { ClientError, isRetriable } from './errors.ts'

export interface CallOptions {
  /** Milliseconds for the whole call, its retries included. The client's `callTimeoutMs` if left out. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

/** One whose time is known. */
interface TimedCall {
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
}

export interface BackoffOptions {
  readonly firstMs: number
  readonly maxMs: number
}

/** The pause before the next attempt, after `failures` of them in a row (1 or more). */
export function backoffMs({ firstMs, maxMs }: BackoffOptions, failures: number, random: Random): number {
  const plain = Math.min(maxMs, firstMs * 2 ** Math.min(failures - 1, 30))
  return Math.round(plain * (0.8 + (0.4 * random.uint32()) / 0x1_0000_0000))
}

/** Resolves after `ms`. Rejects with the signal's reason once it aborts. */
export function pause(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(signal.reason as Error)
      return
    }
    const aborted = (): void => {
      timer.cancel()
      reject(signal!.reason as Error)
    }
    const timer = clock.at(clock.monotonicMs() + ms, () => {
      signal?.removeEventListener('abort', aborted)
      resolve()
    })
    signal?.addEventListener('abort', aborted, { once: true })
  })
}

/** `work`, unless `timeoutMs` pass first: then ClientError TIMED_OUT saying `what`, and what becomes of the work is nobody's business. */
export async function inTime<T>(clock: Clock, timeoutMs: number, what: string, work: Promise<T>): Promise<T> {
  let expire: (() => void) | null = null
  const timer = clock.at(clock.monotonicMs() + timeoutMs, () => expire?.())
  const expired = new Promise<never>((_, reject) => {
    expire = () => reject(new ClientError('TIMED_OUT', `${what}: no answer in ${timeoutMs} ms.`))
  })
  try {
    return await Promise.race([work, expired])
  } finally {
    timer.cancel()
    work.catch(() => {})
    expired.catch(() => {})
  }
}

/** `work` within the time of a call, and until its signal aborts. */
export function inCall<T>(clock: Clock, { timeoutMs, signal }: TimedCall, what: string, work: Promise<T>): Promise<T> {
  return inTime(clock, timeoutMs, what, abortable(work, signal))
}

/** Of a call that is several behind each other: what each of them is told, with the time that is left of the whole. */
export function timeOf<Call extends CallOptions>(
  clock: Clock,
  call: Call,
  callTimeoutMs: number,
): () => Call & { readonly timeoutMs: number } {
  const deadlineMs = clock.monotonicMs() + (call.timeoutMs ?? callTimeoutMs)
  return () => ({ ...call, timeoutMs: Math.max(deadlineMs - clock.monotonicMs(), 0) })
}

export interface Retrying {
  readonly clock: Clock
  readonly random: Random
  readonly backoff: BackoffOptions
  readonly callTimeoutMs: number
  /** Runs `task` once the client closes, or at once if it is; answers what forgets it. Nothing ends before its time if left out. */
  readonly whenClosed?: (task: (reason: Error) => void) => () => void
}

/**
 * Runs `attempt` until it succeeds, fails for good, or the call's time is over: then ClientError TIMED_OUT whose cause is the
 * last error. `what` is the call in words, for that message. `attempt` is told the milliseconds that are left. Of a client that
 * closes no call and no timer is left.
 */
export async function retrying<T>(
  parts: Retrying,
  what: string,
  { timeoutMs = parts.callTimeoutMs, signal }: CallOptions,
  attempt: (leftMs: number) => Promise<T>,
): Promise<T> {
  if (parts.whenClosed === undefined) return untilDone(parts, what, timeoutMs, signal, attempt)
  const closing = new AbortController()
  const forget = parts.whenClosed((reason) => closing.abort(reason))
  const either = signal === undefined ? closing.signal : AbortSignal.any([closing.signal, signal])
  try {
    return await untilDone(parts, what, timeoutMs, either, attempt)
  } finally {
    forget()
  }
}

async function untilDone<T>(
  { clock, random, backoff }: Retrying,
  what: string,
  timeoutMs: number,
  signal: AbortSignal | undefined,
  attempt: (leftMs: number) => Promise<T>,
): Promise<T> {
  const deadlineMs = clock.monotonicMs() + timeoutMs
  for (let failures = 1; ; failures++) {
    signal?.throwIfAborted()
    const leftMs = deadlineMs - clock.monotonicMs()
    try {
      return await inCall(clock, { timeoutMs: Math.max(leftMs, 0), signal }, what, attempt(leftMs))
    } catch (error) {
      if (!isRetriable(error)) throw error
      const pauseMs = backoffMs(backoff, failures, random)
      if (clock.monotonicMs() + pauseMs >= deadlineMs) {
        const reason = error instanceof Error ? error.message : String(error)
        throw new ClientError('TIMED_OUT', `${what}: not done in ${timeoutMs} ms. ${reason}`, { cause: error })
      }
      await pause(clock, pauseMs, signal)
    }
  }
}
