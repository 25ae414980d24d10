/**
 * Partition directories that were renamed to `-delete` and wait for their physical removal (`file.delete.delay.ms`), so
 * that readers which still hold their files can end. After a restart the wait begins anew.
 */
import type { Logger } from '../base/logger.ts'
import type { Clock, Disk, Timer } from '../world/world.ts'
import type { LogDirectory } from './log-directory.ts'

export class DirectoryRemovals {
  readonly #clock: Clock
  readonly #disk: Disk
  readonly #logger: Logger
  readonly #onError: (directory: LogDirectory, error: unknown) => void
  readonly #timers = new Map<string, Timer>()
  readonly #running = new Set<Promise<void>>()
  #stopped = false

  constructor(clock: Clock, disk: Disk, logger: Logger, onError: (directory: LogDirectory, error: unknown) => void) {
    this.#clock = clock
    this.#disk = disk
    this.#logger = logger
    this.#onError = onError
  }

  schedule(directory: LogDirectory, path: string, delayMs: number): void {
    if (this.#stopped) return
    this.#logger.info(`Scheduling ${path} for deletion in ${delayMs} ms`)
    const timer = this.#clock.at(this.#clock.monotonicMs() + delayMs, () => {
      this.#timers.delete(path)
      if (directory.isOffline) return
      const run = this.#remove(directory, path).finally(() => this.#running.delete(run))
      this.#running.add(run)
    })
    this.#timers.set(path, timer)
  }

  /** What still waits is found again at the next start. */
  async stop(): Promise<void> {
    this.#stopped = true
    for (const timer of this.#timers.values()) timer.cancel()
    this.#timers.clear()
    await Promise.all(this.#running)
  }

  async #remove(directory: LogDirectory, path: string): Promise<void> {
    try {
      await this.#disk.removeTree(path)
      this.#logger.info(`Deleted log ${path}`)
    } catch (error) {
      this.#onError(directory, error)
    }
  }
}
