/**
 * The two brokers as processes: started on a data directory of their own on the same disk, with the same settings, and
 * watched through /proc. Both stay up for the whole run, so that neither pays for its warm-up in a round.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export type Peer = 'klamm' | 'kafka'

export interface ServerPlace {
  readonly directory: string
  readonly port: number
  readonly classPath: string
  /** Of Kafka's JVM. */
  readonly heap: string
  /** Which build of Klamm; dist/ unless told. */
  readonly entry?: string
  /** A properties file that somebody has written, with a directory that is formatted. */
  readonly properties?: string
}

const CLOCK_TICKS_PER_SECOND = 100
/** As Kafka's start script sets them, except for the heap. */
const JVM_FLAGS = [
  '-server',
  '-XX:+UseG1GC',
  '-XX:MaxGCPauseMillis=20',
  '-XX:InitiatingHeapOccupancyPercent=35',
  '-XX:+ExplicitGCInvokesConcurrent',
  '-Djava.awt.headless=true',
]

/** Ends with the benchmark, however it ends. */
const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1))

export class ServerProcess {
  readonly peer: Peer
  readonly port: number
  readonly #child: ChildProcess
  readonly #exited: Promise<void>

  private constructor(peer: Peer, port: number, child: ChildProcess) {
    this.peer = peer
    this.port = port
    this.#child = child
    this.#exited = new Promise((resolve) => child.once('exit', () => resolve()))
  }

  /** Spawned, not yet serving: see admin.ts. */
  static spawn(peer: Peer, place: ServerPlace): ServerProcess {
    const properties = place.properties ?? prepare(peer, place)
    const log = openSync(join(place.directory, 'server.log'), 'a')
    const [command, args] =
      peer === 'klamm'
        ? [process.execPath, [place.entry ?? 'dist/cli/server-start.js', properties]]
        : ['java', [...jvm(place), 'kafka.Kafka', properties]]
    // Ours starts as bin/klamm-run.sh would start it, which keeps this from Node.
    const env = { ...process.env, NODE_EXTRA_CA_CERTS: '' }
    const child = spawn(command, args, { stdio: ['ignore', log, log], env })
    running.add(child)
    child.once('exit', () => running.delete(child))
    return new ServerProcess(peer, place.port, child)
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error(`${this.peer} did not start`)
    return this.#child.pid
  }

  get hasExited(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  /** User and system time of all threads so far. */
  cpuSeconds(): number {
    const stat = readFileSync(`/proc/${this.pid}/stat`, 'latin1')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SECOND
  }

  rssBytes(): number {
    const line = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${this.pid}/status`, 'latin1'))
    return Number(line?.[1]) * 1024
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGTERM')
    await this.#exited
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#exited
  }
}

/** Writes the properties file and, for Kafka, formats; an existing directory stays as it is. */
export function prepare(peer: Peer, { directory, port, classPath, heap }: ServerPlace): string {
  mkdirSync(directory, { recursive: true })
  const properties = join(directory, 'server.properties')
  const data = join(directory, 'data')
  writeFileSync(
    properties,
    `process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${port + 1}
advertised.listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${port + 1}
controller.listener.names=CONTROLLER
controller.quorum.bootstrap.servers=127.0.0.1:${port + 1}
log.dirs=${data}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
log.segment.delete.delay.ms=1000
`,
  )
  if (peer === 'kafka') {
    const format = ['format', '--standalone', '-t', 'AAAAAAAAAAAAAAAAAAAAAQ', '-c', properties, '--ignore-formatted']
    execFileSync('java', [...jvm({ classPath, heap }), 'kafka.tools.StorageTool', ...format], { stdio: 'pipe' })
  }
  return properties
}

export function jvm({ classPath, heap }: { readonly classPath: string; readonly heap: string }): string[] {
  return [
    `-Xmx${heap}`,
    `-Xms${heap}`,
    ...JVM_FLAGS,
    '-Dlog4j2.configurationFile=bench/peers/log4j2.properties',
    '-cp',
    classPath,
  ]
}
