/**
 * The file system. Everything but `writeNow` goes through the thread pool of libuv, whose size is shared by the whole
 * process: how many operations one directory may have under way is decided by the storage, not here.
 */
import { promises as fs, readFile, statfs } from 'node:fs'
import { dirname } from 'node:path'
import type { DirectoryEntry, Disk, DiskFile, DiskLock } from '../world.ts'
import { errorCode, toDiskError } from './disk-errors.ts'
import { openFile, SlowWrites } from './disk-file.ts'
import { lockFile } from './file-lock.ts'

export class NodeDisk implements Disk {
  readonly #slowWrites = new SlowWrites()

  open(path: string, mode: 'read' | 'write' | 'create'): Promise<DiskFile> {
    return openFile(path, mode, this.#slowWrites)
  }

  async readFile(path: string): Promise<Buffer | null> {
    return orNull(
      path,
      // Callbacks: the promises' layers cost more than the read of a small file.
      new Promise<Buffer>((resolve, reject) => {
        readFile(path, (error, bytes) => (error === null ? resolve(bytes) : reject(error)))
      }),
    )
  }

  async writeFile(path: string, data: Buffer): Promise<void> {
    await translated(path, fs.writeFile(path, data))
  }

  async rename(from: string, to: string): Promise<void> {
    await translated(from, fs.rename(from, to))
  }

  async remove(path: string): Promise<void> {
    await orNull(path, fs.unlink(path))
  }

  async removeTree(path: string): Promise<void> {
    await translated(path, fs.rm(path, { recursive: true, force: true }))
  }

  async makeDirectory(path: string): Promise<void> {
    await translated(path, makeDirectory(path))
  }

  async list(directory: string): Promise<DirectoryEntry[] | null> {
    const entries = await orNull(directory, fs.readdir(directory, { withFileTypes: true }))
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
    const stats = await orNull(path, fs.stat(path))
    if (stats === null) return null
    // Rounded, because `setModifiedMs` passes through seconds in floating point.
    return { size: stats.size, modifiedMs: Math.round(stats.mtimeMs), isDirectory: stats.isDirectory() }
  }

  async setModifiedMs(path: string, wallMs: number): Promise<void> {
    await translated(path, fs.utimes(path, wallMs / 1000, wallMs / 1000))
  }

  async syncDirectory(path: string): Promise<void> {
    if (process.platform === 'win32') return // has no such operation; its renames are journalled
    const directory = await translated(path, fs.open(path, 'r'))
    try {
      await translated(path, directory.sync())
    } finally {
      await translated(path, directory.close())
    }
  }

  lock(path: string): Promise<DiskLock | null> {
    return lockFile(path)
  }

  space(path: string): Promise<{ total: number; usable: number }> {
    return new Promise((resolve, reject) => {
      statfs(path, (error, stats) => {
        if (error !== null) reject(toDiskError(path, error))
        else resolve({ total: stats.blocks * stats.bsize, usable: stats.bavail * stats.bsize })
      })
    })
  }
}

/** Not Node's own recursion, which tries for ever where a parent exists and the directory can't be made: in /proc. */
async function makeDirectory(path: string): Promise<void> {
  try {
    await fs.mkdir(path)
  } catch (error) {
    const parent = dirname(path)
    if (errorCode(error) === 'ENOENT' && parent !== path) {
      await makeDirectory(parent)
      await fs.mkdir(path).catch(unlessDirectory(path))
    } else await unlessDirectory(path)(error)
  }
}

/** Somebody else may have made it meanwhile. */
function unlessDirectory(path: string): (error: unknown) => Promise<void> {
  return async (error) => {
    const stats = errorCode(error) === 'EEXIST' ? await fs.stat(path).catch(() => null) : null
    if (stats?.isDirectory() !== true) throw error
  }
}

async function translated<T>(path: string, operation: Promise<T>): Promise<T> {
  try {
    return await operation
  } catch (error) {
    throw toDiskError(path, error)
  }
}

async function orNull<T>(path: string, operation: Promise<T>): Promise<T | null> {
  try {
    return await operation
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null
    throw toDiskError(path, error)
  }
}
