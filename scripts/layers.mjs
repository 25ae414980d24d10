/**
 * Which folder of src/ may import which: the layers of ARCHITECTURE.md, kept by `npm run check`. Prints each import that
 * reaches over them, and each folder that ARCHITECTURE.md does not name.
 *
 * Tests may import anything. The real machine (world/node) is chosen by the entries of the package, cli and testing only.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))

/** Below `server`, which stands on all of them. */
const LOWER = {
  base: [],
  world: ['base'],
  protocol: ['base'],
  records: ['base', 'protocol'],
  config: ['base'],
  metrics: ['base'],
  rpc: ['base', 'world', 'protocol', 'config', 'metrics'],
  storage: ['base', 'world', 'protocol', 'records', 'config', 'metrics'],
  raft: ['base', 'protocol'],
  quorum: ['base', 'world', 'protocol', 'records', 'config', 'metrics', 'raft', 'storage', 'rpc'],
  metadata: ['base', 'protocol', 'records'],
  controller: ['base', 'world', 'protocol', 'records', 'metadata', 'config'],
  replication: ['base', 'world', 'protocol', 'records', 'config', 'metrics', 'rpc', 'storage', 'metadata'],
  client: ['base', 'world', 'protocol', 'records', 'config', 'metrics', 'rpc'],
  kafkajs: ['base', 'world', 'protocol', 'records', 'config', 'metrics', 'rpc', 'client'],
  coordinators: ['base', 'world', 'protocol', 'records', 'config', 'metrics', 'metadata'],
}

/** @type {Readonly<Record<string, readonly string[] | 'any'>>} */
const LAYERS = {
  ...LOWER,
  server: Object.keys(LOWER).filter((name) => name !== 'client' && name !== 'kafkajs'),
  cli: 'any',
  testing: 'any',
}

/** Tests, benches, and what only they import. */
const TEST = /\.(test|bench)\.ts$|(^|[\\/])test-[^\\/]*\.ts$/

/** Folders that nothing else imports. */
const TOPS = new Set(['cli', 'testing'])

const IMPORT =
  /(?:^|\n)\s*(?:import|export)\b[^'"\n]*(?:\n[^'"\n;]*)*?from\s+['"](\.[^'"]+)['"]|\bimport\(\s*['"](\.[^'"]+)['"]/g

/** @param {string} [root] a directory with src/ and perhaps ARCHITECTURE.md */
export function layerFaults(root = ROOT) {
  const src = join(root, 'src')
  const faults = []
  for (const path of readdirSync(src, { recursive: true, encoding: 'utf8' })) {
    if (!path.endsWith('.ts') || TEST.test(path)) continue
    const file = join(src, path)
    const folder = folderOf(path)
    const allowed = folder === null ? 'any' : LAYERS[folder]
    if (allowed === undefined) {
      faults.push(`src/${path}: the folder ${folder} has no line in scripts/layers.mjs`)
      continue
    }
    for (const [, from, dynamic] of readFileSync(file, 'utf8').matchAll(IMPORT)) {
      const target = relative(src, join(dirname(file), from ?? dynamic ?? ''))
      const targetFolder = folderOf(target)
      if (targetFolder === null || targetFolder === folder || target.startsWith('..')) continue
      const isAllowed =
        allowed === 'any'
          ? !TOPS.has(targetFolder) || folder === null || folder === 'testing'
          : allowed.includes(targetFolder)
      if (!isAllowed) faults.push(`src/${path}: ${folder} may not import ${targetFolder} (${target})`)
      else if (allowed !== 'any' && target.startsWith(join('world', 'node'))) {
        faults.push(`src/${path}: ${folder} may not choose the real machine (${target})`)
      }
    }
  }
  return [...faults, ...unnamedFolders(root)]
}

/** @param {string} root */
function unnamedFolders(root) {
  const map = join(root, 'ARCHITECTURE.md')
  if (!existsSync(map)) return []
  const text = readFileSync(map, 'utf8')
  return readdirSync(join(root, 'src'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !new RegExp(`\\b${entry.name}\\b[/\`]`).test(text))
    .map((entry) => `ARCHITECTURE.md does not name src/${entry.name}/`)
}

/**
 * The folder of a path below src/; null for an entry of the package, which lies in src/ itself.
 * @param {string} path
 */
function folderOf(path) {
  const names = path.split(sep)
  return names.length > 1 ? (names[0] ?? null) : null
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const faults = layerFaults()
  for (const fault of faults) console.error(fault)
  process.exitCode = faults.length === 0 ? 0 : 1
}
