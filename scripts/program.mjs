/**
 * A program for the command line: one file of pieces, of which a run reads and compiles only those that it uses.
 *
 * esbuild cuts a program where it says `await import`, and at what the parts share. Each piece becomes a function in the form
 * that the launcher runs (src/cli/launch/launcher.ts). In one piece the functions of all tools would be made at each start,
 * which is a third of what a short tool takes beyond Node itself.
 */
import { createHash } from 'node:crypto'
import { basename, parse } from 'node:path'

const HEAD = '(function(require,module,exports,__filename){"use strict";'
/** A shim, so only where it is wanted. */
const URL_HEAD = 'const __url=require("node:url").pathToFileURL(__filename).href;'
const TAIL = '})\n'

/**
 * @typedef {object} Program
 * @property {string} file its name, made from its content
 * @property {string} code ASCII
 * @property {string} map
 * @property {Record<string, [start: number, length: number, line: number]>} pieces where each lies, by what its importers say
 * @property {string} entry the piece that runs first
 */

/**
 * @param {string} entryPoint a file of TypeScript
 * @param {import('esbuild').BuildOptions} options `outdir` is where the program will lie; without `splitting` there is one piece
 * @returns {Promise<Program>}
 */
export async function program(entryPoint, options) {
  const { build, transform } = await import('esbuild')
  const { outputFiles } = await build({
    ...options,
    entryPoints: [entryPoint],
    format: 'esm',
    sourcemap: 'inline',
    entryNames: '[name]',
    chunkNames: '[name]-[hash]',
    write: false,
  })
  const { name } = parse(entryPoint)
  /** @type {Program['pieces']} */
  const pieces = {}
  const sections = []
  let body = ''
  let line = 0
  for (const { path, text } of outputFiles.toSorted((one, other) => (one.path < other.path ? -1 : 1))) {
    const piece = `./${basename(path)}`
    const { code, map } = await transform(text, {
      format: 'cjs',
      platform: 'node',
      target: 'node20',
      minifyWhitespace: true,
      supported: { 'dynamic-import': false },
      sourcemap: 'external',
    })
    const source = `${HEAD}${code.includes('__url') ? URL_HEAD : ''}\n${code}${TAIL}`
    pieces[piece] = [body.length, source.length, line]
    sections.push({ offset: { line: line + 1, column: 0 }, map: JSON.parse(map) })
    body += source
    line += source.split('\n').length - 1
  }
  const hash = createHash('sha256').update(body).digest('hex').slice(0, 8).toUpperCase()
  const file = `${name}-${hash}.cjs`
  return {
    file,
    code: `${body}//# sourceMappingURL=${file}.map\n`,
    map: JSON.stringify({ version: 3, file, sections }),
    pieces,
    entry: `./${name}.js`,
  }
}
