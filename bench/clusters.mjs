/**
 * `npm run bench:clusters`: clusters of three combined nodes, Klamm's and Apache Kafka's 4.3.1, beside each other on one machine, in
 * alternating rounds. Prints tables as docs/BENCHMARKS.md keeps them.
 *
 *   --cases=NAME,…   produce, failover, failover-tuned, topics; all unless told
 *   --rounds=N       of produce, 3 unless told
 *   --kills=N        of each kind and each cluster, 20 unless told
 *   --megabytes=N    of one round of produce, 100 unless told
 *   --peers=NAME     klamm or kafka alone
 *
 * Both clusters are there all the time, but only one is asked at a time. Clients are the same: Kafka's load tool for produce,
 * Klamm's client for what a client sees of a node that is killed.
 */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { build, ROOT } from '../scripts/setup.mjs'
import { Cluster } from '../test/interop/lib/cluster.mjs'
import { maven } from '../test/interop/lib/install.mjs'
import { java } from '../test/interop/lib/java.mjs'
import { sleep, stopAll, until } from '../test/interop/lib/process.mjs'
import { KAFKA } from '../test/interop/lib/versions.mjs'

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: 'produce,topics,failover,failover-tuned' },
    rounds: { type: 'string', default: '3' },
    kills: { type: 'string', default: '20' },
    megabytes: { type: 'string', default: '100' },
    peers: { type: 'string', default: 'klamm,kafka' },
  },
})
const PEERS = values.peers.split(',')
const PRODUCE = [
  { name: 'produce, acks=all, 1 partition', partitions: 1 },
  { name: 'produce, acks=all, 12 partitions', partitions: 12 },
]
const LATENCY_RECORDS_PER_SECOND = 500
const TOPICS = 1000
const SEND_EVERY_MS = 5
/** Patience as short as is sensible on a network without trouble. */
const TUNED = {
  'broker.session.timeout.ms': '2000',
  'broker.heartbeat.interval.ms': '500',
  'controller.quorum.fetch.timeout.ms': '1000',
  'controller.quorum.election.timeout.ms': '500',
}

const directory = join(ROOT, '.build', 'clusters', String(process.pid))
process.on('exit', () => {
  stopAll()
  rmSync(directory, { recursive: true, force: true })
})
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1))

await build()
const { Klamm } = await import(pathToFileURL(join(ROOT, 'dist', 'index.js')).href)
const jars = await maven('kafka-4.3.1', KAFKA)
const nowMs = () => performance.now()

async function startClusters(name, settings = {}) {
  const clusters = {}
  for (const peer of PEERS) {
    const place = { directory: join(directory, `${name}-${peer}`) }
    mkdirSync(place.directory, { recursive: true })
    const cluster = await Cluster.make(place, {
      jars,
      settings: { 'log.segment.delete.delay.ms': '1000', ...settings },
    })
    await cluster.format(peer)
    await cluster.start(peer)
    clusters[peer] = cluster
  }
  return clusters
}

const stopClusters = (clusters) => Promise.all(Object.values(clusters).map((cluster) => cluster.stop()))

/** Every cluster takes its turn, and who is first changes. What is found is told at once: long runs may be cut short. */
async function alternate(clusters, rounds, turn) {
  const found = Object.fromEntries(PEERS.map((peer) => [peer, []]))
  for (let round = 0; round < rounds; round++) {
    for (const peer of round % 2 === 0 ? PEERS : [...PEERS].reverse()) {
      const outcome = await turn(clusters[peer], peer, round)
      found[peer].push(outcome)
      const shown = JSON.stringify(outcome, (_, value) => (typeof value === 'number' ? Math.round(value) : value))
      console.error(`round ${round + 1} of ${rounds}, ${peer}: ${shown}`)
    }
  }
  return found
}

