/**
 * What a suite needs, fetched by the ordinary clients of the registries and kept in a cache folder: Debian packages, Maven
 * Central artifacts by a pom of ours, Python and npm packages of pinned versions. Nothing comes from elsewhere.
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { run } from './process.mjs'

const CACHE = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'klamm-interop')
/** Of what registries and the network give; nothing is won by waiting longer. */
const LONG = { timeoutMs: 540_000, patience: 1 }

/**
 * Makes a folder once: whole, or not at all.
 * @param {string} name
 * @param {(directory: string) => Promise<void>} make
 */
async function cached(name, make) {
  const directory = join(CACHE, name)
  const mark = join(directory, 'complete')
  if (existsSync(mark)) return directory
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(directory, { recursive: true })
  await make(directory)
  writeFileSync(mark, '')
  return directory
}

async function works(command, args) {
  try {
    await run(command, args)
    return true
  } catch {
    return false
  }
}

/**
 * A command line tool of Debian's.
 * @param {string} command
 * @param {readonly string[]} probe arguments with which it exits with 0
 */
export async function debian(command, probe, packageName = command) {
  if (await works(command, probe)) return
  const sudo = process.getuid?.() === 0 ? [] : ['sudo', '-n']
  const [first, ...others] = [...sudo, 'apt-get']
  const env = { DEBIAN_FRONTEND: 'noninteractive' }
  await run(first, [...others, 'update', '-q'], { ...LONG, env })
  await run(first, [...others, 'install', '-y', '-q', packageName], { ...LONG, env })
}

/**
 * Jars with all that they need at run time, as a class path.
 * @param {string} name of the cache folder
 * @param {readonly string[]} coordinates `group:artifact:version`
 */
export async function maven(name, coordinates) {
  await debian('javac', ['-version'], 'openjdk-17-jdk-headless')
  await debian('mvn', ['-v'], 'maven')
  const directory = await cached(`maven-${name}`, async (folder) => {
    const dependencies = coordinates.map((coordinate) => {
      const [group, artifact, version] = coordinate.split(':')
      return `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`
    })
    const pom = join(folder, 'pom.xml')
    writeFileSync(
      pom,
      `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>klamm</groupId><artifactId>interop-${name}</artifactId><version>1</version><packaging>pom</packaging>
<dependencies>
${dependencies.join('\n')}
</dependencies></project>
`,
    )
    const libs = `-DoutputDirectory=${join(folder, 'libs')}`
    await run('mvn', ['-q', '-B', '-f', pom, 'dependency:copy-dependencies', '-DincludeScope=runtime', libs], LONG)
  })
  return join(directory, 'libs', '*')
}

/**
 * A Python in which the packages can be imported.
 * @param {string} name of the cache folder
 * @param {readonly string[]} packages `name==version`
 */
export async function python(name, packages) {
  await debian('python3', ['-c', 'import ensurepip, venv'], 'python3-venv')
  const directory = await cached(`python-${name}`, async (folder) => {
    const venv = join(folder, 'venv')
    await run('python3', ['-m', 'venv', venv], LONG)
    await run(join(venv, 'bin', 'python'), ['-m', 'pip', 'install', '-q', ...packages], LONG)
  })
  return join(directory, 'venv', 'bin', 'python')
}

/**
 * A folder whose node_modules hold the packages.
 * @param {string} name of the cache folder
 * @param {readonly string[]} packages `name@version`
 */
export async function npm(name, packages) {
  return cached(`npm-${name}`, async (folder) => {
    writeFileSync(join(folder, 'package.json'), '{"private":true}')
    const quiet = ['--no-audit', '--no-fund', '--loglevel=error']
    await run('npm', ['install', ...quiet, ...packages], { cwd: folder, ...LONG })
  })
}
