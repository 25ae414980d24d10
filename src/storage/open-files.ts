/**
 * The `.log` files that one node holds open, bounded: when another is needed, one that wasn't used lately is closed.
 *
 * Invariants: never more than `max` are open, but while more are in use at once; a file in use is never closed; what was
 * written and not yet synced is synced before its file is closed, because the system may tell an error of writing back only
 * to a file that was open then. Which file goes follows from the order of uses alone (second chance), not from a clock.
 */
import { Turns } from './bounded.ts'
import { DiskError, type Disk, type DiskFile } from '../world/world.ts'

/** However few the system gives. */
const OPEN_MIN = 4
/** Small files of logs that are written at once when a node becomes the leader of all its partitions. */
const BRIEF_MAX = 8

/** The share of log files in what a process may have open; the rest is for connections and files that are open for a moment. */
export function openFilesFor(disk: Disk): OpenFiles {
  return new OpenFiles(Math.max(OPEN_MIN, Math.floor(disk.openFilesMax / 2)))
}

export class OpenFiles {
  /** For files that are open for a moment, where many logs write theirs at once. */
  readonly brief = new Turns(BRIEF_MAX)
  #max: number
  /** Oldest first; those used since they were looked at get a second turn. */
  readonly #open = new Set<SegmentFile>()
  #opening = 0

  constructor(max: number) {
    this.#max = max
  }

  get max(): number {
    return this.#max
  }

  get count(): number {
    return this.#open.size
  }

  /** @internal */
  async open(file: SegmentFile, disk: Disk, path: string): Promise<DiskFile> {
    this.#opening++
    try {
      while (this.#open.size + this.#opening > this.#max && (await this.#closeOne()));
      for (;;) {
        try {
          const opened = await disk.open(path, 'update')
          this.#open.add(file)
          this.released()
          return opened
        } catch (error) {
          if (!(error instanceof DiskError) || error.code !== 'EMFILE') throw error
          // Others of this process took more than their share.
          this.#max = Math.max(OPEN_MIN, Math.min(this.#max, this.#open.size))
          if (!(await this.#closeOne())) throw error
        }
      }
    } finally {
      this.#opening--
    }
  }

  /** @internal One more may be closed: it is not in use any more, or all were when another was opened. */
  released(): void {
    if (this.#open.size > this.#max) void this.#closeOne()
  }

  /** @internal */
  closed(file: SegmentFile): void {
    this.#open.delete(file)
  }

  /** False if all are in use. */
  async #closeOne(): Promise<boolean> {
    const clean = this.#victim((file) => !file.isDirty)
    const victim = clean ?? this.#victim(() => true)
    if (victim === null) return false
    this.#open.delete(victim)
    await victim.letGo()
    return true
  }

  #victim(may: (file: SegmentFile) => boolean): SegmentFile | null {
    // Twice round: the first may only take the second chances away.
    for (let left = this.#open.size * 2; left > 0; left--) {
      const [oldest] = this.#open
      if (oldest === undefined) return null
      if (!oldest.isInUse && may(oldest) && !oldest.takeChance()) return oldest
      this.#open.delete(oldest)
      this.#open.add(oldest)
    }
    return null
  }
}

/** One `.log` file, open when it is used. */
export class SegmentFile {
  readonly #pool: OpenFiles
  readonly #disk: Disk
  /** A directory may be renamed while its files are closed. */
  readonly #path: () => string
  #file: DiskFile | null = null
  #opening: Promise<DiskFile> | null = null
  #closing: Promise<void> | null = null
  #users = 0
  #wasUsed = false
  #isDirty = false
  /** Of the sync before a close: whoever uses the file next must hear of it. */
  #lost: Error | null = null

  constructor(pool: OpenFiles, disk: Disk, path: () => string) {
    this.#pool = pool
    this.#disk = disk
    this.#path = path
  }

  get isOpen(): boolean {
    return this.#file !== null || this.#opening !== null
  }

  get isInUse(): boolean {
    return this.#users > 0
  }

  /** Written since it was synced. */
  get isDirty(): boolean {
    return this.#isDirty
  }

  /** For an operation that begins in this turn; null: it has to be acquired. */
  get now(): DiskFile | null {
    this.#wasUsed = true
    return this.#file
  }

  /** Stays open until `release`, which is called once for each that did not reject. */
  acquire(): DiskFile | Promise<DiskFile> {
    this.#users++
    this.#wasUsed = true
    return this.#file ?? this.#acquired()
  }

  release(): void {
    this.#users--
    this.#pool.released()
  }

  async use<T>(work: (file: DiskFile) => Promise<T>): Promise<T> {
    const file = await this.acquire()
    try {
      return await work(file)
    } finally {
      this.release()
    }
  }

  /** To be said before a write begins, or in its turn. */
  willWrite(): void {
    this.#isDirty = true
  }

  /** All that was written before survives a power loss. */
  sync(): Promise<void> {
    return this.use((file) => {
      this.#isDirty = false
      return file.sync()
    })
  }

  /** @internal Whether it was used since the last time that it was asked. */
  takeChance(): boolean {
    const had = this.#wasUsed
    this.#wasUsed = false
    return had
  }

  /** @internal The pool has forgotten it, and nobody uses it. Never rejects. */
  letGo(): Promise<void> {
    const file = this.#file
    this.#file = null
    this.#opening = null
    this.#closing = this.#syncAndClose(file).finally(() => {
      this.#closing = null
    })
    return this.#closing
  }

  /** Without a sync: for whoever flushed before, or wants what a killed process leaves. */
  async close(): Promise<void> {
    const opening = this.#opening
    const file = this.#file
    this.#opening = null
    this.#file = null
    this.#pool.closed(this)
    await this.#closing
    await (file ?? (await opening?.catch(() => null)))?.close()
  }

  async #acquired(): Promise<DiskFile> {
    try {
      while (this.#closing !== null) await this.#closing
      if (this.#lost !== null) throw this.#lost
      return await (this.#opening ??= this.#open())
    } catch (error) {
      this.#users--
      throw error
    }
  }

  #open(): Promise<DiskFile> {
    const opening = this.#pool.open(this, this.#disk, this.#path()).then(
      (file) => {
        // Closed meanwhile: `close` has it.
        if (this.#opening === opening) this.#file = file
        else this.#pool.closed(this)
        return file
      },
      (error: unknown) => {
        if (this.#opening === opening) this.#opening = null
        throw error
      },
    )
    return opening
  }

  async #syncAndClose(file: DiskFile | null): Promise<void> {
    if (file === null) return
    try {
      if (this.#isDirty) await file.sync()
      this.#isDirty = false
    } catch (error) {
      this.#lost = error instanceof Error ? error : new Error(String(error))
    }
    await file.close().catch((error: unknown) => {
      this.#lost ??= error instanceof Error ? error : new Error(String(error))
    })
  }
}
