/** What Klamm and Kafka have in common as processes under test: one server.properties, a port, an end. */
import type { ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'

export interface Server {
  readonly name: string
  readonly port: number
  stop(): Promise<void>
}

const START_MS_MAX = 300_000

/**
 * The same settings for both, but for the places. Nothing expires while a run lasts, and no fetch session is pushed out.
 * `more`: what makes an older release do as the newer by default.
 */
export function nodeProperties(
  dataDirectory: string,
  port: number,
  more: Readonly<Record<string, string>> = {},
): string {
  const controllerPort = port + 1
  const properties = {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    'controller.listener.names': 'CONTROLLER',
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'log.dirs': dataDirectory,
    'log.retention.ms': '-1',
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '3',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'transaction.state.log.num.partitions': '3',
    'group.initial.rebalance.delay.ms': '0',
    'max.incremental.fetch.session.cache.slots': '100000',
    'offsets.retention.check.interval.ms': '86400000',
    ...more,
  }
  return Object.entries(properties)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('')
}

export async function waitUntilListening(port: number, child: ChildProcess, logFile: string): Promise<void> {
  const end = performance.now() + START_MS_MAX
  while (!(await listens(port))) {
    if (child.exitCode !== null || child.signalCode !== null || performance.now() > end) {
      child.kill('SIGKILL')
      throw new Error(`nothing listens on port ${port}:\n${readFileSync(logFile, 'utf8').slice(-3000)}`)
    }
    await sleep(100)
  }
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
