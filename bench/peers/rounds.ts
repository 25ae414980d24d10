/**
 * Rounds of one case. Both brokers take turns within each round, so that a slow minute of a shared machine meets both.
 *
 * Before each turn as much memory is touched as the turn will use: a machine that gives freed memory back to its host pays
 * for the first touch of each page, and without this step that is what would be measured.
 */
import { closeSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { createTopic, deleteTopic, sleep } from './admin.ts'
import type { Case } from './cases.ts'
import type { Peer, ServerProcess } from './server-process.ts'
import type { Rate, Tools } from './tools.ts'

export interface Measured extends Rate {
  readonly cpuSecondsPerGigabyte: number
  readonly rssBytes: number
}

export interface Turn {
  readonly produce: Measured
  readonly fetch: Measured
}

export type Rounds = Readonly<Record<Peer, readonly Turn[]>>

export interface Bench {
  readonly servers: readonly ServerProcess[]
  readonly tools: Tools
  readonly directory: string
}

/** Work of the broker that a turn leaves behind (flushing, deleting) shall not count for the next. */
const SETTLE_MS = 1500
const PRIMED_PART = 1.6

let topics = 0

export async function playRounds(bench: Bench, wanted: Case, rounds: number, bytes: number): Promise<Rounds> {
  const turns: Record<Peer, Turn[]> = { klamm: [], kafka: [] }
  for (let round = 0; round < rounds; round++) {
    // Who is first changes, too.
    const order = round % 2 === 0 ? bench.servers : [...bench.servers].reverse()
    for (const server of order) turns[server.peer].push(await playTurn(bench, server, wanted, bytes))
  }
  return turns
}

async function playTurn({ tools, directory }: Bench, server: ServerProcess, of: Case, bytes: number): Promise<Turn> {
  const topic = `bench-${topics++}`
  const records = Math.ceil(bytes / of.recordBytes)
  const gigabytes = (records * of.recordBytes) / 1e9
  const load = { ...of, topic, port: server.port, records }
  prime(directory, bytes * PRIMED_PART)
  await createTopic(server, topic, of.partitions)
  const measure = async (task: () => Promise<Rate>): Promise<Measured> => {
    const before = server.cpuSeconds()
    const rate = await task()
    return {
      ...rate,
      cpuSecondsPerGigabyte: (server.cpuSeconds() - before) / gigabytes,
      rssBytes: server.rssBytes(),
    }
  }
  const produce = await measure(() => tools.produce(load))
  const fetch = await measure(() => tools.consume(load))
  await deleteTopic(server, topic)
  await sleep(SETTLE_MS)
  return { produce, fetch }
}

export function prime(directory: string, bytes: number): void {
  const path = join(directory, 'prime')
  const file = openSync(path, 'w')
  const piece = Buffer.alloc(1 << 20, 0x5a)
  for (let written = 0; written < bytes; written += piece.length) writeSync(file, piece)
  closeSync(file)
  rmSync(path)
}
