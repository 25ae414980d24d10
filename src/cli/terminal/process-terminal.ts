/**
 * The terminal of this process: lines are collected into pieces of 64 KB, and handed over when the loop is idle, at
 * `flush` and before anything goes to stderr, so that both streams keep their order.
 */
import type { Terminal } from '../tool/tool.ts'

const PIECE_BYTES = 65_536
const CLEAR_TO_END = '\u001B[K'

export class ProcessTerminal implements Terminal {
  #pieces: (string | Uint8Array)[] = []
  #bytes = 0
  #scheduled = false
  #isClosed = false
  #hasStatus = false

  constructor() {
    // A reader that went away is no error of the tool's: Java's streams swallow it too.
    process.stdout.on('error', () => {
      this.#isClosed = true
    })
    process.stderr.on('error', () => {})
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  get isInteractive(): boolean {
    return process.stdin.isTTY === true && process.stdout.isTTY === true
  }

  get isScreen(): boolean {
    return process.stdout.isTTY === true
  }

  status(text: string): void {
    if (process.stderr.isTTY !== true || (text === '' && !this.#hasStatus)) return
    this.#hasStatus = text !== ''
    process.stderr.write(`\r${text.slice(0, (process.stderr.columns ?? 80) - 1)}${CLEAR_TO_END}`)
  }

  out(line: string): void {
    this.write(`${line}\n`)
  }

  error(line: string): void {
    this.#handOver()
    this.status('')
    process.stderr.write(`${line}\n`)
  }

  write(chunk: string | Uint8Array): void {
    this.#pieces.push(chunk)
    this.#bytes += chunk.length
    if (this.#bytes >= PIECE_BYTES) this.#handOver()
    else if (!this.#scheduled) {
      this.#scheduled = true
      setImmediate(() => this.#handOver())
    }
  }

  async flush(): Promise<void> {
    this.#handOver()
    if (this.#isClosed) return
    // Only when the writes before are settled is it known whether anybody reads: then `isClosed` tells.
    await new Promise<void>((resolve) => {
      process.stdout.write('', (error) => {
        if (error instanceof Error) this.#isClosed = true
        resolve()
      })
    })
  }

  async *input(): AsyncIterable<Uint8Array> {
    for await (const chunk of process.stdin) yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk
  }

  #handOver(): void {
    this.#scheduled = false
    const pieces = this.#pieces
    if (pieces.length === 0 || this.#isClosed) return
    this.#pieces = []
    this.#bytes = 0
    const isText = pieces.every((piece) => typeof piece === 'string')
    process.stdout.write(isText ? pieces.join('') : Buffer.concat(pieces.map((piece) => Buffer.from(piece))))
  }
}
