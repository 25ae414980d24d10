/**
 * Exclusive locks of files that a JVM's `FileChannel.tryLock` respects, and is refused by: POSIX record locks (fcntl).
 *
 * Node has no call for them, so koffi makes it. Without koffi the lock of another process is still seen in /proc/locks,
 * so that we never enter a directory which a broker holds; without both the answer is an error.
 *
 * Two traps of these locks: they belong to the process, so a second broker in it is not excluded (a table of the process
 * does that); and closing ANY descriptor of the file gives the lock up, so a file in the table is never opened again.
 */
import { closeSync, fstatSync, openSync, readFileSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { DiskLock } from '../world.ts'
import { toDiskError } from './disk-errors.ts'

/** @throws Error if it is neither. */
type SetLock = (fd: number) => 'locked' | 'held'

/** `device:inode` of every file locked here. On the process, because a program may load this package twice. */
const TABLE = Symbol.for('klamm.locked-files')
const shared: { [TABLE]?: Set<string>; readonly Symbol: unknown } = globalThis
const table: Set<string> = (shared[TABLE] ??= new Set())
let systemCall: Promise<SetLock | null> | null = null

export async function lockFile(path: string): Promise<DiskLock | null> {
  const setLock = await prepareLocks()
  try {
    return lock(path, setLock)
  } catch (error) {
    throw toDiskError(path, error)
  }
}

/** Loading koffi takes milliseconds of CPU: a start may do so while it waits for the disk. Never rejects. */
export function prepareLocks(): Promise<SetLock | null> {
  return (systemCall ??= Promise.resolve(systemLock()))
}

/** In one turn: a second open of a file that is being locked would give the lock up when it closes. */
function lock(path: string, setLock: SetLock | null): DiskLock | null {
  const known = identityOf(path)
  if (known !== null && (table.has(known.key) || isLocked(known.inode, process.pid) === true)) return null
  const fd = openSync(path, 'a')
  let isHeld = true
  try {
    const { ino, dev } = fstatSync(fd, { bigint: true })
    const key = keyOf(dev, ino)
    isHeld = take(fd, String(ino), setLock) === 'held'
    if (isHeld) return null
    table.add(key)
    return {
      release() {
        if (table.has(key)) closeSync(fd)
        table.delete(key)
        return Promise.resolve()
      },
    }
  } finally {
    if (isHeld) closeSync(fd)
  }
}

function identityOf(path: string): { key: string; inode: string } | null {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false })
  return stats === undefined ? null : { key: keyOf(stats.dev, stats.ino), inode: String(stats.ino) }
}

function keyOf(device: bigint, inode: bigint): string {
  return `${device}:${inode}`
}

function take(fd: number, inode: string, setLock: SetLock | null): 'locked' | 'held' {
  if (setLock !== null) return setLock(fd)
  const held = isLocked(inode, null)
  if (held === null) throw new Error('cannot lock: the package koffi does not load, and there is no /proc/locks')
  return held ? 'held' : 'locked'
}

/** Whether this process, or any, has a POSIX lock on the file; null where the system does not tell. */
function isLocked(inode: string, pid: number | null): boolean | null {
  try {
    // `1: POSIX  ADVISORY  WRITE 4711 08:01:123456 0 EOF`; no device, because layered file systems lie about it.
    const lines = readFileSync('/proc/locks', 'latin1').split('\n')
    const owner = pid === null ? ' ' : ` ${pid} `
    return lines.some((line) => line.includes(' POSIX ') && line.includes(owner) && line.includes(`:${inode} `))
  } catch {
    return null
  }
}

function systemLock(): SetLock | null {
  if (process.platform !== 'linux' && process.platform !== 'darwin') return null
  const load: (name: string) => typeof import('koffi') = createRequire(import.meta.url)
  // Its package for this machine holds all that is used here; koffi looks for that among many, which takes longer.
  for (const name of [`@koromix/koffi-${process.platform}-${process.arch}`, 'koffi']) {
    try {
      return lockThrough(load(name), process.platform === 'linux')
    } catch {
      continue
    }
  }
  return null
}

function lockThrough(koffi: typeof import('koffi'), linux: boolean): SetLock {
  const fcntl: (fd: number, command: number, ...values: unknown[]) => number = koffi
    .load(null)
    .func('int fcntl(int fd, int cmd, ...)')
  const { EACCES, EAGAIN } = koffi.os.errno
  const F_SETLK = linux ? 6 : 8
  const F_WRLCK = linux ? 1 : 3
  return (fd) => {
    // struct flock of a 64-bit system: the whole file (start 0, length 0), counted from its start (whence 0).
    const flock = Buffer.alloc(32)
    flock.writeInt16LE(F_WRLCK, linux ? 0 : 20)
    if (fcntl(fd, F_SETLK, 'void *', flock) === 0) return 'locked'
    const errno = koffi.errno()
    if (errno === EACCES || errno === EAGAIN) return 'held'
    throw new Error(`fcntl failed: errno ${errno}`)
  }
}
