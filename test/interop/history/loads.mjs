/** The loads as processes of a suite, and the judgement of what they wrote down. */
import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { javaCommand } from '../lib/java.mjs'
import { start, until } from '../lib/process.mjs'
import { check, longestSilenceMs } from './checker.mjs'

const END_MS = 240_000

export class RunningLoad {
  name
  file
  acked = 0
  #process
  #how
  #isDone = false

  /**
   * By Klamm's client.
   * @param {import('../lib/suite.mjs').Suite} suite
   * @param {import('../lib/cluster.mjs').Cluster} cluster
   * @param {Partial<import('./load.mjs').LoadOptions> & { topic: string, partitions: number, seed: number }} options
   */
  static ofKlamm(suite, cluster, options) {
    const file = join(suite.directory, `history-${options.topic}.jsonl`)
    const all = {
      brokers: cluster.bootstrap,
      file,
      acks: 'all',
      producers: 3,
      members: 2,
      transactions: true,
      recordsPerSecond: 200,
      ...options,
    }
    const program = [join(import.meta.dirname, 'load.mjs'), JSON.stringify(all)]
    return new RunningLoad(suite, `load-${options.topic}`, file, cluster.client(process.execPath, program))
  }

  /**
   * By Java's clients.
   * @param {import('../lib/suite.mjs').Suite} suite
   * @param {import('../lib/cluster.mjs').Cluster} cluster
   * @param {string} classPath with HistoryLoad
   * @param {{ topic: string, partitions: number, recordsPerSecond?: number }} options
   */
  static ofJava(suite, cluster, classPath, { topic, partitions, recordsPerSecond = 200 }) {
    const file = join(suite.directory, `history-${topic}.jsonl`)
    const args = [cluster.bootstrap, topic, String(partitions), file, String(recordsPerSecond)]
    const command = javaCommand(classPath, 'HistoryLoad', args, ['-Xmx256m'])
    return new RunningLoad(suite, `load-${topic}`, file, cluster.client('java', command))
  }

  constructor(suite, name, file, [command, args]) {
    this.name = name
    this.file = file
    const onLine = (line) => {
      if (line.startsWith('acked ')) this.acked = Number(line.slice(6))
      else if (line === 'done') this.#isDone = true
    }
    this.#process = start(command, args, { logFile: join(suite.directory, `${name}.log`), onLine })
    void this.#process.ended.then((how) => (this.#how = how))
  }

  /** Waits until more is acknowledged than now. */
  async goesOn(timeoutMs = 60_000) {
    const before = this.acked
    const more = () => {
      if (this.#how !== undefined) throw new Error(`${this.name} ended with ${this.#how}`)
      return this.acked > before
    }
    await until(more, `${this.name}: more records are acknowledged`, timeoutMs)
  }

  /** Ends the sending, and waits until everything is read. */
  async end() {
    this.#process.stdin.end('stop\n')
    const done = () => {
      if (this.#isDone) return true
      if (this.#how !== undefined) throw new Error(`${this.name} ended with ${this.#how}`)
      return false
    }
    await until(done, `${this.name}: everything is read`, END_MS)
  }

  async judge() {
    const events = []
    for await (const line of createInterface({ input: createReadStream(this.file) })) events.push(JSON.parse(line))
    const failures = events.filter(({ e }) => e === 'unsent' || e === 'poll-failed').map(({ e, why }) => `${e}: ${why}`)
    return { ...check(events), failures, silenceMs: Math.round(longestSilenceMs(events)) }
  }
}

/** @param {{ totals: Record<string, number>, silenceMs: number }} judgement */
export function inWords({ totals, silenceMs }) {
  const numbers = Object.entries(totals).map(([what, count]) => `${what} ${count}`)
  return `${numbers.join(', ')}, longest time without an acknowledgement ${silenceMs} ms`
}
