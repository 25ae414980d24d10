/**
 * What stands in dist/cli/TOOL.js: runs the tool's program (dist/programs) with V8's code cache.
 *
 * The cache lies beside the programs where we may write there (a checkout), else where the user's caches lie; builds and
 * packages carry none, because it fits one version of Node only. NODE_DISABLE_COMPILE_CACHE=1 does without, as in Node.
 */
import { join } from 'node:path'
import { loadProgram } from './code-cache.ts'

/** Name of the program's file: set where this is bundled. */
declare const PROGRAM: string

/** A tool has ended by then, or a server has started and has time. */
const SAVE_AFTER_MS = 2000

const { env } = process
const isCached = (env['NODE_DISABLE_COMPILE_CACHE'] ?? '') === ''
const path = join(__dirname, '..', 'programs', PROGRAM)
// One program holds all tools but the server: what is kept of it is what the tool that runs has compiled.
const variant = /^main-/.test(PROGRAM) ? (/^[a-z0-9-]{1,40}$/.exec(process.argv[2] ?? '')?.[0] ?? '') : ''
const directories = isCached ? [join(__dirname, '..', 'cache'), ...userCache()] : []
const { script, save } = loadProgram(path, directories, variant)
const run: unknown = script.runInThisContext()
if (typeof run !== 'function') throw new Error(`bug: ${path} is no program`)
if (isCached) {
  process.once('exit', save)
  setTimeout(save, SAVE_AFTER_MS).unref()
}
run(require, path, { exports: {} })

function userCache(): string[] {
  const home = env['HOME']
  if (process.platform === 'win32') return env['LOCALAPPDATA'] ? [join(env['LOCALAPPDATA'], 'klamm', 'cache')] : []
  if (env['XDG_CACHE_HOME']?.startsWith('/')) return [join(env['XDG_CACHE_HOME'], 'klamm')]
  if (!home?.startsWith('/')) return []
  return [join(home, process.platform === 'darwin' ? 'Library/Caches' : '.cache', 'klamm')]
}
