/** The simulator, for those who have `node` only: see sim.ts. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const { status } = spawnSync(
  process.execPath,
  [fileURLToPath(new URL('run.mjs', import.meta.url)), 'scripts/sim.ts', ...process.argv.slice(2)],
  { stdio: 'inherit' },
)
process.exitCode = status ?? 1
