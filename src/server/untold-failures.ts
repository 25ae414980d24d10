/**
 * Log directories that failed and of which no controller has heard yet. What this broker leads there nobody can read, and no other
 * leader is elected; so a broker that can't tell a controller in time gives up (KIP-858). Each directory has its own time.
 */
import { OperationalError } from '../base/errors.ts'
import type { Uuid } from '../base/uuid.ts'
import type { Clock, Timer } from '../world/world.ts'

export interface FailedDirectory {
  readonly id: Uuid
  readonly path: string
}

export class UntoldFailures {
  readonly #clock: Clock
  readonly #timeoutMs: number
  readonly #giveUp: (error: OperationalError) => void
  readonly #timers = new Map<Uuid, Timer>()

  /** @param timeoutMs log.dir.failure.timeout.ms */
  constructor(clock: Clock, timeoutMs: number, giveUp: (error: OperationalError) => void) {
    this.#clock = clock
    this.#timeoutMs = timeoutMs
    this.#giveUp = giveUp
  }

  failed({ id, path }: FailedDirectory): void {
    if (this.#timers.has(id)) return
    const timer = this.#clock.at(this.#clock.monotonicMs() + this.#timeoutMs, () => {
      const detail = `No controller could be told within ${this.#timeoutMs} ms (log.dir.failure.timeout.ms) that the log directory ${path} failed`
      this.#giveUp(
        new OperationalError('DISK_FAILED', `${detail}: this broker stops, so that others lead what is in it`),
      )
    })
    this.#timers.set(id, timer)
  }

  told(directories: readonly Uuid[]): void {
    for (const id of directories) {
      this.#timers.get(id)?.cancel()
      this.#timers.delete(id)
    }
  }

  close(): void {
    this.told([...this.#timers.keys()])
  }
}
