/**
 * Examples of pages in docs/: blocks for a shell (```sh), run in their order, and what they print (```text behind one), compared.
 * ```sh kafka is for Apache Kafka only: there Klamm has to fail or to print something else, or else the word goes.
 *
 * Pages say localhost:9092 for the broker, :9093 for its controller, :9094 for its listener with SASL, `data` for its directory.
 * `KLAMM_CAPTURE=1` writes what was printed into the page.
 */
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { ROOT } from '../../../scripts/setup.mjs'
import { equal } from './expect.mjs'
import { becomes, run as runCommand } from './process.mjs'
import { comparable, isQuestion } from './tool-session.mjs'

const STEP_MS = 60_000
/** For an example that Klamm does not serve. */
const UNSERVED_MS = 8000
const HEARSAY_MS = 2500
const DATA = '/var/lib/kafka'

/** The pages of the tools. */
export const TOOL_PAGES = readdirSync(join(ROOT, 'docs/tools')).map((file) => join('docs/tools', file))

const BLOCK = /```sh( kafka)?\n(.*?)```(?:\s*```text\n(.*?)```)?/gs

/**
 * @param {string} page below the root
 * @returns {{ text: string, kafkaOnly: boolean, output: string | null }[]}
 */
export function examplesOf(page) {
  const found = readFileSync(join(ROOT, page), 'utf8').matchAll(BLOCK)
  return [...found].map(([, word, text, output = null]) => ({ text, kafkaOnly: word !== undefined, output }))
}

/**
 * Runs a page of the tools.
 * @param {import('./suite.mjs').Suite} suite
 * @param {string} page
 * @param {{ name: string, place: import('./broker.mjs').Place, sasl: string }} server
 */
export async function runPage(suite, page, { name, place, sasl }) {
  const cwd = join(place.directory, basename(page))
  mkdirSync(cwd)
  symlinkSync(place.dataDirectory, join(cwd, 'data'))
  const env = { PATH: `${join(ROOT, 'bin')}:${process.env['PATH']}` }
  const captured = []
  for (const [index, { text, kafkaOnly, output }] of examplesOf(page).entries()) {
    const command = text.replaceAll('localhost:9092', place.address).replaceAll('localhost:9094', sasl)
    const isUnserved = kafkaOnly && name === 'Klamm'
    const body = async () => {
      const limits = isUnserved ? { timeoutMs: UNSERVED_MS, patience: 1 } : { timeoutMs: STEP_MS }
      const printed = async () => {
        const { stdout } = await runCommand('sh', ['-ec', `exec 2>&1\n${command}`], { cwd, env, ...limits })
        return shown(stdout, place)
      }
      if (output === null || process.env['KLAMM_CAPTURE'] === '1') captured.push(await printed())
      else if (isUnserved || !onlyAsks(text)) equal(words(await printed()), words(output))
      else await becomes(async () => words(await printed()), words(output), 'it prints what the page says', HEARSAY_MS)
    }
    const title = `${name}: example ${index + 1} of ${page} ${isUnserved ? 'is not served' : 'prints what the page says'}`
    await suite.test(title, isUnserved ? () => fails(body) : body, STEP_MS + 1000)
  }
  if (process.env['KLAMM_CAPTURE'] === '1' && name === 'Kafka') writeOutputs(page, captured)
}

/** Kafka's broker hears of what an example before this one did a moment after its controller has answered. */
const onlyAsks = (text) => {
  const commands = text.trim().replaceAll('\\\n', '').split('\n')
  return commands.every((command) => isQuestion(command.replace('.sh', '')))
}

async function fails(body) {
  const isServed = await body().then(
    () => true,
    () => false,
  )
  if (isServed) throw new Error('Klamm serves this as Kafka does: the word `kafka` in the page goes')
}

/** As a reader would see it. */
function shown(text, place) {
  const port = (number) => new RegExp(`\\b${number}\\b`, 'g')
  return text
    .replaceAll(place.dataDirectory, DATA)
    .replaceAll(place.address, 'localhost:9092')
    .replaceAll(port(place.port), '9092')
    .replaceAll(port(place.controllerPort), '9093')
}

/** Without what differs from run to run, and without widths of columns. */
function words(text) {
  const { stdout } = comparable(
    { exitCode: 0, stdout: text, stderr: '' },
    { '@B': 'localhost:9092', '@C': 'localhost:9093' },
  )
  return stdout.map((line) => line.replaceAll(/\s+/g, ' ').trim())
}

function writeOutputs(page, captured) {
  const path = join(ROOT, page)
  let at = 0
  const text = readFileSync(path, 'utf8').replaceAll(BLOCK, (all, word, _text, output) => {
    const printed = captured[at++] ?? ''
    if (output === undefined) return all
    const end = all.lastIndexOf('```text\n')
    return `${all.slice(0, end)}\`\`\`text\n${printed.trimEnd()}\n\`\`\``
  })
  writeFileSync(path, text.replaceAll(/[ \t]+$/gm, ''))
}
