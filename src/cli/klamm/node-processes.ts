/**
 * The processes of a local cluster. What each prints comes out with its name in front; they are asked to stop brokers
 * first, so that controllers can still give their partitions away.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { ToolExit } from '../tool/tool-exit.ts'
import type { ToolHost } from '../tool/tool.ts'
import type { LocalNode } from '../../server/local-cluster.ts'

/** Beside a node's data: its settings, so that it can be started by hand, too. */
export const propertiesFile = (directory: string): string => `${directory}.properties`

/** What a server prints when it serves. */
const STARTED = 'Kafka Server started'
/** Of a terminal: one for each node in turn. */
const COLOURS = [36, 33, 32, 35, 34, 31]

interface Started {
  readonly node: LocalNode
  readonly child: ChildProcess
  /** Resolves to what it ended with: an exit code or the name of a signal. */
  readonly ended: Promise<number | string>
  isReady: boolean
  hasEnded: boolean
}

export class NodeProcesses {
  readonly #program: string
  readonly #host: ToolHost
  readonly #started: Started[] = []
  #width = 0
  #isUp = false
  #isStopping = false

  constructor(program: string, host: ToolHost) {
    this.#program = program
    this.#host = host
  }

  /** Until interrupted, or until all have ended. @throws ToolExit if one of them can't start. */
  async run(nodes: readonly LocalNode[], onUp: () => void): Promise<void> {
    const asked = this.#asked()
    this.#width = Math.max(...nodes.map(({ name }) => name.length))
    let failed: Started | null = null
    const up = new Promise<void>((resolve) => {
      for (const [index, node] of nodes.entries()) {
        const started = this.#start(node, index, () => {
          if (this.#started.every(({ isReady }) => isReady)) resolve()
        })
        void started.ended.then((how) => {
          if (this.#isStopping) return
          if (this.#isUp) return this.#tellOfEnd(node, how)
          failed ??= started
          resolve()
        })
      }
      asked.addEventListener('abort', () => resolve(), { once: true })
    })
    await up
    if (failed === null && !asked.aborted) {
      this.#isUp = true
      onUp()
      await this.#untilEnd(asked)
    }
    await this.#stop()
    const culprit = failed as Started | null
    if (culprit !== null)
      throw new ToolExit(1, `klamm: ${culprit.node.name} could not start: see what it printed above.`)
  }

  #start(node: LocalNode, index: number, ready: () => void): Started {
    const { environment } = this.#host
    const child = spawn(process.execPath, [...process.execArgv, this.#program, propertiesFile(node.directory)], {
      stdio: ['ignore', 'pipe', 'pipe'],
      // Ctrl-C of the terminal goes to us alone: brokers are stopped before controllers.
      detached: true,
      env: environment,
    })
    const started: Started = {
      node,
      child,
      isReady: false,
      hasEnded: false,
      ended: new Promise((resolve) => {
        child.on('error', (error) => resolve(error.message))
        child.on('exit', (code, signal) => resolve(signal ?? code ?? 0))
      }),
    }
    void started.ended.then(() => (started.hasEnded = true))
    this.#started.push(started)
    const prefix = this.#prefix(node.name, index)
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue
      createInterface({ input: stream }).on('line', (line) => {
        this.#host.terminal.out(prefix + line)
        if (started.isReady || !line.includes(STARTED)) return
        started.isReady = true
        ready()
      })
    }
    return started
  }

  #prefix(name: string, index: number): string {
    const text = `${name.padEnd(this.#width)} | `
    const { terminal, environment } = this.#host
    if (!terminal.isScreen || environment['NO_COLOR']) return text
    return `\u001B[${COLOURS[index % COLOURS.length]}m${text}\u001B[0m`
  }

  #tellOfEnd({ name, directory }: LocalNode, how: number | string): void {
    const ended = typeof how === 'string' ? `was ended by ${how}` : `ended with exit code ${how}`
    this.#host.terminal.error(
      `klamm: ${name} ${ended}; the others go on. To start it again: kafka-server-start.sh ${propertiesFile(directory)}`,
    )
  }

  /** By an interrupt, or because the terminal was closed. However this process ends, the others are not left behind. */
  #asked(): AbortSignal {
    const asked = new AbortController()
    const ask = (): void => asked.abort()
    this.#host.interrupted.addEventListener('abort', ask, { once: true })
    process.once('SIGHUP', ask)
    process.once('exit', () => {
      for (const { child, hasEnded } of this.#started) if (!hasEnded) child.kill('SIGTERM')
    })
    return asked.signal
  }

  async #untilEnd(asked: AbortSignal): Promise<void> {
    const aborted = new Promise<void>((resolve) => {
      if (asked.aborted) resolve()
      else asked.addEventListener('abort', () => resolve(), { once: true })
    })
    await Promise.race([aborted, Promise.all(this.#started.map(({ ended }) => ended))])
  }

  async #stop(): Promise<void> {
    this.#isStopping = true
    for (const role of ['broker', 'controller'] as const) {
      const running = this.#started.filter(({ node, hasEnded }) => node.role === role && !hasEnded)
      for (const { child } of running) child.kill('SIGTERM')
      await Promise.all(running.map(({ ended }) => ended))
    }
  }
}
