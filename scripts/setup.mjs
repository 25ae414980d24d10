/**
 * Brings a checkout into the state that a command needs, and does nothing where it already is:
 * `generate` makes src/protocol/generated from the schemas, `build` installs packages, generates and bundles into dist/,
 * `package` also makes the type declarations of the public entries.
 *
 * A step is up to date when a stamp written after it names the same inputs: paths, sizes and times of change, so that
 * asking costs some stat calls. Only Node's own modules are imported before the packages are known to be there.
 */
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))
const STAMPS = join(ROOT, '.build', 'stamps')

/** What the steps themselves make inside of their inputs. */
const MADE = new Set([join(ROOT, 'src/protocol/generated')])

/**
 * A word that changes whenever a file in or below one of `paths` does. Not a cryptographic hash: loading one would take
 * longer than all the rest.
 * @param {readonly string[]} paths
 * @param {(path: string) => boolean} wanted
 */
function fingerprint(paths, wanted = () => true) {
  let one = 0x811c9dc5
  let other = 0x9747b28c
  const add = (/** @type {string} */ path, /** @type {import('node:fs').Stats} */ { size, mtimeMs }) => {
    const text = `${path} ${size} ${mtimeMs}\n`
    for (let index = 0; index < text.length; index++) {
      one = Math.imul(one ^ text.charCodeAt(index), 0x01000193)
      other = Math.imul(other ^ text.charCodeAt(index), 0x5bd1e995)
    }
  }
  const visit = (/** @type {string} */ directory) => {
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      const path = `${directory}/${entry.name}`
      if (!entry.isDirectory()) {
        if (wanted(path)) add(path, statSync(path))
      } else if (!MADE.has(path)) visit(path)
    }
  }
  for (const path of paths) {
    const full = join(ROOT, path)
    const stats = statSync(full, { throwIfNoEntry: false })
    if (stats?.isDirectory()) visit(full)
    else if (stats !== undefined) add(full, stats)
  }
  return `${(one >>> 0).toString(16)}-${(other >>> 0).toString(16)}`
}

/** @param {string} step */
function stampOf(step) {
  try {
    return readFileSync(join(STAMPS, step), 'utf8')
  } catch {
    return null
  }
}

/**
 * @param {string} step
 * @param {string} stamp
 */
function setStamp(step, stamp) {
  mkdirSync(STAMPS, { recursive: true })
  writeFileSync(join(STAMPS, step), stamp)
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 */
async function succeeds(command, args) {
  const { spawnSync } = await import('node:child_process')
  const result = spawnSync(command, args, { cwd: ROOT, stdio: ['ignore', 2, 2], shell: process.platform === 'win32' })
  if (result.error !== undefined) throw result.error
  return result.status === 0
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 */
async function run(command, args) {
  if (await succeeds(command, args)) return
  console.error(`${command} ${args.join(' ')} failed`)
  process.exit(1)
}

/**
 * Packages, if there are none or they are older than the lockfile. Those that are there are brought up to date and not
 * removed first, because something may run from them; and a linked node_modules belongs to another checkout.
 */
export async function install() {
  const modules = join(ROOT, 'node_modules')
  const installed = join(modules, '.package-lock.json')
  const present = existsSync(installed)
  if (present) {
    const stamp = fingerprint(['package-lock.json'])
    if (stampOf('install') === stamp) return
    const lock = join(ROOT, 'package-lock.json')
    if (lstatSync(modules).isSymbolicLink() || statSync(installed).mtimeMs >= statSync(lock).mtimeMs) {
      setStamp('install', stamp)
      return
    }
  }
  // `npm ci` refuses a lockfile that lacks the binaries of another platform. scripts/lockfile.mjs keeps ours whole; should npm find
  // it wanting nevertheless, `npm install` takes the same versions and writes nothing.
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error']
  if (present || !(await succeeds('npm', ['ci', ...quiet]))) await run('npm', ['install', '--no-save', ...quiet])
  setStamp('install', fingerprint(['package-lock.json']))
}

export async function generate() {
  const stamp = fingerprint(['protocol', 'scripts/generate', 'scripts/generate.ts', 'scripts/bundle.mjs'])
  if (stampOf('generate') === stamp && existsSync(join(ROOT, 'src/protocol/generated/apis.ts'))) return
  await install()
  await run(process.execPath, [join('scripts', 'run.mjs'), 'scripts/generate.ts'])
  setStamp('generate', stamp)
}

/** Everything that runs from dist/. */
export async function build() {
  await install()
  await generate()
  const stamp = `${stampOf('generate')} ${fingerprint(['src', 'package.json'], (path) => !path.endsWith('.test.ts'))}`
  if (stampOf('build') === stamp && existsSync(join(ROOT, 'dist'))) return
  const { bundleEntries } = await import('./bundle.mjs')
  await bundleEntries(ROOT)
  setStamp('build', stamp)
}

/** What `npm pack` takes: dist/ with the type declarations. Building removes those of before. */
export async function packageFiles() {
  await build()
  const entries = ['src/index.ts', 'src/broker.ts', 'src/testing.ts', 'src/kafkajs.ts']
  if (stampOf('types') === stampOf('build') && existsSync(join(ROOT, 'dist', 'index.d.ts'))) return
  const { emitTypes } = await import('./types.mjs')
  emitTypes(ROOT, entries)
  setStamp('types', stampOf('build') ?? '')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const step = process.argv[2]
  if (step === 'generate') await generate()
  else if (step === 'build') await build()
  else if (step === 'package') await packageFiles()
  else {
    console.error('usage: node scripts/setup.mjs generate | build | package')
    process.exit(2)
  }
}
