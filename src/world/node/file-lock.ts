/**
 * Exclusive locks of files that a JVM's `FileChannel.tryLock` respects, and is refused by: POSIX record locks (fcntl).
 *
 * Node has no call for them, so koffi makes it. Without koffi the lock of another process is still seen in /proc/locks,
 * so that we never enter a directory which a broker holds; without both the answer is an error.
 *
 * Two traps of these locks: they belong to the process, so a second broker in it is not excluded (a table of the process
 * does that); and closing ANY descriptor of the file gives the lock up, so a file in the table is never opened again.
 */
import { promises as fs } from 'node:fs'
import type { DiskLock } from '../world.ts'
import { errorCode, toDiskError } from './disk-errors.ts'

/** @throws Error if it is neither. */
type SetLock = (fd: number) => 'locked' | 'held'

/** `device:inode` of every file locked here. On the process, because a program may load this package twice. */
const TABLE = Symbol.for('klamm.locked-files')
const shared: { [TABLE]?: Set<string>; readonly Symbol: unknown } = globalThis
const table: Set<string> = (shared[TABLE] ??= new Set())
/** One attempt at a time: a second open of a file that is being locked would give the lock up when it closes. */
let attempts: Promise<unknown> = Promise.resolve()
let systemCall: Promise<SetLock | null> | null = null

export function lockFile(path: string): Promise<DiskLock | null> {
  const attempt = attempts.then(() => lock(path))
  attempts = attempt.catch(() => {})
  return attempt
}

/** Loading koffi takes 20 ms of CPU: a start may do so while it waits for the disk. Never rejects. */
export function prepareLocks(): Promise<SetLock | null> {
  return (systemCall ??= systemLock())
}

async function lock(path: string): Promise<DiskLock | null> {
  try {
    const known = await identityOf(path)
    if (known !== null && (table.has(known.key) || (await isLocked(known.inode, process.pid)) === true)) return null
    const file = await fs.open(path, 'a')
    try {
      const { ino, dev } = await file.stat({ bigint: true })
      const key = keyOf(dev, ino)
      if ((await take(file.fd, String(ino))) === 'held') {
        await file.close()
        return null
      }
      table.add(key)
      return {
        async release() {
          if (table.has(key)) await file.close()
          table.delete(key)
        },
      }
    } catch (error) {
      await file.close()
      throw error
    }
  } catch (error) {
    throw toDiskError(path, error)
  }
}

async function identityOf(path: string): Promise<{ key: string; inode: string } | null> {
  try {
    const { dev, ino } = await fs.stat(path, { bigint: true })
    return { key: keyOf(dev, ino), inode: String(ino) }
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null
    throw error
  }
}

function keyOf(device: bigint, inode: bigint): string {
  return `${device}:${inode}`
}

async function take(fd: number, inode: string): Promise<'locked' | 'held'> {
  const setLock = await prepareLocks()
  if (setLock !== null) return setLock(fd)
  const held = await isLocked(inode, null)
  if (held === null) throw new Error('cannot lock: the package koffi does not load, and there is no /proc/locks')
  return held ? 'held' : 'locked'
}

/** Whether this process, or any, has a POSIX lock on the file; null where the system does not tell. */
async function isLocked(inode: string, pid: number | null): Promise<boolean | null> {
  try {
    // `1: POSIX  ADVISORY  WRITE 4711 08:01:123456 0 EOF`; no device, because layered file systems lie about it.
    const lines = (await fs.readFile('/proc/locks', 'latin1')).split('\n')
    const owner = pid === null ? ' ' : ` ${pid} `
    return lines.some((line) => line.includes(' POSIX ') && line.includes(owner) && line.includes(`:${inode} `))
  } catch {
    return null
  }
}

async function systemLock(): Promise<SetLock | null> {
  if (process.platform !== 'linux' && process.platform !== 'darwin') return null
  const linux = process.platform === 'linux'
  try {
    const { default: koffi } = await import('koffi')
    const library = koffi.load(null)
    const fcntl: (fd: number, command: number, ...values: unknown[]) => number = library.func(
      'int fcntl(int fd, int cmd, ...)',
    )
    const F_SETLK = linux ? 6 : 8
    const F_WRLCK = linux ? 1 : 3
    return (fd) => {
      // struct flock of a 64-bit system: the whole file (start 0, length 0), counted from its start (whence 0).
      const flock = Buffer.alloc(32)
      flock.writeInt16LE(F_WRLCK, linux ? 0 : 20)
      if (fcntl(fd, F_SETLK, 'void *', flock) === 0) return 'locked'
      const errno = koffi.errno()
      if (errno === koffi.os.errno.EACCES || errno === koffi.os.errno.EAGAIN) return 'held'
      throw new Error(`fcntl failed: errno ${errno}`)
    }
  } catch {
    return null
  }
}
