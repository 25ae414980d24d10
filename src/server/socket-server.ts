/**
 * Listeners and the connections that came by them: accepting, limits, idle ones, the end.
 *
 * Limits are Kafka's: at max.connections.per.ip a surplus connection is closed at once, at max.connections too (we do not
 * block the acceptor). Idle connections are closed after connections.max.idle.ms, found by a sweep in slices of time.
 */
import type { Logger } from '../base/logger.ts'
import type { BrokerConfig, ListenerConfig } from '../config/broker-config.ts'
import type { ChunkPool } from '../rpc/chunk-pool.ts'
import { ReadGate } from '../rpc/read-gate.ts'
import { ServerConnection } from '../rpc/server-connection.ts'
import { UnsentAnswers } from '../rpc/unsent-answers.ts'
import type { Clock, Listener, Network, Socket, Timer } from '../world/world.ts'
import type { ConnectionInfo, Dispatcher } from './dispatcher.ts'
import type { ConnectionRates } from './quotas/connection-rates.ts'
import { reasonOfSize, RefusedConnections } from './refused-connections.ts'

type Dispatches = Pick<Dispatcher<never>, 'dispatch'>

/** Sockets with large requests are not read beyond this much in work, and again below half of it. */
const IN_FLIGHT_BYTES_MAX = 16 * 1024 * 1024
/** Of answers that peers do not take; beyond it those that have taken nothing for this long are closed. */
const UNSENT_BYTES_MAX = 48 * 1024 * 1024
const STALLED_MS_MAX = 3000
/** Sweeps for idle connections per idle time. */
const IDLE_SWEEPS = 10

export interface SocketServerOptions {
  readonly network: Network
  readonly clock: Clock
  readonly logger: Logger
  readonly config: () => BrokerConfig
  /** What connections receive into. */
  readonly pool: ChunkPool
  readonly rates: ConnectionRates
}

export interface BoundListener {
  readonly name: string
  readonly host: string
  readonly port: number
}

interface Open extends ConnectionInfo {
  readonly connection: ServerConnection
  readonly remoteHost: string
  onClosed: (() => void) | null
}

export class SocketServer {
  readonly #options: SocketServerOptions
  readonly #gate = new ReadGate(IN_FLIGHT_BYTES_MAX, IN_FLIGHT_BYTES_MAX / 2)
  readonly #unsentAnswers: UnsentAnswers
  readonly #refused: RefusedConnections
  readonly #listeners: Listener[] = []
  readonly #open = new Map<number, Open>()
  readonly #perHost = new Map<string, number>()
  /** Sockets that came before the node was ready to serve. */
  readonly #early: (() => void)[] = []
  /** Connections that their address opened too early, each until it is closed. */
  readonly #surplus = new Map<Socket, Timer>()
  #dispatcher: Dispatches | null = null
  #nextId = 1
  #sweep: Timer | null = null
  #closed = false

  constructor(options: SocketServerOptions) {
    this.#options = options
    this.#unsentAnswers = new UnsentAnswers(options.clock, UNSENT_BYTES_MAX, STALLED_MS_MAX)
    this.#refused = new RefusedConnections(options.clock, options.logger)
  }

  get connectionCount(): number {
    return this.#open.size
  }

  /** Binds; connections wait until `serve`. @throws OperationalError ADDRESS_IN_USE. */
  async bind(listeners: readonly ListenerConfig[]): Promise<BoundListener[]> {
    const bound: BoundListener[] = []
    for (const { name, host, port } of listeners) {
      const listener = await this.#options.network.listen(
        { host, port, backlog: this.#options.config().socketListenBacklogSize },
        (socket) => this.#accept(socket, name),
      )
      this.#listeners.push(listener)
      bound.push({ name, host, port: listener.port })
    }
    return bound
  }

