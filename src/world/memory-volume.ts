/**
 * What a memory disk holds, apart from the processes that use it. Stand-alone it serves brokers that keep nothing; under a
 * simulation, testing/seeded-disk.ts gives it latencies, faults and crashes.
 *
 * Every operation has an effect, which happens once and at one moment, and a completion later. A `DiskSchedule` says when;
 * `atOnce` is the one without latency. `mount` gives the disk to a process. After `crash` nothing of that process
 * happens or completes any more, its open files are dead and its locks free; after `losePower` also what was not synced
 * is gone, or not.
 */
import { MemoryBytes, type PageFate } from './memory-bytes.ts'
import { MemoryTree, type MemoryFileNode, type MemoryNode } from './memory-tree.ts'
import { DiskError } from './world.ts'

export interface DiskOperation {
  readonly kind:
    | 'open'
    | 'close'
    | 'read'
    | 'write'
    | 'writeNow'
    | 'sync'
    | 'truncate'
    | 'stat'
    | 'rename'
    | 'remove'
    | 'makeDirectory'
    | 'list'
    | 'syncDirectory'
    | 'lock'
  readonly path: string
  readonly position: number
  readonly bytes: number
}

/** When an operation happens. Must call `effect` once, then `complete` once in a later turn. */
export type DiskSchedule = (operation: DiskOperation, effect: () => void, complete: () => void) => void

/** What goes wrong with an operation; asked when its effect happens. */
export interface DiskFaults {
  /** An error in the place of the effect, or null. Of a write, `writtenBytes` of it are written nevertheless. */
  failure(operation: DiskOperation): { readonly error: DiskError; readonly writtenBytes: number } | null
  /** May spoil what was read. */
  spoil(operation: DiskOperation, read: Buffer): void
  refusesWriteNow(path: string): boolean
  /** Learns what was written. */
  wrote(path: string, position: number, data: Buffer): void
}

export interface MemoryVolumeOptions {
  readonly wallMs: () => number
  readonly schedule: DiskSchedule
  readonly faults: DiskFaults | null
  /** Remember what a power loss would take; costs memory and time. */
  readonly trackUnsynced: boolean
  /** Makes the order of directory entries arbitrary. */
  readonly shuffle: (<T>(items: T[]) => T[]) | null
}

/** What a crash makes of an operation that is under way: a write may have happened in part. */
export type CrashFate = 'happened' | 'lost' | { readonly writtenBytes: number }

export interface PowerLossFates {
  keepsEntry(): boolean
  ofPage(sectors: number): PageFate
  sizeBetween(a: number, b: number): number
}

/** A volume of this size is never full. */
const UNLIMITED_BYTES = 2 ** 40

interface Pending {
  readonly operation: DiskOperation
  readonly effect: () => void
  readonly partly: ((writtenBytes: number) => void) | null
}

/** No latency: the effect is now, the completion in the next turn. */
export function atOnce(clock: { soon(task: () => void): void }): DiskSchedule {
  return (_operation, effect, complete) => {
    effect()
    clock.soon(complete)
  }
}

export class MemoryVolume {
  readonly tree: MemoryTree
  readonly locks = new Set<MemoryNode>()
  /** Files that the process has open. */
  readonly opened = new Set<{ readonly path: string }>()
  readonly #options: MemoryVolumeOptions
  /** Counts the processes that used this volume; what belongs to an earlier one is dead. */
  #process = 0
  readonly #pending = new Set<Pending>()
  #capacityBytes = UNLIMITED_BYTES
  /** What `Disk.openFilesMax` says; nothing is refused. */
  openFilesMax = Infinity

  constructor(options: MemoryVolumeOptions) {
    this.#options = options
    this.tree = new MemoryTree(options.trackUnsynced)
  }

  get process(): number {
    return this.#process
  }

  get faults(): DiskFaults | null {
    return this.#options.faults
  }

  get capacityBytes(): number {
    return this.#capacityBytes
  }

  set capacityBytes(bytes: number) {
    this.#capacityBytes = bytes
  }

  /** The process dies. */
  crash(fateOf: (operation: DiskOperation) => CrashFate): void {
    for (const { operation, effect, partly } of this.#pending) {
      const fate = fateOf(operation)
      try {
        if (fate === 'happened') effect()
        // A sync whose process dies loses nothing: only one that answers an error cleans pages without writing them.
        else if (fate !== 'lost' && partly !== null && operation.kind !== 'sync') partly(fate.writtenBytes)
      } catch {
        // Nobody is left who could be told of a full disk or a missing file.
      }
    }
    this.#pending.clear()
    this.locks.clear()
    this.opened.clear()
    this.#process += 1
  }

  /** The machine dies; the process on it must have crashed. */
  losePower(fates: PowerLossFates): void {
    this.tree.losePower(() => fates.keepsEntry())
    for (const node of this.tree.nodes('entries')) {
      if (node.kind === 'directory') continue
      node.bytes.losePower(
        (sectors) => fates.ofPage(sectors),
        (a, b) => fates.sizeBetween(a, b),
      )
    }
  }

  /** Runs an operation of the process `owner`. One of a dead process neither happens nor completes. */
  run<T>(
    owner: number,
    operation: DiskOperation,
    effect: () => T,
    partly: ((writtenBytes: number) => void) | null,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      if (owner !== this.#process) return
      let settle = (): void => {}
      const pending: Pending = { operation, effect, partly }
      this.#pending.add(pending)
      const happen = (): void => {
        if (!this.#pending.delete(pending)) return
        try {
          const failure = this.faults?.failure(operation) ?? null
          if (failure !== null) {
            if (partly !== null) partly(failure.writtenBytes)
            throw failure.error
          }
          const value = effect()
          settle = () => resolve(value)
        } catch (error) {
          settle = () => reject(error)
        }
      }
      this.#options.schedule(operation, happen, () => {
        if (owner === this.#process) settle()
      })
    })
  }

  fileAt(path: string): MemoryFileNode | null {
    const node = this.tree.find(path)
    if (node?.kind === 'directory') throw new DiskError('EUNKNOWN', path, 'is a directory')
    return node
  }

  newFile(path: string): MemoryFileNode {
    const { directory, name } = this.tree.parentOf(path)
    const bytes = new MemoryBytes(this.#options.trackUnsynced)
    const node: MemoryFileNode = { kind: 'file', bytes, modifiedMs: this.nowMs() }
    this.tree.change([{ directory, name, node }], node.modifiedMs)
    return node
  }

  write(node: MemoryFileNode, path: string, buffers: readonly Buffer[], position: number): void {
    node.modifiedMs = this.nowMs()
    let at = position
    for (const buffer of buffers) {
      const grows = at + buffer.length - node.bytes.size
      if (this.#capacityBytes < UNLIMITED_BYTES && grows > 0 && this.usedBytes() + grows > this.#capacityBytes) {
        throw new DiskError('ENOSPC', path, 'no space left on device')
      }
      node.bytes.write(buffer, at)
      this.faults?.wrote(path, at, buffer)
      at += buffer.length
    }
  }

  shuffled<T>(items: T[]): T[] {
    return this.#options.shuffle === null ? items : this.#options.shuffle(items)
  }

  nowMs(): number {
    return this.#options.wallMs()
  }

  usedBytes(): number {
    let bytes = 0
    for (const node of this.tree.nodes('entries')) if (node.kind === 'file') bytes += node.bytes.allocatedBytes
    return bytes
  }
}
