/**
 * `npm run bench:peers`: Klamm (dist/, as `npm start` runs it) beside Apache Kafka 4.3.1 on the same disk, driven by the same
 * tools in alternating rounds. Prints tables as docs/BENCHMARKS.md keeps them.
 *
 *   --quick            two rounds of 128 MB of the cases that have bars (1 KB, acks=1)
 *   --rounds=N         alternating rounds a case, 5 unless told
 *   --megabytes=N      what one round writes and reads, 512 unless told
 *   --cases=TEXT,…     only cases whose name contains one of the texts; `start`, `tools`, `latency`, `many` and
 *                      `controller` are cases too
 *   --partitions=N     of `many`, 10,000 unless told; --topics=N,… over which they are spread; --peers=klamm or kafka alone
 *   --heap=SIZE        of Kafka's JVM, 1g unless told, as in its start script
 *   --port=N           first of the ports used; --directory=DIR where the data goes (removed at the end)
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createTopic, deleteTopic, firstMetadata, sleep } from './peers/admin.ts'
import { cases, type Case } from './peers/cases.ts'
import { kafkaClassPath } from './peers/kafka-jars.ts'
import { controllerStartRows } from './peers/controller-start.ts'
import { manyPartitionsRows } from './peers/many-partitions.ts'
import { latencyRow, LATENCY_HEAD, median, table, THROUGHPUT_HEAD, throughputRows } from './peers/report.ts'
import { playRounds, prime, type Bench } from './peers/rounds.ts'
import { prepare, ServerProcess, type Peer } from './peers/server-process.ts'
import { TOOL_START_HEAD, toolStartRows } from './peers/tool-starts.ts'
import { hasRdkafka, Tools, type Latency } from './peers/tools.ts'

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    megabytes: { type: 'string' },
    cases: { type: 'string' },
    partitions: { type: 'string', default: '10000' },
    topics: { type: 'string', default: '10,1000' },
    peers: { type: 'string', default: 'klamm,kafka' },
    heap: { type: 'string', default: '1g' },
    port: { type: 'string', default: '19500' },
    directory: { type: 'string' },
  },
})
const rounds = Number(values.rounds ?? (values.quick ? 2 : 5))
const bytes = Number(values.megabytes ?? (values.quick ? 128 : 512)) * 1e6
const wanted = values.cases?.split(',') ?? null
const port = Number(values.port)
const PEERS: readonly Peer[] = ['klamm', 'kafka']
const PORTS = { klamm: port, kafka: port + 10 }
const WARM_UP_BYTES = 300e6
const STARTS = { klamm: 10, kafka: 2 }
const IDLE_MS = 5000
const TOOL_ROUNDS = 10
const RECORDS_PER_SECOND = 2000
const CONTROLLER_PARTITIONS = 100_000

const isWanted = (name: string): boolean => wanted === null || wanted.some((text) => name.includes(text))
const directory = values.directory ?? mkdtempSync(join(tmpdir(), 'klamm-bench-'))
const classPath = kafkaClassPath()
const place = (peer: Peer, name: string): Parameters<typeof prepare>[1] => ({
  directory: join(directory, name),
  port: PORTS[peer],
  classPath,
  heap: values.heap,
})

async function start(peer: Peer): Promise<ServerProcess> {
  const server = ServerProcess.spawn(peer, place(peer, peer))
  await firstMetadata(server, performance.now())
  return server
}

/** From exec to the first Metadata answer with a broker in it; Kafka's directory is formatted before, ours is empty. */
async function measureStarts(): Promise<void> {
  const rows: string[][] = []
  for (const peer of PEERS) {
    const times: number[] = []
    const idle: number[] = []
    for (let count = 0; count < STARTS[peer]; count++) {
      const at = place(peer, `start-${peer}-${count}`)
      prepare(peer, at)
      const startedMs = performance.now()
      const server = ServerProcess.spawn(peer, at)
      times.push(await firstMetadata(server, startedMs))
      if (count < 2) {
        await sleep(IDLE_MS)
        idle.push(server.rssBytes() / 1e6)
      }
      await server.stop()
    }
    const range = `${Math.min(...times).toFixed(0)}–${Math.max(...times).toFixed(0)}`
    rows.push([peer, median(times).toFixed(0), range, median(idle).toFixed(0)])
  }
  console.log(`${table(['start', 'first Metadata, ms (median)', 'range', 'idle RSS, MB'], rows)}\n`)
}

