/**
 * `npm run sim:mutants [-- NAME…]`: plants the bugs of test/mutants, one at a time, into a bundle of the simulator, and
 * runs seeds until one fails. A bug that no seed finds fails the command. Ends with 'N passed, N failed'.
 *
 * A mutant is one JSON file: `what` it breaks, the `file`, the text `from` (exactly once in it) that becomes `to`, and how
 * many `seeds` must be enough. `script` names the simulation that must find it (scripts/node-sim.ts, one broker, if left out).
 */
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { generate } from './setup.mjs'

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))
const HOME = join(ROOT, 'test/mutants')

const wanted = process.argv.slice(2)
await generate()
// A package of its own: a fresh clone has it from here on.
const { bundleScript } = await import('./bundle.mjs')
let passed = 0
let failed = 0
for (const file of readdirSync(HOME).sort()) {
  const name = file.replace(/\.json$/, '')
  if (name === file || (wanted.length > 0 && !wanted.includes(name))) continue
  const { caught, says } = await hunt(name, JSON.parse(readFileSync(join(HOME, file), 'utf8')))
  console.log(`${caught ? 'caught' : 'MISSED'}  ${name}: ${says}`)
  if (caught) passed += 1
  else failed += 1
}
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1

/**
 * @param {string} name
 * @param {{ what: string, file: string, from: string, to: string, script?: string, seeds: number }} mutant
 * @returns {Promise<{ caught: boolean, says: string }>}
 */
async function hunt(name, mutant) {
  const path = join(ROOT, mutant.file)
  const source = readFileSync(path, 'utf8')
  const count = source.split(mutant.from).length - 1
  if (count !== 1)
    return { caught: false, says: `its text is ${count} times in ${mutant.file}: the mutant must follow the code` }
  const plugin = {
    name: 'mutant',
    setup(build) {
      build.onLoad({ filter: new RegExp(`${mutant.file.replaceAll(/[/.]/g, String.raw`\$&`)}$`) }, () => ({
        contents: source.replace(mutant.from, () => mutant.to),
        loader: 'ts',
      }))
    },
  }
  const script = mutant.script ?? 'scripts/node-sim.ts'
  const bundle = await bundleScript(script, { suffix: `-${name}`, plugins: [plugin] })
  const { stdout } = spawnSync(process.execPath, [bundle, '--quick', '--quiet', '--stop', `--seeds=${mutant.seeds}`], {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  })
  const found = stdout.split('\n').find((line) => line.includes('FAILED'))
  if (found === undefined) return { caught: false, says: `${mutant.what}; ${mutant.seeds} seeds found nothing` }
  // A seed that fails anyway proves nothing.
  const [, seed = ''] = /seed (\d+) FAILED/.exec(found) ?? []
  const sound = spawnSync(process.execPath, [await bundleScript(script), '--quick', '--quiet', `--seed=${seed}`], {
    cwd: ROOT,
  })
  if (sound.status !== 0) return { caught: false, says: `${mutant.what}; seed ${seed} fails without it too` }
  return { caught: true, says: found.slice(0, 200) }
}
