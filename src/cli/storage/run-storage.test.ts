import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { nodeWorld } from '../../world/node/index.ts'
import { runInMemory } from '../tool/memory-host.ts'
import { storage as tool } from './run-storage.ts'

interface Capture {
  readonly label: string
  readonly args: readonly string[]
  readonly rc: number
  readonly stdout: string
  readonly stderr: string
}

const captures: Capture[] = JSON.parse(
  readFileSync(new URL('../../../test/golden/cli/kafka-storage.json', import.meta.url), 'utf8'),
)
const root = mkdtempSync(join(tmpdir(), 'klamm-storage-'))
afterAll(() => rmSync(root, { recursive: true }))

const COMBINED = {
  'process.roles': 'broker,controller',
  'node.id': '1',
  listeners: 'PLAINTEXT://127.0.0.1:22092,CONTROLLER://127.0.0.1:22093',
  'controller.listener.names': 'CONTROLLER',
  'controller.quorum.bootstrap.servers': '127.0.0.1:22093',
}

function config(file: string, properties: { readonly [key: string]: string }): string {
  const path = join(root, file)
  writeFileSync(
    path,
    Object.entries(properties)
      .map(([key, value]) => `${key}=${value}`)
      .join('\n'),
  )
  return path
}

const files = [
  ['s.conf', 'sd'],
  ['s2.conf', 'sd2'],
  ['s3.conf', 'sd3'],
] as const
for (const [file, directory] of files) config(file, { ...COMBINED, 'log.dirs': join(root, directory) })
mkdirSync(join(root, 'sd'))

async function storage(...args: readonly string[]) {
  const { exitCode, out, error } = await runInMemory(tool, args, { world: nodeWorld() })
  return { rc: exitCode, out: out.trimEnd(), error: error.trimEnd() }
}

