/**
 * A program in pieces, run with what V8 made of them at earlier starts, so that a start compiles almost nothing and reads
 * only the pieces that it uses.
 *
 * A cache is taken only if it was made from this very source by this Node with these flags (V8 itself compares versions and
 * flags, but of a source only its length). Each of the first runs of a shape (which options a tool was given) adds the
 * functions that it compiled; what others added stays.
 */
import { fstatSync, openSync } from 'node:fs'
import { basename } from 'node:path'
import { Script } from 'node:vm'
import { crc32 } from 'node:zlib'
import { readCache, readRange, writeCache } from './cache-file.ts'

/** Runs of one shape that write the cache. */
export const RUNS_MAX = 3
/** Shapes that do: whoever makes a new one for each run shall not write at each. */
export const SHAPES_MAX = 16

/** Where a piece lies in the program's file: bytes, and lines before it. */
export type Place = readonly [start: number, length: number, line: number]

export interface ProgramOptions {
  /** In which the cache may lie: the first that holds one is read, the first that can be written is written. */
  readonly directories: readonly string[]
  /** What part of the program runs, where one file holds several: each has a cache of its own. */
  readonly variant: string
  /** What this run is like. */
  readonly shape: string
}

export interface Program {
  /** How many runs of this shape made the cache that was taken; 0 without one. */
  readonly runs: number
  /** What the piece's source says, which is a function. */
  piece(name: string, place: Place): unknown
  /** Keeps what is compiled by now for the next start. Does nothing when called again, or after enough runs. */
  save(): void
}

/** @param path of the source, ASCII; its name must change with its content. */
export function loadProgram(path: string, { directories, variant, shape }: ProgramOptions): Program {
  const fd = openSync(path, 'r')
  const owner = fstatSync(fd)
  const identity = identityOf(path, owner.size)
  const name = `${nameOf(path, variant)}.cache`
  let found = directories.length === 0 ? null : readCache(directories, name, identity, owner)
  const scripts = new Map<string, Script>()
  let isRejected = false
  let isSaved = false
  const runs = (): ReadonlyMap<string, number> => (found === null || isRejected ? new Map() : found.runs)
  return {
    get runs() {
      return runs().get(shape) ?? 0
    },
    piece(pieceName, [start, length, lineOffset]) {
      const source = readRange(fd, start, length).toString('latin1')
      const cachedData = found?.pieces.get(pieceName)
      const script = new Script(
        source,
        cachedData === undefined ? { filename: path, lineOffset } : { filename: path, lineOffset, cachedData },
      )
      isRejected ||= script.cachedDataRejected === true
      if (!isSaved) scripts.set(pieceName, script)
      return script.runInThisContext()
    },
    save() {
      if (isSaved) return
      isSaved = true
      const before = runs()
      const count = before.get(shape) ?? 0
      const pieces = new Map(isRejected ? [] : found?.pieces)
      // A server runs on for long: what it doesn't need any more is let go.
      found = null
      const compiled = [...scripts]
      scripts.clear()
      if (count >= RUNS_MAX || (count === 0 && before.size >= SHAPES_MAX)) return
      for (const [pieceName, script] of compiled) pieces.set(pieceName, script.createCachedData())
      writeCache(directories, name, identity, { runs: new Map(before).set(shape, count + 1), pieces })
    },
  }
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
  const suffix = flags === '' ? '' : `-${crc32(flags).toString(16)}`
  return `${tool}-${process.version}-${process.arch}${suffix}`
}
