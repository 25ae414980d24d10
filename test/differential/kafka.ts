/**
 * Apache Kafka itself, as the judge: fetched from Maven Central once by a pom of ours into a cache folder, formatted as
 * one node with the features that Klamm doesn't serve at level 0, started on a directory and ports of its own.
 * Needs Java 17 and Maven.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createWriteStream, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { nodeProperties, waitUntilListening, type Server } from './server.ts'

export type KafkaVersion = '4.3.1' | '3.9.2'

const CACHE = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'klamm-differential')
const JVM = ['-Xms256m', '-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']
/** At level 0 both advertise and serve the same. */
const FEATURES_OFF: Readonly<Record<KafkaVersion, readonly string[]>> = {
  '4.3.1': ['group.version=0', 'share.version=0', 'streams.version=0'],
  '3.9.2': [],
}

/** Defaults that 4.0 changed. */
const AS_NEWER: Readonly<Record<KafkaVersion, Readonly<Record<string, string>>>> = {
  '4.3.1': {},
  '3.9.2': { 'log.message.timestamp.after.max.ms': '3600000' },
}

/** Other settings, and other levels of features, than those under which both sides serve the same. */
export interface KafkaSettings {
  readonly properties?: Readonly<Record<string, string>>
  readonly features?: readonly string[]
}

export async function startKafka(
  version: KafkaVersion,
  directory: string,
  port: number,
  settings: KafkaSettings = {},
): Promise<Server> {
  const libs = await libraries(version)
  mkdirSync(directory, { recursive: true })
  const file = join(directory, 'server.properties')
  writeFileSync(file, nodeProperties(join(directory, 'data'), port, { ...AS_NEWER[version], ...settings.properties }))
  const java = (args: readonly string[], logFile: string): ChildProcess => {
    const log4j = logging(directory)
    const child = spawn('java', [...JVM, ...log4j, '-cp', join(libs, '*'), ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const log = createWriteStream(logFile)
    child.stdout?.pipe(log, { end: false })
    child.stderr?.pipe(log, { end: false })
    return child
  }
  const clusterId = randomBytes(16).toString('base64url').replace(/^-/, 'A')
  const features = [...(settings.features ?? FEATURES_OFF[version])].flatMap((feature) => ['--feature', feature])
  const formatLog = join(directory, 'format.log')
  const formatted = java(['kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', file, ...features], formatLog)
  if ((await exitOf(formatted)) !== 0) throw new Error(`Kafka's format failed:\n${readFileSync(formatLog, 'utf8')}`)
  const logFile = join(directory, 'server.log')
  const child = java(['kafka.Kafka', file], logFile)
  const server: Server = {
    name: `Kafka ${version}`,
    port,
    stop: async () => {
      child.kill('SIGKILL')
      await exitOf(child)
    },
  }
  await waitUntilListening(port, child, logFile)
  return server
}

/** Copies the release's jars into the cache folder: whole, or not at all. */
async function libraries(version: KafkaVersion): Promise<string> {
  const folder = join(CACHE, `kafka-${version}`)
  const complete = join(folder, 'complete')
  const libs = join(folder, 'libs')
  if (existsSync(complete)) return libs
  mkdirSync(folder, { recursive: true })
  const pom = join(folder, 'pom.xml')
  writeFileSync(pom, pomOf(version))
  const maven = spawn(
    'mvn',
    ['-q', '-B', '-f', pom, 'dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${libs}`],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  )
  if ((await exitOf(maven)) !== 0) throw new Error(`Maven could not fetch Kafka ${version}`)
  writeFileSync(complete, '')
  return libs
}

function pomOf(version: KafkaVersion): string {
  const dependency = (group: string, artifact: string, release: string): string =>
    `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${release}</version></dependency>`
  const logging = version === '4.3.1' ? dependency('org.apache.logging.log4j', 'log4j-slf4j-impl', '2.25.4') : ''
  return `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>klamm</groupId><artifactId>differential-kafka</artifactId><version>1</version><packaging>pom</packaging>
<dependencies>
${dependency('org.apache.kafka', 'kafka_2.13', version)}
${dependency('org.apache.kafka', 'kafka-tools', version)}
${logging}
</dependencies></project>
`
}

/** Warnings and errors only; 4.x reads log4j2.properties, 3.9 log4j.properties. */
function logging(directory: string): string[] {
  const log4j2 = join(directory, 'log4j2.properties')
  writeFileSync(
    log4j2,
    `rootLogger.level=warn
rootLogger.appenderRef.e.ref=E
appender.e.type=Console
appender.e.name=E
appender.e.layout.type=PatternLayout
appender.e.layout.pattern=[%d] %p %m (%c)%n
`,
  )
  const log4j = join(directory, 'log4j.properties')
  writeFileSync(
    log4j,
    `log4j.rootLogger=WARN, stdout
log4j.appender.stdout=org.apache.log4j.ConsoleAppender
log4j.appender.stdout.layout=org.apache.log4j.PatternLayout
log4j.appender.stdout.layout.ConversionPattern=[%d] %p %m (%c)%n
`,
  )
  return [`-Dlog4j2.configurationFile=${log4j2}`, `-Dlog4j.configuration=file:${log4j}`]
}

function exitOf(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve(child.exitCode)
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => resolve(code))
  })
}
