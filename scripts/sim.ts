/**
 * `npm run sim -- --seed=N --seeds=K [--quick]`: whole brokers under crashes, power losses and broken disks and networks,
 * each run drawn from its number. A failure prints the event log and the command that repeats it. Ends with
 * 'N passed, N failed'. One seed in twenty runs twice: the same events in the same order, or something real came in.
 */
import { execFileSync } from 'node:child_process'
import { COUNTERS, type Counter } from '../src/testing/sim/counters.ts'
import { simulate, type Outcome } from '../src/testing/sim/simulate.ts'

const options = new Map(
  process.argv.slice(2).map((argument) => {
    const [name = '', value = 'true'] = argument.replace(/^--/, '').split('=')
    return [name, value] as const
  }),
)
const KNOWN = new Set(['seed', 'seeds', 'quick', 'lines', 'seconds', 'quiet', 'trace', 'stop'])
for (const name of options.keys()) {
  if (KNOWN.has(name)) continue
  console.error(`--${name} is not known; there are: --${[...KNOWN].join(', --')}`)
  process.exit(2)
}
const numberOf = (name: string, otherwise: number): number => Number(options.get(name) ?? otherwise)
const first = numberOf('seed', 1)
const seeds = numberOf('seeds', 1)
const linesShown = numberOf('lines', 60)
const secondsMax = numberOf('seconds', Infinity)
const quick = options.has('quick')
const quiet = options.has('quiet')
const SAME_TWICE = 20

let failRun: ((error: unknown) => void) | null = null
process.on('unhandledRejection', (error) => {
  if (failRun === null) throw error
  const cause = error instanceof Error ? error : new Error(String(error))
  cause.message = `a promise was rejected and nobody caught it: ${cause.message}`
  failRun(cause)
})
const run = (seed: number): Promise<Outcome> => simulate(seed, { quick, onStart: (fail) => (failRun = fail) })

const startedMs = performance.now()
const seenIn = new Map<Counter, number>()
let passed = 0
let failed = 0
let virtualMs = 0
let events = 0
for (let seed = first; seed < first + seeds; seed++) {
  if ((performance.now() - startedMs) / 1000 > secondsMax || (failed > 0 && options.has('stop'))) break
  const outcome = await run(seed)
  virtualMs += outcome.virtualMs
  events += outcome.events
  for (const counter of outcome.counters.keys()) seenIn.set(counter, (seenIn.get(counter) ?? 0) + 1)
  let { error } = outcome
  if (error === null && seed % SAME_TWICE === 0) {
    const again = await run(seed)
    if (again.hash !== outcome.hash) error = new Error(`two runs differ: ${outcome.hash} and ${again.hash}`)
  }
  if (options.has('trace')) console.log(outcome.lines.join('\n'))
  if (error === null) passed += 1
  else {
    failed += 1
    report(outcome, error)
  }
}
summary()
process.exitCode = failed === 0 ? 0 : 1

function report(outcome: Outcome, error: unknown): void {
  if (!quiet) for (const line of outcome.lines.slice(-linesShown)) console.log(line)
  console.log(
    `seed ${outcome.seed} FAILED: ${error instanceof Error ? (quiet ? error.message : error.stack) : String(error)}`,
  )
  console.log(`    again: npm run sim -- --seed=${outcome.seed}${quick ? ' --quick' : ''}   at commit ${commit()}`)
}

function summary(): void {
  const runs = passed + failed
  const seconds = (performance.now() - startedMs) / 1000
  if (runs > 1) {
    for (const counter of COUNTERS) {
      const share = ((seenIn.get(counter) ?? 0) / runs) * 100
      console.log(`${share.toFixed(1).padStart(6)} %  ${counter}${share < 1 ? '   (rare)' : ''}`)
    }
  }
  console.log(
    `${events} events, ${(virtualMs / 1000).toFixed(0)} simulated seconds in ${seconds.toFixed(1)} s: ${(virtualMs / 1000 / seconds).toFixed(0)} to one`,
  )
  console.log(`${passed} passed, ${failed} failed`)
}

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
  } catch {
    return 'unknown'
  }
}