  /** Requests are handled from here on. */
  serve(dispatcher: Dispatches): void {
    this.#dispatcher = dispatcher
    for (const start of this.#early.splice(0)) start()
    this.#scheduleSweep()
  }

  /** Runs `task` when the connection closes; a later call for the same connection replaces it. */
  onClosed(connectionId: number, task: () => void): void {
    const open = this.#open.get(connectionId)
    if (open === undefined) task()
    else open.onClosed = task
  }

  /** Others wait for memory that answers hold: whoever has taken none for longest loses its connection. */
  closeStalled(): void {
    this.#unsentAnswers.closeStalled()
  }

  /** No new connections; those that are open go on. */
  async stopAccepting(): Promise<void> {
    await Promise.all(this.#listeners.splice(0).map((listener) => listener.close()))
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#sweep?.cancel()
    await this.stopAccepting()
    for (const { connection } of [...this.#open.values()]) connection.close('the broker shuts down')
    for (const socket of [...this.#surplus.keys()]) this.#drop(socket)
  }

  #accept(socket: Socket, listener: string): void {
    if (this.#closed) {
      socket.destroy()
      return
    }
    if (this.#dispatcher === null) {
      this.#early.push(() => this.#accept(socket, listener))
      return
    }
    const delayMs = this.#options.rates.delayMs(socket.remoteHost)
    if (delayMs > 0) {
      const { clock } = this.#options
      this.#surplus.set(
        socket,
        clock.at(clock.monotonicMs() + delayMs, () => this.#drop(socket)),
      )
      return
    }
    const refusal = this.#refusal(socket)
    if (refusal !== null) {
      this.#options.logger.info(`Rejected connection from ${socket.remoteHost}: ${refusal}`)
      socket.destroy()
      return
    }
    this.#start(socket, listener, this.#dispatcher)
  }

  #drop(socket: Socket): void {
    this.#surplus.get(socket)?.cancel()
    this.#surplus.delete(socket)
    socket.destroy()
  }

  #refusal(socket: Socket): string | null {
    const config = this.#options.config()
    const perIp = config.maxConnectionsPerIpOverrides.get(socket.remoteHost) ?? config.maxConnectionsPerIp
    if ((this.#perHost.get(socket.remoteHost) ?? 0) >= perIp)
      return `address already has the configured maximum of ${perIp} connections.`
    if (this.#open.size >= config.maxConnections)
      return `the broker already has the configured maximum of ${config.maxConnections} connections.`
    return null
  }

  #start(socket: Socket, listener: string, dispatcher: Dispatches): void {
    const id = this.#nextId++
    const info: ConnectionInfo = { id, listener }
    const { remoteHost } = socket
    this.#perHost.set(remoteHost, (this.#perHost.get(remoteHost) ?? 0) + 1)
    const requestBytesMax = this.#options.config().socketRequestMaxBytes
    const connection = new ServerConnection(socket, {
      clock: this.#options.clock,
      pool: this.#options.pool,
      gate: this.#gate,
      unsentAnswers: this.#unsentAnswers,
      requestBytesMax,
      dispatch: (frame, from) => dispatcher.dispatch(frame, from, info),
      refused: (_connection, what) => {
        const reason = 'reason' in what ? what.reason : reasonOfSize(what.sizeBytes, requestBytesMax)
        this.#refused.tell(`${remoteHost}:${socket.remotePort}`, listener, reason)
      },
      closed: (_connection, reason) => this.#ended(id, remoteHost, reason),
    })
    this.#open.set(id, { id, listener, connection, remoteHost, onClosed: null })
  }

  #ended(id: number, remoteHost: string, reason: string): void {
    const count = (this.#perHost.get(remoteHost) ?? 1) - 1
    if (count === 0) this.#perHost.delete(remoteHost)
    else this.#perHost.set(remoteHost, count)
    const open = this.#open.get(id)
    this.#open.delete(id)
    open?.onClosed?.()
    this.#options.logger.debug(`Connection ${id} from ${remoteHost} closed: ${reason}`)
  }

  #scheduleSweep(): void {
    const { clock } = this.#options
    const idleMs = this.#options.config().connectionsMaxIdleMs
    if (idleMs <= 0) return
    this.#sweep = clock.at(clock.monotonicMs() + idleMs / IDLE_SWEEPS, () => {
      const before = clock.monotonicMs() - idleMs
      for (const { connection } of [...this.#open.values()]) {
        if (connection.isResting && connection.lastActiveMs < before) connection.close('idle for too long')
      }
      this.#scheduleSweep()
    })
  }
}
