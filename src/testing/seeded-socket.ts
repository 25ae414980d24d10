/**
 * One end of a simulated TCP connection.
 *
 * Bytes go: `write` → queue → (taken by the kernel: copied, `done` runs) → wire, with latency and in order → arrived →
 * read into the sink's room in pieces of arbitrary length. Queue to arrival is bounded, so a peer that does not read holds
 * the writer up.
 */
import { crc32 } from 'node:zlib'
import { assert } from '../base/errors.ts'
import type { Socket, SocketSink } from '../world/world.ts'
import type { SeededRandom } from './seeded-random.ts'
import type { SimEvents, SimProcess } from './sim-events.ts'

/** What crosses the wire. */
export type Segment =
  | { readonly kind: 'bytes'; readonly bytes: Buffer }
  | { readonly kind: 'fin' }
  | { readonly kind: 'reset' }

export interface SocketAddresses {
  readonly remoteHost: string
  readonly remotePort: number
  readonly localHost: string
  readonly localPort: number
}

export interface SocketSurroundings {
  readonly events: SimEvents
  readonly random: SeededRandom
  readonly process: SimProcess
  readonly name: string
  /** Brings a segment to the other end; in order. */
  send(segment: Segment): void
  /** The connection ended here. */
  gone(): void
}

export class SeededSocket implements Socket {
  readonly remoteHost: string
  readonly remotePort: number
  readonly localHost: string
  readonly localPort: number
  readonly #around: SocketSurroundings
  /** Taken from a writer and not yet read by the peer's sink. */
  readonly #capacityBytes: number
  #peer: SeededSocket | null = null
  #sink: SocketSink | null = null
  #queue: { bytes: Buffer; done: (() => void) | null }[] = []
  #unreadByPeer = 0
  #arrived: Buffer[] = []
  #finArrived = false
  #endedTold = false
  #paused = false
  #ending = false
  #closed = false
  #closedError: Error | null = null
  #takeDue = false
  #readDue = false
  readonly #takeName: string
  readonly #readName: string

  constructor(addresses: SocketAddresses, around: SocketSurroundings) {
    this.remoteHost = addresses.remoteHost
    this.remotePort = addresses.remotePort
    this.localHost = addresses.localHost
    this.localPort = addresses.localPort
    this.#around = around
    this.#takeName = `${around.name} take`
    this.#readName = `${around.name} read`
    this.#capacityBytes = around.random.between(4096, 1 << 20)
  }

  pairWith(peer: SeededSocket): void {
    this.#peer = peer
  }

  get process(): SimProcess {
    return this.#around.process
  }

  get isClosed(): boolean {
    return this.#closed
  }

  start(sink: SocketSink): void {
    assert(this.#sink === null, 'a socket has one sink')
    this.#sink = sink
    if (this.#closed) this.#event(this.#name('closed'), () => sink.closed(this.#closedError))
    else this.#readSoon()
  }

  renewRoom(): void {
    // Room is asked for just before each read.
  }

  write(buffers: readonly Buffer[], done?: () => void): void {
    if (this.#closed || this.#ending) {
      if (done !== undefined) this.#event(this.#name('write refused'), done)
      return
    }
    for (const bytes of buffers) if (bytes.length > 0) this.#queue.push({ bytes, done: null })
    const last = this.#queue.at(-1)
    if (done !== undefined) {
      if (last !== undefined && last.done === null) last.done = done
      else this.#queue.push({ bytes: Buffer.alloc(0), done })
    }
    this.#takeSoon()
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    this.#readSoon()
  }

  end(): void {
    if (this.#closed || this.#ending) return
    this.#ending = true
    this.#takeSoon()
  }

  destroy(): void {
    if (this.#closed) return
    // A kernel that still holds unread bytes answers with a reset; otherwise the peer sees an orderly end.
    const unread = this.#arrived.length > 0
    this.close(null)
    this.#around.send(unread ? { kind: 'reset' } : { kind: 'fin' })
  }

  /** Ends this side; its writers are told, its sink last. */
  close(error: Error | null): void {
    if (this.#closed) return
    this.#closed = true
    this.#closedError = error
    const queue = this.#queue
    this.#queue = []
    this.#arrived = []
    this.#around.gone()
    this.#event(this.#name('closed'), () => {
      for (const { done } of queue) done?.()
      this.#sink?.closed(error)
    })
  }

  arrive(segment: Segment): void {
    if (this.#closed) {
      if (segment.kind === 'bytes') this.#around.send({ kind: 'reset' })
      return
    }
    if (segment.kind === 'reset') return this.close(new Error('connection reset by peer'))
    if (segment.kind === 'fin') this.#finArrived = true
    else this.#arrived.push(segment.bytes)
    this.#readSoon()
  }

  #takeSoon(): void {
    if (this.#takeDue) return
    this.#takeDue = true
    this.#event(this.#takeName, this.#takeNow)
  }

  readonly #takeNow = (): number => {
    this.#takeDue = false
    return this.#take()
  }

  #take(): number {
    let taken = 0
    while (!this.#closed) {
      const first = this.#queue[0]
      if (first === undefined) break
      const free = this.#capacityBytes - this.#unreadByPeer
      if (free <= 0 && first.bytes.length > 0) return taken
      const length = Math.min(first.bytes.length, free, 1 + this.#around.random.below(65536))
      const bytes = Buffer.from(first.bytes.subarray(0, length))
      taken += length
      this.#unreadByPeer += length
      if (length > 0) this.#around.send({ kind: 'bytes', bytes })
      if (length < first.bytes.length) {
        first.bytes = first.bytes.subarray(length)
        continue
      }
      this.#queue.shift()
      first.done?.()
    }
    if (this.#ending && !this.#closed) {
      this.#around.send({ kind: 'fin' })
      this.close(null)
    }
    return taken
  }

  #peerRead(bytes: number): void {
    this.#unreadByPeer -= bytes
    if (!this.#closed && this.#queue.length > 0) this.#takeSoon()
  }

  #readSoon(): void {
    if (this.#readDue || this.#sink === null) return
    this.#readDue = true
    this.#event(this.#readName, this.#readNow)
  }

  readonly #readNow = (): number => {
    this.#readDue = false
    return this.#read()
  }

  #read(): number {
    const sink = this.#sink
    if (this.#closed || this.#paused || sink === null) return 0
    const first = this.#arrived[0]
    if (first === undefined) {
      if (this.#finArrived && !this.#endedTold) {
        this.#endedTold = true
        sink.ended()
      }
      return 0
    }
    const room = sink.room()
    assert(room.length > 0, 'a sink has room for at least one byte')
    // Most reads take all there is; the others end anywhere.
    const whole = this.#around.random.chance(0.7)
    let length = 0
    while (length < room.length) {
      const next = this.#arrived[0]
      if (next === undefined) break
      const most = Math.min(next.length, room.length - length)
      const taken = whole ? most : 1 + this.#around.random.below(most)
      next.copy(room, length, 0, taken)
      length += taken
      if (taken < next.length) this.#arrived[0] = next.subarray(taken)
      else this.#arrived.shift()
      if (!whole) break
    }
    const checksum = crc32(room.subarray(0, length))
    if (this.#peer !== null) this.#peer.#peerRead(length)
    sink.received(length)
    if (this.#arrived.length > 0 || this.#finArrived) this.#readSoon()
    return checksum
  }

  #name(what: string): string {
    return `${this.#around.name} ${what}`
  }

  #event(name: string, task: () => number | void): void {
    const { events, random, process } = this.#around
    events.schedule(random.below(20), name, process, task)
  }
}
