/**
 * The disk of a test broker: memory that survives the runs of the broker, with faults by request.
 *
 * Faults spare the metadata log unless their `path` names it: a broker that can't write it stops at once, as Kafka does. It
 * also stops when its last log directory has failed; give it two (`log.dirs`) to see it go on with the other.
 */
import { MemoryDisk } from '../../world/memory-disk.ts'
import type { MemoryDirectoryNode, MemoryFileNode } from '../../world/memory-tree.ts'
import { MemoryVolume, type DiskOperation } from '../../world/memory-volume.ts'
import { nodeClock } from '../../world/node/clock.ts'
import { DiskError, type Disk, type DiskErrorCode } from '../../world/world.ts'
import { batchThatHolds } from './batch-position.ts'

export interface DiskFault {
  /** Only files whose path contains this, for example `orders-0/` for a partition. All but the metadata log if left out. */
  readonly path?: string
  /** EIO if left out. */
  readonly code?: DiskErrorCode
  /** Of a write, the bytes that are written nevertheless; 0 if left out. */
  readonly writtenBytes?: number
  /** How many operations; 1 if left out. */
  readonly times?: number
}

const KINDS: Record<'read' | 'write' | 'sync', readonly DiskOperation['kind'][]> = {
  read: ['read'],
  write: ['write', 'writeNow', 'truncate'],
  sync: ['sync', 'syncDirectory'],
}
const METADATA_LOG = '__cluster_metadata-0'
const NOT_FULL_BYTES = 2 ** 40

export class TestDisk {
  readonly #volume: MemoryVolume
  readonly #setTimer: (ms: number, run: () => void) => void
  #faults: { readonly kinds: readonly DiskOperation['kind'][]; readonly fault: DiskFault; left: number }[] = []
  #delayMs = 0
  /** What waits while the disk hangs. */
  #hung: (() => void)[] | null = null
  #underWay = 0

  /** @internal */
  constructor(clock: { now(): number }, setTimer: (ms: number, run: () => void) => void) {
    this.#setTimer = setTimer
    this.#volume = new MemoryVolume({
      wallMs: () => clock.now(),
      schedule: (_operation, effect, complete) => this.#schedule(effect, complete),
      faults: {
        failure: (operation) => this.#failure(operation),
        spoil() {},
        wrote() {},
        // A write on the caller's thread can neither hang nor take long.
        refusesWriteNow: () => this.#hung !== null || this.#delayMs > 0,
      },
      trackUnsynced: true,
      shuffle: null,
    })
  }

  /** The next operations of this kind fail. */
  failNext(kind: 'read' | 'write' | 'sync', fault: DiskFault = {}): void {
    this.#faults.push({ kinds: KINDS[kind], fault, left: fault.times ?? 1 })
  }

  /** No file grows any more: ENOSPC. */
  fill(): void {
    this.#volume.capacityBytes = this.#volume.usedBytes()
  }

  /** Every operation takes so long, in the time of the broker's clock. */
  slowDown(ms: number): void {
    this.#delayMs = ms
  }

  /** Nothing completes until `heal`. */
  hang(): void {
    this.#hung ??= []
  }

  /** Takes back all of the above. What was corrupted stays so. */
  heal(): void {
    this.#faults = []
    this.#delayMs = 0
    this.#volume.capacityBytes = NOT_FULL_BYTES
    const waiting = this.#hung ?? []
    this.#hung = null
    for (const task of waiting) task()
  }

  /** Flips a bit in the stored batch that holds the record. @throws Error if there is none. */
  corrupt(record: { readonly topic: string; readonly partition?: number; readonly offset?: number }): void {
    const { topic, partition = 0, offset = 0 } = record
    for (const directory of this.#partitions(`${topic}-${partition}`)) {
      for (const file of directory) {
        const bytes = Buffer.alloc(file.bytes.size)
        file.bytes.read(bytes, 0)
        const found = batchThatHolds(bytes, offset)
        if (found === null) continue
        const last = bytes.subarray(found.end - 1, found.end)
        last[0] = (last[0] ?? 0) ^ 1
        file.bytes.write(last, found.end - 1)
        return
      }
    }
    throw new Error(`there is no record ${offset} of ${topic}-${partition} on the disk`)
  }

  /** @internal The disk as a run of the broker sees it that now begins. */
  mount(): Disk {
    return new MemoryDisk(this.#volume)
  }

  /** @internal The run has ended: what hung never happens, what was not synced is lost with `losePower`. */
  ended(losePower: boolean): void {
    this.#hung = null
    this.#underWay = 0
    this.#volume.crash(() => 'lost')
    if (!losePower) return
    this.#volume.losePower({
      keepsEntry: () => false,
      ofPage: () => 'lost',
      sizeBetween: (_present, durable) => durable,
    })
  }

  /** @internal Operations that will complete without time going on. */
  get isBusy(): boolean {
    return this.#underWay > 0
  }

  #failure(operation: DiskOperation): { readonly error: DiskError; readonly writtenBytes: number } | null {
    for (const requested of this.#faults) {
      const { fault, kinds } = requested
      if (!kinds.includes(operation.kind) || !isMeant(operation.path, fault.path)) continue
      requested.left -= 1
      if (requested.left <= 0) this.#faults = this.#faults.filter((other) => other !== requested)
      const code = fault.code ?? 'EIO'
      const error = new DiskError(code, operation.path, `${code} of ${operation.kind}, as the test asked`)
      return { error, writtenBytes: Math.min(fault.writtenBytes ?? 0, operation.bytes) }
    }
    return null
  }

  #schedule(effect: () => void, complete: () => void): void {
    const happen = (): void => {
      if (this.#hung !== null) {
        this.#hung.push(happen)
        return
      }
      effect()
      this.#underWay += 1
      nodeClock.soon(() => {
        this.#underWay = Math.max(0, this.#underWay - 1)
        complete()
      })
    }
    if (this.#delayMs > 0) this.#setTimer(this.#delayMs, happen)
    else happen()
  }

  /** The segments of every directory of this name. */
  *#partitions(name: string): Generator<MemoryFileNode[]> {
    const root = this.#volume.tree.find('/')
    if (root?.kind !== 'directory') return
    for (const directory of directoriesNamed(root, name)) {
      yield [...directory.entries]
        .filter(([file]) => file.endsWith('.log'))
        .sort(([one], [other]) => (one < other ? -1 : 1))
        .flatMap(([, node]) => (node.kind === 'file' ? [node] : []))
    }
  }
}

function isMeant(path: string, wanted: string | undefined): boolean {
  return wanted === undefined ? !path.includes(METADATA_LOG) : `${path}/`.includes(wanted)
}

function* directoriesNamed(directory: MemoryDirectoryNode, name: string): Generator<MemoryDirectoryNode> {
  for (const [entry, node] of directory.entries) {
    if (node.kind !== 'directory') continue
    if (entry === name) yield node
    else yield* directoriesNamed(node, name)
  }
}
