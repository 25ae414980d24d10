/**
 * The broker under test and its machine: starts it, starts it anew whenever it is gone, kills it by request. What it shows
 * when it has started is judged at once, before a client can come.
 */
import type { Logger } from '../../base/logger.ts'
import { startBroker, type Broker } from '../../broker.ts'
import type { Inside } from '../../server/node-options.ts'
import type { Sim } from './sim.ts'

export const BROKER_PORT = 9092

/** How the process ends. */
export type Ending = 'crash' | 'power loss' | 'close' | 'kill and start in the same process'

export class SimBroker {
  readonly #sim: Sim
  #broker: Broker | null = null
  #inside: Inside | null = null
  /** Grows with each start that succeeded. */
  incarnation = 0
  #powerLost = false
  #closing = false
  /** Wakes the supervisor: the process has ended. */
  #ended: () => void = () => {}
  /** Events until the process dies; null: it lives on. */
  #dying: { events: number; readonly ending: 'crash' | 'power loss' } | null = null
  #stopped = false
  /** The supervisor waits with the next start until this resolves. */
  #downUntilMs = 0

  constructor(sim: Sim) {
    this.#sim = sim
  }

  /** What no client can see; null while it doesn't serve. */
  get inside(): Inside | null {
    return this.#inside
  }

  /** From the beginning of a clean end to the next start. */
  get isClosing(): boolean {
    return this.#closing
  }

  get isUp(): boolean {
    return this.#inside !== null
  }

