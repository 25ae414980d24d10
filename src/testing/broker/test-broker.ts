/**
 * A broker for tests of code that uses Kafka: the real one, on real sockets, with a clock, a disk, a network and requests that
 * go wrong when told to. One TestBroker outlives the runs of the broker in it: after `close`, `kill` or a failure of its own it
 * starts again on the same port, with what the disk then holds.
 */
import { startBroker, type Broker, type BrokerOptions } from '../../broker.ts'
import { checkOptionNames } from '../../embedding.ts'
import { nodeWorld } from '../../world/node/index.ts'
import type { RequestedFault, RequestFault } from './request-fault.ts'
import { RequestFaults } from './request-faults.ts'
import { TestClock } from './test-clock.ts'
import { TestDisk } from './test-disk.ts'
import { TestNetwork } from './test-network.ts'
import { TestProcess } from './test-process.ts'

export interface TestBrokerOptions extends Pick<BrokerOptions, 'host' | 'port' | 'config' | 'logger'> {
  /** What the broker's wall clock shows at first: milliseconds since 1970. The machine's time if left out. */
  readonly startMs?: number
}

const TEST_BROKER_OPTIONS = {
  host: 'public',
  port: 'public',
  config: 'public',
  logger: 'public',
  startMs: 'public',
} as const

interface Run {
  readonly process: TestProcess
  readonly broker: Broker
}

/** @throws OperationalError with one sentence, as `startBroker`. */
export async function startTestBroker(options: TestBrokerOptions = {}): Promise<TestBroker> {
  checkOptionNames<Required<TestBrokerOptions>>(options as Required<TestBrokerOptions>, TEST_BROKER_OPTIONS)
  const broker = new TestBroker(options)
  await broker.start()
  return broker
}

export class TestBroker implements AsyncDisposable {
  readonly clock: TestClock
  readonly disk: TestDisk
  readonly network: TestNetwork
  readonly #options: TestBrokerOptions
  readonly #real = nodeWorld()
  readonly #requests = new RequestFaults()
  #process = new TestProcess()
  #run: Run | null = null
  /** Of the last run, also while there is none. */
  #address: Pick<Broker, 'host' | 'port' | 'address' | 'clusterId'> = { host: '', port: 0, address: '', clusterId: '' }
  #closed: Promise<void> = Promise.resolve()

  /** @internal Use `startTestBroker`. */
  constructor(options: TestBrokerOptions) {
    this.#options = options
    this.clock = new TestClock(options.startMs ?? null, () => this.disk.isBusy)
    this.disk = new TestDisk(this.clock, (ms, run) => {
      const process = this.#process
      const clock = this.clock.of(process)
      clock.at(clock.monotonicMs() + ms, run)
    })
    this.network = new TestNetwork(this.#real.network)
  }

  get host(): string {
    return this.#address.host
  }

  /** The same in every run. */
  get port(): number {
    return this.#address.port
  }

  /** `host:port`, for a client's list of bootstrap servers. */
  get address(): string {
    return this.#address.address
  }

  get clusterId(): string {
    return this.#address.clusterId
  }

  get isRunning(): boolean {
    return this.#run !== null
  }

  /** Settles when this run, or the last one, has ended; rejects if it had to stop by itself (its last disk failed). */
  get closed(): Promise<void> {
    return this.#closed
  }

  /**
   * The next requests of an API go wrong:
   *
   *     broker.failRequests({ api: 'Produce', code: 'NOT_LEADER_OR_FOLLOWER', times: 2 })
   *
   * @throws Error for an API that is not served or a code that does not exist.
   */
  failRequests(fault: RequestFault): RequestedFault {
    return this.#requests.add(fault)
  }

  /** Takes back all faults of disk, network and requests. Time that was paused stays so. */
  async heal(): Promise<void> {
    this.#requests.clear()
    this.disk.heal()
    await this.network.heal()
  }

  /** Starts again, after `close`, `kill` or a failure. Does nothing while it runs. */
  async start(): Promise<void> {
    if (this.#run !== null) return
    const process = new TestProcess()
    this.#process = process
    const clock = this.clock.of(process)
    const world = {
      ...this.#real,
      clock,
      disk: this.disk.mount(),
      network: this.network.of(process, clock),
    }
    const { port, host, config, logger } = this.#options
    let broker: Broker
    try {
      broker = await startBroker({
        world,
        port: this.#address.port || (port ?? 0),
        ...(host === undefined ? {} : { host }),
        ...(config === undefined ? {} : { config }),
        ...(logger === undefined ? {} : { logger }),
        // Without a cache every read meets the disk and its faults.
        inside: { tailCacheBytes: 0, around: this.#requests.around(clock) },
      })
    } catch (error) {
      await this.#end(process, false)
      throw error
    }
    const run = { process, broker }
    this.#run = run
    this.#address = broker
    this.#closed = broker.closed
    // It stopped by itself, or by `close`.
    const ended = (): Promise<void> => this.#end(process, false)
    void broker.closed.then(ended, ended)
  }

  /** Controlled shutdown. All faults are taken back first, and paused time goes on. Idempotent. */
  async close(): Promise<void> {
    const run = this.#run
    if (run === null) return
    this.clock.resume()
    await this.heal()
    await run.broker.close()
    await this.#end(run.process, false)
  }

  /**
   * As `kill -9`: nothing of the broker runs on, connections break, what was written is on the disk. With `losePower`
   * what was not synced is gone as well.
   */
  async kill(how: { readonly losePower?: boolean } = {}): Promise<void> {
    const run = this.#run
    if (run === null) return
    this.#closed = Promise.resolve()
    await this.#end(run.process, how.losePower === true)
  }

  /** `close` and `start`. */
  async restart(): Promise<void> {
    await this.close()
    await this.start()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #end(process: TestProcess, losePower: boolean): Promise<void> {
    if (!process.isAlive) return
    process.isAlive = false
    if (this.#run?.process === process) this.#run = null
    this.clock.ended(process)
    this.disk.ended(losePower)
    await this.network.ended()
  }
}
