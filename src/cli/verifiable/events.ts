/** What the verifiable tools print: one event in JSON a line, with its time and name first. Kafka's system tests read it. */
import { javaDouble } from '../../base/java-double.ts'
import { keyOf, type TopicPartition } from '../../client/consumer/topic-partition.ts'
import type { ToolHost } from '../tool/tool.ts'

/** @param double a field to come last, written as Java writes a double. */
export type EventPrinter = (
  name: string,
  fields: Readonly<Record<string, unknown>>,
  double?: readonly [name: string, value: number],
) => void

export function eventPrinter({ terminal, world }: ToolHost): EventPrinter {
  return (name, fields, double) => {
    const text = JSON.stringify({ timestamp: Math.floor(world.clock.wallMs()), name, ...fields })
    if (double === undefined) terminal.out(text)
    else terminal.out(`${text.slice(0, -1)},"${double[0]}":${javaDouble(double[1])}}`)
  }
}

export interface EventRecord extends TopicPartition {
  readonly offset: number
  readonly keyBytes: Buffer | null
  readonly valueBytes: Buffer | null
}

/** What `--verbose` prints of each record. */
export function recordFields({ keyBytes, valueBytes, topic, partition, offset }: EventRecord) {
  return { key: keyBytes?.toString() ?? null, value: valueBytes?.toString() ?? null, topic, partition, offset }
}

/** Partitions in a steady order, without what else an object of theirs holds. */
export function partitionFields(partitions: readonly TopicPartition[]): readonly TopicPartition[] {
  return partitions
    .map(({ topic, partition }) => ({ topic, partition }))
    .sort((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1))
}
