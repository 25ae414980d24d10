/** How far a long work is, told on stderr a few times a second where somebody looks. */
import type { ToolHost } from '../tool/tool.ts'

const EVERY_MS = 200
const WIDTH = 24

export class Progress {
  readonly #host: ToolHost
  readonly #startMs: number
  #shownMs: number

  constructor(host: ToolHost) {
    this.#host = host
    this.#startMs = host.world.clock.monotonicMs()
    this.#shownMs = this.#startMs
  }

  /** @param whole null: nobody knows. */
  tell(done: number, whole: number | null): void {
    const nowMs = this.#host.world.clock.monotonicMs()
    if (nowMs - this.#shownMs < EVERY_MS) return
    this.#shownMs = nowMs
    const rate = `${Math.round((done * 1000) / (nowMs - this.#startMs))} records/s`
    this.#host.terminal.status(`${whole === null ? '' : `${bar(done, whole)} `}${done} records, ${rate}`)
  }

  end(): void {
    this.#host.terminal.status('')
  }
}

export function bar(done: number, whole: number): string {
  const share = whole === 0 ? 1 : Math.min(1, done / whole)
  const full = Math.floor(share * WIDTH)
  return `[${'#'.repeat(full)}${'.'.repeat(WIDTH - full)}] ${String(Math.floor(share * 100)).padStart(3)} %`
}
