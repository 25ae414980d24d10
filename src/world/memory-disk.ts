/**
 * A memory disk as one process sees it. The files and directories are in memory-volume.ts and outlive the process.
 */
import { MemoryFile } from './memory-file.ts'
import { atOnce, MemoryVolume, type DiskOperation } from './memory-volume.ts'
import { DiskError, type DirectoryEntry, type Disk, type DiskFile, type DiskLock, type OpenMode } from './world.ts'

/** A disk without latency, for a broker that keeps nothing. */
export function memoryDisk(clock: { wallMs(): number; soon(task: () => void): void }): Disk {
  const volume = new MemoryVolume({
    wallMs: () => clock.wallMs(),
    schedule: atOnce(clock),
    faults: null,
    trackUnsynced: false,
    shuffle: null,
  })
  return new MemoryDisk(volume)
}

export class MemoryDisk implements Disk {
  readonly #volume: MemoryVolume
  readonly #owner: number

  /** Mounts the volume for the process that now begins; it ends with the volume's next `crash`. */
  constructor(volume: MemoryVolume) {
    this.#volume = volume
    this.#owner = volume.process
  }

  get openFilesMax(): number {
    return this.#volume.openFilesMax
  }

  open(path: string, mode: OpenMode): Promise<DiskFile> {
    return this.#run({ kind: 'open', path, position: 0, bytes: 0 }, () => {
      const found = this.#volume.tree.find(path)
      if (found !== null && mode === 'create') throw new DiskError('EEXIST', path, 'the file exists')
      if (found?.kind === 'directory') throw new DiskError('EUNKNOWN', path, 'is a directory')
      if (found === null && (mode === 'read' || mode === 'update')) throw new DiskError('ENOENT', path, 'no such file')
      return new MemoryFile(path, found ?? this.#volume.newFile(path), mode !== 'read', this.#owner, this.#volume)
    })
  }

  readFile(path: string): Promise<Buffer | null> {
    const operation: DiskOperation = { kind: 'read', path, position: 0, bytes: 0 }
    return this.#run(operation, () => {
      const node = this.#volume.fileAt(path)
      if (node === null) return null
      const data = Buffer.alloc(node.bytes.size)
      node.bytes.read(data, 0)
      this.#volume.faults?.spoil(operation, data)
      return data
    })
  }

  writeFile(path: string, data: Buffer): Promise<void> {
    return this.#run(
      { kind: 'write', path, position: 0, bytes: data.length },
      () => {
        const node = this.#volume.fileAt(path) ?? this.#volume.newFile(path)
        node.bytes.truncate(0)
        this.#volume.write(node, path, [data], 0)
      },
      (writtenBytes) => {
        const node = this.#volume.fileAt(path) ?? this.#volume.newFile(path)
        node.bytes.truncate(0)
        this.#volume.write(node, path, [data.subarray(0, writtenBytes)], 0)
      },
    )
  }

  rename(from: string, to: string): Promise<void> {
    return this.#run({ kind: 'rename', path: from, position: 0, bytes: 0 }, () =>
      this.#volume.tree.rename(from, to, this.#volume.nowMs()),
    )
  }

  remove(path: string): Promise<void> {
    return this.#run({ kind: 'remove', path, position: 0, bytes: 0 }, () => {
      const node = this.#volume.tree.find(path)
      if (node === null) return
      if (node.kind === 'directory') throw new DiskError('EUNKNOWN', path, 'is a directory')
      this.#volume.tree.removeTree(path, this.#volume.nowMs())
    })
  }

  removeTree(path: string): Promise<void> {
    return this.#run({ kind: 'remove', path, position: 0, bytes: 0 }, () =>
      this.#volume.tree.removeTree(path, this.#volume.nowMs()),
    )
  }

  makeDirectory(path: string): Promise<void> {
    return this.#run({ kind: 'makeDirectory', path, position: 0, bytes: 0 }, () =>
      this.#volume.tree.makeDirectory(path, this.#volume.nowMs()),
    )
  }

  list(directory: string): Promise<DirectoryEntry[] | null> {
    return this.#run({ kind: 'list', path: directory, position: 0, bytes: 0 }, () => {
      const node = this.#volume.tree.find(directory)
      if (node === null) return null
      if (node.kind === 'file') throw new DiskError('ENOTDIR', directory, 'is a file')
      const entries = [...node.entries].map(([name, entry]) => ({ name, isDirectory: entry.kind === 'directory' }))
      return this.#volume.shuffled(entries)
    })
  }

  stat(path: string): Promise<{ size: number; modifiedMs: number; isDirectory: boolean } | null> {
    return this.#run({ kind: 'stat', path, position: 0, bytes: 0 }, () => {
      const node = this.#volume.tree.find(path)
      if (node === null) return null
      const size = node.kind === 'file' ? node.bytes.size : 0
      return { size, modifiedMs: node.modifiedMs, isDirectory: node.kind === 'directory' }
    })
  }

  setModifiedMs(path: string, wallMs: number): Promise<void> {
    return this.#run({ kind: 'stat', path, position: 0, bytes: 0 }, () => {
      const node = this.#volume.tree.find(path)
      if (node === null) throw new DiskError('ENOENT', path, 'no such file or directory')
      node.modifiedMs = wallMs
    })
  }

  syncDirectory(path: string): Promise<void> {
    return this.#run({ kind: 'syncDirectory', path, position: 0, bytes: 0 }, () => {
      const node = this.#volume.tree.find(path)
      if (node === null) throw new DiskError('ENOENT', path, 'no such directory')
      if (node.kind === 'directory') this.#volume.tree.sync(node)
    })
  }

  lock(path: string): Promise<DiskLock | null> {
    return this.#run({ kind: 'lock', path, position: 0, bytes: 0 }, () => {
      const node = this.#volume.fileAt(path) ?? this.#volume.newFile(path)
      if (this.#volume.locks.has(node)) return null
      this.#volume.locks.add(node)
      return {
        release: () =>
          this.#run({ kind: 'close', path, position: 0, bytes: 0 }, () => {
            if (this.#owner === this.#volume.process) this.#volume.locks.delete(node)
          }),
      }
    })
  }

  /** Nothing of it ever waits for a thread. */
  briskly<T>(work: () => Promise<T>): Promise<T> {
    return work()
  }

  space(path: string): Promise<{ total: number; usable: number }> {
    return this.#run({ kind: 'stat', path, position: 0, bytes: 0 }, () => {
      const total = this.#volume.capacityBytes
      return { total, usable: Math.max(0, total - this.#volume.usedBytes()) }
    })
  }

  #run<T>(
    operation: DiskOperation,
    effect: () => T,
    partly: ((writtenBytes: number) => void) | null = null,
  ): Promise<T> {
    return this.#volume.run(this.#owner, operation, effect, partly)
  }
}
