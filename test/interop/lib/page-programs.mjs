/** Programs in pages of docs/, and their running. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../../../scripts/setup.mjs'
import { run } from './process.mjs'

/**
 * Every block of TypeScript that imports Klamm, which needs no broker but one of its own. A fragment that names `Kafka` without
 * importing it is completed, as a reader would.
 * @param {string} page below the root
 * @param {string} [mark] what is in a block that is a program
 * @returns {{ name: string, title: string, text: string }[]} names are of files, titles those of sections
 */
export function programsOf(page, mark = "'klamm/") {
  const text = readFileSync(join(ROOT, page), 'utf8')
  const found = []
  let title = page
  let block = null
  for (const line of text.split('\n')) {
    if (block === null && line.startsWith('#')) title = line.replace(/^#+ /, '')
    if (block === null && line === '```ts') block = []
    else if (block !== null && line === '```') {
      let program = block.join('\n')
      if (/\bnew Kafka\b/.test(program) && !program.includes("'kafkajs'")) {
        program = `import { Kafka } from 'kafkajs'\n${program}\nvoid kafka\n`
      }
      const name = `${page.replace(/^.*\/|\.md$/g, '').toLowerCase()}-${found.length + 1}`
      if (program.includes(mark)) found.push({ name, title, text: `${program}\n` })
      block = null
    } else block?.push(line)
  }
  return found
}

/**
 * Runs a program in a folder from where `klamm` is found.
 * @param {{ name: string, text: string }} program
 * @param {string} cwd
 * @param {import('./process.mjs').RunOptions} [options]
 */
export async function runProgram({ name, text }, cwd, options = {}) {
  const { transform } = await import('esbuild')
  const { code } = await transform(text, { loader: 'ts', target: 'node20', format: 'esm' })
  writeFileSync(join(cwd, `${name}.mjs`), code)
  return await run(process.execPath, [`${name}.mjs`], { cwd, timeoutMs: 25_000, ...options })
}
