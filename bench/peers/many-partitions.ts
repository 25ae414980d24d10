/**
 * One node with many partitions, Klamm's and Kafka's in turns: created, idle, written to, shut down, started again after a
 * clean end and after kill -9.
 *
 * "Started" is: Metadata names a leader of every partition. What a node still does behind that is in the CPU of the start too,
 * which is read when the node has been at rest for a while.
 */
import { CreateTopics } from '../../src/protocol/generated/create-topics.ts'
import { Metadata } from '../../src/protocol/generated/metadata.ts'
import { Klamm } from '../../src/index.ts'
import { connect, firstMetadata, sleep } from './admin.ts'
import { median, table } from './report.ts'
import { ServerProcess, type Peer, type ServerPlace } from './server-process.ts'

/** A controller takes at most 10,000 records at once. */
const CREATED_AT_ONCE_MAX = 5000
const STARTED_MS_MAX = 300_000
const REST_MS = 5000
const IDLE_MS = 10_000

export interface Shape {
  readonly topics: number
  readonly partitionsEach: number
}

type Figures = Record<string, number>

export async function manyPartitionsRows(
  peers: readonly Peer[],
  place: (peer: Peer, name: string) => ServerPlace,
  shape: Shape,
  rounds: number,
): Promise<string> {
  const found: Record<Peer, Figures[]> = { klamm: [], kafka: [] }
  for (let round = 0; round < rounds; round++) {
    for (const peer of round % 2 === 0 ? peers : [...peers].reverse()) {
      const figures = await measure(peer, place(peer, `many-${peer}-${shape.topics}-${round}`), shape)
      console.error(peer, JSON.stringify(figures))
      found[peer].push(figures)
    }
  }
  const names = Object.keys(found[peers[0]!][0] ?? {})
  const title = `${shape.topics} topics of ${shape.partitionsEach} partitions`
  const rows = names.map((name) => {
    const cells = peers.flatMap((peer) => {
      const values = found[peer].map((figures) => figures[name] ?? NaN)
      return [shown(median(values)), `${shown(Math.min(...values))}–${shown(Math.max(...values))}`]
    })
    return [name, ...cells]
  })
  return table([title, ...peers.flatMap((peer) => [peer, 'range'])], rows)
}

function shown(value: number): string {
  return value < 10 ? value.toFixed(2) : value.toFixed(0)
}

async function measure(peer: Peer, place: ServerPlace, shape: Shape): Promise<Figures> {
  const figures: Figures = {}
  let server = ServerProcess.spawn(peer, place)
  await firstMetadata(server, performance.now(), STARTED_MS_MAX)
  let startedMs = performance.now()
  const cpuBefore = server.cpuSeconds()
  await create(server, shape)
  await allLed(server, shape)
  figures['create, s'] = seconds(startedMs)
  await sleep(REST_MS)
  figures['create, CPU-s'] = server.cpuSeconds() - cpuBefore
  figures['idle after create, RSS MB'] = server.rssBytes() / 1e6
  figures['idle after create, CPU %'] = await idle(server)
  const cpuAtWrites = server.cpuSeconds()
  startedMs = performance.now()
  await writeToAll(server, shape)
  figures['one record to each, s'] = seconds(startedMs)
  figures['one record to each, CPU-s'] = server.cpuSeconds() - cpuAtWrites
  await sleep(REST_MS)
  figures['idle after writes, RSS MB'] = server.rssBytes() / 1e6
  figures['idle after writes, CPU %'] = await idle(server)
  startedMs = performance.now()
  await server.stop()
  figures['controlled shutdown, s'] = seconds(startedMs)
  for (const end of ['clean end', 'kill -9']) {
    startedMs = performance.now()
    server = ServerProcess.spawn(peer, place)
    await allLed(server, shape)
    figures[`start after ${end}, s`] = seconds(startedMs)
    figures[`start after ${end}, CPU-s until led`] = server.cpuSeconds()
    await sleep(REST_MS)
    figures[`start after ${end}, CPU-s at rest`] = server.cpuSeconds()
    figures[`idle after ${end}, RSS MB`] = server.rssBytes() / 1e6
    figures[`idle after ${end}, CPU %`] = await idle(server)
    await server.kill()
  }
  return figures
}

function seconds(sinceMs: number): number {
  return (performance.now() - sinceMs) / 1000
}

async function idle(server: ServerProcess): Promise<number> {
  const before = server.cpuSeconds()
  await sleep(IDLE_MS)
  return ((server.cpuSeconds() - before) / (IDLE_MS / 1000)) * 100
}

const nameOf = (topic: number): string => `many-${topic}`

async function create(server: ServerProcess, { topics, partitionsEach }: Shape): Promise<void> {
  const connection = await connect(server)
  const atOnce = Math.max(1, Math.floor(CREATED_AT_ONCE_MAX / partitionsEach))
  for (let from = 0; from < topics; from += atOnce) {
    const wanted = Array.from({ length: Math.min(atOnce, topics - from) }, (_, index) => ({
      name: nameOf(from + index),
      numPartitions: partitionsEach,
      replicationFactor: 1,
    }))
    const answer = await connection.request(CreateTopics, 5, { topics: wanted, timeoutMs: 120_000 })
    const failed = answer.topics.find(({ errorCode }) => errorCode !== 0)
    if (failed !== undefined) throw new Error(`${server.peer}: CreateTopics answers ${failed.errorCode}`)
  }
  connection.close()
}

async function allLed(server: ServerProcess, { topics, partitionsEach }: Shape): Promise<void> {
  await firstMetadata(server, performance.now(), STARTED_MS_MAX)
  const connection = await connect(server)
  const startedMs = performance.now()
  for (let topic = 0; topic < topics; topic++) {
    for (;;) {
      const { topics: known } = await connection.request(Metadata, 8, { topics: [{ name: nameOf(topic) }] })
      const partitions = known[0]?.errorCode === 0 ? known[0].partitions : []
      if (partitions.length === partitionsEach && partitions.every(({ leaderId }) => leaderId >= 0)) break
      if (performance.now() - startedMs > STARTED_MS_MAX) throw new Error(`${server.peer}: a partition is not led`)
      await sleep(20)
    }
  }
  connection.close()
}

async function writeToAll(server: ServerProcess, { topics, partitionsEach }: Shape): Promise<void> {
  const client = new Klamm({ brokers: `127.0.0.1:${server.port}` })
  const producer = client.producer({ lingerMs: 20, deliveryTimeoutMs: 240_000 })
  const sent: Promise<unknown>[] = []
  for (let topic = 0; topic < topics; topic++) {
    for (let partition = 0; partition < partitionsEach; partition++)
      sent.push(producer.send({ topic: nameOf(topic), partition, value: 'x'.repeat(100) }))
  }
  await Promise.all(sent)
  await producer.close()
  await client.close()
}
