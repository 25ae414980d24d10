/**
 * `node scripts/run.mjs FILE.ts args…`: bundles one TypeScript file into .build/ and runs it with source maps. Node 20
 * cannot strip types by itself, and one bundle starts faster than hundreds of modules. Packages and generated sources are brought
 * up to date first: the command that replays a seed works on a fresh clone.
 */
import { spawn } from 'node:child_process'
import { generate } from './setup.mjs'

/** What `generate` itself runs. */
const GENERATOR = 'scripts/generate.ts'

const [file, ...args] = process.argv.slice(2)
if (file === undefined) {
  console.error('usage: node scripts/run.mjs FILE.ts args…')
  process.exit(2)
}
if (file !== GENERATOR) await generate()
const { bundleScript } = await import('./bundle.mjs')
const output = await bundleScript(file)
const child = spawn(process.execPath, ['--enable-source-maps', output, ...args], { stdio: 'inherit' })
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
child.on('exit', (code, signal) => {
  if (signal === null) process.exit(code ?? 1)
  process.removeAllListeners(signal)
  process.kill(process.pid, signal)
})
