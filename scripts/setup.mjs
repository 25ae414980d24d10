/**
 * Brings a checkout into the state that a command needs, and does nothing where it already is:
 * `generate` makes src/protocol/generated from the schemas, `build` installs packages, generates and bundles into dist/.
 *
 * A step is up to date when a stamp written after it names the same inputs: paths, sizes and times of change, so that
 * asking costs some stat calls. Only Node's own modules are imported before the packages are known to be there.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))
const STAMPS = join(ROOT, '.build', 'stamps')

/**
 * A word that changes whenever a file in or below one of `paths` does.
 * @param {readonly string[]} paths
 * @param {(path: string) => boolean} wanted
 */
function fingerprint(paths, wanted = () => true) {
  const hash = createHash('sha1')
  const visit = (/** @type {string} */ path) => {
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      const child = `${path}/${entry.name}`
      if (entry.isDirectory()) visit(child)
      else if (wanted(child)) add(child)
    }
  }
  const add = (/** @type {string} */ path) => {
    const { size, mtimeMs } = statSync(path)
    hash.update(`${path} ${size} ${mtimeMs}\n`)
  }
  for (const path of paths) {
    const full = join(ROOT, path)
    if (!existsSync(full)) continue
    if (statSync(full).isDirectory()) visit(full)
    else add(full)
  }
  return hash.digest('hex')
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
function succeeds(command, args) {
  const result = spawnSync(command, args, { cwd: ROOT, stdio: ['ignore', 2, 2], shell: process.platform === 'win32' })
  if (result.error !== undefined) throw result.error
  return result.status === 0
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 */
function run(command, args) {
  if (succeeds(command, args)) return
  console.error(`${command} ${args.join(' ')} failed`)
  process.exit(1)
}

/** Packages: npm leaves a lockfile of its own in node_modules, so an older one there means another install. */
export function install() {
  const lock = join(ROOT, 'package-lock.json')
  const installed = join(ROOT, 'node_modules', '.package-lock.json')
  const stamp = fingerprint(['package-lock.json'])
  if (
    existsSync(installed) &&
    (stampOf('install') === stamp || statSync(installed).mtimeMs >= statSync(lock).mtimeMs)
  ) {
    return
  }
  // A lockfile written where some platform's optional binaries could not be found is not in sync for `npm ci`, only.
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error']
  if (!succeeds('npm', ['ci', ...quiet])) run('npm', ['install', '--no-save', ...quiet])
  setStamp('install', stamp)
}

export function generate() {
  const stamp = fingerprint(['protocol', 'scripts/generate', 'scripts/generate.ts', 'scripts/bundle.mjs'])
  if (stampOf('generate') === stamp && existsSync(join(ROOT, 'src/protocol/generated/apis.ts'))) return
  install()
  run(process.execPath, [join('scripts', 'run.mjs'), 'scripts/generate.ts'])
  setStamp('generate', stamp)
}

/** Everything that runs from dist/. */
export async function build() {
  install()
  generate()
  const stamp = fingerprint(['src', 'scripts/bundle.mjs', 'package.json'], (path) => !path.endsWith('.test.ts'))
  if (stampOf('build') === stamp && existsSync(join(ROOT, 'dist'))) return
  const { bundleEntries } = await import('./bundle.mjs')
  await bundleEntries(ROOT)
  setStamp('build', stamp)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const step = process.argv[2]
  if (step === 'generate') generate()
  else if (step === 'build') await build()
  else {
    console.error('usage: node scripts/setup.mjs generate | build')
    process.exit(2)
  }
}
