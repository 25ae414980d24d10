/**
 * The network of a test broker: real sockets, with faults by request on the broker's side of them.
 *
 * Answers that are held back keep their order. What is held back when the connection ends is lost, as on a network.
 */
import { OperationalError } from '../../base/errors.ts'
import type { Clock, Listener, Network, Socket, SocketSink } from '../../world/world.ts'
import { nodeClock } from '../../world/node/clock.ts'
import type { TestProcess } from './test-process.ts'

type ListenAddress = Parameters<Network['listen']>[0]

const PORT_WAIT_MS_MAX = 10_000
const PORT_RETRY_MS = 20

interface Held {
  readonly dueMs: number
  readonly send: () => void
  /** The connection closed instead. */
  readonly dropped: () => void
}

interface Listening {
  readonly listen: () => Promise<Listener>
  /** Null while connections are refused. */
  listener: Listener | null
}

export class TestNetwork {
  readonly #real: Network
  readonly #listening = new Set<Listening>()
  readonly #sockets = new Set<TestSocket>()
  /** Ports that it listened on. */
  readonly #had = new Set<number>()
  #delayMs = 0
  #hangs = false
  #refuses = false

  /** @internal */
  constructor(real: Network) {
    this.#real = real
  }

  /** Connections that are open. */
  get connectionCount(): number {
    return this.#sockets.size
  }

  /** Whoever connects from now on is refused (ECONNREFUSED); open connections stay. */
  async refuseConnections(): Promise<void> {
    this.#refuses = true
    for (const listening of this.#listening) {
      await listening.listener?.close()
      listening.listener = null
    }
  }

