/** Java programs of ours, compiled against the jars of one client version, and Kafka's own command line classes. */
import { mkdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { ROOT } from '../../../scripts/setup.mjs'
import { run } from './process.mjs'

const SOURCES = join(ROOT, 'test', 'interop', 'java')
/** One JVM beside a broker on two cores: little memory, a collector without threads, and no time for the best code. */
const JVM = ['-Xms64m', '-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-XX:-UsePerfData']

/**
 * @param {import('./suite.mjs').Suite} suite
 * @param {string} name of the folder for the classes
 * @param {string} classPath
 * @param {readonly string[]} sources names without `.java`
 */
export async function compile(suite, name, classPath, sources) {
  const classes = join(suite.directory, name)
  mkdirSync(classes, { recursive: true })
  const files = sources.map((source) => join(SOURCES, `${source}.java`))
  await run('javac', ['-nowarn', '-Xlint:none', '-cp', classPath, '-d', classes, ...files], { timeoutMs: 120_000 })
  return `${classes}${delimiter}${classPath}`
}

/**
 * @param {string} classPath
 * @param {string} className
 * @param {readonly string[]} args
 * @param {import('./process.mjs').RunOptions & { jvm?: readonly string[] }} [options]
 */
export function java(classPath, className, args, { jvm = [], ...options } = {}) {
  return run('java', [...JVM, ...jvm, '-cp', classPath, className, ...args], { timeoutMs: 60_000, ...options })
}

/** The same as a command for `start`. */
export const javaCommand = (classPath, className, args, jvm = []) => [
  ...JVM,
  ...jvm,
  '-cp',
  classPath,
  className,
  ...args,
]

/**
 * Runs a program that reports cases as Cases.java prints them; each becomes a case of the suite.
 * @param {import('./suite.mjs').Suite} suite
 * @param {string} prefix
 * @param {(onLine: (line: string) => void) => Promise<unknown>} program
 */
export async function reportCases(suite, prefix, program) {
  let current = null
  let done = false
  let startedMs = 0
  const onLine = (line) => {
    const [word = '', ...others] = line.split(' ')
    const rest = others.join(' ')
    if (word === 'case') {
      current = rest
      startedMs = performance.now()
    } else if (word === 'ok' && rest === current) {
      suite.passed(`${prefix}: ${rest}`, performance.now() - startedMs)
      current = null
    } else if (word === 'FAILED' && current !== null) {
      suite.failed(`${prefix}: ${current}`, rest.slice(current.length + 2))
      current = null
    } else if (word === 'done') done = true
  }
  let ended = 'the program ended early'
  try {
    await program(onLine)
  } catch (error) {
    ended = error
  }
  if (current !== null) suite.failed(`${prefix}: ${current}`, ended)
  else if (!done) suite.failed(`${prefix}: runs all its cases`, ended)
}
