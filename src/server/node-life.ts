/**
 * The life of a node, whatever its roles: a start that leaves nothing behind when it fails, one end, and how it came.
 *
 * What a start opens it gives to `undo`, in order; when it fails, is called off or breaks, all that is taken back in the
 * reverse order. A node that is up ends once: as told (`close`), as a killed process does (`closeHard`), or because it
 * broke (`fail`: `closed` rejects).
 */
import { KafkaError, OperationalError } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { MetadataImage } from '../metadata/image.ts'
import type { BoundListener } from './socket-server.ts'

/** How a node that is up comes down. */
export interface NodeEnd {
  /** In order: everything handed over, flushed and marked. */
  close(): Promise<void>
  /** What a killed process leaves. */
  closeHard(): Promise<void>
}

export interface NodeParts extends NodeEnd {
  /** For clients of the node's brokers; of a controller alone, for controllers. */
  readonly listeners: readonly BoundListener[]
  readonly clusterId: string
  /** The metadata that is in force on this node. */
  readonly image: () => MetadataImage
}

export interface LifeOptions {
  readonly logger: Logger
  /** Calls the start off, which then rejects with the signal's reason; without effect on a node that is up. */
  readonly signal?: AbortSignal | undefined
}

/** A node that is up. */
export class Node {
  readonly listeners: readonly BoundListener[]
  readonly clusterId: string
  readonly #image: () => MetadataImage
  readonly #life: NodeLife

  /** @internal Use `startNode` and `startControllerNode`. */
  constructor(life: NodeLife, { listeners, clusterId, image }: NodeParts) {
    this.listeners = listeners
    this.clusterId = clusterId
    this.#image = image
    this.#life = life
  }

  /** Of a broker: what its clients are shown. */
  get image(): MetadataImage {
    return this.#image()
  }

  /** Resolves when the node has stopped as told; rejects if it had to stop by itself. */
  get closed(): Promise<void> {
    return this.#life.closed
  }

  /** Controlled shutdown: leadership moved, everything flushed, clean markers written. Idempotent. */
  close(): Promise<void> {
    return this.#life.end('close')
  }

  /** What a killed process leaves: nothing is flushed or marked. */
  closeHard(): Promise<void> {
    return this.#life.end('closeHard')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

export class NodeLife {
  readonly closed: Promise<void>
  readonly #logger: Logger
  readonly #interrupted: Promise<never>
  #interrupt: (error: unknown) => void = () => {}
  #settle: { readonly resolve: () => void; readonly reject: (error: unknown) => void } = { resolve() {}, reject() {} }
  readonly #undo: (() => unknown)[] = []
  #end: NodeEnd | null = null
  #ending: Promise<void> | null = null
  #isInterrupted = false

  /** @internal Use `bringUp`. */
  constructor({ logger, signal }: LifeOptions) {
    this.#logger = logger
    this.closed = new Promise((resolve, reject) => (this.#settle = { resolve, reject }))
    this.closed.catch(() => undefined)
    this.#interrupted = new Promise((_resolve, reject) => {
      this.#interrupt = (error) => {
        this.#isInterrupted = true
        reject(error)
      }
    })
    this.#interrupted.catch(() => undefined)
    const callOff = (): void => this.#interrupt(signal?.reason)
    if (signal?.aborted === true) callOff()
    signal?.addEventListener('abort', callOff, { once: true })
  }

  /** Undone if the start comes to nothing. */
  undo(step: () => unknown): void {
    this.#undo.push(step)
  }

  /** A wait of the start; rejects as soon as it is called off, or a part breaks. */
  during<Result>(wait: Promise<Result>): Promise<Result> {
    return Promise.race([this.#interrupted, wait])
  }

  /** A broken invariant, or nothing left to serve. */
  fail(error: unknown): void {
    if (this.#end === null) return this.#interrupt(error)
    if (this.#ending !== null) return
    this.#logger.error('The node stops', error)
    this.#settle.reject(error)
    this.end('closeHard').catch((after: unknown) => this.#logger.error('What the node held is not all let go', after))
  }

  /** The start is over. @throws what it was interrupted by. */
  async up(parts: NodeParts): Promise<Node> {
    if (this.#isInterrupted) await this.#interrupted
    this.#end = parts
    return new Node(this, parts)
  }

  /** Once: a second call waits for the same end, whatever it asks for. */
  end(how: 'close' | 'closeHard'): Promise<void> {
    this.#ending ??= this.#finish(how)
    return this.#ending
  }

  async #finish(how: 'close' | 'closeHard'): Promise<void> {
    if (how === 'close') this.#logger.info('Shutting down')
    try {
      await this.#end?.[how]()
    } catch (error) {
      this.#settle.reject(error)
      throw error
    }
    if (how === 'close') this.#logger.info('Shut down')
    this.#settle.resolve()
  }

  async undoAll(): Promise<void> {
    for (const step of this.#undo.splice(0).reverse()) {
      try {
        await step()
      } catch {
        // What made the start fail is told, not what followed from it.
      }
    }
  }
}

/** @throws OperationalError: one sentence for the operator; nothing is left open. */
export async function bringUp(options: LifeOptions, start: (life: NodeLife) => Promise<Node>): Promise<Node> {
  const life = new NodeLife(options)
  try {
    return await start(life)
  } catch (error) {
    await life.undoAll()
    if (error instanceof KafkaError) throw new OperationalError('CONFIG_INVALID', error.message, { cause: error })
    throw error
  }
}
