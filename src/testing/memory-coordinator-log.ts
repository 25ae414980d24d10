/**
 * Logs of a coordinator's topic in memory: what the server does over the replica manager, for tests. Commits can be held
 * back, appends refused and uncommitted batches lost.
 */
import { KafkaError } from '../base/errors.ts'
import type { ErrorCode } from '../base/error-codes.ts'
import type {
  AppendedBatch,
  PartitionWriter,
  TransactionToVerify,
  VerificationProof,
} from '../coordinators/runtime/partition-writer.ts'
import { nextOffset, setBaseOffset, setLeaderEpoch } from '../records/batch.ts'

interface Written {
  readonly batch: Buffer
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

interface Log {
  readonly committed: Buffer[]
  waiting: Written[]
  endOffset: number
}

export class MemoryCoordinatorLog implements PartitionWriter {
  readonly #logs = new Map<number, Log>()
  /** Appends wait for `commit`. */
  holdsCommits = false
  /** The next appends throw this. */
  refuses: ErrorCode | null = null
  batchBytesMax = 1_048_588
  /** What `verify` was asked. */
  readonly questions: TransactionToVerify[] = []
  /** `verify` throws this. */
  refusesTransactions: ErrorCode | null = null
  appendCount = 0

  async verify(_partition: number, question: TransactionToVerify): Promise<VerificationProof> {
    this.questions.push(question)
    if (this.refusesTransactions !== null) throw new KafkaError(this.refusesTransactions, 'refused by the test')
    return {}
  }

  append(partition: number, batch: Buffer, leaderEpoch: number): AppendedBatch {
    if (this.refuses !== null) throw new KafkaError(this.refuses, 'refused by the test')
    if (batch.length > this.batchBytesMax) throw new KafkaError('MESSAGE_TOO_LARGE', `${batch.length} bytes`)
    this.appendCount++
    const log = this.#log(partition)
    setBaseOffset(batch, 0, log.endOffset)
    setLeaderEpoch(batch, 0, leaderEpoch)
    log.endOffset = nextOffset(batch, 0)
    const committed = new Promise<void>((resolve, reject) => {
      log.waiting.push({ batch, resolve, reject })
    })
    if (!this.holdsCommits) this.commit(partition)
    return { lastOffset: log.endOffset - 1, committed }
  }

  async scan(partition: number, _leaderEpoch: number, visit: (batches: Buffer) => boolean): Promise<void> {
    for (const batch of this.batches(partition)) {
      await Promise.resolve()
      if (!visit(batch)) return
    }
  }

  maxBatchBytes(): number {
    return this.batchBytesMax
  }

  /** Adds batches as they are, as if they had been there before. */
  preload(partition: number, batches: Buffer): void {
    this.#log(partition).committed.push(batches)
    this.#log(partition).endOffset = 1_000_000
  }

  /** Commits what waits; all of it, or the first `count` batches. */
  commit(partition: number, count = Number.POSITIVE_INFINITY): void {
    const log = this.#log(partition)
    for (const written of log.waiting.splice(0, Math.min(count, log.waiting.length))) {
      log.committed.push(written.batch)
      written.resolve()
    }
  }

  /** What is not committed is gone from the log. */
  lose(partition: number, cause: ErrorCode | Error): void {
    const error = typeof cause === 'string' ? new KafkaError(cause, 'lost by the test') : cause
    for (const written of this.#log(partition).waiting.splice(0)) written.reject(error)
  }

  batches(partition: number): readonly Buffer[] {
    return this.#log(partition).committed
  }

  waitingCount(partition: number): number {
    return this.#log(partition).waiting.length
  }

  #log(partition: number): Log {
    let log = this.#logs.get(partition)
    if (log === undefined) this.#logs.set(partition, (log = { committed: [], waiting: [], endOffset: 0 }))
    return log
  }
}
