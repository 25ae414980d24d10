/**
 * What producers sent and heard, and what consumers saw: an offset of a partition holds one record for ever, what was
 * acknowledged stays, nothing is there twice, and each producer's records stand in the order in which it sent them.
 */
import type { ClusterSim } from './cluster-sim.ts'

export interface LoggedRecord {
  readonly offset: number
  /** Null: the end of a transaction. */
  readonly value: string | null
}

interface PartitionTruth {
  /** By offset. */
  readonly values: Map<number, string>
  /** Offsets of what was acknowledged. */
  readonly acknowledged: Map<number, string>
}

export class RecordTruth {
  readonly #sim: ClusterSim
  readonly #partitions = new Map<string, PartitionTruth>()
  /** By partition: the furthest offset that was committed. */
  readonly #committed = new Map<string, number>()
  acknowledgedCount = 0

  constructor(sim: ClusterSim) {
    this.#sim = sim
  }

  #of(topic: string, partition: number): PartitionTruth {
    const name = `${topic}-${partition}`
    let truth = this.#partitions.get(name)
    if (truth === undefined) this.#partitions.set(name, (truth = { values: new Map(), acknowledged: new Map() }))
    return truth
  }

  acknowledged(topic: string, partition: number, offset: number, value: string): void {
    this.acknowledgedCount += 1
    this.observe(topic, partition, offset, value, 'its producer')
    this.#of(topic, partition).acknowledged.set(offset, value)
  }

  observe(topic: string, partition: number, offset: number, value: string, by: string): void {
    const { values } = this.#of(topic, partition)
    const known = values.get(offset)
    this.#sim.check(
      known === undefined || known === value,
      () => `${topic}-${partition} at ${offset} was ${known}, and is ${value} to ${by}`,
    )
    values.set(offset, value)
  }

  /** The coordinator has taken these offsets of the group. */
  committed(points: readonly { readonly topic: string; readonly partition: number; readonly offset: number }[]): void {
    for (const { topic, partition, offset } of points) {
      const name = `${topic}-${partition}`
      this.#committed.set(name, Math.max(offset, this.#committed.get(name) ?? 0))
    }
  }

  /** By partition: the furthest offset that the group was told is committed. */
  lastCommitted(): ReadonlyMap<string, number> {
    return new Map(this.#committed)
  }

  /** Nobody goes back, so what was committed last is the furthest. */
  checkCommitted(name: string, offset: number): void {
    const known = this.#committed.get(name) ?? 0
    this.#sim.check(offset >= known, () => `${name} is committed at ${offset}, and was at ${known}`)
  }

  /** All of a partition, at rest. */
  checkWhole(topic: string, partition: number, records: readonly LoggedRecord[]): void {
    const name = `${topic}-${partition}`
    const { acknowledged } = this.#of(topic, partition)
    const seen = new Map<string, number>()
    const lastOf = new Map<string, number>()
    let next = 0
    for (const { offset, value } of records) {
      this.#sim.check(offset === next, () => `${name}: ${offset} follows ${next - 1}`)
      next = offset + 1
      if (value === null) continue
      this.observe(topic, partition, offset, value, 'the last reader')
      const before = seen.get(value)
      this.#sim.check(before === undefined, () => `${name}: ${value} is there twice, at ${before} and ${offset}`)
      seen.set(value, offset)
      const [producer = '', number = ''] = value.split(':')
      const last = lastOf.get(producer) ?? -1
      this.#sim.check(Number(number) > last, () => `${name}: ${value} at ${offset} stands behind number ${last}`)
      lastOf.set(producer, Number(number))
    }
    for (const [offset, value] of acknowledged) {
      this.#sim.check(
        offset < next,
        () => `${name}: ${value} was acknowledged at ${offset}, and the log ends at ${next}`,
      )
    }
  }
}
