/**
 * The broker's path with nothing of a real client's cost: batches are made once, and sent again and again by a raw
 * connection that keeps five requests in flight; fetches ask for what was written and drop it. Server CPU is what counts.
 *
 *   node scripts/run.mjs bench/path.bench.ts                         a moment, to show that it runs
 *   node scripts/run.mjs bench/path.bench.ts --full [--cases=lz4]    the figures: CPU seconds per GB of records
 *   … --servers=FILE,FILE   other builds of src/cli/server-start.ts, in alternating rounds (to compare two states of the source)
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Fetch } from '../src/protocol/generated/fetch.ts'
import { Produce } from '../src/protocol/generated/produce.ts'
import { buildBatch } from '../src/records/batch-builder.ts'
import { ChunkPool } from '../src/rpc/chunk-pool.ts'
import { ClientConnection } from '../src/rpc/client-connection.ts'
import { nodeWorld } from '../src/world/node/index.ts'
import { createTopic, deleteTopic, firstMetadata } from './peers/admin.ts'
import { prime } from './peers/rounds.ts'
import { ServerProcess } from './peers/server-process.ts'

const { values } = parseArgs({
  options: {
    full: { type: 'boolean', default: false },
    servers: { type: 'string', default: 'dist/cli/server-start.js' },
    cases: { type: 'string', default: '' },
    rounds: { type: 'string' },
    megabytes: { type: 'string' },
    port: { type: 'string', default: '19700' },
  },
})
const rounds = Number(values.rounds ?? (values.full ? 5 : 1))
const bytesPerRound = Number(values.megabytes ?? (values.full ? 400 : 4)) * 1e6
const IN_FLIGHT = 5
/** Of a round's bytes where each record is a request. */
const SMALL_PART = 0.05
const BATCH_BYTES = 128 * 1024
/** Raw bytes that become about a batch of 128 KB with lz4. */
const LZ4_BATCH_BYTES = 400 * 1024
const PARTITIONS_PER_REQUEST = 8
const FETCH_BYTES = 1 << 20
const FETCH_ALL_BYTES = 50 << 20

interface Case {
  readonly name: string
  readonly recordBytes: number
  readonly codec: 'none' | 'lz4'
  readonly partitions: number
  readonly acks: 1 | -1
  /** Records in a batch; as many as fit unless told. */
  readonly batchRecords?: number
}

const CASES: readonly Case[] = [
  { name: '1024-none-p1', recordBytes: 1024, codec: 'none', partitions: 1, acks: 1 },
  // What is fetched of these two comes mostly from files: they hold more than the cache of the newest records.
  { name: '1024-none-p20', recordBytes: 1024, codec: 'none', partitions: 20, acks: 1 },
  { name: '1024-none-p50', recordBytes: 1024, codec: 'none', partitions: 50, acks: 1 },
  { name: '1024-lz4-p1', recordBytes: 1024, codec: 'lz4', partitions: 1, acks: 1 },
  { name: '1024-lz4-p50', recordBytes: 1024, codec: 'lz4', partitions: 50, acks: 1 },
  { name: '100-none-p1', recordBytes: 100, codec: 'none', partitions: 1, acks: 1 },
  { name: '100-lz4-p1', recordBytes: 100, codec: 'lz4', partitions: 1, acks: 1 },
  { name: 'one-by-one', recordBytes: 1024, codec: 'none', partitions: 1, acks: 1, batchRecords: 1 },
  { name: 'one-by-one-all', recordBytes: 1024, codec: 'none', partitions: 1, acks: -1, batchRecords: 1 },
  { name: '1024-none-p1-all', recordBytes: 1024, codec: 'none', partitions: 1, acks: -1 },
]

const { network } = nodeWorld()
const pool = new ChunkPool({ freeBytesMax: 64 << 20, poison: false })

function connect(server: ServerProcess): Promise<ClientConnection> {
  return ClientConnection.connect(network, { host: '127.0.0.1', port: server.port }, { pool, clientId: 'bench' })
}

function batchOf({ recordBytes, codec, batchRecords }: Case): { readonly batch: Buffer; readonly rawBytes: number } {
  const count = batchRecords ?? Math.floor((codec === 'none' ? BATCH_BYTES : LZ4_BATCH_BYTES) / recordBytes)
  const timestamp = Date.now()
  const records = Array.from({ length: count }, (_, index) => {
    let line = ''
    for (let field = index * 131; line.length < recordBytes; field++) {
      const id = Math.imul(field, 0x9e37_79b1) >>> 0
      line += `{"id":${id},"user":"u${(id % 99991).toString(36)}","event":"page_view","ms":${id % 2003}}`
    }
    return { timestamp, key: null, value: Buffer.from(line.slice(0, recordBytes)) }
  })
  return { batch: buildBatch({ records, codec }), rawBytes: count * recordBytes }
}

