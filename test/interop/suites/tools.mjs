/**
 * Kafka's command line tools, ours against Kafka's own: the same sessions (test/interop/tools) print the same, with the
 * same exit codes and the same sentences on stderr.
 *
 * What Kafka's tools print against Kafka 4.3.1 lies in test/golden/cli/sessions: a JVM for each command would take
 * minutes. `KLAMM_CAPTURE=1 npm run interop -- tools` takes it anew. Ours then run against a real Kafka, and against Klamm.
 * `KLAMM_TOOLS=topics,acls` runs some sessions only.
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../../../scripts/setup.mjs'
import {
  formatForKafka,
  formatForKlamm,
  Place,
  startKafka as startKafkaThere,
  startKlamm as startKlammThere,
  WITHOUT_ELR,
} from '../lib/broker.mjs'
import { holds } from '../lib/expect.mjs'
import { maven } from '../lib/install.mjs'
import { javaCommand } from '../lib/java.mjs'
import { addSecuredListeners, FOR_TOOLS, TLS } from '../lib/secured-listeners.mjs'
import { comparable, isComplete, isQuestion, placed, readSession, sameWords } from '../lib/tool-session.mjs'
import { KAFKA } from '../lib/versions.mjs'
import { PATIENCE, sleep } from '../lib/waiting.mjs'

const SESSIONS = join(ROOT, 'test/interop/tools')
const GOLDEN = join(ROOT, 'test/golden/cli/sessions')
const CAPTURE = process.env['KLAMM_CAPTURE'] === '1'
const TOOL_MS = 60_000
/** A tool that goes on until it is ended has at least so long to say what it should not, and at most so long for what it should. */
const ENDLESS_MS = 5000
const ENDLESS_MS_MAX = 30_000
/** Kafka's broker hears of a change a moment after its controller has answered. */
const HEARSAY_MS = 10_000
/** For a command that Klamm does not serve: who waits longer is not served either. */
const UNSERVED_MS = 5000

/** Names a listener that Klamm does not have. */
const SECURED = /@[SMAX]\b/

/** Kafka's classes by the names of their scripts. */
const CLASSES = JSON.parse(readFileSync(join(SESSIONS, 'classes.json'), 'utf8'))

/** @param {import('../lib/suite.mjs').Suite} suite */
export async function run(suite) {
  const jars = await maven('kafka-4.3.1', KAFKA)
  const asked = (process.env['KLAMM_TOOLS'] ?? '').split(',').filter((name) => name !== '')
  const names = readdirSync(SESSIONS)
    .filter((file) => file.endsWith('.txt'))
    .map((file) => file.replace(/\.txt$/, ''))
    .filter((name) => asked.length === 0 || asked.includes(name))
    .sort((one, other) => turn(one) - turn(other) || (one < other ? -1 : 1))
  if (CAPTURE) {
    await onBroker(suite, 'capture', jars, startKafka, async (place) => {
      for (const name of names) await suite.test(`captures ${name}`, () => capture(name, place, jars), 300_000)
    })
  }
  if (asked.length === 0) await suite.test('every tool has two successes and two errors in the sessions', coverage)
  const servers = (process.env['KLAMM_SERVERS'] ?? 'Kafka,Klamm').split(',')
  if (servers.includes('Kafka'))
    await onBroker(suite, 'kafka', jars, startKafka, async (place) => {
      for (const name of names) await compare(suite, name, 'Kafka', place, jars)
    })
  if (servers.includes('Klamm'))
    await onBroker(suite, 'klamm', jars, startKlamm, async (place) => {
      for (const name of names) await compare(suite, name, 'Klamm', place, jars)
    })
}

/** Tools that are no part of this: shells, and what starts and stops servers. */
const WITHOUT_SESSION = [
  'kafka-jmx',
  'kafka-metadata-shell',
  'kafka-server-start',
  'kafka-streams-application-reset',
  'kafka-streams-groups',
]

