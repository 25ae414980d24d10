/**
 * One TCP socket. Bytes are received into the sink's memory, either by the kernel (node/receive-memory.ts) or, where that
 * is not to be had, by a copy out of 'data' events. A write of many buffers is one `writev`.
 */
import net from 'node:net'
import { assert, OperationalError } from '../../base/errors.ts'
import type { ConnectAddress, Socket, SocketSink } from '../world.ts'
import { moveToReceiving, replaceMemory, type Receiving } from './receive-memory.ts'
import { openTls, tlsFailure } from './tls-socket.ts'

/** Stands where Node wants memory before there is a sink; nothing is read into it, because reading has not begun. */
const UNUSED = Buffer.alloc(1)

/** What one socket may receive in a turn of the loop, before all others have had theirs. */
const TURN_BYTES_MAX = 2 << 20

/** Counts turns of the loop in which something was received. */
const turns = {
  now: 0,
  ending: false,
  /** Tells the number of this turn. */
  count(): number {
    if (!this.ending) {
      this.ending = true
      setImmediate(() => {
        this.ending = false
        this.now += 1
      })
    }
    return this.now
  },
}

export function acceptedSocket(accepted: net.Socket, receiveBy: 'room' | 'copy' = 'room'): Socket {
  return new NodeSocket((receiving) => {
    const moved = receiveBy === 'room' ? moveToReceiving(accepted, receiving) : null
    return { socket: moved ?? accepted, intoRoom: moved !== null }
  })
}

export function connectedSocket({ host, port, tls = null }: ConnectAddress, signal?: AbortSignal): Promise<Socket> {
  const where = `${host}:${port}`
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted()
    const failed = (error: Error): void => {
      signal?.removeEventListener('abort', aborted)
      const text = `cannot connect to ${where}: ${error.message}`
      const refused = tls === null ? null : tlsFailure(where, error)
      reject(refused ?? new OperationalError('NETWORK_FAILED', text, { cause: error }))
    }
    const connected = (socket: net.Socket): void => {
      signal?.removeEventListener('abort', aborted)
      socket.off('error', failed)
      made.connected()
      resolve(made)
    }
    const aborted = (): void => {
      made.destroy()
      reject(signal!.reason as Error)
    }
    const made = new NodeSocket((onread) => {
      if (tls !== null) {
        const socket = openTls({ host, port }, tls)
        socket.once('error', failed)
        socket.once('secureConnect', () => {
          connected(socket)
          // A peer that wants a certificate of ours may say so after the handshake.
          socket.on('error', (error) => made.failed(tlsFailure(where, error)))
        })
        return { socket, intoRoom: false }
      }
      const socket = net.connect({ host, port, noDelay: true, onread, allowHalfOpen: true })
      socket.pause() // no byte is read before there is a sink
      socket.once('error', failed)
      socket.once('connect', () => connected(socket))
      return { socket, intoRoom: true }
    })
    signal?.addEventListener('abort', aborted, { once: true })
  })
}

class NodeSocket implements Socket {
  remoteHost = ''
  remotePort = 0
  localHost = ''
  localPort = 0
  readonly #socket: net.Socket
  readonly #intoRoom: boolean
  #sink: SocketSink | null = null
  /** The kernel's memory for the next read. Kept here, because native code knows its address only. */
  #room: Buffer = UNUSED
  /** Received by the copying path while paused. */
  #held: Buffer[] = []
  #paused = false
  #turn = 0
  #turnBytes = 0
  #peerEnded = false
  #error: Error | null = null
  #closed = false

