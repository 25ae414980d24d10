/**
 * `npm run check`: everything that must hold before a commit, in under a minute. Prints a line per step, and the output
 * of a step only if it failed. The exit code is non-zero if any did.
 *
 * The static steps run side by side; the tests run alone, because they use all cores.
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))
const failed = []

/**
 * @param {string} name
 * @param {readonly string[]} command of Node: a script and its arguments
 */
async function step(name, command) {
  const startedMs = performance.now()
  const { ok, output } = await runNode(command)
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1).padStart(5)
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${seconds} s  ${name}`)
  if (ok) return
  failed.push(name)
  console.log(output.trimEnd().replace(/^/gm, '    '))
}

/**
 * @param {readonly string[]} command
 * @returns {Promise<{ ok: boolean, output: string }>}
 */
function runNode(command) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [...command], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NO_COLOR: '1' },
    })
    const pieces = []
    child.stdout.on('data', (piece) => pieces.push(piece))
    child.stderr.on('data', (piece) => pieces.push(piece))
    child.on('error', (error) => pieces.push(Buffer.from(String(error))))
    child.on('close', (code) => resolve({ ok: code === 0, output: Buffer.concat(pieces).toString() }))
  })
}

/**
 * The script behind a command of an installed package.
 * @param {string} packageName
 * @param {string} [command]
 */
function binOf(packageName, command = packageName) {
  const require = createRequire(import.meta.url)
  const home = join(ROOT, 'node_modules', packageName)
  const { bin } = require(join(home, 'package.json'))
  return join(home, typeof bin === 'string' ? bin : bin[command])
}

/** @param {readonly string[]} paths */
function existing(paths) {
  return paths.filter((path) => existsSync(join(ROOT, path)))
}

const startedMs = performance.now()
await step('generate', ['scripts/setup.mjs', 'generate'])
await Promise.all([
  step('format', [binOf('oxfmt'), '--check', ...existing(['src', 'scripts', 'test', 'bench'])]),
  step('layers', ['scripts/layers.mjs']),
  step('lockfile', ['scripts/lockfile.mjs']),
])
await Promise.all([
  step('lint', [binOf('oxlint'), '--type-aware', '--deny-warnings', '.']),
  step('types', [binOf('typescript', 'tsc'), '-p', '.']),
])
await step('unit and golden tests', [binOf('vitest'), 'run', '--reporter=dot'])

const seconds = ((performance.now() - startedMs) / 1000).toFixed(1)
console.log(
  failed.length === 0 ? `all hold, ${seconds} s` : `${failed.length} failed: ${failed.join(', ')}; ${seconds} s`,
)
process.exitCode = failed.length === 0 ? 0 : 1
