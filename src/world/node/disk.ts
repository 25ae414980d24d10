/**
 * The file system. Everything but `writeNow` goes through the thread pool of libuv, whose size is shared by the whole
 * process: how many operations one directory may have under way is decided by the storage, not here.
 */
import fs from 'node:fs'
import { dirname } from 'node:path'
import type { DirectoryEntry, Disk, DiskFile, DiskLock, OpenMode } from '../world.ts'
import { BRISK_BYTES_MAX, nodeBrisk } from './brisk.ts'
import { errorCode, toDiskError } from './disk-errors.ts'
import { openFile, SlowWrites } from './disk-file.ts'
import { lockFile } from './file-lock.ts'

/** Of Node's callbacks: its promises load 3,000 lines at the start, and cost more than a small operation itself. */
type Done<T> = (error: Error | null, value: T) => void

export class NodeDisk implements Disk {
  readonly #slowWrites = new SlowWrites()
  readonly #brisk = nodeBrisk()
  #openFilesMax: number | null = null

  get openFilesMax(): number {
    return (this.#openFilesMax ??= descriptorLimit())
  }

  open(path: string, mode: OpenMode): Promise<DiskFile> {
    return openFile(path, mode, this.#slowWrites, this.#brisk)
  }

  async readFile(path: string): Promise<Buffer | null> {
    if (this.#brisk.isOn) {
      const small = await this.#brisk.run(path, () => smallFile(path))
      if (small !== 'large') return small
    }
    return orNull<Buffer>(path, (done) => fs.readFile(path, done))
  }

  writeFile(path: string, data: Buffer): Promise<void> {
    if (this.#brisk.isOn && data.length <= BRISK_BYTES_MAX) {
      return this.#brisk.run(path, () => fs.writeFileSync(path, data))
    }
    return called<void>(path, (done) => fs.writeFile(path, data, done))
  }

  rename(from: string, to: string): Promise<void> {
    return called<void>(from, (done) => fs.rename(from, to, done))
  }

  async remove(path: string): Promise<void> {
    await orNull<void>(path, (done) => fs.unlink(path, done))
  }

  removeTree(path: string): Promise<void> {
    return called<void>(path, (done) => fs.rm(path, { recursive: true, force: true }, done))
  }

  async makeDirectory(path: string): Promise<void> {
    try {
      await makeDirectory(path)
    } catch (error) {
      throw toDiskError(path, error)
    }
  }

  async list(directory: string): Promise<DirectoryEntry[] | null> {
    const options = { withFileTypes: true } as const
    const entries = this.#brisk.isOn
      ? await this.#brisk.run(directory, () => orNullNow(() => fs.readdirSync(directory, options)))
      : await orNull<fs.Dirent[]>(directory, (done) => fs.readdir(directory, options, done))
    if (entries === null) return null
    const found: DirectoryEntry[] = []
    for (const entry of entries) {
      // A partition may be a link to a directory on another volume.
      const target = entry.isSymbolicLink() ? await this.stat(`${directory}/${entry.name}`) : null
      found.push({ name: entry.name, isDirectory: target === null ? entry.isDirectory() : target.isDirectory })
    }
    return found
  }

  async stat(path: string): Promise<{ size: number; modifiedMs: number; isDirectory: boolean } | null> {
    const stats = this.#brisk.isOn
      ? await this.#brisk.run(path, () => fs.statSync(path, { throwIfNoEntry: false }) ?? null)
      : await orNull<fs.Stats>(path, (done) => fs.stat(path, done))
    if (stats === null) return null
    // Rounded, because `setModifiedMs` passes through seconds in floating point.
    return { size: stats.size, modifiedMs: Math.round(stats.mtimeMs), isDirectory: stats.isDirectory() }
  }

  setModifiedMs(path: string, wallMs: number): Promise<void> {
    return called<void>(path, (done) => fs.utimes(path, wallMs / 1000, wallMs / 1000, done))
  }

  async syncDirectory(path: string): Promise<void> {
    if (process.platform === 'win32') return // has no such operation; its renames are journalled
    const fd = await called<number>(path, (done) => fs.open(path, 'r', done))
    try {
      await called<void>(path, (done) => fs.fsync(fd, done))
    } finally {
      fs.closeSync(fd) // has nothing to write, so it takes no turn of the thread pool
    }
  }

  lock(path: string): Promise<DiskLock | null> {
    return lockFile(path)
  }

  briskly<T>(work: () => Promise<T>): Promise<T> {
    return this.#brisk.during(work)
  }

  async space(path: string): Promise<{ total: number; usable: number }> {
    const stats = await called<fs.StatsFs>(path, (done) => fs.statfs(path, done))
    return { total: stats.blocks * stats.bsize, usable: stats.bavail * stats.bsize }
  }
}

/** Where the system doesn't tell: less than the least of those that don't (macOS, 10,240). */
const DESCRIPTORS = 8192

/** The limit of this process, which Node has raised as far as it may by now. */
function descriptorLimit(): number {
  try {
    const limit = /^Max open files +(\S+)/m.exec(fs.readFileSync('/proc/self/limits', 'latin1'))?.[1]
    return limit === 'unlimited' ? Infinity : Number(limit) || DESCRIPTORS
  } catch {
    return DESCRIPTORS
  }
}

/** Not Node's own recursion, which tries for ever where a parent exists and the directory can't be made: in /proc. */
async function makeDirectory(path: string): Promise<void> {
  try {
    await make(path)
  } catch (error) {
    const parent = dirname(path)
    if (errorCode(error) === 'ENOENT' && parent !== path) {
      await makeDirectory(parent)
      await make(path).catch(unlessDirectory(path))
    } else await unlessDirectory(path)(error)
  }
}

function make(path: string): Promise<void> {
  return raw<void>((done) => fs.mkdir(path, done))
}

/** Somebody else may have made it meanwhile. */
function unlessDirectory(path: string): (error: unknown) => Promise<void> {
  return async (error) => {
    const isThere = errorCode(error) === 'EEXIST'
    const stats = isThere ? await raw<fs.Stats>((done) => fs.stat(path, done)).catch(() => null) : null
    if (stats?.isDirectory() !== true) throw error
  }
}

/** Null where there is nothing; 'large' where it should be read by a thread. */
function smallFile(path: string): Buffer | null | 'large' {
  return orNullNow(() => {
    const fd = fs.openSync(path, 'r')
    try {
      const { size } = fs.fstatSync(fd)
      if (size > BRISK_BYTES_MAX) return 'large'
      const bytes = Buffer.allocUnsafe(size)
      let at = 0
      while (at < size) {
        const read = fs.readSync(fd, bytes, at, size - at, at)
        if (read === 0) break
        at += read
      }
      return at === size ? bytes : bytes.subarray(0, at)
    } finally {
      fs.closeSync(fd)
    }
  })
}

function orNullNow<T>(operation: () => T): T | null {
  try {
    return operation()
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null
    throw error
  }
}

/** Rejects with what Node says. */
function raw<T>(start: (done: Done<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, value) => (error === null || error === undefined ? resolve(value) : reject(error)))
  })
}

/** Rejects with a DiskError. */
function called<T>(path: string, start: (done: Done<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, value) => (error === null || error === undefined ? resolve(value) : reject(toDiskError(path, error))))
  })
}

/** Null where there is nothing. */
function orNull<T>(path: string, start: (done: Done<T>) => void): Promise<T | null> {
  return new Promise((resolve, reject) => {
    start((error, value) => {
      if (error === null || error === undefined) resolve(value)
      else if (errorCode(error) === 'ENOENT') resolve(null)
      else reject(toDiskError(path, error))
    })
  })
}
