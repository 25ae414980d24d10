/**
 * The bytes of one file of a memory disk: sparse blocks, and what a power loss would leave of them.
 *
 * A page changed since the last sync remembers its durable form. At a power loss each such page is its new form, its
 * durable form or torn between them, each page for itself, and the size lies anywhere between the durable and the
 * present one. A sync that fails cleans the pages in the cache without having written them (as Linux does): a later
 * sync that succeeds does not make them durable.
 */
const PAGE_BYTES = 4096
const SECTOR_BYTES = 512
/** Where the first blocks start; they grow, so that thousands of small files stay small and large ones have few blocks. */
const FIRST_STARTS = [0, 4096, 20_480, 86_016, 348_160] as const
/** All later blocks are so long. */
const BLOCK_BYTES = 1 << 20
const LATER_START = 348_160 + BLOCK_BYTES

/** What becomes of one page at a power loss; `tornAt` is the number of its first sectors that are new. */
export type PageFate = 'kept' | 'lost' | { readonly tornAt: number }

/** Copies of pages that nobody needs any more: a log that is synced after each write makes one each time. */
const spareCopies: Buffer[] = []
const SPARE_COPIES_MAX = 64

export class MemoryBytes {
  size = 0
  readonly #blocks: (Buffer | undefined)[] = []
  /** Changed since the last sync: page → its durable bytes, null where there are only zeros. Null: not tracked. */
  #unsynced: Map<number, Buffer | null> | null
  /** The same, for pages that a failed sync threw away. */
  #abandoned = new Map<number, Buffer | null>()
  #durableSize = 0

  constructor(trackUnsynced: boolean) {
    this.#unsynced = trackUnsynced ? new Map() : null
  }

  /** Memory that the file takes. */
  get allocatedBytes(): number {
    let bytes = 0
    for (const block of this.#blocks) bytes += block?.length ?? 0
    return bytes
  }

  read(into: Buffer, position: number): number {
    const length = Math.min(into.length, Math.max(0, this.size - position))
    this.#eachPiece(position, length, (block, from, bytes, at) => {
      if (block === undefined) into.fill(0, at, at + bytes)
      else block.copy(into, at, from, from + bytes)
    })
    return length
  }

  write(data: Buffer, position: number): void {
    if (data.length === 0) return
    this.#remember(position, position + data.length)
    this.#eachIndex(position, data.length, (index, from, bytes, at) => {
      const block = (this.#blocks[index] ??= Buffer.alloc(startOfBlock(index + 1) - startOfBlock(index)))
      data.copy(block, from, at, at + bytes)
    })
    this.size = Math.max(this.size, position + data.length)
  }

  truncate(size: number): void {
    if (size < this.size) {
      // Of a preallocated file most is no block: zeros before and after.
      const end = Math.min(this.size, startOfBlock(this.#blocks.length))
      this.#eachIndex(size, end - size, (index, from, bytes) => {
        const block = this.#blocks[index]
        if (block === undefined) return
        const start = startOfBlock(index) + from
        this.#remember(start, start + bytes)
        block.fill(0, from, from + bytes)
      })
      const keep = size === 0 ? 0 : blockOf(size - 1) + 1
      if (this.#blocks.length > keep) this.#blocks.length = keep
    }
    this.size = size
  }

  sync(): void {
    for (const durable of this.#unsynced?.values() ?? [])
      if (durable !== null && spareCopies.length < SPARE_COPIES_MAX) spareCopies.push(durable)
    this.#unsynced?.clear()
    this.#durableSize = this.size
  }

  syncFailed(): void {
    for (const [page, durable] of this.#unsynced ?? []) this.#abandoned.set(page, durable)
    this.#unsynced?.clear()
  }

  /** `fate` is asked for each page at risk, in order of pages; `sizeBetween` for the size, when it is at risk. */
  losePower(fate: (sectors: number) => PageFate, sizeBetween: (a: number, b: number) => number): void {
    const atRisk = new Map([...this.#abandoned, ...(this.#unsynced ?? [])])
    const size = this.size === this.#durableSize ? this.size : sizeBetween(this.size, this.#durableSize)
    this.size = Math.max(this.size, this.#durableSize)
    const track = this.#unsynced !== null
    this.#unsynced = null
    for (const [page, durable] of [...atRisk].sort(([a], [b]) => a - b)) {
      const outcome = fate(PAGE_BYTES / SECTOR_BYTES)
      if (outcome === 'kept') continue
      const lostFrom = outcome === 'lost' ? 0 : outcome.tornAt * SECTOR_BYTES
      this.write((durable ?? Buffer.alloc(PAGE_BYTES)).subarray(lostFrom), page * PAGE_BYTES + lostFrom)
    }
    this.truncate(size)
    this.#abandoned.clear()
    if (track) this.#unsynced = new Map()
    this.#durableSize = this.size
  }

  /** Keeps the durable form of the pages in [from, to) before they change. */
  #remember(from: number, to: number): void {
    const unsynced = this.#unsynced
    if (unsynced === null) return
    const last = Math.floor((to - 1) / PAGE_BYTES)
    for (let page = Math.floor(from / PAGE_BYTES); page <= last; page++) {
      if (unsynced.has(page)) continue
      const abandoned = this.#abandoned.get(page)
      if (abandoned !== undefined) {
        this.#abandoned.delete(page)
        unsynced.set(page, abandoned)
        continue
      }
      const start = page * PAGE_BYTES
      const block = this.#blocks[blockOf(start)]
      if (start >= this.#durableSize || block === undefined) {
        unsynced.set(page, null)
        continue
      }
      const within = start - startOfBlock(blockOf(start))
      const durable = spareCopies.pop() ?? Buffer.allocUnsafeSlow(PAGE_BYTES)
      block.copy(durable, 0, within, within + PAGE_BYTES)
      unsynced.set(page, durable)
    }
  }

  #eachPiece(
    position: number,
    length: number,
    visit: (block: Buffer | undefined, from: number, bytes: number, at: number) => void,
  ): void {
    this.#eachIndex(position, length, (index, from, bytes, at) => visit(this.#blocks[index], from, bytes, at))
  }

  #eachIndex(
    position: number,
    length: number,
    visit: (index: number, from: number, bytes: number, at: number) => void,
  ): void {
    let at = 0
    while (at < length) {
      const index = blockOf(position + at)
      const from = position + at - startOfBlock(index)
      const bytes = Math.min(length - at, startOfBlock(index + 1) - startOfBlock(index) - from)
      visit(index, from, bytes, at)
      at += bytes
    }
  }
}

function blockOf(position: number): number {
  if (position >= LATER_START) return FIRST_STARTS.length + Math.floor((position - LATER_START) / BLOCK_BYTES)
  let index = FIRST_STARTS.length - 1
  while (position < (FIRST_STARTS[index] ?? 0)) index -= 1
  return index
}

function startOfBlock(index: number): number {
  return FIRST_STARTS[index] ?? LATER_START + (index - FIRST_STARTS.length) * BLOCK_BYTES
}
