/**
 * What programs know of their transactions: which records and offsets belong to each, and what became of it. A reader that
 * wants only what is committed sees no record of a transaction before its commit was asked for, nor of one that was given up, and at
 * the end all of what was committed; of one whose outcome nobody was told, all or nothing.
 */
import type { ClusterSim } from './cluster-sim.ts'

/** `ending`: its commit was asked for. `unknown`: and nobody was told what it came to. */
type Fate = 'open' | 'ending' | 'unknown' | 'committed' | 'aborted'

export class SentTransaction {
  readonly name: string
  fate: Fate = 'open'
  readonly values: string[] = []
  /** That its group has read up to, if it commits; null: it says nothing of that. */
  offset: number | null = null

  constructor(name: string) {
    this.name = name
  }
}

export class TransactionTruth {
  readonly #sim: ClusterSim
  readonly #ofValue = new Map<string, SentTransaction>()
  readonly #ofProducer = new Map<string, SentTransaction[]>()

  constructor(sim: ClusterSim) {
    this.#sim = sim
  }

  get producers(): readonly string[] {
    return [...this.#ofProducer.keys()]
  }

  begin(producer: string): SentTransaction {
    const all = this.#ofProducer.get(producer) ?? []
    this.#ofProducer.set(producer, all)
    const transaction = new SentTransaction(`${producer}#${all.length}`)
    all.push(transaction)
    return transaction
  }

  /** Before it is sent. */
  add(transaction: SentTransaction, value: string): void {
    transaction.values.push(value)
    this.#ofValue.set(value, transaction)
  }

  /** A reader of what is committed has this record. */
  sees(value: string, place: string): void {
    const transaction = this.#ofValue.get(value)
    if (transaction === undefined) return
    const { name, fate } = transaction
    this.#sim.check(
      fate !== 'open' && fate !== 'aborted',
      () => `${value} at ${place} is read as committed, and its transaction ${name} is ${fate}`,
    )
  }

  /** All that a reader of what is committed finds, at rest, and all that is in the logs. */
  checkWhole(seen: ReadonlySet<string>, inLogs: ReadonlySet<string>): void {
    for (const value of inLogs) {
      const isOfTransaction = this.#ofValue.has(value)
      this.#sim.check(
        isOfTransaction || seen.has(value),
        () => `${value} is no transaction's, and readers don't get it`,
      )
    }
    for (const { name, fate, values } of [...this.#ofProducer.values()].flat()) {
      const found = values.filter((value) => seen.has(value))
      const isRight =
        fate === 'committed'
          ? found.length === values.length
          : found.length === 0 || (fate === 'unknown' && found.length === values.length)
      this.#sim.check(
        isRight,
        () => `of ${values.length} records of the transaction ${name}, which is ${fate}, readers get ${found.length}`,
      )
    }
  }

  /** What the group of a producer's offsets has committed, -1 for nothing. */
  checkOffset(producer: string, offset: number): void {
    const told = (this.#ofProducer.get(producer) ?? []).filter((transaction) => transaction.offset !== null)
    const last = told.filter(({ fate }) => fate === 'committed').at(-1)?.offset ?? -1
    const possible = told.filter(({ fate, offset: at }) => fate === 'unknown' && at! > last)
    this.#sim.check(
      offset === last || possible.some(({ offset: at }) => at === offset),
      () => `the offsets of ${producer} are committed at ${offset}, and its last transaction says ${last}`,
    )
  }
}
