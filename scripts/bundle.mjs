/**
 * How the project's TypeScript becomes JavaScript that Node 20 runs: esbuild, ESM, packages left outside.
 *
 * One bundle starts several times faster than hundreds of modules; dist/ is split, so that the tools share what they
 * have in common and a tool loads only what it uses.
 */
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join, parse } from 'node:path'

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
 * The package's entries and every file directly in src/cli (one per tool), in dist/ at the same places.
 * @param {string} root
 */
export async function bundleEntries(root) {
  const { build } = await import('esbuild')
  const tools = existsSync(join(root, 'src/cli')) ? readdirSync(join(root, 'src/cli')) : []
  const entryPoints = [
    ...PACKAGE_ENTRIES,
    ...tools.filter((file) => /(?<!\.test|\.bench)\.ts$/.test(file)).map((file) => `src/cli/${file}`),
  ].filter((file) => existsSync(join(root, file)))
  const outdir = join(root, 'dist')
  mkdirSync(outdir, { recursive: true })
  const { metafile } = await build({
    ...COMMON,
    absWorkingDir: root,
    entryPoints,
    outdir,
    outbase: 'src',
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
    // Less to parse at each start; names stay, for stack traces.
    minifyWhitespace: true,
    minifySyntax: true,
    metafile: true,
  })
  // Only now: a server that runs from dist/ may still load a chunk of the build before, or have loaded the same one.
  const written = new Set(Object.keys(metafile.outputs).map((file) => join(root, file)))
  for (const entry of readdirSync(outdir, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath ?? entry.path, entry.name)
    if (entry.isFile() && !written.has(file)) rmSync(file)
  }
}