/** What only asks for help or for the version proves nothing. */
function coverage() {
  const runs = readdirSync(GOLDEN).flatMap((file) => JSON.parse(readFileSync(join(GOLDEN, file), 'utf8')))
  const asks = runs.filter(({ command }) => !/ --(help|version)$/.test(command))
  for (const tool of Object.keys(CLASSES).filter((name) => !WITHOUT_SESSION.includes(name))) {
    const commands = (isRefused) =>
      new Set(
        asks
          .filter(({ command, exitCode }) => command.split(' ')[0] === tool && isRefused(exitCode))
          .map(({ command }) => command),
      ).size
    // 143: it goes on until it is ended.
    const [successes, errors] = [
      commands((code) => code === 0 || code === 143),
      commands((code) => code !== 0 && code !== 143),
    ]
    holds(successes >= 2 && errors >= 2, `${tool} has two of each, and not ${successes} and ${errors}`)
  }
}

/** They list all that there is, before others leave topics, groups and transactions behind. */
const FIRST = ['topics', 'consumer-groups', 'groups', 'share-groups', 'transactions']

function turn(name) {
  const at = FIRST.indexOf(name)
  return at < 0 ? FIRST.length : at
}

async function onBroker(suite, name, jars, startBroker, body) {
  const isKlamm = name === 'klamm'
  const place = await Place.make(suite, name, {
    'log.initial.task.delay.ms': '500',
    ...(isKlamm ? {} : FOR_TOOLS),
  })
  const at = isKlamm ? () => 'not.served:1' : await addSecuredListeners(place)
  const broker = await startBroker(place, jars)
  try {
    await body({
      directory: place.directory,
      marks: {
        ...{ '@B': place.address, '@C': controllerOf(place), '@T': TLS },
        ...{ '@S': at('SSL'), '@M': at('MUTUAL'), '@A': at('SASL'), '@X': at('BOTH') },
      },
    })
  } finally {
    await broker.stop('SIGKILL')
  }
}

function controllerOf(place) {
  return /^controller\.quorum\.bootstrap\.servers=(.*)$/m.exec(readFileSync(place.propertiesFile, 'utf8'))[1]
}

async function startKafka(place, jars) {
  await formatForKafka(jars, place, WITHOUT_ELR)
  return await startKafkaThere(jars, place)
}

async function startKlamm(place) {
  await formatForKlamm(place, WITHOUT_ELR)
  return await startKlammThere(place)
}

/** Runs a process to its end, whatever that is. */
function finish(command, args, { input, cwd, timeoutMs = TOOL_MS * PATIENCE, isEnough = null }) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, stdio: ['pipe', 'pipe', 'pipe'] })
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
    const pieces = { stdout: [], stderr: [] }
    const text = (name) => Buffer.concat(pieces[name]).toString()
    const startedMs = performance.now()
    const end = () => {
      const tookMs = performance.now() - startedMs
      if (tookMs < ENDLESS_MS || (tookMs < ENDLESS_MS_MAX && !isEnough(text('stdout')))) return
      child.kill('SIGTERM')
      clearInterval(ender)
    }
    const ender = isEnough === null ? undefined : setInterval(end, 100)
    child.stdout.on('data', (piece) => pieces.stdout.push(piece))
    child.stderr.on('data', (piece) => pieces.stderr.push(piece))
    child.stdin.on('error', () => {})
    child.on('error', reject)
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      clearInterval(ender)
      resolve({ exitCode: code ?? signal, stdout: text('stdout'), stderr: text('stderr') })
    })
    child.stdin.end(input)
  })
}

function runKafkaTool(jars, tool, args, options) {
  // Without a configuration log4j would print errors on stdout.
  return finish('java', javaCommand(jars, CLASSES[tool], args, ['-Dorg.apache.logging.log4j.level=OFF']), options)
}

