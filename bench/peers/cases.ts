/** What is measured: the grid of record sizes, codecs, partitions and acks. */
import type { Client, Compression } from './tools.ts'

export interface Case {
  /** What `--cases` matches, e.g. `1024-lz4-p50-acks1`. */
  readonly name: string
  readonly client: Client
  readonly recordBytes: number
  readonly compression: Compression
  readonly partitions: number
  readonly acks: '1' | 'all'
}

const RECORD_BYTES = [100, 1024, 10_240]
const COMPRESSIONS: readonly Compression[] = ['none', 'lz4']
const PARTITIONS = [1, 50]

export function cases(clients: readonly Client[]): Case[] {
  const all: Case[] = []
  const add = (of: Omit<Case, 'name'>): void => {
    const client = of.client === 'java' ? '' : `${of.client}-`
    all.push({ ...of, name: `${client}${of.recordBytes}-${of.compression}-p${of.partitions}-acks${of.acks}` })
  }
  for (const client of clients) {
    for (const recordBytes of RECORD_BYTES) {
      for (const compression of COMPRESSIONS) {
        for (const partitions of PARTITIONS) add({ client, recordBytes, compression, partitions, acks: '1' })
      }
    }
    add({ client, recordBytes: 1024, compression: 'none', partitions: 1, acks: 'all' })
    add({ client, recordBytes: 1024, compression: 'none', partitions: 50, acks: 'all' })
  }
  return all
}
