/**
 * Type declarations of the package's public entries, in dist/ beside their JavaScript. Only what an entry reaches is kept: a
 * declaration that leads to the inside of the broker shows here as a file too many.
 *
 * Not part of `npm start`, which needs none of it: `npm run build` and `npm pack` make them.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'

const RELATIVE_IMPORT = /(\bfrom\s*|\bimport\s*\(?\s*)(['"])(\.[^'"]+)\.ts\2/g
/** What they mean by Buffer; a TypeScript program for Node has it. */
const NODE_TYPES = '/// <reference types="node" />\n'

/**
 * @param {string} root
 * @param {readonly string[]} entries files in src/
 */
export function emitTypes(root, entries) {
  const made = join(root, '.build', 'types')
  const out = join(root, 'dist')
  rmSync(made, { recursive: true, force: true })
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const { status } = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.types.json'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  })
  if (status !== 0) throw new Error('no type declarations: the compiler found errors')
  const reached = new Set(entries.map((entry) => join(made, entry.replace(/^src\//, '').replace(/\.ts$/, '.d.ts'))))
  for (const file of reached) {
    const text = readFileSync(file, 'utf8').replaceAll(RELATIVE_IMPORT, (_all, before, quote, path) => {
      reached.add(join(dirname(file), `${path}.d.ts`))
      return `${before}${quote}${path}.js${quote}`
    })
    const target = join(out, relative(made, file))
    mkdirSync(dirname(target), { recursive: true })
    writeFileSync(target, text.includes('Buffer') ? NODE_TYPES + text : text)
  }
}
