/**
 * Runs decisions: one at a time (they are synchronous), each on the appended state. A decision's records are replayed and
 * appended at once, so that the next one sees them; its answer waits for the commit. Images are immutable, so undo is the
 * reference to the last committed one: when the log fails, the appended state goes back to it and every waiting answer
 * becomes NOT_CONTROLLER.
 *
 * Invariants: the committed image is the replay of exactly the committed records; listeners see each committed change
 * once, in order, before its answer; nothing is appended that could not be replayed.
 */
import { KafkaError, assert } from '../base/errors.ts'
import { MetadataDelta } from '../metadata/delta.ts'
import type { MetadataImage } from '../metadata/image.ts'
import { encodeMetadataRecord, type MetadataRecord } from '../metadata/metadata-records.ts'
import { RECORDS_MAX, type Decision } from './decision.ts'
import type { MetadataLog } from './metadata-log.ts'
import { PartitionIndex } from './partition-index.ts'

export type ImageListener = (image: MetadataImage, delta: MetadataDelta) => void

interface Pending {
  readonly lastOffset: number
  /** Null: a read that waits for what it has seen. */
  readonly change: { readonly image: MetadataImage; readonly delta: MetadataDelta } | null
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

export class ControllerRuntime {
  readonly #log: MetadataLog
  readonly #wallMs: () => number
  #committed: MetadataImage
  #appended: MetadataImage
  /** Of the appended topics while this node decides. */
  readonly #partitions = new PartitionIndex()
  #pending: Pending[] = []
  #failed = false
  readonly #listeners: ImageListener[] = []

  /** `image`: all that the log holds, committed. */
  constructor(log: MetadataLog, image: MetadataImage, wallMs: () => number) {
    this.#log = log
    this.#wallMs = wallMs
    this.#committed = image
    this.#appended = image
  }

  get committed(): MetadataImage {
    return this.#committed
  }

  get appended(): MetadataImage {
    return this.#appended
  }

  /** Offset of the last record appended, -1 for none. */
  get lastOffset(): number {
    return this.#log.endOffset - 1
  }

  /** False once the log failed or was closed: every decision is refused. */
  get isActive(): boolean {
    return !this.#failed
  }

  /** Called for each committed change. */
  onImage(listener: ImageListener): void {
    this.#listeners.push(listener)
  }

  /**
   * Resolves to the answer once the decision's records, or those that it has seen, are committed.
   * Rejects with what `decide` throws, or with KafkaError NOT_CONTROLLER.
   */
  async decide<Answer>(
    decide: (appended: MetadataImage, nextOffset: number, partitions: PartitionIndex) => Decision<Answer>,
  ): Promise<Answer> {
    if (this.#failed) throw lost()
    const partitions = this.#partitions.follow(this.#appended.topics)
    const { records, answer, atomic } = decide(this.#appended, this.#log.endOffset, partitions)
    if (records.length > 0) await this.#append(records, atomic ?? true)
    else await this.#seen()
    return answer
  }

  /** The leader of the log decides. */
  lead(): void {
    this.#failed = false
  }

  /** On a standby: what another leader committed. */
  follow(image: MetadataImage, delta: MetadataDelta): void {
    assert(this.#failed, 'who decides does not follow')
    this.#committed = image
    this.#appended = image
    for (const listener of this.#listeners) listener(image, delta)
  }

  /** Undo: back to the last commit. */
  fail(): void {
    if (this.#failed) return
    this.#failed = true
    this.#appended = this.#committed
    const pending = this.#pending
    this.#pending = []
    for (const { reject } of pending) reject(lost())
  }

  #append(records: readonly MetadataRecord[], atomic: boolean): Promise<void> {
    const limit = atomic ? Infinity : RECORDS_MAX
    let last: Promise<void> = Promise.resolve()
    for (let start = 0; start < records.length; start += limit) {
      last = this.#appendBatch(records.slice(start, Math.min(start + limit, records.length)))
      // The last one settles after all before it, and in the same way.
      last.catch(() => {})
      if (limit === Infinity) break
    }
    return last
  }

  #appendBatch(records: readonly MetadataRecord[]): Promise<void> {
    const delta = new MetadataDelta(this.#appended)
    for (const record of records) delta.replay(record)
    const lastOffset = this.#log.append(records.map(encodeMetadataRecord))
    // The log may fail while it takes them: what is pending has been told already.
    if (this.#failed) return Promise.reject(lost())
    const image = delta.image({ offset: lastOffset, epoch: this.#log.epoch, timestampMs: this.#wallMs() })
    this.#appended = image
    this.#partitions.advance(delta, image.topics)
    return new Promise((resolve, reject) => {
      this.#pending.push({ lastOffset, change: { image, delta }, resolve, reject })
    })
  }

  #seen(): Promise<void> {
    const lastOffset = this.#pending.at(-1)?.lastOffset
    if (lastOffset === undefined) return Promise.resolve()
    return new Promise((resolve, reject) => {
      this.#pending.push({ lastOffset, change: null, resolve, reject })
    })
  }

  /** All below is committed: answers leave. */
  commit(committedEnd: number): void {
    for (;;) {
      const next = this.#pending[0]
      if (next === undefined || next.lastOffset >= committedEnd) return
      this.#pending.shift()
      const { change } = next
      if (change !== null) {
        assert(change.delta.base === this.#committed, 'each image follows the one before it')
        this.#committed = change.image
        for (const listener of this.#listeners) listener(change.image, change.delta)
      }
      next.resolve()
    }
  }
}

const lost = (): KafkaError => new KafkaError('NOT_CONTROLLER', 'This is not the correct controller for this cluster.')
