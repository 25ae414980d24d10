/** Events of one client: `consumer.on(consumer.events.CRASH, …)`. Listeners are told at once, in the order in which they came. */
import type { Clock } from '../world/world.ts'
import { KafkaJSNonRetriableError } from './errors.ts'
import type { Logger } from './logger.ts'

export interface InstrumentationEvent<Payload> {
  /** A number, as kafkajs's is, though its types say text: programs are compiled against either. */
  id: string
  type: string
  timestamp: number
  payload: Payload
}

export type RemoveInstrumentationEventListener<_Name> = () => void
type Listener = (event: InstrumentationEvent<never>) => unknown

export class Instrumentation {
  readonly #names: readonly string[]
  readonly #clock: Pick<Clock, 'wallMs'>
  readonly #logger: Logger
  readonly #listeners = new Map<string, Set<Listener>>()
  #nextId = 0

  constructor(names: readonly string[], clock: Pick<Clock, 'wallMs'>, logger: Logger) {
    this.#names = names
    this.#clock = clock
    this.#logger = logger
  }

  /** @throws KafkaJSNonRetriableError for a name that is none. */
  on(name: string, listener: Listener): () => void {
    if (!this.#names.includes(name)) {
      throw new KafkaJSNonRetriableError(`'${name}' is none of the events ${this.#names.join(', ')}.`)
    }
    // Each registration counts on its own, as with an EventEmitter.
    const own: Listener = (event) => listener(event)
    const listeners = this.#listeners.get(name) ?? new Set()
    this.#listeners.set(name, listeners.add(own))
    return () => void listeners.delete(own)
  }

  /** Somebody listens to one of `names`. */
  isHeard(...names: readonly string[]): boolean {
    return names.some((name) => (this.#listeners.get(name)?.size ?? 0) > 0)
  }

  /** Without a payload it is undefined, though kafkajs's types say null. */
  emit(name: string, payload?: unknown): void {
    const listeners = this.#listeners.get(name)
    if (listeners === undefined || listeners.size === 0) return
    const id = this.#nextId++ as unknown as string
    const event = { id, type: name, timestamp: this.#clock.wallMs(), payload: payload as never }
    const failed = (error: unknown): void => {
      this.#logger.error(`A listener failed: ${String(error)}`, { eventName: name })
    }
    for (const listener of listeners) {
      try {
        Promise.resolve(listener(event)).catch(failed)
      } catch (error) {
        failed(error)
      }
    }
  }
}
