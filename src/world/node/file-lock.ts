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
import { DiskError, type DiskLock } from '../world.ts'
import { errorCode, toDiskError } from './disk-errors.ts'

type SetLock = (fd: number) => 'locked' | 'held' | Error

/** `device:inode` of every file locked here. On the process, because a program may load this package twice. */
const TABLE = Symbol.for('klamm.locked-files')
const shared: { [TABLE]?: Set<string>; readonly Symbol: unknown } = globalThis
const table: Set<string> = (shared[TABLE] ??= new Set())
/** One attempt at a time: a second open of a file that is being locked would give the lock up when it closes. */
let attempts: Promise<unknown> = Promise.resolve()
let setLock: SetLock | null | undefined

export function lockFile(path: string): Promise<DiskLock | null> {
  const attempt = attempts.then(() => lock(path))
  attempts = attempt.catch(() => {})
  return attempt
}

async function lock(path: string): Promise<DiskLock | null> {
  try {
    const known = await identityOf(path)
    if (known !== null && (table.has(known.key) || (await isLocked(known.inode)) === true)) return null
    const file = await fs.open(path, 'a')
    const identity = await identityOf(path)
    const outcome = identity === null ? new Error('the file was removed') : await take(file.fd, identity.inode)
    if (outcome !== 'locked' || identity === null) {
      await file.close()
      if (outcome === 'held') return null
      throw outcome
    }
    table.add(identity.key)
    return {
      async release() {
        if (!table.has(identity.key)) return
        await file.close()
        table.delete(identity.key)
      },
    }
  } catch (error) {
    throw toDiskError(path, error)
  }
}

async function identityOf(path: string): Promise<{ key: string; inode: string } | null> {
  try {
    const { dev, ino } = await fs.stat(path, { bigint: true })
    return { key: `${dev}:${ino}`, inode: String(ino) }
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null
    throw error
  }
}

async function take(fd: number, inode: string): Promise<'locked' | 'held' | Error> {
  setLock ??= await systemLock()
  if (setLock !== null) return setLock(fd)
  const held = await isLocked(inode)
  if (held === null)
    return new DiskError(
      'EUNKNOWN',
      '.lock',
      'this system can lock no files: the package koffi does not load, and there is no /proc/locks',
    )
  return held ? 'held' : 'locked'
}

/** Whether any process, ours included, has a POSIX lock on the file; null where the system does not tell. */
async function isLocked(inode: string): Promise<boolean | null> {
  try {
    // 1: POSIX  ADVISORY  WRITE 4711 08:01:123456 0 EOF; the device is left out, because layered file systems lie about it.
    const lines = (await fs.readFile('/proc/locks', 'latin1')).split('\n')
    return lines.some((line) => line.includes(' POSIX ') && line.includes(`:${inode} `) && !line.includes('->'))
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
      return errno === koffi.os.errno.EACCES || errno === koffi.os.errno.EAGAIN
        ? 'held'
        : new Error(`fcntl failed: errno ${errno}`)
    }
  } catch {
    return null
  }
}
