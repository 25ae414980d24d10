/**
 * What a controller has written in one step, in a form in which two controllers can be compared: without what is each one's own (offsets
 * in broker epochs, ids of topics) and in what order partitions come, which is that of hash tables. Records that say nothing are left out.
 */
import type { MetadataRecord } from '../../../src/metadata/metadata-records.ts'

const SILENT: ReadonlySet<string> = new Set(['NoOpRecord', 'BeginTransactionRecord', 'EndTransactionRecord'])

export class WrittenRecords {
  readonly #topicNames = new Map<unknown, string>()

  /** One line for each record. */
  read(records: readonly MetadataRecord[]): string[] {
    const lines: string[] = []
    let partitions: string[] = []
    for (const { type, version, data } of records) {
      if (type === 'TopicRecord') this.#topicNames.set(data.topicId, `the id of ${data.name}`)
      if (SILENT.has(type)) continue
      const line = `${type} v${version} ${JSON.stringify(data, (key, value: unknown) => this.#own(key, value))}`
      if (type === 'PartitionChangeRecord') {
        partitions.push(line)
        continue
      }
      lines.push(...partitions.toSorted(), line)
      partitions = []
    }
    return [...lines, ...partitions.toSorted()]
  }

  #own(key: string, value: unknown): unknown {
    if (key === 'brokerEpoch') return 'its epoch'
    if (key === 'topicId') return this.#topicNames.get(value) ?? 'the id of a topic that is not there'
    return typeof value === 'bigint' ? String(value) : value
  }
}