/** @param {object | null} expected as it was captured, if it was */
async function runStep(step, expected, place, directory, jars, runTool) {
  const marks = { '@D': directory, '@H': place.directory, ...place.marks }
  const full = (text) => placed(text, marks)
  const words = step.words.map(full)
  if (step.kind === 'file') {
    writeFileSync(
      join(directory, words[1]),
      `${full(step.text).split(' ').slice(2).join(' ').replaceAll('\\n', '\n')}\n`,
    )
    return null
  }
  const [tool, ...args] = words
  const isEnough = (stdout) =>
    expected === null || isComplete(comparable({ exitCode: 0, stdout, stderr: '' }, marks), expected)
  const options = { input: full(step.input), cwd: directory, isEnough: step.isEndless ? isEnough : null }
  if (step.kind === 'prepare') {
    const { exitCode, stdout, stderr } = await runKafkaTool(jars, tool, args, options)
    if (exitCode !== 0) throw new Error(`${step.text}: exit ${exitCode}\n${stdout}\n${stderr}`)
    return null
  }
  const ran = await runTool(tool, args, options)
  return comparable(ran, marks)
}

async function capture(name, place, jars) {
  const directory = join(place.directory, name)
  mkdirSync(directory, { recursive: true })
  const captures = []
  for (const step of readSession(join(SESSIONS, `${name}.txt`))) {
    const result = await runStep(step, null, place, directory, jars, (tool, args, options) =>
      runKafkaTool(jars, tool, args, options),
    )
    if (result === null) continue
    const { said: _, ...kept } = result
    captures.push({ command: step.text, ...kept })
  }
  mkdirSync(GOLDEN, { recursive: true })
  writeFileSync(join(GOLDEN, `${name}.json`), `${JSON.stringify(captures, null, 1)}\n`)
  return `${captures.length} commands`
}

const runOurs = (tool, args, options) => finish(join(ROOT, 'bin', `${tool}.sh`), args, options)

/** A `~` outlives what it says only unseen: a command that Klamm answers as Kafka does fails here. */
async function stillUnserved(step, expected, place, directory, jars) {
  const run = (tool, args, options) => runOurs(tool, args, { ...options, timeoutMs: UNSERVED_MS })
  try {
    const result = await runStep(step, expected, place, directory, jars, run)
    if (result === null) return
    sameWords(step, result, expected)
  } catch {
    return
  }
  throw new Error('Klamm answers this as Kafka does: the ~ in the session goes')
}

async function compare(suite, name, server, place, jars) {
  const golden = join(GOLDEN, `${name}.json`)
  if (!existsSync(golden)) return suite.failed(`${name} against ${server}`, 'nothing is captured')
  const captures = JSON.parse(readFileSync(golden, 'utf8'))
  const directory = join(place.directory, name)
  mkdirSync(directory, { recursive: true })
  let at = 0
  for (const step of readSession(join(SESSIONS, `${name}.txt`))) {
    const expected = step.kind === 'compare' ? captures[at++] : null
    const isUnserved = step.kafkaOnly && server === 'Klamm'
    if (isUnserved && SECURED.test(step.text)) continue
    const body = async () => {
      if (expected !== null && expected?.command !== step.text) throw new Error(`captured was ${expected?.command}`)
      if (isUnserved) return await stillUnserved(step, expected, place, directory, jars)
      const run = () => runStep(step, expected, place, directory, jars, runOurs)
      if (step.kind === 'compare') await saysTheSame(step, expected, run)
      else await run()
    }
    const title = `against ${server}${isUnserved ? ', which does not serve it' : ''}: ${step.text}`
    if (step.kind === 'compare') await suite.test(title, body, TOOL_MS + 5000)
    else await body()
  }
}

/** Who only asks, or was refused where Kafka's tool was not, may have been too early. */
async function saysTheSame(step, expected, run) {
  for (const endMs = performance.now() + HEARSAY_MS; ; await sleep(200)) {
    const result = await run()
    try {
      return sameWords(step, result, expected)
    } catch (error) {
      const mayPass = isQuestion(step.text) || (result.exitCode !== 0 && expected.exitCode === 0)
      if (!mayPass || performance.now() > endMs) throw error
    }
  }
}
