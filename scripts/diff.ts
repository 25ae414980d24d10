/**
 * `npm run diff -- --seed=N --requests=N [--kafka=host:port] [--old-kafka=host:port] [--only=STEP] [--shrink] [--port=N]`:
 * the same generated requests to Klamm and to Apache Kafka, and what they answer differently. 4.3.1 judges all versions
 * that it serves, 3.9.2 those that 4.x dropped; both are fetched and started here unless an address is given, and one
 * process of each serves the whole run (20,000 requests in about five minutes). Exits with 1 if there is a difference that
 * docs/DEPARTURES.md doesn't name. What was compared is told, and what is advertised but wasn't. `--only` runs the
 * scenario of a step up to that step; `--shrink` leaves out steps of it as long as the difference stays.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Coverage } from '../test/differential/coverage.ts'
import { Duel } from '../test/differential/duel.ts'
import { Departures } from '../test/differential/departures.ts'
import { Findings } from '../test/differential/findings.ts'
import { startKafka, type KafkaVersion } from '../test/differential/kafka.ts'
import { startKlamm } from '../test/differential/klamm.ts'
import { prepare, resetAfter, servedVersions, type Served } from '../test/differential/preparation.ts'
import { makeScenario, STEP_NUMBERS, type Scenario } from '../test/differential/scenario.ts'
import type { VersionRange } from '../test/differential/generator.ts'
import type { Server } from '../test/differential/server.ts'
import { Side } from '../test/differential/side.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    requests: { type: 'string', default: '2000' },
    kafka: { type: 'string' },
    'old-kafka': { type: 'string' },
    only: { type: 'string' },
    shrink: { type: 'boolean', default: false },
    port: { type: 'string', default: '21100' },
    without: { type: 'string', default: '' },
    verbose: { type: 'boolean', default: false },
    'no-old': { type: 'boolean', default: false },
  },
})
const seed = Number(values.seed)
const requests = Number(values.requests)
const only = values.only === undefined ? null : Number(values.only)
const firstPort = Number(values.port)
/** Every nth scenario asks what only 3.9 serves. */
const OLD_EVERY = 5
/** Scenarios that are begun without asking whether there were enough: those of both judges run side by side. */
const ROUND = 20
/** Kafka that is used again knows the names of earlier runs. */
const runPrefix = values.kafka === undefined ? 'd' : `d${Date.now().toString(36)}x`

const directory = mkdtempSync(join(tmpdir(), 'klamm-diff-'))
const servers: Server[] = []

interface Pair {
  readonly kafka: Side
  readonly klamm: Side
  readonly duel: Duel
  readonly versions: ReadonlyMap<number, VersionRange>
  readonly advertised: Served
}

async function stopAll(): Promise<void> {
  await Promise.all(servers.splice(0).map((server) => server.stop()))
  if (process.exitCode !== 1) rmSync(directory, { recursive: true, force: true })
}

const coverage = new Coverage()

/** What was found so far, for whoever stops a run. */
let report = (): void => {}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    report()
    void stopAll().finally(() => process.exit(1))
  })
}

async function portOfKafka(version: KafkaVersion, address: string | undefined, port: number): Promise<number> {
  if (address !== undefined) return Number(address.split(':').at(-1))
  const server = await startKafka(version, join(directory, version), port)
  servers.push(server)
  return server.port
}

async function makePair(
  version: KafkaVersion,
  address: string | undefined,
  port: number,
  served: Served | null,
): Promise<[Pair, Served]> {
  const klammServer = await startKlamm(join(directory, `klamm-${version}`), port + 10)
  servers.push(klammServer)
  const kafka = new Side(await portOfKafka(version, address, port))
  const klamm = new Side(klammServer.port)
  await Promise.all([prepare(kafka), prepare(klamm)])
  const ours = await servedVersions(klamm)
  const theirs = await servedVersions(kafka)
  const versions = comparedVersions(ours, theirs, served)
  return [{ kafka, klamm, duel: new Duel(kafka, klamm), versions, advertised: ours }, theirs]
}

/** `newer` is what 4.3 serves, when 3.9 is asked: only what 4.3 dropped is compared then. */
function comparedVersions(klamm: Served, kafka: Served, newer: Served | null): Map<number, VersionRange> {
  const versions = new Map<number, VersionRange>()
  for (const [api, ours] of klamm) {
    const theirs = kafka.get(api)
    if (theirs === undefined) continue
    const low = Math.max(ours.low, theirs.low)
    const high = Math.min(ours.high, theirs.high)
    if (low > high) continue
    const droppedBelow = newer === null ? null : (newer.get(api)?.low ?? 0)
    versions.set(api, {
      low,
      high,
      comparedLow: low,
      comparedHigh: droppedBelow === null ? high : Math.min(droppedBelow - 1, high),
    })
  }
  return versions
}