  /** Takes back `refuseConnections`. */
  async acceptConnections(): Promise<void> {
    this.#refuses = false
    for (const listening of this.#listening) listening.listener ??= await listening.listen()
  }

  /** Closes all connections that are open, without a word. */
  dropConnections(): void {
    for (const socket of [...this.#sockets]) socket.destroy()
  }

  /** Every answer leaves so much later, in the time of the broker's clock. */
  delayAnswers(ms: number): void {
    this.#delayMs = ms
  }

  /** Half-open: connections stay and are made, but the broker neither reads nor answers until `heal`. */
  hang(): void {
    this.#hangs = true
    for (const socket of this.#sockets) socket.hang(true)
  }

  /** Takes back all of the above; answers that were held back leave now. */
  async heal(): Promise<void> {
    this.#delayMs = 0
    this.#hangs = false
    for (const socket of this.#sockets) socket.hang(false)
    if (this.#refuses) await this.acceptConnections()
  }

  /** @internal The network as a run of the broker sees it. */
  of(process: TestProcess, clock: Clock): Network {
    return {
      listen: async (address, accept) => {
        let { port } = address
        const listen = (): Promise<Listener> =>
          this.#listen({ ...address, port }, (socket) => this.#accept(socket, process, clock, accept))
        const listener = await listen()
        port = listener.port
        this.#had.add(port)
        const listening: Listening = { listen, listener }
        this.#listening.add(listening)
        if (this.#refuses) await this.refuseConnections()
        const close = async (): Promise<void> => {
          this.#listening.delete(listening)
          await listening.listener?.close()
        }
        return { host: listener.host, port, close }
      },
      connect: (address, signal) => this.#real.connect(address, signal),
    }
  }

  /**
   * A port that the broker let go of may be what a client anywhere on the machine connects from until the broker wants it again: the
   * system gives both out of one range. Such a connection is over soon.
   */
  async #listen(address: ListenAddress, accept: (socket: Socket) => void): Promise<Listener> {
    const deadlineMs = nodeClock.monotonicMs() + PORT_WAIT_MS_MAX
    for (;;) {
      try {
        return await this.#real.listen(address, accept)
      } catch (error) {
        const mayPass =
          error instanceof OperationalError && error.code === 'ADDRESS_IN_USE' && this.#had.has(address.port)
        if (!mayPass || nodeClock.monotonicMs() >= deadlineMs) throw error
        await new Promise<void>((resolve) => nodeClock.at(nodeClock.monotonicMs() + PORT_RETRY_MS, resolve))
      }
    }
  }

  /** @internal The run has ended. */
  async ended(): Promise<void> {
    this.dropConnections()
    const listening = [...this.#listening]
    this.#listening.clear()
    await Promise.all(listening.map(({ listener }) => listener?.close()))
  }

  #accept(real: Socket, process: TestProcess, clock: Clock, accept: (socket: Socket) => void): void {
    if (!process.isAlive) {
      real.destroy()
      return
    }
    const socket = new TestSocket(real, process, clock, {
      delayMs: () => this.#delayMs,
      closed: () => this.#sockets.delete(socket),
    })
    this.#sockets.add(socket)
    if (this.#hangs) socket.hang(true)
    accept(socket)
  }
}

class TestSocket implements Socket {
  readonly remoteHost: string
  readonly remotePort: number
  readonly localHost: string
  readonly localPort: number
  readonly #real: Socket
  readonly #process: TestProcess
  readonly #clock: Clock
  readonly #network: { delayMs(): number; closed(): void }
  #held: Held[] = []
  #hangs = false
  #pausedByBroker = false
  #closed = false

  constructor(real: Socket, process: TestProcess, clock: Clock, network: { delayMs(): number; closed(): void }) {
    this.remoteHost = real.remoteHost
    this.remotePort = real.remotePort
    this.localHost = real.localHost
    this.localPort = real.localPort
    this.#real = real
    this.#process = process
    this.#clock = clock
    this.#network = network
  }

  start(sink: SocketSink): void {
    const process = this.#process
    this.#real.start({
      room: () => sink.room(),
      received: (length) => {
        if (process.isAlive) sink.received(length)
      },
      ended: () => {
        if (process.isAlive) sink.ended()
      },
      closed: (error) => {
        this.#close()
        if (process.isAlive) sink.closed(error)
      },
    })
  }

  renewRoom(): void {
    this.#real.renewRoom()
  }

  write(buffers: readonly Buffer[], done: () => void = () => {}): void {
    this.#later(() => this.#real.write(buffers, done), done)
  }

  pause(): void {
    this.#pausedByBroker = true
    this.#real.pause()
  }

  resume(): void {
    this.#pausedByBroker = false
    if (!this.#hangs) this.#real.resume()
  }

  end(): void {
    this.#later(
      () => this.#real.end(),
      () => {},
    )
  }

  destroy(): void {
    this.#real.destroy()
    this.#close()
  }

  hang(hangs: boolean): void {
    this.#hangs = hangs
    if (hangs) this.#real.pause()
    else if (!this.#pausedByBroker) this.#real.resume()
    this.#flush()
  }

  #later(send: () => void, dropped: () => void): void {
    if (this.#closed) {
      nodeClock.soon(dropped)
      return
    }
    const delayMs = this.#network.delayMs()
    if (delayMs === 0 && this.#held.length === 0 && !this.#hangs) {
      send()
      return
    }
    const dueMs = this.#clock.monotonicMs() + delayMs
    this.#held.push({ dueMs, send, dropped })
    if (delayMs > 0) this.#clock.at(dueMs, () => this.#flush())
  }

  /** A delay that was taken back counts no more. */
  #flush(): void {
    const nowMs = this.#network.delayMs() === 0 ? Number.POSITIVE_INFINITY : this.#clock.monotonicMs()
    while (!this.#hangs && !this.#closed) {
      const [first] = this.#held
      if (first === undefined || first.dueMs > nowMs) return
      this.#held.shift()
      first.send()
    }
  }

  #close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#network.closed()
    for (const { dropped } of this.#held.splice(0)) dropped()
  }
}
