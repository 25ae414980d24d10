/**
 * What stands in dist/cli/TOOL.js: runs the tool's program (dist/programs) with V8's code cache.
 *
 * The cache lies beside the programs where we may write there (a checkout), else where the user's caches lie; builds and
 * packages carry none, because it fits one version of Node only. NODE_DISABLE_COMPILE_CACHE=1 does without, as in Node.
 */
import { join } from 'node:path'
import { loadProgram, type Place } from './code-cache.ts'

/** Name of the program's file, its pieces by what asks for them, and which of them runs first: set where this is bundled. */
declare const PROGRAM: string
declare const PIECES: Readonly<Record<string, Place>>
declare const ENTRY: string

/** A tool has ended by then, or a server has started and has time. */
const SAVE_AFTER_MS = 2000

const { env } = process
const isCached = (env['NODE_DISABLE_COMPILE_CACHE'] ?? '') === ''
const path = join(__dirname, '..', 'programs', PROGRAM)
const [tool = '', ...words] = process.argv.slice(2)
// One program holds all tools but the server: what is kept of it is what the tool that runs has compiled.
const isOfTools = /^main-/.test(PROGRAM)
const program = loadProgram(path, {
  directories: isCached ? [join(__dirname, '..', 'cache'), ...userCache()] : [],
  variant: isOfTools ? (/^[a-z0-9-]{1,40}$/.exec(tool)?.[0] ?? '') : '',
  shape: isOfTools ? shapeOf(words) : '',
})
if (isCached) {
  process.once('exit', program.save)
  setTimeout(program.save, SAVE_AFTER_MS).unref()
}
const pieces = new Map(Object.entries(PIECES))
const running = new Map<string, { exports: unknown }>()
load(ENTRY)

/** `require` of the pieces: another piece, run when it is first asked for, or what Node has under that name. */
function load(name: string): unknown {
  const place = pieces.get(name)
  if (place === undefined) return require(name)
  const known = running.get(name)
  if (known !== undefined) return known.exports
  const module: { exports: unknown } = { exports: {} }
  running.set(name, module)
  const run = program.piece(name, place)
  if (typeof run !== 'function') throw new Error(`bug: ${name} of ${path} is no piece`)
  run(load, module, module.exports, path)
  return module.exports
}

/** Which options there are, and the command of a tool that has several; none of their values. */
function shapeOf(argv: readonly string[]): string {
  const first = argv.findIndex((word) => word.startsWith('-'))
  const commands = argv.slice(0, Math.min(first < 0 ? argv.length : first, 2))
  const options = argv.flatMap((word) => /^--?[a-z][a-z-]*/.exec(word)?.[0] ?? [])
  return [...commands, ...new Set(options)].join(' ').slice(0, 200)
}

function userCache(): string[] {
  const home = env['HOME']
  if (process.platform === 'win32') return env['LOCALAPPDATA'] ? [join(env['LOCALAPPDATA'], 'klamm', 'cache')] : []
  if (env['XDG_CACHE_HOME']?.startsWith('/')) return [join(env['XDG_CACHE_HOME'], 'klamm')]
  if (!home?.startsWith('/')) return []
  return [join(home, process.platform === 'darwin' ? 'Library/Caches' : '.cache', 'klamm')]
}