async function run(
  scenario: Scenario,
  pair: Pair,
  findings: Findings,
  skip: ReadonlySet<number>,
  last = Infinity,
): Promise<number> {
  const { duel, kafka, klamm } = pair
  duel.begin({ prefix: scenario.prefix, anyPrefix: /^d[0-9a-z]*?\d+-/ })
  let sent = 0
  const numbers = new Map(scenario.steps.map((step, index) => [step, scenario.index * STEP_NUMBERS + index]))
  for (const [index, step] of scenario.steps.entries()) {
    const number = scenario.index * STEP_NUMBERS + index
    if (number > last) break
    if (skip.has(number)) continue
    sent++
    const outcomes = await duel.perform(step)
    const goesOn = outcomes.map((outcome) => {
      if (outcome.judged && outcome.step.kind === 'request') coverage.count(outcome.step.api, outcome.version)
      return findings.add(numbers.get(outcome.step) ?? number, outcome, scenario) && !outcome.apart
    })
    if (outcomes.some(({ apart }) => apart)) findings.cutShort()
    if (values.verbose) {
      for (const outcome of outcomes) {
        console.log(number, outcome.api, outcome.version, `${outcome.differences.length} differences`)
        console.log(`  kafka ${JSON.stringify(outcome.kafka).slice(0, 2000)}`)
        console.log(`  klamm ${JSON.stringify(outcome.klamm).slice(0, 2000)}`)
      }
    }
    if (goesOn.includes(false)) break
  }
  for (const outcome of await duel.end()) findings.add(numbers.get(outcome.step) ?? 0, outcome, scenario)
  await resetAfter(kafka, klamm, scenario.prefix)
  return sent
}

try {
  const departures = new Departures('docs/departures.json', 'docs/DEPARTURES.md')
  const [modern, served] = await makePair('4.3.1', values.kafka, firstPort, null)
  const [old, servedByOld] = values['no-old']
    ? [null, null]
    : await makePair('3.9.2', values['old-kafka'], firstPort + 20, served)
  const isOld = (index: number): boolean => old !== null && index % OLD_EVERY === OLD_EVERY - 1
  const pairOf = (index: number): Pair => (isOld(index) ? (old ?? modern) : modern)
  const make = (index: number, prefix = runPrefix): Scenario =>
    makeScenario(seed, index, isOld(index), pairOf(index).versions, prefix)
  let findings = new Findings(departures)
  let sent = 0
  report = () => {
    const print = (text: string): void => console.log(text)
    findings.print(print)
    print('')
    coverage.print(modern.advertised, [served, servedByOld ?? served], print)
    console.log(`seed ${seed}: ${sent} requests, ${findings.unnamed} differences that are not named`)
    console.log(`${findings.unnamed === 0 ? 1 : 0} passed, ${findings.unnamed} failed`)
  }
  if (only !== null) {
    const index = Math.floor(only / STEP_NUMBERS)
    const skip = new Set(values.without === '' ? [] : values.without.split(',').map(Number))
    sent = await run(make(index), pairOf(index), findings, skip, only)
    if (values.shrink && findings.unnamed > 0) {
      for (let step = only; step >= index * STEP_NUMBERS; step--) {
        const tried = new Findings(departures)
        const fewer = new Set([...skip, step])
        await run(make(index, `${runPrefix}${step}s`), pairOf(index), tried, fewer, only)
        if (tried.unnamed === 0) continue
        skip.add(step)
        findings = tried
      }
      console.log(`still differs with --without=${[...skip].join(',')}`)
    }
  } else {
    const lane = async (indices: readonly number[]): Promise<void> => {
      for (const index of indices) {
        // Two lanes add to it: what is awaited may not stand beside the sum.
        const more = await run(make(index), pairOf(index), findings, new Set())
        sent += more
      }
    }
    for (let first = 0; sent < requests; first += ROUND) {
      const indices = Array.from({ length: ROUND }, (_, index) => first + index)
      await Promise.all([lane(indices.filter((index) => !isOld(index))), lane(indices.filter(isOld))])
      console.log(`${sent} requests, ${findings.unnamed} differences so far`)
    }
  }
  report()
  process.exitCode = findings.unnamed === 0 ? 0 : 1
  modern.kafka.closeControl()
} catch (error) {
  console.error(error)
  process.exitCode = 1
} finally {
  await stopAll()
  process.exit()
}
