/**
 * The network between simulated machines. Latencies differ per segment, the order within a connection is kept. Segments
 * across a partition wait until it heals (TCP sends them again); connects across it time out.
 *
 * A process that crashes resets its connections; the listeners go with it.
 */
import { OperationalError } from '../base/errors.ts'
import type { ConnectAddress, Listener, Network, Socket } from '../world/world.ts'
import type { SeededRandom } from './seeded-random.ts'
import { SeededSocket, type Segment, type SocketAddresses } from './seeded-socket.ts'
import type { SimEvents, SimProcess } from './sim-events.ts'

/** One machine of the network. */
export interface NetworkHost {
  readonly name: string
  readonly ip: string
}

interface PortInUse {
  readonly process: SimProcess
  readonly accept: (socket: Socket) => void
}

interface Connection {
  readonly ends: readonly [SeededSocket, SeededSocket]
  readonly hosts: readonly [NetworkHost, NetworkHost]
}

/** Least and most of one message on its way, while all is well. */
export const LATENCY_US: readonly [number, number] = [50, 1000]
/** Of the few that are late: a closed broker isn't waited for longer. */
const LATE_US_MAX = 1_000_000
const CONNECT_TIMEOUT_US = 20_000_000
const LOCAL_HOSTS = new Set(['', 'localhost', '127.0.0.1', '::1', '0.0.0.0', '::'])

export class SeededNetwork {
  /** Least and most microseconds between two machines, one way. */
  latencyUs: readonly [number, number] = LATENCY_US
  /** Probability per segment that its connection breaks. */
  breakRate = 0
  readonly #events: SimEvents
  readonly #random: SeededRandom
  readonly #hosts: NetworkHost[] = []
  /** By `ip:port`. */
  readonly #ports = new Map<string, PortInUse>()
  readonly #connections = new Set<Connection>()
  /** `from>to` of machine names. */
  readonly #cut = new Set<string>()
  /** Waiting for a partition to heal, in order. */
  #held: { from: NetworkHost; to: NetworkHost; release: () => void }[] = []
  #nextPort = 32768

  constructor(events: SimEvents, random: SeededRandom) {
    this.#events = events
    this.#random = random
  }

