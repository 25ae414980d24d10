/**
 * What strangers cost: 10,000 connections that say nothing and 1,000 that send a request a few bytes at a time, beside one
 * client that behaves. Bars: RSS of the broker below 400 MB with all of them connected, p99 of the client below 100 ms.
 *
 *   node scripts/run.mjs bench/connections.ts            a moment with few connections, to show that it runs
 *   node scripts/run.mjs bench/connections.ts --full     the bars; the exit code is 1 if one is missed
 */
import { mkdtempSync, rmSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Produce } from '../src/protocol/generated/produce.ts'
import { buildBatch } from '../src/records/batch-builder.ts'
import { ChunkPool } from '../src/rpc/chunk-pool.ts'
import { ClientConnection } from '../src/rpc/client-connection.ts'
import { nodeWorld } from '../src/world/node/index.ts'
import { createTopic, firstMetadata, sleep } from './peers/admin.ts'
import { ServerProcess } from './peers/server-process.ts'

const { values } = parseArgs({
  options: { full: { type: 'boolean', default: false }, port: { type: 'string', default: '19800' } },
})
const IDLE = values.full ? 10_000 : 100
const SLOW = values.full ? 1000 : 10
const SECONDS = values.full ? 20 : 1
const CONNECTING_AT_ONCE = 100
/** Each slow connection sends a byte a second; they do not all do so at once. */
const SLOW_STEP_MS = 50
const SLOW_STEPS = 20
const PAUSE_MS = 5
const RSS_MAX = 400e6
const P99_MS_MAX = 100
const TOPIC = 'well-behaved'

function open(port: number): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1', () => resolve(socket))
    socket.on('error', reject)
  })
}

async function openMany(count: number, port: number): Promise<net.Socket[]> {
  const sockets: net.Socket[] = []
  while (sockets.length < count) {
    const some = Math.min(CONNECTING_AT_ONCE, count - sockets.length)
    sockets.push(...(await Promise.all(Array.from({ length: some }, () => open(port)))))
  }
  return sockets
}

/** The start of a Produce request that declares 1 MB, and then a byte now and then. */
function dawdle(sockets: readonly net.Socket[]): () => void {
  const start = Buffer.alloc(3000)
  start.writeInt32BE(1_000_000, 0)
  for (const socket of sockets) socket.write(start)
  let step = 0
  const timer = setInterval(() => {
    step++
    for (let at = step % SLOW_STEPS; at < sockets.length; at += SLOW_STEPS) sockets[at]!.write('x')
  }, SLOW_STEP_MS)
  return () => clearInterval(timer)
}

async function behave(connection: ClientConnection, seconds: number): Promise<number[]> {
  const records = buildBatch({ records: [{ timestamp: Date.now(), key: null, value: Buffer.alloc(1024, 'x') }] })
  const times: number[] = []
  const endMs = performance.now() + seconds * 1000
  while (performance.now() < endMs) {
    const startedMs = performance.now()
    const { responses } = await connection.request(Produce, 9, {
      acks: -1,
      timeoutMs: 30_000,
      topicData: [{ name: TOPIC, partitionData: [{ index: 0, records: Buffer.from(records) }] }],
    })
    times.push(performance.now() - startedMs)
    if (responses[0]?.partitionResponses[0]?.errorCode !== 0) throw new Error('a produce failed')
    await sleep(PAUSE_MS)
  }
  return times.sort((left, right) => left - right)
}

function show(name: string, times: readonly number[], rssBytes: number): number {
  const at = (part: number): number => times[Math.min(times.length - 1, Math.floor(times.length * part))]!
  const figures = [0.5, 0.99, 0.999].map((part) => at(part).toFixed(1))
  console.log(
    `${name.padEnd(40)} p50 ${figures[0]} ms  p99 ${figures[1]} ms  p99.9 ${figures[2]} ms  RSS ${(rssBytes / 1e6).toFixed(0)} MB`,
  )
  return at(0.99)
}

const directory = mkdtempSync(join(tmpdir(), 'klamm-connections-'))
let failed = false
try {
  const place = { directory, port: Number(values.port), classPath: '', heap: '' }
  const server = ServerProcess.spawn('klamm', place)
  await firstMetadata(server, performance.now())
  await createTopic(server, TOPIC, 1)
  const client = await ClientConnection.connect(
    nodeWorld().network,
    { host: '127.0.0.1', port: server.port },
    { pool: new ChunkPool({ freeBytesMax: 1 << 20, poison: false }), clientId: 'well-behaved' },
  )
  await behave(client, 1)
  show('alone', await behave(client, SECONDS / 4), server.rssBytes())
  const meanwhile = behave(client, SECONDS / 2)
  const idle = await openMany(IDLE, server.port)
  show(`while ${IDLE} connect`, await meanwhile, server.rssBytes())
  const slow = await openMany(SLOW, server.port)
  const stop = dawdle(slow)
  const times = await behave(client, SECONDS)
  const rssBytes = server.rssBytes()
  const p99 = show(`with ${IDLE} idle and ${SLOW} slow`, times, rssBytes)
  const closed = [...idle, ...slow].filter((socket) => socket.destroyed || socket.readableEnded).length
  if (closed > 0) throw new Error(`${closed} connections were closed`)
  failed = values.full && (rssBytes >= RSS_MAX || p99 >= P99_MS_MAX)
  stop()
  await server.stop()
} finally {
  rmSync(directory, { recursive: true, force: true })
}
process.exit(failed ? 1 : 0)
