/** Real Apache Kafka, fetched once from Maven Central into a cache folder. Needs Java 17 and Maven. */
import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

const POM = 'bench/peers/kafka.pom.xml'

/** Class path of Kafka 4.3.1 with its tools. */
export function kafkaClassPath(): string {
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'klamm-bench', 'kafka-4.3.1')
  const libs = join(cache, 'libs')
  const mark = join(cache, 'complete')
  if (!existsSync(mark)) {
    mkdirSync(cache, { recursive: true })
    const pom = join(cache, 'pom.xml')
    copyFileSync(POM, pom)
    const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${libs}`]
    execFileSync('mvn', ['-q', '-B', '-f', pom, ...goal], { stdio: ['ignore', 2, 2] })
    writeFileSync(mark, '')
  }
  return join(libs, '*')
}