async function produce(server: ServerProcess, topic: string, of: Case, bytes: number): Promise<number> {
  const connection = await connect(server)
  const { batch, rawBytes } = batchOf(of)
  const partitionsPerRequest = Math.min(of.partitions, PARTITIONS_PER_REQUEST)
  const requests = Math.ceil(bytes / rawBytes / partitionsPerRequest)
  let next = 0
  let partition = 0
  const sender = async (): Promise<void> => {
    while (next < requests) {
      next++
      const partitionData = Array.from({ length: partitionsPerRequest }, (_, at) => ({
        index: (partition + at) % of.partitions,
        records: batch,
      }))
      partition += partitionsPerRequest
      const { responses } = await connection.request(Produce, 9, {
        acks: of.acks,
        timeoutMs: 30_000,
        topicData: [{ name: topic, partitionData }],
      })
      for (const { errorCode } of responses[0]?.partitionResponses ?? []) {
        if (errorCode !== 0) throw new Error(`Produce answers ${errorCode}`)
      }
    }
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, sender))
  connection.close()
  return requests * partitionsPerRequest * rawBytes
}

async function fetchAll(server: ServerProcess, topic: string, of: Case): Promise<number> {
  const connection = await connect(server)
  const offsets = Array.from({ length: of.partitions }, () => 0)
  let raw = 0
  for (;;) {
    const { responses } = await connection.request(Fetch, 12, {
      maxWaitMs: 0,
      minBytes: 1,
      maxBytes: FETCH_ALL_BYTES,
      sessionEpoch: -1,
      topics: [
        {
          topic,
          partitions: offsets.map((fetchOffset, partition) => ({
            partition,
            fetchOffset,
            partitionMaxBytes: FETCH_BYTES,
          })),
        },
      ],
    })
    let got = 0
    for (const { partitionIndex, records } of responses[0]?.partitions ?? []) {
      if (records === null || records.length === 0) continue
      for (let at = 0; at < records.length; at += 12 + records.readInt32BE(at + 8)) {
        offsets[partitionIndex] = Number(records.readBigInt64BE(at)) + records.readInt32BE(at + 23) + 1
        raw += records.readInt32BE(at + 57) * of.recordBytes
      }
      got += records.length
    }
    if (got === 0) break
  }
  connection.close()
  return raw
}

interface Turn {
  readonly rss: number
  readonly cpu: number
  readonly rate: number
}

async function turn(server: ServerProcess, task: () => Promise<number>): Promise<Turn> {
  const cpu = server.cpuSeconds()
  const startedMs = performance.now()
  const bytes = await task()
  const seconds = (performance.now() - startedMs) / 1000
  return { rss: server.rssBytes() / 1e6, cpu: (server.cpuSeconds() - cpu) / (bytes / 1e9), rate: bytes / 1e6 / seconds }
}

function show(turns: readonly Turn[]): string {
  const cpus = turns.map(({ cpu }) => cpu).sort((left, right) => left - right)
  const rates = turns.map(({ rate }) => rate).sort((left, right) => left - right)
  const middle = turns.length >> 1
  return `CPU-s/GB min ${cpus[0]!.toFixed(2)} median ${cpus[middle]!.toFixed(2)}   MB/s median ${rates[middle]!.toFixed(0)} max ${rates.at(-1)!.toFixed(0)}   RSS ${Math.max(...turns.map(({ rss }) => rss)).toFixed(0)} MB`
}

const directory = mkdtempSync(join(tmpdir(), 'klamm-path-'))
try {
  const servers: ServerProcess[] = []
  for (const [index, entry] of values.servers.split(',').entries()) {
    const place = {
      directory: join(directory, String(index)),
      port: Number(values.port) + index * 2,
      classPath: '',
      heap: '',
      entry,
    }
    const server = ServerProcess.spawn('klamm', place)
    await firstMetadata(server, performance.now())
    servers.push(server)
  }
  let topics = 0
  for (const of of CASES.filter(({ name }) => name.includes(values.cases))) {
    const produced: Turn[][] = servers.map(() => [])
    const fetched: Turn[][] = servers.map(() => [])
    // The first round warms up.
    for (let round = values.full ? -1 : 0; round < rounds; round++) {
      for (const [index, server] of servers.entries()) {
        const topic = `path-${topics++}`
        await createTopic(server, topic, of.partitions)
        if (values.full) prime(directory, bytesPerRound * 1.6)
        const bytes = of.batchRecords === undefined ? bytesPerRound : bytesPerRound * SMALL_PART
        const writing = await turn(server, () => produce(server, topic, of, bytes))
        const reading = await turn(server, () => fetchAll(server, topic, of))
        await deleteTopic(server, topic)
        if (round < 0) continue
        produced[index]!.push(writing)
        fetched[index]!.push(reading)
      }
    }
    for (const index of servers.keys()) {
      const name = servers.length > 1 ? `${of.name} [${index}]` : of.name
      console.log(`${name.padEnd(22)} produce ${show(produced[index]!)}`)
      console.log(`${name.padEnd(22)} fetch   ${show(fetched[index]!)}`)
    }
  }
  for (const server of servers) await server.stop()
} finally {
  rmSync(directory, { recursive: true, force: true })
}
process.exit(0)
