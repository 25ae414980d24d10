/**
 * Hands what is committed to those who follow the log, in order: batches as they are read back, and a snapshot where the
 * log starts over. What was handed over when the log was opened, or decided by the leader itself, isn't handed again.
 */
import { BatchCursor } from '../records/batches.ts'
import type { OffsetAndEpoch } from '../raft/messages.ts'
import type { MetadataLogStore } from './metadata-log-store.ts'
import type { LoadSink } from './quorum-options.ts'
import type { SnapshotContent } from './snapshot-files.ts'

const READ_BYTES = 1024 * 1024

export interface CommittedEvents {
  /** Resolves when all that is appended can be read. */
  readonly written: () => Promise<void>
  /** All below `end` was handed over. */
  readonly onRead: (end: number) => void
  readonly fail: (error: Error) => void
}

export class CommittedReader {
  readonly #log: MetadataLogStore
  readonly #sink: LoadSink
  readonly #events: CommittedEvents
  #position: number
  #end = 0
  /** What is committed was decided here: nobody needs to be told of it. */
  isOwn: boolean
  #running: Promise<void> | null = null
  /** Since the reader last looked how far it may go. */
  #isAsked = false
  #isClosed = false

  constructor(
    log: MetadataLogStore,
    sink: LoadSink,
    loaded: { readonly handedTo: number; readonly isAlone: boolean },
    events: CommittedEvents,
  ) {
    this.#log = log
    this.#sink = sink
    this.#events = events
    this.#position = loaded.handedTo
    this.isOwn = loaded.isAlone
  }

  /** All below was handed over, or decided here. */
  get position(): number {
    return this.#position
  }

  advance(end: number): void {
    this.#end = Math.max(this.#end, end)
    if (this.isOwn) {
      this.#position = this.#end
      return this.#events.onRead(this.#end)
    }
    this.#isAsked = true
    this.#running ??= this.#readAll()
  }

  /** The log starts over behind a snapshot. */
  restart({ endOffset, epoch }: OffsetAndEpoch, content: SnapshotContent): void {
    this.#sink.snapshot(content, { offset: endOffset - 1, epoch, timestampMs: content.lastContainedMs })
    this.#position = endOffset
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#running
  }

  async #readAll(): Promise<void> {
    // In the turn of the last look: what is committed next must begin another run.
    while (this.#isAsked) await this.#run()
    this.#running = null
  }

  async #run(): Promise<void> {
    try {
      while (this.#position < this.#end && !this.#isClosed) {
        await this.#events.written()
        const from = this.#position
        const limit = Math.min(this.#end, this.#log.writtenEnd)
        if (limit <= from || from < this.#log.startOffset) break
        const read = await this.#log.read(from, limit, READ_BYTES, true)
        // A snapshot came in between: what was read is in it.
        const isCurrent = this.#position === from
        for (const piece of isCurrent ? read.pieces : []) {
          for (const cursor = new BatchCursor().reset(piece); cursor.next();) this.#sink.batch(piece, cursor.at)
        }
        if (isCurrent) this.#position = read.nextOffset
        read.release()
      }
      this.#isAsked = false
      if (!this.#isClosed) this.#events.onRead(this.#position)
    } catch (error) {
      this.#isAsked = false
      if (!this.#isClosed) this.#events.fail(error instanceof Error ? error : new Error(String(error)))
    }
  }
}
