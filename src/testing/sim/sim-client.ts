/**
 * A client's connection to the broker: made when needed, given up after a time-out as Kafka's clients do. An answer that
 * does not come although nothing is broken any more is a failure of the run.
 */
import type { Api, Init } from '../../protocol/codec.ts'
import { ClientConnection } from '../../rpc/client-connection.ts'
import { BROKER_PORT } from './sim-broker.ts'
import { HEAL_MS_MAX, type Sim } from './sim.ts'

/** The connection broke, or the client lost its patience: nobody knows what became of the request. */
export class Unanswered extends Error {}

export class SimClient {
  readonly #sim: Sim
  readonly #machine: string
  readonly #clientId: string
  readonly #timeoutMs: number
  #connection: Promise<ClientConnection> | null = null

  constructor(sim: Sim, machine: string, clientId: string, timeoutMs: number) {
    this.#sim = sim
    this.#machine = machine
    this.#clientId = clientId
    this.#timeoutMs = timeoutMs
  }

  /** Rejects with Unanswered. `waitMs`: how long the broker may hold the request by its own rules. */
  async request<Request, Response>(
    api: Api<Request, Response>,
    version: number,
    message: Init<Request>,
    waitMs = 0,
  ): Promise<Response> {
    const connection = await this.#connected()
    return this.#withTimeout(`${api.name} v${version}`, connection.request(api, version, message), waitMs)
  }

  /** A request without an answer. */
  async post<Request, Response>(api: Api<Request, Response>, version: number, message: Init<Request>): Promise<void> {
    const connection = await this.#connected()
    connection.post(api, version, message)
  }

  close(): void {
    const connection = this.#connection
    this.#connection = null
    connection?.then(
      (open) => open.close(),
      () => undefined,
    )
  }

  #connected(): Promise<ClientConnection> {
    this.#connection ??= this.#connect()
    return this.#connection
  }

  async #connect(): Promise<ClientConnection> {
    const { world } = this.#sim
    const address = { host: world.main.ip, port: BROKER_PORT }
    const { network } = world.node(this.#machine).world
    const connecting = ClientConnection.connect(network, address, { pool: this.#sim.pool, clientId: this.#clientId })
    const mine = this.#connection
    try {
      const connection = await connecting
      const made = this.#connection
      connection.onClosed(() => {
        if (this.#connection === made) this.#connection = null
      })
      return connection
    } catch {
      if (this.#connection === mine) this.#connection = null
      // A client waits before it tries again.
      await this.#sim.sleep(50)
      this.#connection = null
      throw new Unanswered('no connection')
    }
  }

  #withTimeout<T>(what: string, answer: Promise<T>, waitMs: number): Promise<T> {
    const sim: Sim = this.#sim
    const { clock } = sim.world.node(this.#machine).world
    const startedMs = sim.nowMs
    return new Promise((resolve, reject) => {
      const timer = clock.at(clock.monotonicMs() + this.#timeoutMs + waitMs, () => {
        sim.sometimes('request timed out')
        const healedMs = sim.healedAtMs ?? Infinity
        if (Math.max(startedMs, healedMs) + waitMs + HEAL_MS_MAX / 4 < sim.nowMs) {
          sim.check(false, () => `${what} of ${this.#clientId} was not answered within ${sim.nowMs - startedMs} ms`)
        }
        sim.note(this.#clientId, `${what} timed out`)
        this.close()
        reject(new Unanswered(`${what} timed out`))
      })
      answer.then(
        (value) => {
          timer.cancel()
          resolve(value)
        },
        (error: unknown) => {
          timer.cancel()
          sim.sometimes('connection lost')
          if (String(error).includes('does not parse') || String(error).includes('correlation id'))
            sim.fail(new Error(`${what}: ${String(error)}`))
          reject(new Unanswered(`${what}: ${String(error)}`))
        },
      )
    })
  }
}
