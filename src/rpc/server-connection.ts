/**
 * One client's connection on the server's side: frames in, answers out in the order of their requests.
 *
 * As in Kafka one request of a connection is in work at a time, so a long poll holds back what is behind it. The exception
 * is a request whose `pipelined` outcome says that its effect is already ordered (a Produce that is queued on its logs):
 * the next one starts at once, and answers still leave in request order. A frame's memory is held until its answer is handed to
 * the socket, or whoever handles it lets go of it. One connection may not hold the loop: after a burst it continues in a later turn.
 *
 * A client that exceeds a quota is answered at once and muted then (KIP-219): nothing of it starts until the time is over. The socket is
 * read on only as long as nothing comes, to see that the client closes it, and what did come isn't counted as in work: others go on.
 */
import type { Clock, Socket, SocketSink } from '../world/world.ts'
import type { ChunkPool } from './chunk-pool.ts'
import type { Dispatched, Outcome, Refusal } from './dispatched.ts'
import { FrameReceiver, type Frame } from './frame-receiver.ts'
import { Mute } from './mute.ts'
import type { ReadGate } from './read-gate.ts'
import type { UnsentAnswers } from './unsent-answers.ts'

export interface ServerConnectionOptions {
  readonly clock: Clock
  readonly pool: ChunkPool
  readonly gate: ReadGate
  readonly unsentAnswers: UnsentAnswers
  readonly requestBytesMax: number
  readonly dispatch: (frame: Frame, connection: ServerConnection) => Dispatched
  /** What came was no request, or none that is served; `closed` follows. */
  readonly refused: (connection: ServerConnection, what: Refusal) => void
  readonly closed: (connection: ServerConnection, reason: string) => void
}

/** Requests of one connection that may be unanswered at once. */
const PIPELINE_MAX = 64
/** Frames read ahead while one is in work; beyond them the socket is not read. */
const QUEUED_FRAMES_MAX = 16
/**
 * A connection that has no more than this in work is read whatever the others have: requests that wait may wait for what a small one
 * brings, an append with acks=all for the next fetch of a follower, a transaction's first batch for its coordinator.
 */
const SMALL_BYTES = 64 * 1024
/** Bytes handed to the socket and not yet taken by the kernel, before the next request starts. */
const UNSENT_BYTES_MAX = 4 * 1024 * 1024
/** A connection's share of one turn of the loop. */
const TURN_BYTES_MAX = 2 * 1024 * 1024
const TURN_REQUESTS_MAX = 64

interface Slot {
  readonly frame: Frame
  isLetGo: boolean
  outcome: Outcome | null
  readonly pipelined: boolean
}

export class ServerConnection implements SocketSink {
  readonly socket: Socket
  /** Milliseconds on the monotonic clock: when the last request came or the last answer left. */
  lastActiveMs: number
  readonly #options: ServerConnectionOptions
  readonly #receiver: FrameReceiver
  readonly #queued: Frame[] = []
  readonly #slots: Slot[] = []
  #inWorkBytes = 0
  #unsentBytes = 0
  #paused = false
  #closed = false
  #peerEnded = false
  #continuing = false
  #isPaced = false
  readonly #mute: Mute
  #closeReason = 'the client closed the connection'