async function measureToolStarts(): Promise<void> {
  const server = await start('klamm')
  await createTopic(server, 'starts', 1)
  const rows = await toolStartRows(server.port, classPath, values.quick ? 2 : TOOL_ROUNDS)
  console.log(`${table(TOOL_START_HEAD, rows)}\n`)
  await server.stop()
}

/** Few large topics, and many small ones. */
async function measureManyPartitions(): Promise<void> {
  const partitions = Number(values.partitions)
  const peers = PEERS.filter((peer) => values.peers.split(',').includes(peer))
  for (const topics of values.topics.split(',').map(Number)) {
    const shape = { topics, partitionsEach: Math.round(partitions / topics) }
    console.log(`${await manyPartitionsRows(peers, place, shape, values.quick ? 1 : rounds)}\n`)
  }
}

async function measureLatency({ servers, tools }: Bench): Promise<void> {
  const rows: string[][] = []
  const measure = async (name: string, task: (server: ServerProcess, topic: string) => Promise<Latency>) => {
    const found: Record<Peer, Latency[]> = { klamm: [], kafka: [] }
    for (let round = 0; round < rounds; round++) {
      for (const server of round % 2 === 0 ? servers : [...servers].reverse()) {
        const topic = `latency-${rows.length}-${round}`
        await createTopic(server, topic, 1)
        found[server.peer].push(await task(server, topic))
        await deleteTopic(server, topic)
      }
    }
    rows.push(latencyRow(name, found.klamm, found.kafka))
  }
  const records = RECORDS_PER_SECOND * 6
  for (const acks of ['1', 'all'] as const) {
    await measure(`produce, ${RECORDS_PER_SECOND} records/s of 1 KB, acks=${acks}`, ({ port: at }, topic) =>
      tools.produceLatency(
        { client: 'java', topic, port: at, records, recordBytes: 1024, compression: 'none', acks },
        RECORDS_PER_SECOND,
      ),
    )
    await measure(`end to end, one record at a time, acks=${acks}`, ({ port: at }, topic) =>
      tools.endToEnd(at, topic, 5000, acks),
    )
  }
  console.log(`${table(LATENCY_HEAD, rows)}\n`)
}

async function measureThroughput(bench: Bench, chosen: readonly Case[]): Promise<void> {
  const rows: string[][] = []
  for (const one of chosen) {
    const found = throughputRows(one, await playRounds(bench, one, rounds, bytes))
    for (const row of found) console.error(row.join('  '))
    rows.push(...found)
  }
  console.log(`${table(THROUGHPUT_HEAD, rows)}\n`)
}

process.on('exit', () => rmSync(directory, { recursive: true, force: true }))
const hasBar = ({ name }: Case): boolean => /^1024-.*-acks1$/.test(name)
const all = cases(hasRdkafka() ? ['java', 'rdkafka'] : ['java'])
const chosen = all.filter((one) => isWanted(one.name) && (!values.quick || hasBar(one)))
if (isWanted('start')) await measureStarts()
if (isWanted('tools')) await measureToolStarts()
if (isWanted('many')) await measureManyPartitions()
if (isWanted('controller')) {
  const controllerRounds = values.quick ? 2 : rounds
  console.log(`${await controllerStartRows(PEERS, place, CONTROLLER_PARTITIONS, controllerRounds)}\n`)
}
if (chosen.length > 0 || isWanted('latency')) {
  prime(directory, WARM_UP_BYTES * 4)
  const servers: ServerProcess[] = []
  for (const peer of PEERS) servers.push(await start(peer))
  const bench = { servers, tools: new Tools(classPath, directory), directory }
  const warmUp = all.find(hasBar)
  if (warmUp !== undefined) await playRounds(bench, warmUp, 1, WARM_UP_BYTES)
  if (chosen.length > 0) await measureThroughput(bench, chosen)
  if (isWanted('latency')) await measureLatency(bench)
  for (const server of servers) await server.stop()
}
process.exit(0)
