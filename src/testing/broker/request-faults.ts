/**
 * Requests that go wrong because a test asked for it: answered with an error, late, or not at all. Stands around the handlers of
 * the dispatcher; the oldest fault that matches a request takes it.
 */
import { ERROR_CODES } from '../../base/error-codes.ts'
import { KafkaError } from '../../base/errors.ts'
import { CLOSE, NO_ANSWER, type Around, type Handled, type Handler } from '../../server/handler.ts'
import { HANDLERS } from '../../server/handler-table.ts'
import type { Clock } from '../../world/world.ts'
import { errorAnswer, mustNotCount } from './error-answers.ts'
import type { RequestedFault, RequestFault } from './request-fault.ts'

interface Pending {
  readonly fault: RequestFault
  hits: number
}

export class RequestFaults {
  #pending: Pending[] = []

  /** @throws Error for an API or a code that does not exist. */
  add(fault: RequestFault): RequestedFault {
    if (!HANDLERS.some(({ api }) => api.name === fault.api)) {
      const names = HANDLERS.map(({ api }) => api.name)
      throw new Error(`there is no API ${fault.api}; this broker serves ${names.join(', ')}`)
    }
    if (fault.code !== undefined && !(fault.code in ERROR_CODES)) throw new Error(`there is no error ${fault.code}`)
    if (fault.code === undefined && fault.close !== true && fault.delayMs === undefined) {
      throw new Error('a fault of requests needs a code, close or delayMs')
    }
    const pending: Pending = { fault, hits: 0 }
    this.#pending.push(pending)
    return {
      get hits() {
        return pending.hits
      },
      cancel: () => {
        this.#pending = this.#pending.filter((other) => other !== pending)
      },
    }
  }

  clear(): void {
    this.#pending = []
  }

  /** For one run of the broker. */
  around(clock: Clock): Around {
    return (handler, request, context, proceed) => {
      const pending = this.#pending.find(
        ({ fault }) => fault.api === handler.api.name && fault.when?.(request, context.apiVersion) !== false,
      )
      if (pending === undefined) return proceed()
      const instead = pending.fault.code === undefined ? null : mustNotCount(handler, request, pending.fault.code)
      if (instead !== null) return instead
      pending.hits += 1
      if (pending.hits >= (pending.fault.times ?? 1)) this.#pending = this.#pending.filter((other) => other !== pending)
      return faulty(pending.fault, handler, request, context.apiVersion, proceed, clock)
    }
  }
}

async function faulty(
  { code, close, delayMs, handled }: RequestFault,
  handler: Handler<never>,
  request: unknown,
  apiVersion: number,
  proceed: () => Handled<object> | Promise<Handled<object>>,
  clock: Clock,
): Promise<Handled<object>> {
  const goesOn = handled === true || (code === undefined && close !== true)
  // Begun at once: the effects of requests keep their order.
  const real = goesOn ? await proceed() : null
  if (delayMs !== undefined) {
    await new Promise<void>((resolve) => void clock.at(clock.monotonicMs() + delayMs, resolve))
  }
  if (close === true) return CLOSE
  if (code === undefined) return real ?? NO_ANSWER
  if (real === NO_ANSWER) return CLOSE
  return errorAnswer(handler, request, apiVersion, new KafkaError(code, `${code}, as the test asked`), proceed)
}
