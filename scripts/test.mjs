/**
 * `npm test [-- vitest arguments]`: set-up, then vitest. The last line is `N passed, N failed`, where a test file that
 * cannot be loaded counts as one failure; the exit code is non-zero if anything failed.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { build, ROOT } from './setup.mjs'

await build()
const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs')
const report = join(ROOT, '.build', `test-report-${process.pid}.json`)
mkdirSync(dirname(report), { recursive: true })
const { status } = spawnSync(
  process.execPath,
  [vitest, 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...process.argv.slice(2)],
  { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] },
)

let passed = 0
let failed = 0
try {
  const result = JSON.parse(readFileSync(report, 'utf8'))
  passed = result.numPassedTests
  failed = result.numFailedTests
  for (const file of result.testResults) {
    if (file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed')) failed++
  }
} catch (error) {
  console.error(`no report from vitest: ${error}`)
}
rmSync(report, { force: true })
if (status !== 0 && failed === 0) failed = 1
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 && status === 0 ? 0 : 1