  /** Keeps a broker running until `stop`. */
  async supervise(): Promise<void> {
    const { main } = this.#sim.world
    while (!this.#stopped) {
      if (this.#downUntilMs > this.#sim.nowMs) await this.#sim.sleep(this.#downUntilMs - this.#sim.nowMs)
      const ended = new Promise<void>((resolve) => (this.#ended = resolve))
      const started = await Promise.race([this.#start(), ended.then(() => 'ended' as const)])
      if (started === 'failed') {
        // Its process exits, and an operator or a service manager starts the next one.
        main.crash()
        await this.#sim.sleep(500)
      } else if (started === 'started') await ended
    }
  }

  /** Ends the process now; the supervisor starts the next. */
  async end(ending: Ending, downMs: number): Promise<void> {
    const sim: Sim = this.#sim
    const broker = this.#broker
    this.#downUntilMs = sim.nowMs + downMs
    if (broker !== null && (ending === 'close' || ending === 'kill and start in the same process')) {
      sim.note('broker', ending)
      const { incarnation } = this
      this.#closing = ending === 'close'
      await Promise.race([ending === 'close' ? broker.close() : broker.kill(), sim.sleep(20_000)])
      if (this.#broker !== broker || this.incarnation !== incarnation) return
      sim.sometimes(ending === 'close' ? 'clean restart' : 'restart within the process')
      this.#gone()
      return
    }
    this.#die(ending === 'power loss' ? 'power loss' : 'crash')
  }

  /** The process dies after that many events of the simulation. */
  dieAfter(events: number, ending: 'crash' | 'power loss'): void {
    this.#dying ??= { events, ending }
  }

  /** It doesn't die after all. */
  live(): void {
    this.#dying = null
  }

  /** After each event. */
  tick(): void {
    if (this.#dying === null || --this.#dying.events > 0) return
    const { ending } = this.#dying
    this.#dying = null
    this.#die(ending)
  }

  /** The last: a clean end without a successor. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#dying = null
    this.#closing = true
    const broker = this.#broker
    if (broker !== null) await broker.close()
    this.#gone()
  }

  /** Start again behind a `stop`, without a supervisor. */
  async startOnce(): Promise<boolean> {
    return (await this.#start()) === 'started'
  }

  #die(ending: 'crash' | 'power loss'): void {
    const { main } = this.#sim.world
    this.#sim.sometimes(ending === 'crash' ? 'process crash' : 'power loss')
    this.#sim.note('broker', ending)
    if (ending === 'crash') main.crash()
    else {
      main.powerLoss()
      this.#powerLost = true
      this.#sim.groups.powerLost()
    }
    this.#gone()
  }

  #gone(): void {
    this.#broker = null
    this.#inside = null
    this.#ended()
  }

  async #start(): Promise<'started' | 'failed'> {
    const sim: Sim = this.#sim
    const { main } = sim.world
    const { settings } = sim
    if (sim.rotting) main.disk.rates.rot = 0
    sim.rotting = false
    this.#countFiles()
    let inside: Inside | null = null
    try {
      const broker = await startBroker({
        world: main.world,
        host: main.ip,
        port: BROKER_PORT,
        directory: settings.logDirectories[0] ?? '/data',
        config: settings.broker,
        logger: this.#logger(),
        inside: {
          poison: true,
          tailCacheBytes: settings.tailCacheBytes,
          inspect: (found) => {
            inside = found
            this.#judge(found)
          },
        },
      })
      this.#broker = broker
      this.#inside = inside
      this.#closing = false
      this.incarnation += 1
      sim.note('broker', `serves, incarnation ${this.incarnation}`)
      broker.closed.then(
        () => undefined,
        (error: unknown) => {
          if (this.#broker !== broker) return
          sim.sometimes('node stopped by itself')
          sim.note('broker', `stopped by itself: ${String(error)}`)
          if (error instanceof Error && error.name === 'InvariantError') sim.fail(error)
          this.#downUntilMs = sim.nowMs + 300
          main.crash()
          this.#gone()
        },
      )
      return 'started'
    } catch (error) {
      sim.sometimes('start failed')
      sim.note('broker', `could not start: ${String(error)}`)
      if (error instanceof Error && (error.name === 'SimFailure' || error.name === 'InvariantError')) sim.fail(error)
      if (sim.healedAtMs !== null && sim.nowMs > sim.healedAtMs + 5000) sim.fail(error)
      return 'failed'
    }
  }

  /** What this start finds. */
  #countFiles(): void {
    const { main } = this.#sim.world
    for (const directory of [...this.#sim.settings.logDirectories, '/metadata']) {
      for (const { path, size } of main.disk.files(directory)) {
        if (
          path.includes('/__cluster_metadata-0/') &&
          path.endsWith('.checkpoint') &&
          !path.includes('/00000000000000000000-')
        ) {
          this.#sim.sometimes('metadata snapshot loaded')
        }
        // One without producers has 10 bytes.
        if (path.endsWith('.snapshot') && size > 10) this.#sim.sometimes('producer snapshot used')
      }
    }
  }

  #judge(inside: Inside): void {
    const sim: Sim = this.#sim
    const { services } = inside
    sim.topics.checkImage(services.image())
    let complete = true
    for (const partition of sim.logs.all()) {
      const log = services.replicas.partition(partition.topic.name, partition.index)?.log ?? null
      if (log === null) {
        complete = false
        const isMended = sim.healedAtMs !== null
        sim.check(!isMended, () => `${partition.name} has no log after a start on a healthy disk`)
        continue
      }
      sim.logs.checkStarted(partition, log, this.#powerLost)
    }
    if (complete) this.#powerLost = false
  }

  #logger(): Logger {
    const sim: Sim = this.#sim
    const seen = (message: string, error?: unknown): void => {
      sim.note('broker', error === undefined ? message : `${message}: ${String(error)}`)
      if (message.startsWith('Recovering')) sim.sometimes('recovery of logs')
      if (message.startsWith('Stopping serving logs')) sim.sometimes('directory failed')
      if (message.includes(': cut ')) sim.sometimes('recovery with cut tail')
      if (message.includes('MetadataSnapshot] Wrote')) sim.sometimes('metadata snapshot written')
      if (error instanceof Error && error.name === 'InvariantError') sim.fail(error)
    }
    return { debug() {}, info: seen, warn: seen, error: seen }
  }
}
