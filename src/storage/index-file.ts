/**
 * What `.index` and `.timeindex` have in common: entries of a fixed size, appended at the end, cut from the end.
 *
 * Kafka maps these files into memory, preallocated with zeros and trimmed when their segment ends. Here entries live in
 * memory and reach the file when the segment is flushed, rolled or closed; until then the file has the zeros of its
 * preallocation, which is what a killed process may leave anyway: every start after that builds them anew. An index that
 * was opened after a clean shutdown knows its last entry only, until somebody looks something up.
 */
import { DiskError, type Disk } from '../world/world.ts'
import { pathOf, type LogPlace, type SegmentSuffix } from './segment-files.ts'

/** Few: of thousands of logs most have one segment with hardly an entry. */
const GROW_ENTRIES = 4
/** Files up to this size are read whole when they are opened. */
const READ_WHOLE_BYTES = 16_384

export class IndexFile {
  readonly #disk: Disk
  readonly #place: LogPlace
  readonly #baseOffset: number
  readonly #suffix: SegmentSuffix
  readonly entryBytes: number
  /** Entries from #first on. */
  #bytes: Buffer
  /** Entries below it are only in the file. */
  #first = 0
  #count = 0
  /** The last entry, if the file's entries are not loaded and none was added. */
  #last: Buffer | null = null
  /** Entries that the file has for sure. */
  #saved = 0
  /** The file is larger than its entries. */
  #preallocated = false
  /** Counts saves; those up to #synced survive a power loss. */
  #saves = 0
  #synced = 0
  #opening: Promise<boolean> | null = null
  #loading: Promise<void> | null = null

  constructor(disk: Disk, place: LogPlace, baseOffset: number, suffix: '.index' | '.timeindex', entryBytes: number) {
    this.#disk = disk
    this.#place = place
    this.#baseOffset = baseOffset
    this.#suffix = suffix
    this.entryBytes = entryBytes
    this.#bytes = Buffer.alloc(0)
  }

  get path(): string {
    return pathOf(this.#place, this.#baseOffset, this.#suffix)
  }

  get count(): number {
    return this.#count
  }

  get isLoaded(): boolean {
    return this.#first === 0
  }

  /** Learns size and last entry of the file; false if there is none. Who asks while another does hears the same. */
  open(): Promise<boolean> {
    this.#opening ??= this.#open().finally(() => {
      this.#opening = null
    })
    return this.#opening
  }

  async #open(): Promise<boolean> {
    const stat = await this.#disk.stat(this.path)
    if (stat === null) return false
    const count = Math.floor(stat.size / this.entryBytes)
    this.#count = this.#saved = count
    if (count === 0) return true
    if (stat.size <= READ_WHOLE_BYTES) {
      this.#bytes = (await this.#disk.readFile(this.path)) ?? Buffer.alloc(0)
      this.#count = this.#saved = Math.floor(this.#bytes.length / this.entryBytes)
      return true
    }
    this.#first = count
    this.#last = Buffer.alloc(this.entryBytes)
    const file = await this.#disk.open(this.path, 'read')
    try {
      await file.read(this.#last, (count - 1) * this.entryBytes)
    } finally {
      await file.close()
    }
    return true
  }

  /** Afterwards entries may be looked up, until the next `unload`: see `isLoaded`. */
  load(): Promise<void> | void {
    if (this.#first === 0) return
    this.#loading ??= this.#load().finally(() => {
      this.#loading = null
    })
    return this.#loading
  }

  async #load(): Promise<void> {
    const before = Buffer.alloc(this.#first * this.entryBytes)
    const file = await this.#disk.open(this.path, 'read')
    try {
      await file.read(before, 0)
    } finally {
      await file.close()
    }
    if (this.#first === 0) return // cut while it was read
    this.#bytes = Buffer.concat([before, this.#bytes])
    this.#first = 0
  }

  /** Frees what the file has; the index can be loaded again. For segments that are no longer written. */
  unload(): void {
    if (this.#saved !== this.#count || this.#count === 0 || this.#preallocated) return
    const last = this.lastEntry()
    this.#last = last === null ? null : Buffer.from(last)
    this.#bytes = Buffer.alloc(0)
    this.#first = this.#count
  }

  /** A view of (bytes, at) of an entry; the index must be loaded. */
  get bytes(): Buffer {
    return this.#bytes
  }

  lastEntry(): Buffer | null {
    if (this.#count === 0) return null
    if (this.#first === this.#count) return this.#last
    const at = (this.#count - 1 - this.#first) * this.entryBytes
    return this.#bytes.subarray(at, at + this.entryBytes)
  }

  /** Room for one more entry: write it into `bytes` at the returned place at once. */
  append(): number {
    const at = (this.#count - this.#first) * this.entryBytes
    if (at + this.entryBytes > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, GROW_ENTRIES * this.entryBytes))
      this.#bytes.copy(grown, 0, 0, at)
      this.#bytes = grown
    }
    this.#count++
    return at
  }

  /** Keeps the first `count` entries; the index must be loaded. */
  truncate(count: number): void {
    this.#count = count
    this.#saved = Math.min(this.#saved, count)
    this.#first = 0
    this.#last = null
  }

  /** A new, zero-filled file of that many bytes (sparse). */
  async preallocate(maxBytes: number): Promise<void> {
    const size = Math.floor(maxBytes / this.entryBytes) * this.entryBytes
    const file = await this.#disk.open(this.path, 'write')
    try {
      if (this.#count === 0) await file.truncate(0)
      await file.truncate(size)
    } finally {
      await file.close()
    }
    this.#preallocated = true
  }

  /** Puts the entries into the file and gives it its final size. */
  async save(): Promise<void> {
    const file = await this.#disk.open(this.path, 'write')
    try {
      const from = this.#saved
      const to = this.#count
      if (from < to) {
        const entries = this.#bytes.subarray(
          (from - this.#first) * this.entryBytes,
          (to - this.#first) * this.entryBytes,
        )
        await file.write([entries], from * this.entryBytes)
        if (this.#count >= to) this.#saved = Math.max(this.#saved, to)
      }
      await file.truncate(this.#count * this.entryBytes)
      this.#preallocated = false
      this.#saves++
    } finally {
      await file.close()
    }
  }

  /** What was saved survives a power loss afterwards. */
  async sync(): Promise<void> {
    const saves = this.#saves
    if (saves <= this.#synced) return
    await syncIfThere(this.#disk, this.path)
    this.#synced = Math.max(this.#synced, saves)
  }
}

/** A segment may be deleted while it is flushed; then there is nothing to keep. */
export async function syncIfThere(disk: Disk, path: string): Promise<void> {
  try {
    const file = await disk.open(path, 'read')
    try {
      await file.sync()
    } finally {
      await file.close()
    }
  } catch (error) {
    if (!(error instanceof DiskError && error.code === 'ENOENT')) throw error
  }
}
