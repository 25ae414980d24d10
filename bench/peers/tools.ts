/**
 * The load: Kafka's own tools, the same for both brokers, and rdkafka_performance where it is installed. Each call is one
 * client process; what it prints is all that is taken from it.
 */
import { execFile, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { jvm } from './server-process.ts'

const run = promisify(execFile)
const OUTPUT_BYTES_MAX = 16 << 20
/** Large enough that requests are few, as in a cluster that is sized for throughput. */
const BATCH_BYTES = 131_072
const LINGER_MS = 5
const CLIENT_HEAP = '512m'
/** Different values, so that a codec has work, and few enough to lie in the client's cache. */
const PAYLOADS = 500
/** Part of the records before rates are taken: the client's own warm-up. */
const WARM_UP_PART = 0.3

export type Client = 'java' | 'rdkafka'
export type Compression = 'none' | 'lz4'

export interface Load {
  readonly client: Client
  readonly topic: string
  readonly port: number
  readonly records: number
  readonly recordBytes: number
  readonly compression: Compression
  readonly acks: '1' | 'all'
}

export interface Rate {
  readonly recordsPerSecond: number
  readonly megabytesPerSecond: number
}

export interface Latency {
  readonly p50Ms: number
  readonly p99Ms: number
  readonly p999Ms: number
}

export function hasRdkafka(): boolean {
  return spawnSync('rdkafka_performance', ['-h']).error === undefined
}

export class Tools {
  readonly #classPath: string
  readonly #directory: string

  constructor(classPath: string, directory: string) {
    this.#classPath = classPath
    this.#directory = directory
  }

  async produce(load: Load): Promise<Rate> {
    if (load.client === 'rdkafka') return this.#rdkafka('-P', load)
    const { topic, port, records, compression, acks } = load
    const output = await this.#java('org.apache.kafka.tools.ProducerPerformance', [
      ...['--bootstrap-server', `127.0.0.1:${port}`, '--topic', topic, '--throughput', '-1'],
      ...['--num-records', String(records), '--warmup-records', String(Math.floor(records * WARM_UP_PART))],
      ...['--payload-file', this.#payloads(load.recordBytes)],
      ...['--command-property', `acks=${acks}`, `compression.type=${compression}`],
      ...[`batch.size=${BATCH_BYTES}`, `linger.ms=${LINGER_MS}`, 'buffer.memory=67108864', 'client.id=bench'],
    ])
    const found = /steady state records sent, ([\d.]+) records\/sec \(([\d.]+) MB\/sec\)/.exec(output)
    return rate(Number(found?.[1]), Number(found?.[2]), output)
  }

  /** Time from `send` to the answer at a fixed rate. */
  async produceLatency(load: Load, recordsPerSecond: number): Promise<Latency> {
    const { topic, port, records, compression, acks } = load
    const output = await this.#java('org.apache.kafka.tools.ProducerPerformance', [
      ...['--bootstrap-server', `127.0.0.1:${port}`, '--topic', topic, '--throughput', String(recordsPerSecond)],
      ...['--num-records', String(records), '--warmup-records', String(Math.floor(records * WARM_UP_PART))],
      ...['--payload-file', this.#payloads(load.recordBytes)],
      ...['--command-property', `acks=${acks}`, `compression.type=${compression}`, 'linger.ms=0', 'client.id=bench'],
    ])
    const found = /steady state records sent.*, (\d+) ms 50th, \d+ ms 95th, (\d+) ms 99th, (\d+) ms 99.9th/.exec(output)
    return latency(found, output)
  }

  async consume(load: Load): Promise<Rate> {
    if (load.client === 'rdkafka') return this.#rdkafka('-C', load)
    const { topic, port, records } = load
    const output = await this.#java('org.apache.kafka.tools.ConsumerPerformance', [
      ...['--bootstrap-server', `127.0.0.1:${port}`, '--topic', topic, '--num-records', String(records)],
      ...['--hide-header', '--timeout', '30000'],
    ])
    const fields = output.trim().split('\n').at(-1)?.split(', ') ?? []
    return rate(Number(fields[9]), Number(fields[8]), output)
  }

  /** One record at a time: produced, acknowledged, consumed. */
  async endToEnd(port: number, topic: string, records: number, acks: '1' | 'all'): Promise<Latency> {
    const args = [`127.0.0.1:${port}`, topic, String(records), acks, '100']
    const output = await this.#java('org.apache.kafka.tools.EndToEndLatency', args)
    return latency(/50th = (\d+), 99th = (\d+), 99.9th = (\d+)/.exec(output), output)
  }

  async #java(name: string, args: readonly string[]): Promise<string> {
    const options = { maxBuffer: OUTPUT_BYTES_MAX }
    const flags = jvm({ classPath: this.#classPath, heap: CLIENT_HEAP })
    return (await run('java', [...flags, name, ...args], options)).stdout
  }

  async #rdkafka(mode: '-P' | '-C', load: Load): Promise<Rate> {
    const { topic, port, records, recordBytes, compression, acks } = load
    const args = [mode, '-t', topic, '-b', `127.0.0.1:${port}`, '-c', String(records), '-u']
    const producing = ['-s', String(recordBytes), '-a', acks === 'all' ? '-1' : '1', '-z', compression]
    const batching = ['-X', `batch.size=${BATCH_BYTES}`, '-X', `linger.ms=${LINGER_MS}`]
    const consuming = ['-o', 'beginning', '-p', '0']
    const all = [...args, ...(mode === '-P' ? [...producing, ...batching] : consuming)]
    const { stdout, stderr } = await run('rdkafka_performance', all, { maxBuffer: OUTPUT_BYTES_MAX })
    const found = [...`${stdout}${stderr}`.matchAll(/(\d+) msgs\/s[^\n]*?([\d.]+) MB\/s/g)].at(-1)
    return rate(Number(found?.[1]), Number(found?.[2]), stdout + stderr)
  }

  /** Lines like JSON of services: lz4 makes them about three times smaller. */
  #payloads(recordBytes: number): string {
    const file = join(this.#directory, `payloads-${recordBytes}.txt`)
    let seed = 12345
    const next = (below: number): number => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff
      return (seed >>> 8) % below
    }
    const lines = Array.from({ length: PAYLOADS }, () => {
      let line = ''
      while (line.length < recordBytes) {
        line += `{"id":${next(1e9)},"user":"u${next(1e5).toString(36)}","event":"page_view","at":${next(1e9)},`
        line += `"path":"/shop/${next(500)}/item/${next(1e6).toString(36)}","ms":${next(2000)}}`
      }
      return line.slice(0, recordBytes)
    })
    writeFileSync(file, lines.join('\n'))
    return file
  }
}

function rate(recordsPerSecond: number, megabytesPerSecond: number, output: string): Rate {
  if (!(recordsPerSecond > 0)) throw new Error(`no rate in the output of the tool:\n${output.slice(-2000)}`)
  return { recordsPerSecond, megabytesPerSecond }
}

function latency(found: RegExpExecArray | null, output: string): Latency {
  if (found === null) throw new Error(`no latencies in the output of the tool:\n${output.slice(-2000)}`)
  return { p50Ms: Number(found[1]), p99Ms: Number(found[2]), p999Ms: Number(found[3]) }
}