  /** The network as a process on `host` sees it. */
  of(host: NetworkHost, process: SimProcess): Network {
    if (!this.#hosts.includes(host)) this.#hosts.push(host)
    return {
      listen: (address, accept) => this.#listen(host, process, address, accept),
      connect: (address, signal) => this.#connect(host, process, address, signal),
    }
  }

  /** Nothing passes from `from` to `to`, nor back unless `oneWay`. */
  cut(from: string, to: string, options: { readonly oneWay?: boolean } = {}): void {
    this.#cut.add(`${from}>${to}`)
    if (options.oneWay !== true) this.#cut.add(`${to}>${from}`)
  }

  /** Cuts one machine off from all others. */
  isolate(name: string): void {
    for (const host of this.#hosts) if (host.name !== name) this.cut(name, host.name)
  }

  /** Ends all partitions; what waited arrives. */
  heal(): void {
    this.#cut.clear()
    const held = this.#held
    this.#held = []
    for (const { release } of held) release()
  }

  /** Resets the connections between two machines, or all of them. */
  reset(one?: string, other?: string): void {
    for (const connection of this.#connections) {
      const [a, b] = connection.hosts
      const matches =
        one === undefined ||
        (a.name === one && (other ?? b.name) === b.name) ||
        (b.name === one && (other ?? a.name) === a.name)
      if (matches) this.#break(connection)
    }
  }

  get connectionCount(): number {
    return this.#connections.size
  }

  /** A process has died: its peers learn it from a reset. */
  crashed(process: SimProcess): void {
    for (const [port, use] of this.#ports) if (use.process === process) this.#ports.delete(port)
    for (const connection of this.#connections) {
      const [a, b] = connection.ends
      if (a.process !== process && b.process !== process) continue
      this.#connections.delete(connection)
      const [survivor, from, to] =
        a.process === process
          ? ([b, connection.hosts[0], connection.hosts[1]] as const)
          : ([a, connection.hosts[1], connection.hosts[0]] as const)
      if (survivor.process !== process) this.#carry(from, to, 'reset', () => survivor.arrive({ kind: 'reset' }), null)
    }
  }

  #listen(
    host: NetworkHost,
    process: SimProcess,
    address: { readonly host: string; readonly port: number },
    accept: (socket: Socket) => void,
  ): Promise<Listener> {
    return this.#later(process, `${host.name} listen`, () => {
      const port = address.port === 0 ? this.#freePort(host) : address.port
      const key = `${host.ip}:${port}`
      if (this.#ports.has(key)) {
        throw new OperationalError('ADDRESS_IN_USE', `cannot listen on ${address.host}:${port}: the address is in use`)
      }
      const use: PortInUse = { process, accept }
      this.#ports.set(key, use)
      const close = (): Promise<void> =>
        this.#later(process, `${host.name} stop listening`, () => {
          if (this.#ports.get(key) === use) this.#ports.delete(key)
        })
      return { host: address.host, port, close }
    })
  }

  #connect(
    host: NetworkHost,
    process: SimProcess,
    address: ConnectAddress,
    signal: AbortSignal | undefined,
  ): Promise<Socket> {
    if (address.tls !== undefined && address.tls !== null) {
      const text = 'The simulated network speaks no TLS: leave tls out, or use the World of the real machine.'
      return Promise.reject(new OperationalError('NOT_SUPPORTED', text))
    }
    if (signal?.aborted === true) return Promise.reject(signal.reason as Error)
    const target = this.#resolve(host, address.host)
    const where = `${address.host}:${address.port}`
    return new Promise((resolve, reject) => {
      let settled = false
      const end = (error: Error): void => {
        if (settled) return
        settled = true
        this.#events.cancel(timeout)
        reject(error)
      }
      const fail = (why: string): void => {
        end(new OperationalError('NETWORK_FAILED', `cannot connect to ${where}: ${why}`))
      }
      const timeout = this.#events.schedule(CONNECT_TIMEOUT_US, `${host.name} connect timeout`, process, () =>
        fail('timed out'),
      )
      signal?.addEventListener('abort', () => end(signal.reason as Error), { once: true })
      if (target === null) {
        this.#events.schedule(1000, `${host.name} unknown host`, process, () => fail('unknown host'))
        return
      }
      this.#carry(
        host,
        target,
        'connect',
        () => {
          const use = this.#ports.get(`${target.ip}:${address.port}`)
          if (use === undefined) {
            this.#carry(target, host, 'refused', () => fail('connection refused'), process)
            return
          }
          const [here, there] = this.#newConnection(
            { host, process },
            { host: target, process: use.process },
            address.port,
          )
          use.accept(there)
          this.#carry(
            target,
            host,
            'connected',
            () => {
              if (settled) return here.destroy()
              settled = true
              resolve(here)
            },
            process,
          )
        },
        null,
      )
    })
  }

  #newConnection(
    client: { host: NetworkHost; process: SimProcess },
    server: { host: NetworkHost; process: SimProcess },
    port: number,
  ): readonly [SeededSocket, SeededSocket] {
    const clientPort = this.#freePort(client.host)
    const local = client.host === server.host
    const ipOf = (host: NetworkHost): string => (local ? '127.0.0.1' : host.ip)
    const make = (
      from: { host: NetworkHost; process: SimProcess },
      to: { host: NetworkHost; process: SimProcess },
      ports: readonly [number, number],
      receiver: () => SeededSocket,
    ): SeededSocket => {
      const addresses: SocketAddresses = {
        localHost: ipOf(from.host),
        localPort: ports[0],
        remoteHost: ipOf(to.host),
        remotePort: ports[1],
      }
      let lastArrivalUs = 0
      return new SeededSocket(addresses, {
        events: this.#events,
        random: this.#random,
        process: from.process,
        name: `${from.host.name}:${ports[0]}>${to.host.name}:${ports[1]}`,
        send: (segment: Segment) => {
          const broken = this.#random.chance(this.breakRate)
          const atUs = Math.max(lastArrivalUs, this.#events.nowUs + this.#latencyUs(from.host, to.host))
          lastArrivalUs = atUs + 1 // so that the seed does not choose among segments of one connection
          this.#carry(
            from.host,
            to.host,
            segment.kind,
            () => (broken ? this.#break(connection) : receiver().arrive(segment)),
            to.process,
            atUs,
          )
        },
        gone: () => {
          if (connection.ends.every((end) => end.isClosed)) this.#connections.delete(connection)
        },
      })
    }
    const here: SeededSocket = make(client, server, [clientPort, port], () => there)
    const there: SeededSocket = make(server, client, [port, clientPort], () => here)
    const connection: Connection = { ends: [here, there], hosts: [client.host, server.host] }
    here.pairWith(there)
    there.pairWith(here)
    this.#connections.add(connection)
    return connection.ends
  }

  #break(connection: Connection): void {
    for (const end of connection.ends) end.close(new Error('connection reset'))
  }

  /** Brings something from one machine to another: after a latency, or when their partition has healed. */
  #carry(
    from: NetworkHost,
    to: NetworkHost,
    what: string,
    deliver: () => void,
    process: SimProcess | null,
    atUs = this.#events.nowUs + this.#latencyUs(from, to),
  ): void {
    const way = `${from.name}>${to.name}`
    this.#events.schedule(atUs - this.#events.nowUs, `${way} ${what}`, process, () => {
      if (this.#cut.size === 0 || !this.#cut.has(way)) return deliver()
      this.#held.push({ from, to, release: deliver })
    })
  }

  #later<T>(process: SimProcess, name: string, task: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#events.schedule(this.#random.below(100), name, process, () => {
        try {
          resolve(task())
        } catch (error) {
          reject(error)
        }
      })
    })
  }

  #latencyUs(from: NetworkHost, to: NetworkHost): number {
    if (from === to) return this.#random.between(5, 50)
    const [least, most] = this.latencyUs
    const us = this.#random.between(least, most)
    return this.#random.chance(0.001) ? Math.min(us * 50, LATE_US_MAX) : us
  }

  #resolve(from: NetworkHost, name: string): NetworkHost | null {
    if (LOCAL_HOSTS.has(name)) return from
    return this.#hosts.find((host) => host.name === name || host.ip === name) ?? null
  }

  #freePort(host: NetworkHost): number {
    do this.#nextPort = this.#nextPort === 60999 ? 32768 : this.#nextPort + 1
    while (this.#ports.has(`${host.ip}:${this.#nextPort}`))
    return this.#nextPort
  }
}
