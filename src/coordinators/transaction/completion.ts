/**
 * After the decision: markers to all partitions of a transaction, again and again to those that can't take them now, and when
 * all are written the record that says so. Goes on until then, or until somebody else coordinates.
 */
import type { ErrorCode } from '../../base/error-codes.ts'
import type { Logger } from '../../base/logger.ts'
import type { Clock } from '../../world/world.ts'
import type { CoordinatorRuntime } from '../runtime/coordinator-runtime.ts'
import type { MarkerWrite } from '../runtime/decision.ts'
import { decision, type TransactionState } from './requests.ts'
import { completed, isPrepared, type Transaction } from './transaction.ts'
import type { TransactionRecord } from './transaction-records.ts'

/** Writes markers at the leaders of partitions. */
export interface MarkerWriter {
  /** NONE: the marker is committed, or the partition exists no longer. Never rejects. */
  write(marker: MarkerWrite, topic: string, partition: number): Promise<ErrorCode>
}

/** Of a partition that can't take its marker now. */
const RETRY_MS = 100
/** A newer coordinator, or a newer epoch of the producer, was there: this decision is history. */
const FENCED: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['INVALID_PRODUCER_EPOCH', 'TRANSACTION_COORDINATOR_FENCED'])
/** The record can never be written by this coordinator. */
const RESIGNED: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['NOT_COORDINATOR', 'NOT_LEADER_OR_FOLLOWER'])

interface Partition {
  readonly topic: string
  readonly index: number
}

export class TransactionCompletion {
  readonly #runtime: () => CoordinatorRuntime<TransactionState, TransactionRecord>
  readonly #markers: MarkerWriter
  readonly #clock: Clock
  readonly #logger: Logger
  /** transaction.version of the cluster. */
  readonly #serverVersion: () => number
  #isClosed = false

  constructor(
    runtime: () => CoordinatorRuntime<TransactionState, TransactionRecord>,
    markers: MarkerWriter,
    clock: Clock,
    logger: Logger,
    serverVersion: () => number,
  ) {
    this.#serverVersion = serverVersion
    this.#runtime = runtime
    this.#markers = markers
    this.#clock = clock
    this.#logger = logger
  }

  start(state: TransactionState, transactionalId: string, transaction: Transaction): void {
    this.#complete(state, transactionalId, transaction).catch((error: unknown) => {
      this.#logger.error(`completing the transaction of ${transactionalId} failed`, error)
    })
  }

  close(): void {
    this.#isClosed = true
  }

  async #complete(state: TransactionState, transactionalId: string, transaction: Transaction): Promise<void> {
    const marker: MarkerWrite = {
      producerId: transaction.producerId,
      producerEpoch: transaction.producerEpoch,
      committed: transaction.state === 'PrepareCommit',
      coordinatorEpoch: state.leaderEpoch,
      transactionVersion: transaction.clientVersion,
    }
    let left: Partition[] = [...transaction.partitions].flatMap(([topic, indexes]) =>
      [...indexes].map((index) => ({ topic, index })),
    )
    for (;;) {
      const codes = await Promise.all(left.map(({ topic, index }) => this.#markers.write(marker, topic, index)))
      const fencing = codes.find((code) => FENCED.has(code))
      if (fencing !== undefined) {
        this.#logger.warn(`Markers of ${transactionalId} are given up: ${fencing}`)
        return
      }
      left = left.filter((_, at) => codes[at] !== 'NONE')
      if (left.length === 0) break
      if (!(await this.#pause(state))) return
    }
    while (this.#isCurrent(state)) {
      const code = await this.#writeCompleted(state, transactionalId, transaction)
      if (code === 'NONE' || RESIGNED.has(code)) return
      if (!(await this.#pause(state))) return
    }
  }

  #writeCompleted(state: TransactionState, transactionalId: string, transaction: Transaction): Promise<ErrorCode> {
    return this.#runtime().write<ErrorCode>(
      state.partition,
      (code) => code,
      ({ transactions, leaderEpoch }, reply, nowMs) => {
        const before = transactions.get(transactionalId)
        const into = decision()
        const isSame =
          before !== null &&
          leaderEpoch === state.leaderEpoch &&
          isPrepared(before) &&
          before.producerId === transaction.producerId &&
          before.producerEpoch === transaction.producerEpoch
        if (isSame)
          into.append({ transactionalId, value: completed(before, nowMs), serverVersion: this.#serverVersion() })
        return into.answer(reply, 'NONE')
      },
    )
  }

  #isCurrent(state: TransactionState): boolean {
    return !this.#isClosed && this.#runtime().leaderEpochOf(state.partition) === state.leaderEpoch
  }

  async #pause(state: TransactionState): Promise<boolean> {
    await new Promise<void>((resolve) => this.#clock.at(this.#clock.monotonicMs() + RETRY_MS, resolve))
    return this.#isCurrent(state)
  }
}
