/**
 * Apache Kafka 4.3.1 as the judge of directories: formats, serves, dumps. Its jars come from Maven Central by the pom of
 * the benchmarks. Every process ends with this one.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { openSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { dirname, join } from 'node:path'
import { kafkaClassPath } from '../../bench/peers/kafka-jars.ts'

const START_MS_MAX = 300_000
const TOOL_BYTES_MAX = 256 * 1024 * 1024
const JVM = ['-Xmx512m', '-Xms64m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']

export interface RunningKafka {
  readonly port: number
  /** Clean shutdown. */
  stop(): Promise<void>
  kill(): Promise<void>
  /** Lines of WARN and ERROR so far, but for those that are harmless. */
  complaints(): string[]
}

/** What Kafka says of its own connections at a start or an end, and of a slow machine. */
const HARMLESS = [
  /Attempting to close NetworkClient/,
  /Performing controller activation/,
  /NodeToControllerChannel/,
  /Exceptionally slow controller event/,
]

const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** Runs one of Kafka's tools; its standard output. */
export function kafkaTool(directory: string, className: string, args: readonly string[]): string {
  return execFileSync('java', [...jvm(directory), className, ...args], {
    encoding: 'utf8',
    maxBuffer: TOOL_BYTES_MAX,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

export async function startKafka(propertiesFile: string, port: number, logName = 'kafka.log'): Promise<RunningKafka> {
  const directory = dirname(propertiesFile)
  const logFile = join(directory, logName)
  const log = openSync(logFile, 'a')
  const child = spawn('java', [...jvm(directory), 'kafka.Kafka', propertiesFile], { stdio: ['ignore', log, log] })
  running.add(child)
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  void ended.then(() => running.delete(child))
  const deadline = performance.now() + START_MS_MAX
  while (!(await listens(port))) {
    if (child.exitCode !== null || performance.now() > deadline) {
      child.kill('SIGKILL')
      throw new Error(`Kafka did not start:\n${readFileSync(logFile, 'utf8').slice(-4000)}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  const end = async (signal: 'SIGTERM' | 'SIGKILL'): Promise<void> => {
    child.kill(signal)
    await ended
  }
  return {
    port,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    complaints: () =>
      readFileSync(logFile, 'utf8')
        .split('\n')
        .filter((line) => /\b(WARN|ERROR|FATAL)\b/.test(line) && !HARMLESS.some((pattern) => pattern.test(line))),
  }
}

function jvm(directory: string): string[] {
  const log4j = join(directory, 'log4j2.properties')
  writeFileSync(
    log4j,
    `rootLogger.level=warn
rootLogger.appenderRef.e.ref=E
appender.e.type=Console
appender.e.name=E
appender.e.target=SYSTEM_ERR
appender.e.layout.type=PatternLayout
appender.e.layout.pattern=[%d] %p %m (%c)%n
`,
  )
  return [...JVM, `-Dlog4j2.configurationFile=${log4j}`, '-cp', kafkaClassPath()]
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
    socket.on('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}
