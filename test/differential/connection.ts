/** One raw connection to a server under test: bytes out; frames, a close or silence in. */
import { connect, type Socket } from 'node:net'

export type Received = { readonly kind: 'frame'; readonly frame: Buffer } | { readonly kind: 'closed' }

export class PeerConnection {
  readonly #socket: Socket
  #bytes: Buffer = Buffer.alloc(0)
  readonly #received: Received[] = []
  #waiting: (() => void)[] = []
  #closed = false

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (piece) => this.#data(piece))
    socket.on('error', () => this.#close())
    socket.on('end', () => this.#close())
    socket.on('close', () => this.#close())
  }

  static open(port: number): Promise<PeerConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true })
      socket.once('error', reject)
      socket.once('connect', () => resolve(new PeerConnection(socket)))
    })
  }

  send(bytes: Buffer): void {
    if (!this.#closed) this.#socket.write(bytes)
  }

  /** What came first and was not taken yet; null when nothing came in time. */
  async next(timeoutMs: number): Promise<Received | null> {
    const end = performance.now() + timeoutMs
    for (;;) {
      const first = this.#received.shift()
      if (first !== undefined) return first
      if (this.#closed) return { kind: 'closed' }
      const left = end - performance.now()
      if (left <= 0) return null
      await this.#change(left)
    }
  }

  destroy(): void {
    this.#socket.destroy()
  }

  #change(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs)
      this.#waiting.push(() => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  #data(piece: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? piece : Buffer.concat([this.#bytes, piece])
    while (this.#bytes.length >= 4) {
      const size = this.#bytes.readInt32BE(0)
      if (this.#bytes.length < 4 + size) break
      this.#received.push({ kind: 'frame', frame: this.#bytes.subarray(4, 4 + size) })
      this.#bytes = this.#bytes.subarray(4 + size)
    }
    this.#wake()
  }

  #close(): void {
    this.#closed = true
    this.#wake()
  }

  #wake(): void {
    for (const task of this.#waiting.splice(0)) task()
  }
}
