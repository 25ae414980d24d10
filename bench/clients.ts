/**
 * `npm run bench:clients`: the client beside kafkajs, @platformatic/kafka and node-rdkafka, against Apache Kafka 4.3.1. Each client
 * runs in a process of its own, in alternating rounds; medians are printed. The first figure is records per second of the
 * client's own CPU (all threads), the second per second of the clock.
 *
 *   --quick          one round of few records
 *   --rounds=N       alternating rounds a case, 5 unless told
 *   --records=N      of 100 bytes that one round sends; a fifth of it of 1 KB. 1,000,000 unless told
 *   --clients=A,B    only these
 *   --kinds=produce  only one half
 *   --broker=H:P     a broker that runs already; else Kafka 4.3.1 is started, with 1 GB of heap
 *   --port=N         of the broker that is started
 *
 * The other clients are installed once, into a cache folder; node-rdkafka is left out where it does not compile.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { createTopic, deleteTopic, firstMetadata } from './peers/admin.ts'
import { kafkaClassPath } from './peers/kafka-jars.ts'
import { median, table } from './peers/report.ts'
import { ServerProcess } from './peers/server-process.ts'

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    records: { type: 'string' },
    clients: { type: 'string' },
    kinds: { type: 'string', default: 'produce,consume' },
    broker: { type: 'string' },
    port: { type: 'string', default: '19520' },
  },
})
const rounds = Number(values.rounds ?? (values.quick ? 1 : 5))
const records = Number(values.records ?? (values.quick ? 100_000 : 1_000_000))
const ROUND_MS_MAX = 180_000
const SIZES = [
  { bytes: 100, records },
  { bytes: 1024, records: Math.ceil(records / 5) },
]
const REQUIRED = ['kafkajs@2.2.4', '@platformatic/kafka@1.35.0']
const COMPILED = 'node-rdkafka@3.6.1'
const CLIENTS = {
  produce: ['klamm', 'klamm send', 'kafkajs', 'platformatic', 'rdkafka'],
  consume: ['klamm', 'kafkajs', 'platformatic', 'rdkafka'],
} as const

interface Measured {
  readonly records: number
  readonly wallMs: number
  readonly cpuMs: number
}

/** A folder whose node_modules hold the other clients. */
function installed(): string {
  const directory = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'klamm-bench', 'clients')
  mkdirSync(directory, { recursive: true })
  const install = (packages: readonly string[]): boolean => {
    const args = ['install', '--no-audit', '--no-fund', '--loglevel=error', ...packages]
    return spawnSync('npm', args, { cwd: directory, stdio: ['ignore', 'ignore', 2] }).status === 0
  }
  if (!existsSync(join(directory, 'package.json'))) writeFileSync(join(directory, 'package.json'), '{"private":true}')
  if (!existsSync(join(directory, 'node_modules', 'kafkajs')) && !install(REQUIRED))
    throw new Error('the other clients can not be installed')
  if (!existsSync(join(directory, 'node_modules', 'node-rdkafka')) && !install([COMPILED]))
    console.error('without node-rdkafka, which does not compile here')
  return directory
}

function play(
  client: string,
  kind: string,
  broker: string,
  topic: string,
  size: (typeof SIZES)[number],
  packages: string,
): Measured {
  const args = [
    'bench/clients/worker.mjs',
    client,
    kind,
    broker,
    topic,
    `${size.records}`,
    `${size.bytes}`,
    packages,
    resolve('dist/index.js'),
  ]
  const out = execFileSync(process.execPath, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 2],
    timeout: ROUND_MS_MAX,
  })
  return JSON.parse(out.trim().split('\n').at(-1)!) as Measured
}

const thousands = (value: number): string => Math.round(value / 1000).toLocaleString('en')

const packages = installed()
const directory = mkdtempSync(join(tmpdir(), 'klamm-clients-'))
process.on('exit', () => rmSync(directory, { recursive: true, force: true }))
const port = Number(values.broker?.split(':')[1] ?? values.port)
const place = { directory, port, classPath: kafkaClassPath(), heap: '1g' }
const server = values.broker === undefined ? ServerProcess.spawn('kafka', place) : null
const target = server ?? ({ peer: 'kafka', port, hasExited: false } as ServerProcess)
await firstMetadata(target, performance.now())
const broker = values.broker ?? `127.0.0.1:${port}`

let losses = 0
for (const kind of values.kinds.split(',') as ('produce' | 'consume')[]) {
  const has = (client: string): boolean =>
    (values.clients === undefined || values.clients.split(',').includes(client)) &&
    (client !== 'rdkafka' || existsSync(join(packages, 'node_modules', 'node-rdkafka')))
  const clients = CLIENTS[kind].filter(has)
  for (const size of SIZES) {
    const found = new Map<string, Measured[]>(clients.map((client) => [client, []]))
    for (let round = 0; round < rounds; round++) {
      const order = clients.map((_, index) => clients[(index + round) % clients.length]!)
      for (const client of order) {
        const topic = `clients-${kind}-${client.replace(' ', '-')}-${size.bytes}-${round}`
        await createTopic(target, topic, 1)
        if (kind === 'consume') play('klamm', 'produce', broker, topic, size, packages)
        found.get(client)!.push(play(client, kind, broker, topic, size, packages))
        await deleteTopic(target, topic)
      }
    }
    const rows = clients.map((client) => {
      const of = (rate: (each: Measured) => number): number => median(found.get(client)!.map(rate))
      return {
        client,
        perCpuSecond: of((each) => (each.records * 1000) / each.cpuMs),
        perSecond: of((each) => (each.records * 1000) / each.wallMs),
      }
    })
    const best = (key: 'perCpuSecond' | 'perSecond', own: boolean): number =>
      Math.max(
        ...rows.filter(({ client }) => (client === 'klamm') === own && client !== 'klamm send').map((row) => row[key]),
        0,
      )
    const isAhead = (['perCpuSecond', 'perSecond'] as const).every((key) => best(key, true) >= best(key, false))
    if (!isAhead) losses += 1
    console.log(
      `${table(
        [`${kind}, ${size.bytes} B`, 'thousand records per CPU-second', 'per second'],
        rows.map(({ client, perCpuSecond, perSecond }) => [client, thousands(perCpuSecond), thousands(perSecond)]),
      )}${isAhead ? '' : '\nNOT AHEAD OF ALL'}\n`,
    )
  }
}
await server?.stop()
process.exitCode = losses === 0 ? 0 : 1
