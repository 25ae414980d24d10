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
import { listens, Place, startKlamm } from '../lib/broker.mjs'
import { equal } from '../lib/expect.mjs'
import { maven } from '../lib/install.mjs'
import { java, javaCommand } from '../lib/java.mjs'
import { start, until } from '../lib/process.mjs'
import { comparable, retold, readSession } from '../lib/tool-session.mjs'
import { KAFKA } from '../lib/versions.mjs'

const SESSIONS = join(ROOT, 'test/interop/tools')
const GOLDEN = join(ROOT, 'test/golden/cli/sessions')
const CAPTURE = process.env['KLAMM_CAPTURE'] === '1'
const TOOL_MS = 60_000

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
  const servers = (process.env['KLAMM_SERVERS'] ?? 'Kafka,Klamm').split(',')
  if (servers.includes('Kafka'))
    await onBroker(suite, 'kafka', jars, startKafka, async (place) => {
      for (const name of names) await compare(suite, name, 'Kafka', place, jars)
    })
  if (servers.includes('Klamm'))
    await onBroker(
      suite,
      'klamm',
      jars,
      (klammPlace) => startKlamm(klammPlace),
      async (place) => {
        for (const name of names) await compare(suite, name, 'Klamm', place, jars)
      },
    )
}

/** They list all that there is, before others leave topics, groups and transactions behind. */
const FIRST = ['topics', 'consumer-groups', 'groups', 'share-groups', 'transactions']

function turn(name) {
  const at = FIRST.indexOf(name)
  return at < 0 ? FIRST.length : at
}

async function onBroker(suite, name, jars, startBroker, body) {
  const place = await Place.make(suite, name, {
    'log.initial.task.delay.ms': '500',
    ...(name === 'klamm' ? {} : KAFKA_ONLY),
  })
  const broker = await startBroker(place, jars)
  try {
    const { directory, address } = place
    await body({ directory, address, controller: controllerOf(place) })
  } finally {
    await broker.stop('SIGKILL')
  }
}

/** What Klamm refuses at its start or does not have yet, and sessions against Kafka need. */
const KAFKA_ONLY = {
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'super.users': 'User:ANONYMOUS',
  'allow.everyone.if.no.acl.found': 'true',
  'delegation.token.secret.key': 'secret',
}

function controllerOf(place) {
  return /^controller\.quorum\.bootstrap\.servers=(.*)$/m.exec(readFileSync(place.propertiesFile, 'utf8'))[1]
}

async function startKafka(place, jars) {
  await java(jars, 'kafka.tools.StorageTool', [
    ...['format', '-t', 'Tu3WHXbVTaC5XNK9rntWzg', '-c', place.propertiesFile, '--standalone'],
    // With it every topic is shown with a setting that nobody made.
    ...['--feature', 'eligible.leader.replicas.version=0'],
  ])
  const logFile = place.logFile('kafka')
  const kafka = start('java', javaCommand(jars, 'kafka.Kafka', [place.propertiesFile]), { logFile })
  let how
  void kafka.ended.then((code) => (how = code))
  await until(
    () => {
      if (how !== undefined) throw new Error(`Kafka ended with ${how}; see ${logFile}`)
      return listens(place.port)
    },
    'Kafka listens',
    60_000,
  )
  return kafka
}

/** Runs a process to its end, whatever that is. */
function finish(command, args, { input, cwd }) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, stdio: ['pipe', 'pipe', 'pipe'] })
    const timer = setTimeout(() => child.kill('SIGKILL'), TOOL_MS)
    const pieces = { stdout: [], stderr: [] }
    child.stdout.on('data', (piece) => pieces.stdout.push(piece))
    child.stderr.on('data', (piece) => pieces.stderr.push(piece))
    child.stdin.on('error', () => {})
    child.on('error', reject)
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      const text = (name) => Buffer.concat(pieces[name]).toString()
      resolve({ exitCode: code ?? signal, stdout: text('stdout'), stderr: text('stderr') })
    })
    child.stdin.end(input)
  })
}

function runKafkaTool(jars, tool, args, options) {
  // Without a configuration log4j would print errors on stdout.
  return finish('java', javaCommand(jars, CLASSES[tool], args, ['-Dorg.apache.logging.log4j.level=OFF']), options)
}

async function runStep(step, place, directory, jars, runTool) {
  const full = (text) =>
    text.replaceAll('@B', place.address).replaceAll('@C', place.controller).replaceAll('@D', directory)
  const words = step.words.map(full)
  if (step.kind === 'file') {
    writeFileSync(
      join(directory, words[1]),
      `${full(step.text).split(' ').slice(2).join(' ').replaceAll('\\n', '\n')}\n`,
    )
    return null
  }
  const [tool, ...args] = words
  const options = { input: full(step.input), cwd: directory }
  if (step.kind === 'prepare') {
    const { exitCode, stdout, stderr } = await runKafkaTool(jars, tool, args, options)
    if (exitCode !== 0) throw new Error(`${step.text}: exit ${exitCode}\n${stdout}\n${stderr}`)
    return null
  }
  const ran = await runTool(tool, args, options)
  return comparable(ran, { address: place.address, controller: place.controller, home: place.directory, directory })
}

async function capture(name, place, jars) {
  const directory = join(place.directory, name)
  mkdirSync(directory, { recursive: true })
  const captures = []
  for (const step of readSession(join(SESSIONS, `${name}.txt`))) {
    const result = await runStep(step, place, directory, jars, (tool, args, options) =>
      runKafkaTool(jars, tool, args, options),
    )
    if (result !== null) captures.push({ command: step.text, ...result })
  }
  mkdirSync(GOLDEN, { recursive: true })
  writeFileSync(join(GOLDEN, `${name}.json`), `${JSON.stringify(captures, null, 1)}\n`)
  return `${captures.length} commands`
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
    if (step.kafkaOnly && server === 'Klamm') continue
    const body = async () => {
      if (expected !== null && expected?.command !== step.text) throw new Error(`captured was ${expected?.command}`)
      const result = await runStep(step, place, directory, jars, (tool, args, options) =>
        finish(join(ROOT, 'bin', `${tool}.sh`), args, options),
      )
      if (result === null) return
      // The sentence is the same; ours may say more behind it, and where all that Kafka said is a stack trace or a log line.
      const { stderr } = retold(expected)
      if (stderr.length > 0 || expected.exitCode !== 0)
        result.stderr.length = Math.min(result.stderr.length, stderr.length)
      equal({ command: step.text, ...result }, retold(expected))
    }
    if (step.kind === 'compare') await suite.test(`against ${server}: ${step.text}`, body, TOOL_MS + 5000)
    else await body()
  }
}