/** Other lines for reasons: Java's stack traces, ids that are drawn, features that are not served yet. */
function comparable(text: string): string {
  return text
    .replaceAll(root, 'DIR')
    .replace(/^Exception in thread .*NoSuchFileException: (.*)\n[^]*$/, '$1: no such file')
    .replace(/, ApiMessageAndVersion\(FeatureLevelRecord\(name='(?:group|share|streams)[^)]*\) at version 0\)/g, '')
    .replace(/directory\.id=[\w-]{22}/, 'directory.id=ID')
    .replace(/^[\w-]{22}$/m, 'UUID')
    .trimEnd()
}

test('a session with the tool goes as with Kafka: same output, same exit codes', async () => {
  for (const capture of captures) {
    const args = capture.args.map((arg) => (arg.endsWith('.conf') || arg === 'nofile' ? join(root, arg) : arg))
    const { rc, out, error } = await storage(...args)
    const given = { rc, out: comparable(out), error: comparable(error).replace('DIR/nofile', 'nofile') }
    const expected = { rc: capture.rc, out: comparable(capture.stdout), error: comparable(capture.stderr) }
    expect(given, capture.label).toEqual(expected)
  }
  expect(captures.length).toBeGreaterThan(15)
})

const CLUSTER = ['-t', 'Tu3WHXbVTaC5XNK9rntWzg']

test('every directory of a node is formatted, the first voter stands in the metadata directory only', async () => {
  const [one, two] = [join(root, 'm1'), join(root, 'm2')]
  const file = config('two.conf', { ...COMBINED, 'log.dirs': `${one},${two}` })
  const { rc, out } = await storage('format', ...CLUSTER, '-c', file, '--standalone')
  expect(rc).toBe(0)
  expect(out.split('\n').slice(1)).toEqual([
    `Formatting dynamic metadata voter directory ${one} with metadata.version 4.3-IV0.`,
    `Formatting data directory ${two} with metadata.version 4.3-IV0.`,
  ])
  expect(readdirSync(one).sort()).toEqual(['__cluster_metadata-0', 'bootstrap.checkpoint', 'meta.properties'])
  expect(readdirSync(two).sort()).toEqual(['bootstrap.checkpoint', 'meta.properties'])
  rmSync(join(two, 'meta.properties'))
  expect(await storage('info', '-c', file)).toMatchObject({ rc: 1 })
  const other = await storage('format', '-t', 'Bu3WHXbVTaC5XNK9rntWzg', '-c', file, '-s', '-g')
  expect(other).toMatchObject({ rc: 1, out: '' })
  expect(other.error).toContain('Expected Bu3WHXbVTaC5XNK9rntWzg, but read Tu3WHXbVTaC5XNK9rntWzg')
  expect((await storage('format', ...CLUSTER, '-c', file, '-s', '-g')).rc).toBe(0)
})

const STATIC = { ...COMBINED, 'controller.quorum.voters': '1@127.0.0.1:22093', 'log.dirs': join(root, 'x') }
const BROKER = { ...COMBINED, 'process.roles': 'broker', listeners: 'PLAINTEXT://:9092', 'log.dirs': join(root, 'x') }

test.each([
  [
    'two ways to choose voters',
    COMBINED,
    ['-s', '-N'],
    '--no-initial-controllers/-N:  not  allowed\nwith argument --standalone/-s',
  ],
  ['static voters and a dynamic quorum', STATIC, ['-s'], 'You cannot specify controller.quorum.voters and format'],
  ['a broker that stands alone', BROKER, ['-s'], 'You can only use --standalone on a controller.'],
  [
    'a release and a metadata.version',
    COMBINED,
    ['-s', '-r', '4.0', '-f', 'metadata.version=20'],
    'to avoid ambiguity.',
  ],
  ['a level without number', COMBINED, ['-s', '-f', 'group.version=x'], 'unable to parse x as a short.'],
  [
    'an unknown feature',
    COMBINED,
    ['-s', '-f', 'nope=1'],
    'Unsupported feature: nope. Supported features are: eligible',
  ],
  ['a feature that is not served yet', COMBINED, ['-s', '-f', 'group.version=1'], 'group.version is not supported yet'],
  ['static voting in a dynamic quorum', COMBINED, ['-s', '-f', 'kraft.version=0'], 'Cannot set kraft.version to 0'],
  ['dynamic voting with static voters', STATIC, ['-f', 'kraft.version=1'], 'Cannot set kraft.version to 1 unless'],
  ['static voting without static voters', BROKER, ['-f', 'kraft.version=0'], 'Cannot set kraft.version to 0 if'],
  ['a credential without a password', COMBINED, ['-s', '-S', 'SCRAM-SHA-256=[name=a]'], "one of 'password' or"],
  ['a credential without a name', COMBINED, ['-s', '-S', 'SCRAM-SHA-256=[password=a]'], "You must supply 'name'"],
  [
    'a credential that is easy to guess',
    COMBINED,
    ['-s', '-S', 'SCRAM-SHA-512=[name=a,password=b,iterations=9]'],
    'must be >= 4096 for add-scram using SCRAM_SHA_512',
  ],
  [
    'a mechanism of its own',
    COMBINED,
    ['-s', '-S', 'PLAIN=[name=a,password=b]'],
    'The add-scram mechanism PLAIN is not',
  ],
  ['a voter without directory', COMBINED, ['-I', '1@h:1'], 'No colon following port could be found.'],
  ['an unknown flag', COMBINED, ['--bogus'], "unrecognized arguments: '--bogus'"],
])('%s is refused and nothing is written', async (_, properties, args, sentence) => {
  const file = config('refused.conf', { 'log.dirs': join(root, 'x'), ...properties })
  const { rc, out, error } = await storage('format', ...CLUSTER, '-c', file, ...args)
  expect({ rc, out }).toEqual({ rc: 1, out: '' })
  expect(error).toContain(sentence)
  expect(readdirSync(root)).not.toContain('x')
})

test('a feature level says what it needs', async () => {
  const needs = await storage(
    'feature-dependencies',
    '-f',
    'eligible.leader.replicas.version=1',
    '-f',
    'group.version=0',
  )
  expect(needs.out).toBe(
    'eligible.leader.replicas.version=1 requires:\n    metadata.version=23 (4.0-IV1)\ngroup.version=0 has no dependencies.',
  )
  expect((await storage('feature-dependencies', '-f', 'group.version=9')).error).toBe(
    'Feature level 9 is not supported for feature group.version',
  )
})

test('help is printed on stdout with exit 0', async () => {
  expect(await storage('format', '-h')).toMatchObject({ rc: 0, error: '' })
  expect((await storage('--help')).out).toMatch(/^usage: kafka-storage/)
})
