/**
 * A file that keeps what V8 made of a program's pieces.
 *
 * It is taken only whole (V8 crashes on damaged content), only for the identity it was made for, and only if nobody but us
 * and the owner of the program can have written it. Whatever fails here fails in silence: without a cache a start is slower,
 * not different.
 */
import {
  closeSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  unlinkSync,
  writeFileSync,
  type Stats,
} from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'

/** Before what V8 made. */
const HEADER_BYTES = 1024
/** What V8 made begins at a multiple of it, or V8 copies. */
const ALIGNMENT = 8

export interface Cache {
  /** By a run's shape: how many runs of it wrote the cache. */
  readonly runs: ReadonlyMap<string, number>
  /** By a piece's name: what V8 made of it. */
  readonly pieces: ReadonlyMap<string, Buffer>
}

/** Null where none of the directories has one that may be taken. */
export function readCache(directories: readonly string[], name: string, identity: string, owner: Stats): Cache | null {
  for (const directory of directories) {
    let fd: number
    try {
      fd = openSync(join(directory, name), 'r')
    } catch {
      continue
    }
    try {
      const stats = fstatSync(fd)
      if (!isTrusted(stats, owner)) continue
      const bytes = readRange(fd, 0, stats.size)
      const body = bytes.subarray(HEADER_BYTES)
      const indexLength = Number(bytes.toString('latin1', 0, 64).split(' ')[3])
      if (headerOf(identity, indexLength, body)?.equals(bytes.subarray(0, HEADER_BYTES)) === true) {
        return cacheOf(body, body.length - indexLength)
      }
    } catch {
      continue
    } finally {
      closeSync(fd)
    }
  }
  return null
}

/** Into the first of the directories that can be written. */
export function writeCache(directories: readonly string[], name: string, identity: string, cache: Cache): void {
  const { body, indexLength } = bodyOf(cache)
  const header = headerOf(identity, indexLength, body)
  if (header === null) return
  for (const directory of directories) {
    const draft = join(directory, `${name}.${process.pid}`)
    try {
      mkdirSync(directory, { recursive: true, mode: 0o755 })
      const fd = openSync(draft, 'wx', 0o644)
      try {
        writeFileSync(fd, Buffer.concat([header, body]))
        // Or a power loss may leave the name without the content.
        fsyncSync(fd)
      } finally {
        closeSync(fd)
      }
      renameSync(draft, join(directory, name))
      return
    } catch {
      remove(draft)
    }
  }
}

/** `length` bytes of a file, less if it ends before. */
export function readRange(fd: number, start: number, length: number): Buffer {
  // Of its own, not of the pool: V8 wants it aligned.
  const bytes = Buffer.allocUnsafeSlow(length)
  let at = 0
  while (at < length) {
    const read = readSync(fd, bytes, at, length - at, start + at)
    if (read === 0) break
    at += read
  }
  return at === length ? bytes : bytes.subarray(0, at)
}

function headerOf(identity: string, indexLength: number, body: Buffer): Buffer | null {
  const text = Buffer.from(`klamm code cache ${indexLength} ${crc32(body)} ${body.length} ${identity}\n`)
  if (text.length > HEADER_BYTES) return null
  return Buffer.concat([text, Buffer.alloc(HEADER_BYTES - text.length)])
}

/** What stands behind the pieces. */
interface Index {
  readonly runs: readonly (readonly [shape: string, runs: number])[]
  readonly pieces: readonly (readonly [name: string, start: number, length: number])[]
}

function bodyOf({ runs, pieces }: Cache): { readonly body: Buffer; readonly indexLength: number } {
  const parts: Buffer[] = []
  const places: [string, number, number][] = []
  let at = 0
  for (const [name, data] of pieces) {
    const gap = Buffer.alloc((ALIGNMENT - (data.length % ALIGNMENT)) % ALIGNMENT)
    parts.push(data, gap)
    places.push([name, at, data.length])
    at += data.length + gap.length
  }
  const index: Index = { runs: [...runs], pieces: places }
  const text = Buffer.from(JSON.stringify(index))
  return { body: Buffer.concat([...parts, text]), indexLength: text.length }
}

function cacheOf(body: Buffer, indexAt: number): Cache {
  const index: Index = JSON.parse(body.toString('utf8', indexAt))
  return {
    runs: new Map(index.runs),
    pieces: new Map(index.pieces.map(([name, start, length]) => [name, body.subarray(start, start + length)])),
  }
}

/** On Windows the folders of others aren't ours to judge; the user's own is where caches of packages lie. */
function isTrusted({ uid, mode }: Stats, owner: Stats): boolean {
  if (process.geteuid === undefined) return true
  return (uid === process.geteuid() || uid === owner.uid) && (mode & 0o022) === 0
}

function remove(path: string): void {
  try {
    unlinkSync(path)
  } catch {
    // It was not made.
  }
}
