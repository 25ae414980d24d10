/**
 * What the simulators have in common: seeds one after the other, a report of each that fails with the event log and the
 * command that repeats it, how often what should happen sometimes did, and 'N passed, N failed' at the end. One seed in
 * twenty runs twice: the same events in the same order, or something real came in.
 */
import { execFileSync } from 'node:child_process'
import type { SimOutcome, SimulateOptions } from '../src/testing/sim-run.ts'
import { judgeShares, seedOptions } from './seed-options.ts'

export interface Simulator {
  /** `npm run NAME` */
  readonly name: string
  /** What must happen, and in how many of a hundred quick seeds at least. */
  readonly counters: Readonly<Record<string, number>>
  simulate(seed: number, options: SimulateOptions): Promise<SimOutcome>
}

const SAME_TWICE = 20
/** Who runs a thousand seeds wants to know that they go on. */
const PROGRESS_SECONDS = 30
const KNOWN = ['seed', 'seeds', 'quick', 'lines', 'seconds', 'quiet', 'trace', 'stop']

/** Runs what the command line asks for, and sets the exit code. */
export async function runSeeds({ name, counters, simulate }: Simulator): Promise<void> {
  const options = seedOptions(KNOWN)
  const numberOf = (key: string, otherwise: number): number => Number(options.get(key) ?? otherwise)
  const first = numberOf('seed', 1)
  const seeds = numberOf('seeds', 1)
  const linesShown = numberOf('lines', 60)
  const secondsMax = numberOf('seconds', Infinity)
  const quick = options.has('quick')
  const quiet = options.has('quiet')

  let failRun: ((error: unknown) => void) | null = null
  process.on('unhandledRejection', (error) => {
    if (failRun === null) throw error
    const cause = error instanceof Error ? error : new Error(String(error))
    cause.message = `a promise was rejected and nobody caught it: ${cause.message}`
    failRun(cause)
  })
  const run = (seed: number): Promise<SimOutcome> => simulate(seed, { quick, onStart: (fail) => (failRun = fail) })
  const report = (outcome: SimOutcome, error: unknown): void => {
    if (!quiet) for (const line of outcome.lines.slice(-linesShown)) console.log(line)
    console.log(
      `seed ${outcome.seed} FAILED: ${error instanceof Error ? (quiet ? error.message : error.stack) : String(error)}`,
    )
    console.log(
      `    again: npm run ${name} -- --seed=${outcome.seed}${quick ? ' --quick' : ''}   at commit ${commit()}`,
    )
  }

  const startedMs = performance.now()
  const seenIn = new Map<string, number>()
  let passed = 0
  let failed = 0
  let virtualMs = 0
  let events = 0
  const elapsed = (): number => (performance.now() - startedMs) / 1000
  let toldAt = 0
  for (let seed = first; seed < first + seeds; seed++) {
    if (elapsed() >= toldAt + PROGRESS_SECONDS) {
      toldAt = elapsed()
      console.error(`${passed + failed} of ${seeds} seeds in ${toldAt.toFixed(0)} s, ${failed} failed`)
    }
    if (elapsed() > secondsMax || (failed > 0 && options.has('stop'))) break
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
  const runs = passed + failed
  const seconds = elapsed()
  const tooSeldom = judgeShares(counters, seenIn, runs)
  if (tooSeldom !== null) {
    failed += 1
    console.log(`FAILED: ${tooSeldom}`)
  }
  console.log(
    `${events} events, ${(virtualMs / 1000).toFixed(0)} simulated seconds in ${seconds.toFixed(1)} s: ${(virtualMs / 1000 / seconds).toFixed(0)} to one`,
  )
  const { user, system } = process.cpuUsage()
  console.log(`${((user + system) / 1e6 / Math.max(runs, 1)).toFixed(2)} s of CPU a seed`)
  console.log(`${passed} passed, ${failed} failed`)
  process.exitCode = failed === 0 ? 0 : 1
}

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
  } catch {
    return 'unknown'
  }
}
