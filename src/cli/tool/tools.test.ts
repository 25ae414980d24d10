import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { nodeWorld } from '../../world/node/index.ts'
import { runInMemory } from './memory-host.ts'
import { runClass } from './run-class.ts'
import { ToolExit } from './tool-exit.ts'
import { TOOLS } from './tools.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))
/** Scripts that start or stop a server, and what all others go through. */
const OTHERS = ['klamm', 'klamm-run.sh', 'kafka-server-start.sh', 'kafka-server-stop.sh']

test('every tool has its script, which names it, and npm installs it', () => {
  const scripts = TOOLS.map((tool) => `${tool.name}.sh`)
  const inBin = readdirSync(`${root}bin`)
  expect(inBin.filter((file) => !OTHERS.includes(file)).sort()).toEqual([...scripts].sort())
  for (const { name } of TOOLS) {
    expect(readFileSync(`${root}bin/${name}.sh`, 'utf8')).toContain(`/klamm-run.sh" main ${name} "$@"`)
  }
  const { bin }: { bin: Record<string, string> } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'))
  const installed = inBin.filter((file) => file !== 'klamm-run.sh')
  expect(Object.entries(bin).sort()).toEqual(installed.map((file) => [file, `bin/${file}`]).sort())
})

test('no class of Kafka’s means two tools', () => {
  const classes = TOOLS.flatMap((tool) => tool.classes)
  expect(new Set(classes).size).toBe(classes.length)
})

test('a class name runs its tool, after what the script takes for the JVM', async () => {
  const run = (...argv: readonly string[]) => runInMemory(runClass, argv, { world: nodeWorld() })
  const mapped = await run('-loggc', '-name', 'x', 'kafka.tools.StorageTool', 'random-uuid')
  expect(mapped).toMatchObject({ exitCode: 0, error: '' })
  expect(mapped.out).toMatch(/^[\w-]{22}\n$/)
  expect(await run('Nope')).toMatchObject({ exitCode: 1, out: '' })
  expect((await run('Nope')).error).toMatch(/^Could not find or load main class Nope\n/)
  expect((await run()).error).toMatch(/^USAGE/)
})

test('what a tool throws is its sentence and code 1; a bug brings its stack', async () => {
  const run = (error: Error) => runInMemory(() => Promise.reject(error), [], { world: nodeWorld() })
  expect(await run(new ToolExit(0, 'help'))).toEqual({ exitCode: 0, out: 'help\n', error: '' })
  expect(await run(new ToolExit(3, 'no'))).toEqual({ exitCode: 3, out: '', error: 'no\n' })
  const bug = await run(new TypeError('x is not a function'))
  expect(bug.exitCode).toBe(1)
  expect(bug.error).toMatch(/^TypeError: x is not a function\n +at /)
})

/** All that is loaded before a module runs: what it imports, and what those import, but for types and `await import`. */
function loadedWith(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen
  seen.add(file)
  const source = readFileSync(file, 'utf8')
  for (const [, what = '', from = ''] of source.matchAll(/^(?:im|ex)port (?!type )([^;'"]*?)from '(\.[^']+)'/gm)) {
    const isOfTypes =
      /^\{[^}]*\}\s*$/.test(what) && [...what.matchAll(/[\w$]+/g)].length > 0 && !/[{,]\s*(?!type )\w/.test(what)
    if (!isOfTypes) loadedWith(join(dirname(file), from), seen)
  }
  return seen
}

test('a tool loads what it needs to start: codecs of all messages only for who decodes logs, clients only when they are made', () => {
  const heavy = ['protocol/generated/messages.ts', 'client/producer/producer.ts', 'client/share/share-consumer.ts']
  const loading: Record<string, string[]> = {}
  const names = readFileSync(`${root}src/cli/tool/tools.ts`, 'utf8').matchAll(/import\('(\.\.\/[^']+)'\)/g)
  for (const [, from = ''] of names) {
    const files = loadedWith(join(root, 'src/cli/tool', from))
    const found = [...files].map((file) => relative(join(root, 'src'), file)).filter((file) => heavy.includes(file))
    if (found.length > 0) loading[from] = found
  }
  expect(loading).toEqual({ '../dump-log/dump-log.ts': ['protocol/generated/messages.ts'] })
})
