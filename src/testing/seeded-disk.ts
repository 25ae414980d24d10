/**
 * The disk of one simulated machine: a memory disk with latencies, faults and crashes of a seed.
 *
 * Faults come by probability (`rates`) or by request (`failNext`). Operations of different files overtake each other; the
 * effect of each lies anywhere between its start and its completion.
 */
import { crc32 } from 'node:zlib'
import { MemoryDisk } from '../world/memory-disk.ts'
import { MemoryVolume, type CrashFate, type DiskFaults, type DiskOperation } from '../world/memory-volume.ts'
import { DiskError, type Disk, type DiskErrorCode } from '../world/world.ts'
import type { SeededRandom } from './seeded-random.ts'
import type { SimEvents, SimProcess } from './sim-events.ts'

/** Probabilities per operation, 0 … 1. */
export interface DiskFaultRates {
  readError: number
  writeError: number
  syncError: number
  /** One bit of what is read is wrong. */
  rot: number
  /** The operation takes a hundred times longer. */
  slow: number
  refusedWriteNow: number
}

export interface RequestedFault {
  readonly kinds: readonly DiskOperation['kind'][]
  /** Only files whose path contains this text. */
  readonly path?: string
  readonly code: DiskErrorCode
  /** Of a write, how much is written nevertheless. */
  readonly writtenBytes?: number
  readonly times?: number
}

/** One byte of a file that is read as it was not written. */
export interface RottenByte {
  readonly path: string
  readonly position: number
  /** Bits that are wrong. */
  readonly mask: number
  /** Not only to the process that runs now. */
  readonly outlivesProcess: boolean
}

/** Least and most microseconds of an operation on a healthy disk. */
const LATENCY_US: Record<DiskOperation['kind'], readonly [number, number]> = {
  open: [20, 200],
  close: [5, 50],
  read: [10, 300],
  write: [10, 300],
  writeNow: [0, 0],
  sync: [300, 8000],
  truncate: [20, 300],
  stat: [5, 100],
  rename: [20, 200],
  remove: [20, 500],
  makeDirectory: [20, 200],
  list: [20, 300],
  syncDirectory: [300, 8000],
  lock: [20, 100],
}

export class SeededDisk implements DiskFaults {
  readonly rates: DiskFaultRates = {
    readError: 0,
    writeError: 0,
    syncError: 0,
    rot: 0,
    slow: 0.002,
    refusedWriteNow: 0.1,
  }
  readonly #events: SimEvents
  readonly #random: SeededRandom
  readonly #volume: MemoryVolume
  readonly #name: string
  #process: SimProcess
  #rotten: readonly RottenByte[] = []
  #requested: { fault: RequestedFault; left: number }[] = []
  /** What waits while the disk hangs; null while it does not. */
  #hung: (() => void)[] | null = null

