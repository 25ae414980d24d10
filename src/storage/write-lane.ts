/**
 * The queue of everything that changes the files of one log, in order, one operation at a time.
 *
 * Writes that wait together for the same segment go out as one gathered write (group commit). Tasks (roll, truncate,
 * checkpoint files, close) take their turn between writes. `dependent` tasks belong to the appends behind them and fail
 * with them; the others run whatever happened before.
 */
import { KafkaError } from '../base/errors.ts'
import type { Retainable } from '../base/retainable.ts'
import type { Segment } from './segment.ts'

/** Below the kernel's limit for one gathered write (1024). */
const GROUP_BUFFERS_MAX = 512
const GROUP_BYTES_MAX = 8 << 20

export interface QueuedWrite {
  readonly segment: Segment
  readonly position: number
  readonly records: Buffer
  readonly firstOffset: number
  readonly nextOffset: number
  /** One reference is held until the write is done. */
  readonly memory: Retainable | null
  readonly written: Promise<void>
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

interface QueuedTask {
  readonly run: () => Promise<void>
  readonly dependent: boolean
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

export interface WriteLaneOwner {
  /**
   * The writes are in the file, their memory is the owner's now; called before their promises resolve. A promise makes
   * them wait, and its error, if any, is theirs (a flush that an append asks for).
   */
  written(writes: readonly QueuedWrite[]): Promise<Error | null> | void
  /** A write or a dependent task failed: everything dependent was already rejected and dropped. */
  failed(error: unknown): void
}

export class WriteLane {
  readonly #owner: WriteLaneOwner
  #queue: (QueuedWrite | QueuedTask)[] = []
  #inFlight: QueuedWrite[] = []
  #busy = false
  #stopped = false
  #idle: (() => void)[] = []

  constructor(owner: WriteLaneOwner) {
    this.#owner = owner
  }

  get isIdle(): boolean {
    return !this.#busy && this.#queue.length === 0
  }

  write(
    segment: Segment,
    position: number,
    records: Buffer,
    firstOffset: number,
    nextOffset: number,
    memory: Retainable | null,
  ): Promise<void> {
    let resolve!: () => void
    let reject!: (error: Error) => void
    const written = new Promise<void>((onResolve, onReject) => {
      resolve = onResolve
      reject = onReject
    })
    this.#queue.push({ segment, position, records, firstOffset, nextOffset, memory, written, resolve, reject })
    this.#pump()
    return written
  }

  /** Resolves when it ran; rejects with its error. */
  task(run: () => Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ run, dependent: false, resolve, reject })
      this.#pump()
    })
  }

  /** Must be done before the writes that are queued next. */
  before(run: () => Promise<void>): void {
    this.#queue.push({ run, dependent: true, resolve: noop, reject: noop })
    this.#pump()
  }

  /** The next operation, whatever waits. For repairs. */
  first(run: () => Promise<void>): void {
    this.#queue.unshift({ run, dependent: false, resolve: noop, reject: noop })
    this.#pump()
  }

  /** The promise of the write that holds `offset`; null if it is not under way. */
  fateOf(offset: number): Promise<void> | null {
    const holds = (item: QueuedWrite | QueuedTask): item is QueuedWrite =>
      'records' in item && item.firstOffset <= offset && offset < item.nextOffset
    return (this.#inFlight.find(holds) ?? this.#queue.find(holds))?.written ?? null
  }

  /** Rejects all that waits, lets the operation under way end, takes nothing more. */
  async stop(error: Error): Promise<void> {
    this.#stopped = true
    const waiting = this.#queue
    this.#queue = []
    for (const item of waiting) {
      if ('records' in item) reject(item, error)
      else item.reject(error)
    }
    if (this.#busy) await new Promise<void>((resolve) => this.#idle.push(resolve))
  }

  #pump(): void {
    if (this.#busy || this.#stopped) return
    const next = this.#queue[0]
    if (next === undefined) return
    this.#busy = true
    if ('records' in next) void this.#writeGroup(next)
    else {
      this.#queue.shift()
      void this.#runTask(next)
    }
  }

  #done(): void {
    this.#busy = false
    if (this.#stopped) for (const resolve of this.#idle.splice(0)) resolve()
    this.#pump()
  }

  async #runTask(task: QueuedTask): Promise<void> {
    try {
      await task.run()
      task.resolve()
    } catch (error) {
      task.reject(error)
      if (task.dependent) this.#fail(error)
    }
    this.#done()
  }

  async #writeGroup(first: QueuedWrite): Promise<void> {
    const group: QueuedWrite[] = []
    const buffers: Buffer[] = []
    let bytes = 0
    for (const item of this.#queue) {
      if (!('records' in item) || item.segment !== first.segment) break
      if (group.length > 0 && (buffers.length >= GROUP_BUFFERS_MAX || bytes + item.records.length > GROUP_BYTES_MAX))
        break
      group.push(item)
      buffers.push(item.records)
      bytes += item.records.length
    }
    this.#queue.splice(0, group.length)
    this.#inFlight = group
    try {
      await first.segment.use((file) => {
        first.segment.willWrite()
        return file.write(buffers, first.position)
      })
    } catch (error) {
      this.#inFlight = []
      const answer = storageError(error)
      for (const item of group) reject(item, answer)
      this.#fail(error)
      this.#done()
      return
    }
    const flushed = this.#owner.written(group)
    const failure = flushed === undefined ? null : await flushed
    this.#inFlight = []
    for (const item of group) {
      if (failure === null) item.resolve()
      else {
        item.written.catch(noop)
        item.reject(failure)
      }
    }
    this.#done()
  }

  #fail(error: unknown): void {
    const answer = storageError(error)
    const kept: QueuedTask[] = []
    for (const item of this.#queue) {
      if ('records' in item) reject(item, answer)
      else if (!item.dependent) kept.push(item)
    }
    this.#queue = kept
    if (!this.#stopped) this.#owner.failed(error)
  }
}

function noop(): void {}

function reject(write: QueuedWrite, error: Error): void {
  write.written.catch(noop) // nobody waits with acks=0
  write.memory?.release()
  write.reject(error)
}

export function storageError(cause: unknown): KafkaError {
  const detail = cause instanceof Error ? cause.message : String(cause)
  return new KafkaError('KAFKA_STORAGE_ERROR', `The records could not be written: ${detail}`)
}
