/**
 * How the project's TypeScript becomes JavaScript that Node 20 runs: esbuild, ESM, packages left outside.
 *
 * One bundle starts several times faster than hundreds of modules.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, parse, relative, sep } from 'node:path'
import { program } from './program.mjs'

/** @type {import('esbuild').BuildOptions} */
const COMMON = {
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  packages: 'external',
  sourcemap: true,
  logLevel: 'warning',
}

/** What the package exports; each becomes dist/<name>.js as soon as it exists. */
const PACKAGE_ENTRIES = ['src/index.ts', 'src/broker.ts', 'src/testing.ts', 'src/kafkajs.ts']

/**
 * One entry for all tools, of which a run uses one. A server stays in one piece: a call from one piece to another goes through
 * a getter.
 */
const TOOLS = 'src/cli/main.ts'

/**
 * One file to run, in .build/.
 * @param {string} file
 * @param {{ suffix?: string, plugins?: import('esbuild').Plugin[] }} [options] for a variant of it under another name
 * @returns {Promise<string>} path of the bundle
 */
export async function bundleScript(file, { suffix = '', plugins = [] } = {}) {
  const { build } = await import('esbuild')
  const { dir, name } = parse(file)
  const outfile = join('.build', `${join(dir, name).replaceAll(/[\\/]/g, '-')}${suffix}.mjs`)
  await build({ ...COMMON, entryPoints: [file], outfile, plugins })
  return outfile
}

/**
 * The package's entries, and every file directly in src/cli (one per tool), in dist/.
 *
 * The entries are modules that share chunks. A program for the command line is one file, dist/programs/NAME-HASH.cjs, in
 * pieces that start without Node's module loader and may come from V8's code cache (scripts/program.mjs). What runs it is
 * dist/cli/NAME.js (src/cli/launch/launcher.ts). Programs have no top-level await.
 * @param {string} root
 */
export async function bundleEntries(root) {
  const { build } = await import('esbuild')
  const outdir = join(root, 'dist')
  mkdirSync(outdir, { recursive: true })
  /** @type {import('esbuild').BuildOptions} */
  const common = {
    ...COMMON,
    absWorkingDir: root,
    // Less to parse at each start; names stay, for stack traces.
    minifyWhitespace: true,
    minifySyntax: true,
    metafile: true,
    define: { KLAMM_VERSION: JSON.stringify(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version) },
  }
  const entries = await build({
    ...common,
    entryPoints: PACKAGE_ENTRIES.filter((file) => existsSync(join(root, file))),
    outdir,
    outbase: 'src',
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
  })
  const files = existsSync(join(root, 'src/cli')) ? readdirSync(join(root, 'src/cli')) : []
  const entryPoints = files.filter((file) => /(?<!\.test|\.bench)\.ts$/.test(file)).map((file) => `src/cli/${file}`)
  /** @type {import('esbuild').BuildOptions} */
  const script = {
    ...common,
    outdir: join(outdir, 'programs'),
    define: { ...common.define, 'import.meta.url': '__url' },
  }
  mkdirSync(script.outdir, { recursive: true })
  mkdirSync(join(outdir, 'cli'), { recursive: true })
  const written = new Set(Object.keys(entries.metafile.outputs))
  for (const entryPoint of entryPoints) {
    const { file, code, map, pieces, entry } = await program(entryPoint, { ...script, splitting: entryPoint === TOOLS })
    writeFileSync(join(script.outdir, file), code)
    writeFileSync(join(script.outdir, `${file}.map`), map)
    const outfile = `dist/cli/${parse(entryPoint).name}.js`
    const define = { PROGRAM: JSON.stringify(file), PIECES: JSON.stringify(pieces), ENTRY: JSON.stringify(entry) }
    const launcher = { outfile, entryPoints: ['src/cli/launch/launcher.ts'], format: /** @type {const} */ ('cjs') }
    await build({ ...common, ...launcher, define, sourcemap: false })
    for (const name of [`dist/programs/${file}`, `dist/programs/${file}.map`, outfile]) written.add(name)
  }
  writeFileSync(join(outdir, 'cli', 'package.json'), '{ "type": "commonjs" }\n')
  written.add('dist/cli/package.json')
  // Only now: a server that runs from dist/ may still load a chunk of the build before, or have loaded the same one.
  for (const entry of readdirSync(outdir, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath ?? entry.path, entry.name)
    if (entry.isFile() && !written.has(relative(root, file).replaceAll(sep, '/'))) rmSync(file)
  }
}
