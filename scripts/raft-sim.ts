/**
 * `npm run sim:raft -- --seed=N --seeds=K`: consensus alone, thousands of quorums under chaos, each drawn from its number. A
 * failure prints what happened and the command that repeats it. Ends with 'N passed, N failed'.
 */
import { runRaftChaos } from '../src/testing/raft/raft-chaos.ts'
import { RAFT_COUNTERS, type RaftCounter } from '../src/testing/raft/raft-counters.ts'
import { judgeShares, seedOptions } from './seed-options.ts'

const options = seedOptions(['seed', 'seeds', 'seconds', 'quick', 'quiet', 'lines', 'trace', 'stop'])
const first = Number(options.get('seed') ?? 1)
const seeds = Number(options.get('seeds') ?? 1)
const secondsMax = Number(options.get('seconds') ?? Infinity)
const startedMs = performance.now()
const seen = new Map<RaftCounter, number>()
let passed = 0
let failed = 0
let events = 0
let committed = 0
for (let seed = first; seed < first + seeds; seed++) {
  if ((performance.now() - startedMs) / 1000 > secondsMax || (failed > 0 && options.has('stop'))) break
  const run = runRaftChaos(seed)
  events += run.events
  committed += run.committedEnd
  for (const counter of run.counters) seen.set(counter, (seen.get(counter) ?? 0) + 1)
  if (options.has('trace')) console.log(run.lines.join('\n'))
  if (run.error === null) passed += 1
  else {
    failed += 1
    const { error } = run
    if (!options.has('quiet')) console.log(run.lines.slice(-Number(options.get('lines') ?? 60)).join('\n'))
    console.log(`seed ${seed} FAILED: ${options.has('quiet') ? error.message : error.stack}`)
    console.log(`    again: npm run sim:raft -- --seed=${seed}`)
  }
}
const runs = passed + failed
const tooSeldom = judgeShares(RAFT_COUNTERS, seen, runs)
if (tooSeldom !== null) {
  failed += 1
  console.log(`FAILED: ${tooSeldom}`)
}
const seconds = (performance.now() - startedMs) / 1000
console.log(`${events} events, ${committed} committed entries in ${seconds.toFixed(1)} s`)
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
