/** How the project's TypeScript becomes JavaScript that Node 20 runs: esbuild, ESM, packages left outside. */
import { join, parse } from 'node:path'

const COMMON = {
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  packages: 'external',
  sourcemap: true,
  logLevel: 'warning',
}

/**
 * One file to run, in .build/.
 * @param {string} file
 * @returns {Promise<string>} path of the bundle
 */
export async function bundleScript(file) {
  const { build } = await import('esbuild')
  const { dir, name } = parse(file)
  const outfile = join('.build', `${join(dir, name).replaceAll(/[\\/]/g, '-')}.mjs`)
  await build({ ...COMMON, entryPoints: [file], outfile })
  return outfile
}
