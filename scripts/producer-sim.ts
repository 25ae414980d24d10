/**
 * `npm run sim:producer -- --seed=N --seeds=K`: the idempotent producer against brokers and a network that fail, each trial drawn
 * from its number. A failure prints what is wrong and the command that repeats it. Ends with 'N passed, N failed'.
 */
import { faultOf, idempotentTrial } from '../src/testing/scripted/producer-trial.ts'
import { seedOptions } from './seed-options.ts'

const options = seedOptions(['seed', 'seeds', 'quick', 'quiet', 'stop'])
const first = Number(options.get('seed') ?? 1)
const seeds = Number(options.get('seeds') ?? 1)
let passed = 0
let failed = 0
for (let seed = first; seed < first + seeds; seed++) {
  if (failed > 0 && options.has('stop')) break
  let fault: string | null
  try {
    fault = faultOf(await idempotentTrial(seed), true)
  } catch (error) {
    fault = (options.has('quiet') ? String(error) : (error as Error).stack) ?? String(error)
  }
  if (fault === null) passed += 1
  else {
    failed += 1
    console.log(`seed ${seed} FAILED: ${fault}`)
    console.log(`    again: npm run sim:producer -- --seed=${seed}`)
  }
}
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