  constructor(make: (receiving: Receiving) => { socket: net.Socket; intoRoom: boolean }) {
    const { socket, intoRoom } = make({ buffer: () => this.#nextRoom(), callback: (length) => this.#received(length) })
    this.#socket = socket
    this.#intoRoom = intoRoom
    socket.on('error', (error) => (this.#error ??= error))
    socket.on('end', () => this.#ended())
    socket.on('close', () => this.#onClose())
    if (!intoRoom) socket.on('data', (bytes: Buffer) => this.#copy(bytes)).pause()
    if (!socket.connecting) this.connected()
  }

  /** Addresses are remembered: a closed socket no longer tells them. */
  connected(): void {
    this.remoteHost = plainHost(this.#socket.remoteAddress)
    this.remotePort = this.#socket.remotePort ?? 0
    this.localHost = plainHost(this.#socket.localAddress)
    this.localPort = this.#socket.localPort ?? 0
  }

  /** Why it will close, in better words than the socket's. */
  failed(error: Error | null): void {
    this.#error = error ?? this.#error
  }

  start(sink: SocketSink): void {
    assert(this.#sink === null, 'a socket has one sink')
    this.#sink = sink
    if (this.#closed) {
      process.nextTick(() => sink.closed(this.#error))
      return
    }
    this.renewRoom()
    if (!this.#paused) this.#flow()
  }

  renewRoom(): void {
    if (this.#intoRoom && !this.#closed) replaceMemory(this.#socket, this.#nextRoom())
  }

  write(buffers: readonly Buffer[], done?: () => void): void {
    const socket = this.#socket
    if (socket.destroyed || socket.writableEnded) {
      if (done !== undefined) process.nextTick(done)
      return
    }
    const last = buffers.length - 1
    if (last > 0) socket.cork()
    for (let index = 0; index < last; index++) {
      const buffer = buffers[index]
      if (buffer !== undefined && buffer.length > 0) socket.write(buffer)
    }
    // Callbacks run in order, so that of the last buffer stands for all; it also runs when the socket fails.
    socket.write(buffers[last] ?? UNUSED.subarray(0, 0), done === undefined ? undefined : () => done())
    if (last > 0) socket.uncork()
  }

  pause(): void {
    this.#paused = true
    if (this.#sink !== null) this.#socket.pause()
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    if (this.#sink === null) return
    if (this.#held.length > 0 || this.#peerEnded) process.nextTick(() => this.#releaseHeld())
    else this.#flow()
  }

  end(): void {
    this.#socket.destroySoon()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  #flow(): void {
    // Reads begin here: `resume` alone would begin them in the next tick, even if `pause` was called until then.
    this.#socket.read(0)
    this.#socket.resume()
  }

  #nextRoom(): Buffer {
    // Node asks again after the last read, too: a socket that has closed must not take memory of the sink with it.
    this.#room = this.#sink === null || this.#socket.destroyed ? UNUSED : this.#sink.room()
    return this.#room
  }

  #received(length: number): boolean {
    this.#sink?.received(length)
    if (this.#paused) return false
    const turn = turns.count()
    this.#turnBytes = turn === this.#turn ? this.#turnBytes + length : length
    this.#turn = turn
    if (this.#turnBytes < TURN_BYTES_MAX) return true
    // A peer that sends faster than we read would keep the loop to itself for up to 32 reads.
    setImmediate(() => {
      if (!this.#paused && !this.#closed) this.#flow()
    })
    return false
  }

  #copy(bytes: Buffer): void {
    let rest = bytes
    while (rest.length > 0 && !this.#paused && !this.#socket.destroyed && this.#sink !== null) {
      const copied = rest.copy(this.#sink.room())
      rest = rest.subarray(copied)
      this.#sink.received(copied)
    }
    if (rest.length > 0) this.#held.push(rest)
  }

  #releaseHeld(): void {
    const held = this.#held
    this.#held = []
    for (const bytes of held) {
      if (this.#paused) this.#held.push(bytes)
      else this.#copy(bytes)
    }
    if (this.#paused) return
    if (this.#peerEnded && !this.#closed) this.#sink?.ended()
    else this.#flow()
  }

  #ended(): void {
    this.#peerEnded = true
    if (this.#held.length === 0 && !this.#paused) this.#sink?.ended()
  }

  #onClose(): void {
    this.#closed = true
    this.#room = UNUSED
    this.#held = []
    this.#sink?.closed(this.#error)
  }
}

/** An IPv4 peer of a socket that listens on all addresses, as Java shows it. */
function plainHost(address: string | undefined): string {
  if (address === undefined) return ''
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
}