  constructor(events: SimEvents, random: SeededRandom, name: string, process: SimProcess, wallMs: () => number) {
    this.#events = events
    this.#random = random
    this.#name = name
    this.#process = process
    this.#volume = new MemoryVolume({
      wallMs,
      schedule: (operation, effect, complete) => this.#schedule(operation, effect, complete),
      faults: this,
      trackUnsynced: true,
      shuffle: (items) => random.shuffle(items),
    })
  }

  /** The disk as the process sees it that now begins. */
  mount(process: SimProcess): Disk {
    this.#process = process
    return new MemoryDisk(this.#volume)
  }

  /** The next operations that match fail. */
  failNext(fault: RequestedFault): void {
    this.#requested.push({ fault, left: fault.times ?? 1 })
  }

  /** Requested faults that did not come yet never come. */
  forgetRequested(): void {
    this.#requested = []
  }

  /** From now on, until it is written over or mended. */
  rot(byte: RottenByte): void {
    this.#rotten = [...this.#rotten, byte]
  }

  mendRot(): void {
    this.#rotten = []
  }

  /** What is in a file, not what a read gives; null: there is none. */
  contentOf(path: string): Buffer | null {
    const node = this.#volume.fileAt(path)
    if (node === null) return null
    const content = Buffer.alloc(node.bytes.size)
    node.bytes.read(content, 0)
    return content
  }

  /** Forgets requested faults, sets all rates to zero and mends what rotted. */
  heal(): void {
    this.#requested = []
    this.mendRot()
    Object.assign(this.rates, { readError: 0, writeError: 0, syncError: 0, rot: 0, slow: 0, refusedWriteNow: 0 })
    this.unhang()
  }

  /** Nothing completes until `unhang`. */
  hang(): void {
    this.#hung ??= []
  }

  unhang(): void {
    const waiting = this.#hung ?? []
    this.#hung = null
    for (const task of waiting)
      this.#events.schedule(this.#random.below(1000), `${this.#name} disk unhung`, this.#process, task)
  }

  set openFilesMax(max: number) {
    this.#volume.openFilesMax = max
  }

  set capacityBytes(bytes: number) {
    this.#volume.capacityBytes = bytes
  }

  /** Every file below a directory, with its size. */
  files(directory: string): { readonly path: string; readonly size: number }[] {
    const found: { path: string; size: number }[] = []
    const visit = (path: string): void => {
      const node = this.#volume.tree.find(path)
      if (node === null) return
      if (node.kind === 'file') found.push({ path, size: node.bytes.size })
      else for (const name of node.entries.keys()) visit(`${path}/${name}`)
    }
    visit(directory)
    return found
  }

  /** Paths of the files and locks that the process holds. */
  held(): string[] {
    const files = [...this.#volume.opened].map(({ path }) => path)
    return this.#volume.locks.size === 0 ? files : [...files, `${this.#volume.locks.size} locks`]
  }

  usedBytes(): number {
    return this.#volume.usedBytes()
  }

  /** The process dies; whatever was written stays. Called by its node. */
  crash(): void {
    this.#hung = null
    this.#rotten = this.#rotten.filter(({ outlivesProcess }) => outlivesProcess)
    this.#volume.crash((operation): CrashFate => {
      const fate = this.#random.below(3)
      if (fate === 0) return 'happened'
      return fate === 1 ? 'lost' : { writtenBytes: this.#random.below(operation.bytes + 1) }
    })
  }

  /** The machine dies: what is not synced is lost, kept or torn. Called by its node, behind `crash`. */
  losePower(): void {
    const random = this.#random
    // Some power losses take everything, some nothing: both ends find bugs that the middle does not.
    const kept = [0, 0.5, 0.9, 1][random.below(4)] ?? 0
    const torn = random.chance(0.5) ? 0.3 : 0
    this.#volume.losePower({
      keepsEntry: () => random.chance(kept),
      ofPage: (sectors) => {
        if (random.chance(kept)) return 'kept'
        return random.chance(torn) ? { tornAt: random.below(sectors) } : 'lost'
      },
      sizeBetween: (a, b) => {
        const choice = random.below(3)
        return choice === 0 ? a : choice === 1 ? b : random.between(Math.min(a, b), Math.max(a, b))
      },
    })
  }

  failure(operation: DiskOperation): { error: DiskError; writtenBytes: number } | null {
    for (const requested of this.#requested) {
      const { fault } = requested
      if (!fault.kinds.includes(operation.kind) || !operation.path.includes(fault.path ?? '')) continue
      requested.left -= 1
      if (requested.left === 0) this.#requested = this.#requested.filter((other) => other !== requested)
      return this.#failed(fault.code, operation, Math.min(fault.writtenBytes ?? 0, operation.bytes))
    }
    if (!this.#random.chance(this.#rateOf(operation.kind))) return null
    return this.#failed('EIO', operation, this.#random.below(operation.bytes + 1))
  }

  spoil({ path, position }: DiskOperation, read: Buffer): void {
    for (const rotten of this.#rotten) {
      const at = rotten.position - position
      if (rotten.path === path && at >= 0 && at < read.length) read[at] = (read[at] ?? 0) ^ rotten.mask
    }
    if (read.length === 0 || !this.#random.chance(this.rates.rot)) return
    const at = this.#random.below(read.length)
    read[at] = (read[at] ?? 0) ^ (1 << this.#random.below(8))
  }

  refusesWriteNow(): boolean {
    return this.#hung !== null || this.#random.chance(this.rates.refusedWriteNow)
  }

  wrote(path: string, position: number, data: Buffer): void {
    if (this.#rotten.length > 0) {
      const end = position + data.length
      this.#rotten = this.#rotten.filter(
        (byte) => byte.path !== path || byte.position < position || byte.position >= end,
      )
    }
    this.#events.trace.record(this.#events.nowUs, `${this.#name} wrote ${path} ${position}`, crc32(data))
  }

  #failed(
    code: DiskErrorCode,
    operation: DiskOperation,
    writtenBytes: number,
  ): { error: DiskError; writtenBytes: number } {
    return { error: new DiskError(code, operation.path, `simulated ${code} of ${operation.kind}`), writtenBytes }
  }

  #rateOf(kind: DiskOperation['kind']): number {
    if (kind === 'read') return this.rates.readError
    if (kind === 'write' || kind === 'writeNow') return this.rates.writeError
    return kind === 'sync' || kind === 'syncDirectory' ? this.rates.syncError : 0
  }

  #schedule(operation: DiskOperation, effect: () => void, complete: () => void): void {
    const random = this.#random
    const [least, most] = LATENCY_US[operation.kind]
    const latencyUs = random.between(least, most) * (random.chance(this.rates.slow) ? 100 : 1)
    const name = `${this.#name} ${operation.kind} ${operation.path}`
    const detail = crc32(`${operation.position}:${operation.bytes}`)
    const process = this.#process
    const when = random.below(3)
    if (when === 0 && this.#hung === null) effect()
    const effectUs = when === 1 ? random.below(latencyUs + 1) : null
    if (effectUs !== null) this.#events.schedule(effectUs, `${name} effect`, process, () => this.#unlessHung(effect))
    this.#events.schedule(latencyUs, name, process, () => {
      this.#unlessHung(() => {
        effect() // does nothing if it has happened
        complete()
      })
      return detail
    })
  }

  #unlessHung(task: () => void): void {
    if (this.#hung === null) task()
    else this.#hung.push(task)
  }
}
