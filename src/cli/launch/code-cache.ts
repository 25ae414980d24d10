/**
 * What V8 made of a program's source, kept in a file, so that the next start compiles almost nothing.
 *
 * A cache runs as the program does. It is taken only if it was made from this very source by this Node with these flags (V8
 * itself compares versions and flags, but of a source only its length, and it crashes on damaged content), and if nobody
 * but us and the owner of the program can have written it. Each of the first runs adds the functions that it compiled.
 * Whatever fails here fails in silence: without a cache a start is slower, not different.
 */
import { createHash } from 'node:crypto'
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
import { basename, join } from 'node:path'
import { Script } from 'node:vm'

/** Runs that write the cache. */
export const GENERATIONS_MAX = 3
/** Before what V8 made; a multiple of eight, or V8 copies. */
const HEADER_BYTES = 1024

export interface Program {
  readonly script: Script
  /** How many runs made the cache that was taken; 0 without one. */
  readonly generation: number
  /** Keeps what is compiled by now for the next start. Does nothing when called again, or after enough runs. */
  save(): void
}

/**
 * @param path of the source, ASCII; its name must change with its content.
 * @param variant what part of the program runs, where one file holds several: each has a cache of its own.
 * @param directories in which the cache may lie: the first that holds one is read, the first that can be written is written.
 */
export function loadProgram(path: string, directories: readonly string[], variant = ''): Program {
  const fd = openSync(path, 'r')
  const owner = fstatSync(fd)
  const source = readAll(fd, owner.size).toString('latin1')
  closeSync(fd)
  const identity = identityOf(path, source.length)
  const name = `${nameOf(path, variant)}.cache`
  const found = directories.length === 0 ? null : readCache(directories, name, identity, owner)
  const script = new Script(source, found === null ? { filename: path } : { filename: path, cachedData: found.data })
  const generation = found === null || script.cachedDataRejected === true ? 0 : found.generation
  let wanted = generation < GENERATIONS_MAX
  return {
    script,
    generation,
    save() {
      if (!wanted) return
      wanted = false
      writeCache(directories, name, { identity, generation: generation + 1, data: script.createCachedData() })
    },
  }
}

interface Cache {
  readonly generation: number
  readonly data: Buffer
}

/** All that decides what V8 makes of a source. */
function identityOf(path: string, length: number): string {
  const { execArgv, version, arch } = process
  return [basename(path), length, version, arch, ...execArgv, process.env['NODE_OPTIONS'] ?? ''].join(' ')
}

/** One file a tool, Node and set of flags: builds replace each other's. */
function nameOf(path: string, variant: string): string {
  const program = basename(path).replace(/-[^-]*$/, '')
  const tool = variant === '' ? program : `${program}-${variant}`
  const flags = [...process.execArgv, process.env['NODE_OPTIONS'] ?? ''].join(' ').trim()
  const suffix = flags === '' ? '' : `-${createHash('sha256').update(flags).digest('hex').slice(0, 8)}`
  return `${tool}-${process.version}-${process.arch}${suffix}`
}

function headerOf(identity: string, generation: number, data: Buffer): Buffer | null {
  const sum = createHash('sha256').update(data).digest('hex')
  const text = Buffer.from(`klamm code cache ${generation} ${sum} ${data.length} ${identity}\n`)
  if (text.length > HEADER_BYTES) return null
  return Buffer.concat([text, Buffer.alloc(HEADER_BYTES - text.length)])
}

function readCache(directories: readonly string[], name: string, identity: string, owner: Stats): Cache | null {
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
      const bytes = readAll(fd, stats.size)
      const data = bytes.subarray(HEADER_BYTES)
      const generation = Number(bytes.toString('latin1', 0, 64).split(' ')[3])
      if (headerOf(identity, generation, data)?.equals(bytes.subarray(0, HEADER_BYTES)) === true)
        return { generation, data }
    } catch {
      continue
    } finally {
      closeSync(fd)
    }
  }
  return null
}

/** On Windows the folders of others aren't ours to judge; the user's own is where caches of packages lie. */
function isTrusted({ uid, mode }: Stats, owner: Stats): boolean {
  if (process.geteuid === undefined) return true
  return (uid === process.geteuid() || uid === owner.uid) && (mode & 0o022) === 0
}

function writeCache(
  directories: readonly string[],
  name: string,
  { identity, generation, data }: Cache & { readonly identity: string },
): void {
  const header = headerOf(identity, generation, data)
  if (header === null) return
  for (const directory of directories) {
    const draft = join(directory, `${name}.${process.pid}`)
    try {
      mkdirSync(directory, { recursive: true, mode: 0o755 })
      const fd = openSync(draft, 'wx', 0o644)
      try {
        writeFileSync(fd, Buffer.concat([header, data]))
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

function remove(path: string): void {
  try {
    unlinkSync(path)
  } catch {
    // It was not made.
  }
}

function readAll(fd: number, size: number): Buffer {
  // Of its own, not of the pool: V8 wants it aligned.
  const bytes = Buffer.allocUnsafeSlow(size)
  let at = 0
  while (at < size) {
    const read = readSync(fd, bytes, at, size - at, at)
    if (read === 0) break
    at += read
  }
  return at === size ? bytes : bytes.subarray(0, at)
}
