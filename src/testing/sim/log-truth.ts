/**
 * What is known of every record: who wrote it, where it stands, whether it was acknowledged. A record stays at its offset
 * for ever, no record stands at two, nothing acknowledged goes unless retention, DeleteRecords or a power loss took it.
 */
import type { Uuid } from '../../base/uuid.ts'
import type { KnownTopic } from './topic-truth.ts'
import type { Sim } from './sim.ts'

export interface KnownRecord {
  readonly value: string
  /** -1 unknown. */
  readonly timestamp: number
}

export class PartitionTruth {
  readonly topic: KnownTopic
  readonly index: number
  readonly records = new Map<number, KnownRecord>()
  readonly offsetOf = new Map<string, number>()
  /** One past the highest offset that was acknowledged or read. */
  end = 0
  ackedEnd = 0
  /** The log may begin anywhere up to here. */
  startMax = 0
  /** Grows when a power loss took records. */
  losses = 0

  constructor(topic: KnownTopic, index: number) {
    this.topic = topic
    this.index = index
  }

  get name(): string {
    return `${this.topic.name}-${this.index}`
  }
}

/** Producer and number of a value, `p3:alpha-0:17`. */
export function valueOf(producer: string, partition: PartitionTruth, sequence: number): string {
  return `${producer}:${partition.name}:${sequence}`
}

export class LogTruth {
  readonly #sim: Sim
  readonly #partitions = new Map<Uuid, PartitionTruth[]>()

  constructor(sim: Sim) {
    this.#sim = sim
  }

  partition(topic: KnownTopic, index: number): PartitionTruth {
    const partitions = this.#partitions.get(topic.id) ?? []
    this.#partitions.set(topic.id, partitions)
    const known = partitions[index] ?? new PartitionTruth(topic, index)
    partitions[index] = known
    return known
  }

  /** Of topics that exist. */
  all(): PartitionTruth[] {
    return this.#sim.topics
      .existing()
      .flatMap((topic) => Array.from({ length: topic.partitions }, (_, index) => this.partition(topic, index)))
  }

  /** A record was read, or acknowledged. */
  observe(partition: PartitionTruth, offset: number, record: KnownRecord, how: string): void {
    const sim: Sim = this.#sim
    const known = partition.records.get(offset)
    const before = partition.offsetOf.get(record.value)
    sim.check(
      known === undefined || known.value === record.value,
      () => `${partition.name}: at offset ${offset} was ${known?.value}, ${how} gives ${record.value}`,
    )
    sim.check(
      before === undefined || before === offset,
      () => `${partition.name}: ${record.value} stands at ${before}, ${how} gives it at ${offset}: a duplicate`,
    )
    const [, place] = record.value.split(':')
    sim.check(place === partition.name, () => `${partition.name}: ${how} gives ${record.value}, a record of ${place}`)
    if (known === undefined || known.timestamp < 0) partition.records.set(offset, record)
    partition.offsetOf.set(record.value, offset)
    partition.end = Math.max(partition.end, offset + 1)
  }

  acknowledge(partition: PartitionTruth, firstOffset: number, records: readonly KnownRecord[], how: string): void {
    for (const [at, record] of records.entries()) this.observe(partition, firstOffset + at, record, how)
    partition.ackedEnd = Math.max(partition.ackedEnd, firstOffset + records.length)
  }

  /** Whether an acknowledged batch had been seen at its place before: its first answer was lost. */
  isKnown(partition: PartitionTruth, firstOffset: number, records: readonly KnownRecord[]): boolean {
    return partition.records.get(firstOffset)?.value === records[0]?.value
  }

  /** A broker that has just started: what it has must be what it promised. */
  checkStarted(partition: PartitionTruth, log: { startOffset: number; writtenEnd: number }, powerLost: boolean): void {
    const sim: Sim = this.#sim
    const { startOffset, writtenEnd } = log
    this.checkStart(partition, startOffset)
    const promised = !powerLost ? partition.end : partition.topic.durable ? partition.ackedEnd : 0
    sim.check(
      writtenEnd >= promised,
      () =>
        `${partition.name} ends at ${writtenEnd} after a ${powerLost ? 'power loss' : 'start'}, promised was ${promised}`,
    )
    if (!powerLost) return
    partition.losses += 1
    if (writtenEnd < partition.end) sim.sometimes('data lost by power loss')
    for (const [offset, { value }] of partition.records) {
      if (offset < writtenEnd) continue
      partition.records.delete(offset)
      partition.offsetOf.delete(value)
    }
    partition.end = Math.min(partition.end, writtenEnd)
    partition.ackedEnd = Math.min(partition.ackedEnd, writtenEnd)
  }

  checkStart(partition: PartitionTruth, startOffset: number): void {
    if (partition.topic.retention) return
    this.#sim.check(
      startOffset <= partition.startMax,
      () => `${partition.name} begins at ${startOffset}, records were deleted up to ${partition.startMax}`,
    )
  }
}