function median(list) {
  const sorted = [...list].sort((left, right) => left - right)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

const rows = []

/** A row: medians, ranges, and Klamm's part of Kafka's. */
function row(name, found, digits = 0) {
  const shown = (list) => {
    if (list === undefined) return ['', '']
    const range = `${Math.min(...list).toFixed(digits)}–${Math.max(...list).toFixed(digits)}`
    return [median(list).toFixed(digits), range]
  }
  const ratio = PEERS.length === 2 ? (median(found.klamm) / median(found.kafka)).toFixed(2) : ''
  rows.push([name, ...shown(found.klamm), ...shown(found.kafka), ratio])
  console.error(rows.at(-1).join('  '))
}

const of = (found, field) =>
  Object.fromEntries(Object.entries(found).map(([peer, list]) => [peer, list.map((one) => one[field])]))

async function perf(cluster, topic, records, throughput, more) {
  const { stdout } = await java(
    jars,
    'org.apache.kafka.tools.ProducerPerformance',
    [
      ...['--bootstrap-server', cluster.bootstrap, '--topic', topic, '--throughput', String(throughput)],
      ...[
        '--num-records',
        String(records),
        '--warmup-records',
        String(Math.floor(records * 0.3)),
        '--record-size',
        '1024',
      ],
      ...['--command-property', 'acks=all', ...more],
    ],
    { timeoutMs: 240_000 },
  )
  const found =
    /steady state records sent, [\d.]+ records\/sec \(([\d.]+) MB\/sec\).*, (\d+) ms 50th, \d+ ms 95th, (\d+) ms 99th/.exec(
      stdout,
    )
  if (found === null) throw new Error(`no rate in the output of the tool:\n${stdout.slice(-2000)}`)
  return { rate: Number(found[1]), p50: Number(found[2]), p99: Number(found[3]) }
}

async function withTopic(cluster, name, partitions, body) {
  await cluster.ask('create', { topics: [{ name, numPartitions: partitions, replicationFactor: 3 }] })
  await cluster.isFull()
  try {
    return await body()
  } finally {
    await cluster.ask('delete', { topics: [name] })
    await sleep(2000)
  }
}

async function measureProduce() {
  const clusters = await startClusters('produce')
  const records = Math.ceil((Number(values.megabytes) * 1e6) / 1024)
  const batches = ['batch.size=131072', 'linger.ms=5', 'buffer.memory=67108864']
  for (const { name, partitions } of PRODUCE) {
    const turn = (cluster, _, round) =>
      withTopic(cluster, `rate-${partitions}-${round}`, partitions, () =>
        perf(cluster, `rate-${partitions}-${round}`, records, -1, batches),
      )
    await alternate(clusters, 1, (cluster, peer) => turn(cluster, peer, 'warm'))
    row(`${name}, MB/s`, of(await alternate(clusters, Number(values.rounds), turn), 'rate'))
  }
  const latency = await alternate(clusters, Number(values.rounds), (cluster, _, round) =>
    withTopic(cluster, `latency-${round}`, 3, () =>
      perf(cluster, `latency-${round}`, LATENCY_RECORDS_PER_SECOND * 10, LATENCY_RECORDS_PER_SECOND, ['linger.ms=0']),
    ),
  )
  row(`latency at ${LATENCY_RECORDS_PER_SECOND} records/s, acks=all, p50, ms`, of(latency, 'p50'))
  row('the same, p99, ms', of(latency, 'p99'))
  await stopClusters(clusters)
}

/** Klamm's client for one turn. */
async function withClient(options, body) {
  const kafka = new Klamm(options)
  try {
    return await body(kafka)
  } finally {
    await kafka.close()
  }
}

/** Topics are created in one request; then a node that has a replica of each leaves in an orderly way. */
async function measureTopics() {
  const clusters = await startClusters('topics')
  const topics = Array.from({ length: TOPICS }, (_, n) => ({
    name: `many-${n}`,
    numPartitions: 1,
    replicationFactor: 3,
  }))
  const found = await alternate(clusters, 1, async (cluster) => {
    const startedMs = nowMs()
    await withClient({ brokers: cluster.bootstrap }, async (kafka) =>
      (await kafka.admin().createTopics(topics, { timeoutMs: 120_000 })).all(),
    )
    const created = nowMs() - startedMs
    await cluster.isFull()
    const full = nowMs() - startedMs
    await sleep(2000)
    const node = cluster.nodes[1]
    const leavesMs = nowMs()
    await node.stop('SIGTERM', 120_000)
    return { created, full, left: nowMs() - leavesMs }
  })
  row(`create ${TOPICS} topics with 3 replicas in one request, ms`, of(found, 'created'))
  row('until all their replicas are in sync, ms', of(found, 'full'))
  row(`controlled shutdown of a node with ${TOPICS} partitions, signal to exit, ms`, of(found, 'left'))
  await stopClusters(clusters)
}

/** The longest time between two acknowledgements around a kill. */
async function gapAround(kafka, kill) {
  const producer = kafka.producer({ lingerMs: 0, deliveryTimeoutMs: 60_000 })
  const acks = []
  const inFlight = new Set()
  const sender = setInterval(() => {
    const sending = producer
      .send({ topic: 'gap', partition: 0, value: 'x' })
      .then(() => acks.push(nowMs()))
      .catch((error) => console.error(String(error)))
      .finally(() => inFlight.delete(sending))
    inFlight.add(sending)
  }, SEND_EVERY_MS)
  await until(() => acks.length > 100, 'records are acknowledged')
  const killedMs = nowMs()
  await kill()
  const isBack = () => acks.filter((at) => at > killedMs + 200).length > 50 && acks.at(-1) > killedMs + 1000
  await until(isBack, 'records are acknowledged again', 60_000)
  clearInterval(sender)
  await Promise.all(inFlight)
  await producer.close()
  let gap = 0
  for (let at = 1; at < acks.length; at++) gap = Math.max(gap, acks[at] - acks[at - 1])
  return gap
}

async function leaderKill(cluster, peer) {
  const partitions = await until(() => cluster.tryAsk('partitions'), 'the partitions are told')
  const { leader } = partitions.find(({ topic }) => topic === 'gap')
  const node = cluster.nodes[leader - 1]
  const gap = await withClient({ brokers: cluster.bootstrap }, (kafka) => gapAround(kafka, () => node.stop('SIGKILL')))
  await node.start(peer)
  await cluster.isFull()
  return gap
}

/** From the kill of the active controller to the first topic that is created after it. */
async function controllerKill(cluster, peer, round) {
  const { leaderId } = await until(() => cluster.tryAsk('quorum'), 'the quorum has a leader')
  const node = cluster.nodes[leaderId - 1]
  const tookMs = await withClient({ brokers: cluster.bootstrap, requestTimeoutMs: 2000 }, async (kafka) => {
    const admin = kafka.admin()
    await admin.describeCluster()
    const killedMs = nowMs()
    await node.stop('SIGKILL')
    const name = `after-${round}`
    const topics = [{ name, numPartitions: 1, replicationFactor: 1 }]
    const create = async () => {
      const outcome = await admin.createTopics(topics, { timeoutMs: 5000 }).catch(() => null)
      if (outcome === null) return false
      // An attempt whose answer was lost may have worked.
      const error = [...outcome.errors()][0]?.[1]
      return error === undefined || error.code === 'TOPIC_ALREADY_EXISTS'
    }
    await until(create, 'a topic is created', 60_000)
    const took = nowMs() - killedMs
    await admin.deleteTopics([name])
    return took
  })
  await node.start(peer)
  await cluster.isFull()
  return tookMs
}

async function measureFailover(name, settings) {
  const clusters = await startClusters(name, settings)
  for (const cluster of Object.values(clusters)) {
    await cluster.ask('create', { topics: [{ name: 'gap', numPartitions: 1, replicationFactor: 3 }] })
    await cluster.isFull()
  }
  const kills = Number(values.kills)
  row(`${name}: no acknowledgement after kill -9 of the leader, ms`, await alternate(clusters, kills, leaderKill))
  row(
    `${name}: no topic created after kill -9 of the active controller, ms`,
    await alternate(clusters, kills, controllerKill),
  )
  await stopClusters(clusters)
}

const CASES = {
  produce: measureProduce,
  topics: measureTopics,
  failover: () => measureFailover('default settings', {}),
  'failover-tuned': () => measureFailover('tuned', TUNED),
}
for (const name of values.cases.split(',')) {
  if (CASES[name] === undefined) throw new Error(`no such case: ${name}; there are ${Object.keys(CASES).join(' ')}`)
  await CASES[name]()
}
const head = ['three nodes, three replicas', 'Klamm', 'range', 'Kafka', 'range', 'ratio']
console.log([head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n'))
process.exit(0)