  constructor(socket: Socket, options: ServerConnectionOptions) {
    this.socket = socket
    this.#options = options
    this.#mute = new Mute(options.clock)
    this.lastActiveMs = options.clock.monotonicMs()
    this.#receiver = new FrameReceiver(
      options.pool,
      options.requestBytesMax,
      (frame) => this.#frameArrived(frame),
      (sizeBytes) => {
        options.refused(this, { sizeBytes })
        this.close(`a request of ${sizeBytes} bytes, ${options.requestBytesMax} are allowed`)
      },
    )
    socket.start(this)
  }

  /** Requests that were received and not yet answered. */
  get inWork(): number {
    return this.#queued.length + this.#slots.length
  }

  /** Nothing is being done for the client; what a muted one has sent waits. */
  get isResting(): boolean {
    return this.#slots.length === 0 && (this.#queued.length === 0 || this.#mute.isOn)
  }

  room(): Buffer {
    return this.#receiver.room()
  }

  received(length: number): void {
    if (this.#closed) return
    this.#receiver.received(length)
    this.#pump()
  }

  ended(): void {
    this.#peerEnded = true
    if (this.inWork === 0 && this.#unsentBytes === 0) this.close(this.#closeReason)
  }

  closed(error: Error | null): void {
    if (error !== null) this.#closeReason = error.message
    this.#finish()
  }

  /** Drops what is in work and closes. */
  close(reason: string): void {
    if (this.#closed) return
    this.#closeReason = reason
    this.socket.destroy()
    this.#finish()
  }

  /** The bytes of a request in work aren't needed any more, though it isn't answered yet. */
  letGo(frame: Frame): void {
    const slot = this.#slots.find((one) => one.frame === frame)
    if (slot === undefined || slot.isLetGo) return
    slot.isLetGo = true
    this.#releaseFrame(frame)
    if (!this.#closed) this.#controlReading()
  }

  #finish(): void {
    if (this.#closed) return
    this.#endMute()
    this.#closed = true
    this.#receiver.stop()
    this.#options.gate.forget(this.#resume)
    this.#options.unsentAnswers.forget(this)
    for (const frame of this.#queued) this.#releaseFrame(frame)
    this.#queued.length = 0
    // Slots in work keep their frame until they are done: an append may still refer to its memory.
    this.#options.closed(this, this.#closeReason)
  }

  #frameArrived(frame: Frame): void {
    if (this.#closed) {
      frame.memory.release()
      return
    }
    if (!this.#mute.isOn) this.#options.gate.add(frame.end - frame.start)
    this.#inWorkBytes += frame.end - frame.start
    this.#queued.push(frame)
  }

  #releaseFrame(frame: Frame): void {
    frame.memory.release()
    this.#inWorkBytes -= frame.end - frame.start
    this.#options.gate.remove(frame.end - frame.start)
  }

  /** Starts requests as far as order, limits and this turn's share allow. */
  #pump(): void {
    if (this.#continuing) return
    let turnBytes = 0
    let turnRequests = 0
    while (this.#queued.length > 0 && this.#mayStart()) {
      if (turnBytes >= TURN_BYTES_MAX || turnRequests >= TURN_REQUESTS_MAX) {
        this.#continueLater()
        break
      }
      const frame = this.#queued.shift()!
      turnBytes += frame.end - frame.start
      turnRequests++
      this.#start(frame)
    }
    if (this.#closed) return
    if (this.inWork === 0) {
      if (this.#peerEnded && this.#unsentBytes === 0) this.close(this.#closeReason)
      else if (this.#receiver.idle()) this.socket.renewRoom()
    }
    this.#controlReading()
  }

  #continueLater(): void {
    this.#continuing = true
    this.#options.clock.soon(() => {
      this.#continuing = false
      if (!this.#closed) this.#pump()
    })
  }

  #mayStart(): boolean {
    if (this.#closed || this.#mute.isOn) return false
    if (this.#unsentBytes > UNSENT_BYTES_MAX || this.#slots.length >= PIPELINE_MAX) return false
    const last = this.#slots.at(-1)
    return last === undefined || last.pipelined
  }

  #start(frame: Frame): void {
    this.lastActiveMs = this.#options.clock.monotonicMs()
    const { outcome, pipelined, isPaced } = this.#options.dispatch(frame, this)
    this.#isPaced = isPaced
    const slot: Slot = { frame, isLetGo: false, outcome: null, pipelined }
    this.#slots.push(slot)
    if (outcome instanceof Promise) {
      void outcome.then((settled) => {
        this.#settled(slot, settled)
        this.#pump()
      })
    } else this.#settled(slot, outcome)
  }

  #settled(slot: Slot, outcome: Outcome): void {
    slot.outcome = outcome
    while (this.#slots.length > 0 && this.#slots[0]!.outcome !== null) this.#answer(this.#slots.shift()!)
  }

  #answer(slot: Slot): void {
    const outcome = slot.outcome
    if (!slot.isLetGo) this.#releaseFrame(slot.frame)
    if (outcome === null) return
    if (outcome.kind !== 'close' && outcome.muteMs > 0) this.#muteFor(outcome.muteMs)
    if (outcome.kind === 'silent') return
    if (outcome.kind === 'close') {
      if (!this.#closed) this.#options.refused(this, { reason: outcome.reason })
      this.close(outcome.reason)
      return
    }
    if (this.#closed) {
      outcome.release?.()
      return
    }
    let bytes = 0
    for (const piece of outcome.pieces) bytes += piece.length
    this.#unsentBytes += bytes
    this.#options.unsentAnswers.add(this, bytes)
    this.socket.write(outcome.pieces, () => {
      this.#unsentBytes -= bytes
      this.#options.unsentAnswers.remove(this, bytes)
      this.lastActiveMs = this.#options.clock.monotonicMs()
      outcome.release?.()
      if (!this.#closed) this.#pump()
    })
  }

  #muteFor(muteMs: number): void {
    if (this.#closed) return
    if (!this.#mute.isOn) for (const frame of this.#queued) this.#options.gate.remove(frame.end - frame.start)
    this.#mute.start(muteMs, () => {
      this.#endMute()
      this.#pump()
    })
  }

  #endMute(): void {
    if (!this.#mute.isOn) return
    this.#mute.end()
    for (const frame of this.#queued) this.#options.gate.add(frame.end - frame.start)
  }

  /** No more requests are to be read now. */
  #isFull(): boolean {
    const queued = this.#queued.length
    if (this.#mute.isOn) return queued > 0 || this.#receiver.expectedBytes > 0
    return queued >= (this.#isPaced ? 1 : QUEUED_FRAMES_MAX)
  }

  #controlReading(): void {
    const { gate } = this.#options
    const full = this.#isFull()
    const waits = !gate.isOpen && this.#inWorkBytes + this.#receiver.expectedBytes > SMALL_BYTES
    if (!this.#paused && (full || waits)) {
      this.#paused = true
      this.socket.pause()
      if (!full) gate.wait(this.#resume)
    } else if (this.#paused && !full && this.#queued.length < QUEUED_FRAMES_MAX / 2) {
      if (waits) gate.wait(this.#resume)
      else this.#resume()
    }
  }

  readonly #resume = (): void => {
    if (this.#closed || !this.#paused || this.#isFull()) return
    this.#paused = false
    this.socket.resume()
  }
}
