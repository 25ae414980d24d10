/**
 * `npm run interop [-- suite… --option=value…]`: real clients and real Kafka against Klamm, as CI runs them. Each suite installs what it
 * needs, starts Klamm as a user would (`node dist/cli/server-start.js`, on a data directory and a port of its own), and
 * runs its cases. A peer that cannot be had is a failure. The last line is `N passed, N failed`.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { build } from '../../scripts/setup.mjs'
import { Suite } from './lib/suite.mjs'
import { stopAll } from './lib/process.mjs'

/** In the order of running: the cheap ones first. */
const SUITES = [
  'kcat',
  'package',
  'klamm',
  'tools',
  'python',
  'node',
  'java',
  'transactions',
  'java-old',
  'client',
  'client-security',
  'kill',
  'directories',
  'kafka-controller',
  'klamm-controller',
  'replication',
  'mixed-quorum',
  'static-quorum',
  'metadata-levels',
  'cluster-directories',
  'roll',
  'faults',
]

const words = process.argv.slice(2)
const asked = words.filter((word) => !word.startsWith('--'))
/** `--key=value`, or `--key` for `true`: suites that have options say which. */
const options = Object.fromEntries(
  words
    .filter((word) => word.startsWith('--'))
    .map((word) => {
      const [key, value = 'true'] = word.slice(2).split('=')
      return [key, value]
    }),
)
const unknown = asked.filter((name) => !SUITES.includes(name))
if (unknown.length > 0) {
  console.error(`no such suite: ${unknown.join(' ')}; there are ${SUITES.join(' ')}`)
  process.exit(2)
}
const present = readdirSync(join(import.meta.dirname, 'suites')).map((file) => file.replace(/\.mjs$/, ''))
const forgotten = present.filter((name) => !SUITES.includes(name))
if (forgotten.length > 0) throw new Error(`suites that nobody runs: ${forgotten.join(' ')}`)

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    stopAll()
    process.exit(1)
  })
}

await build()
let passed = 0
let failed = 0
for (const name of asked.length > 0 ? asked : SUITES) {
  const suite = new Suite(name, options)
  const startedMs = performance.now()
  try {
    const { run } = await import(`./suites/${name}.mjs`)
    await run(suite)
  } catch (error) {
    suite.failed('runs to its end', error)
  } finally {
    stopAll()
  }
  suite.close()
  passed += suite.passedCount
  failed += suite.failedCount
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(0)
  console.log(`== ${name}: ${suite.passedCount} of ${suite.passedCount + suite.failedCount} in ${seconds} s`)
}
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed === 0 && passed > 0 ? 0 : 1)
