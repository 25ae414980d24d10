/**
 * The package as its users get it: `npm pack`, `npm install` of the tarball in an empty project without install scripts, then ESM,
 * CommonJS, TypeScript, the commands, and every example of docs/TESTING.md, docs/CLIENT.md and the README.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../../../scripts/setup.mjs'
import { programsOf, runProgram } from '../lib/page-programs.mjs'
import { run } from '../lib/process.mjs'

const LONG_MS = 240_000
const QUIET = ['--no-audit', '--no-fund', '--loglevel=error']
const PEERS = ['kafkajs@2.2.4', '@types/node@20.19.43', 'typescript@5.9.3']

const TSCONFIG = {
  compilerOptions: {
    target: 'es2022',
    lib: ['es2023', 'esnext.disposable'],
    module: 'nodenext',
    strict: true,
    noEmit: true,
    // Our declarations are checked, too; those of kafkajs are not ours to mend, and hold.
    skipLibCheck: false,
    exactOptionalPropertyTypes: true,
    types: ['node'],
  },
  include: ['*.ts', '*.cts'],
}

/** Starts a broker, prints its address, closes it; the process must then end by itself. */
const ESM = `import { Klamm } from 'klamm'
import { startBroker, OperationalError } from 'klamm/broker'
import { startTestBroker, SeededWorld } from 'klamm/testing'
const broker = await startBroker()
const other = await startTestBroker()
const kafka = new Klamm({ brokers: broker.address })
console.log(broker.address, other.address, typeof SeededWorld, new OperationalError('DISK_FULL', 'x').code)
await kafka.close()
await other.close()
await broker.close()
`
const COMMONJS = `const { Klamm } = require('klamm')
new Klamm({ brokers: 'localhost:9092' })
const { Kafka, logLevel } = require('klamm/kafkajs')
new Kafka({ brokers: ['localhost:9092'], logLevel: logLevel.NOTHING }).producer()
const { startBroker } = require('klamm/broker')
const { startTestBroker } = require('klamm/testing')
Promise.all([startBroker(), startTestBroker()]).then(async (brokers) => {
  console.log(brokers.map(({ address }) => address).join(' '))
  for (const broker of brokers) await broker.close()
})
`
const TYPES = `import { Klamm, type ClientOptions } from 'klamm'
import { startBroker, type Broker, type BrokerOptions } from 'klamm/broker'
import { startTestBroker, type TestBroker } from 'klamm/testing'
export const kafka: (options: ClientOptions) => Klamm = (options) => new Klamm(options)
const options: BrokerOptions = { port: 0, config: { 'num.partitions': 3, 'log.dirs': ['/a', '/b'] } }
const start: (options?: BrokerOptions) => Promise<Broker> = startBroker
export const test: () => Promise<TestBroker> = () => startTestBroker({ startMs: 0 })
export const address: Promise<string> = start(options).then((broker) => broker.address)
// @ts-expect-error -- a misspelt option is an error
export const wrong = startBroker({ prot: 1 })
// @ts-expect-error -- so is an error code that Kafka does not have
export const fault = test().then((broker) => broker.failRequests({ api: 'Produce', code: 'NO_SUCH_ERROR' }))
`

/** @param {import('../lib/suite.mjs').Suite} suite */
async function runSuite(suite) {
  const project = join(suite.directory, 'project')
  mkdirSync(project, { recursive: true })
  writeFileSync(join(project, 'package.json'), '{ "name": "user", "private": true, "type": "module" }\n')
  let tarball = ''

  await suite.test(
    'npm pack makes a tarball of what is needed and no more',
    async () => {
      const { stdout } = await run(
        'npm',
        ['pack', '--json', '--loglevel=error', `--pack-destination=${suite.directory}`],
        {
          cwd: ROOT,
          timeoutMs: LONG_MS,
        },
      )
      const [packed] = JSON.parse(stdout.slice(stdout.indexOf('[')))
      tarball = join(suite.directory, packed.filename)
      const files = packed.files.map(({ path }) => path)
      const expected =
        /^(package\.json|README\.md|LICENSE|CHANGELOG\.md|bin\/(klamm|klamm-run\.sh|kafka-[a-z0-9-]+\.sh)|config\/[a-z]+\.properties|dist\/(cli\/package\.json|.+\.(js|cjs|d\.ts|wasm)))$/
      const strangers = files.filter((file) => !expected.test(file))
      if (strangers.length > 0) throw new Error(`in the tarball without need: ${strangers.join(' ')}`)
      const inside = files.filter((file) => /^dist\/(server|controller|storage|coordinators)\//.test(file))
      if (inside.length > 0) throw new Error(`public types reach into the broker: ${inside.join(' ')}`)
      for (const file of [
        'dist/broker.js',
        'dist/broker.d.ts',
        'dist/testing.js',
        'dist/testing.d.ts',
        'dist/kafkajs.js',
        'dist/kafkajs.d.ts',
        'bin/klamm',
      ]) {
        if (!files.includes(file)) throw new Error(`${file} is missing`)
      }
      return `${files.length} files, ${(packed.size / 1024).toFixed(0)} KB`
    },
    LONG_MS,
  )
  await suite.test(
    'npm install of the tarball works without install scripts',
    async () => {
      await run('npm', ['install', ...QUIET, '--ignore-scripts', tarball, ...PEERS], {
        cwd: project,
        timeoutMs: LONG_MS,
      })
      const manifest = JSON.parse(readFileSync(join(project, 'node_modules/klamm/package.json'), 'utf8'))
      const { install, preinstall, postinstall, prepare } = manifest.scripts ?? {}
      if (install || preinstall || postinstall || prepare) throw new Error('the package has install scripts')
    },
    LONG_MS,
  )
  await suite.test('import works, and the process ends by itself', async () => {
    writeFileSync(join(project, 'esm.mjs'), ESM)
    const { stdout, stderr } = await run(process.execPath, ['esm.mjs'], { cwd: project })
    if (!/^127\.0\.0\.1:\d+ 127\.0\.0\.1:\d+ function DISK_FULL\n$/.test(stdout)) throw new Error(stdout)
    if (stderr !== '') throw new Error(stderr)
  })
  await suite.test('require works from CommonJS, and the process ends by itself', async () => {
    writeFileSync(join(project, 'commonjs.cjs'), COMMONJS)
    const { stdout } = await run(process.execPath, ['commonjs.cjs'], { cwd: project })
    if (!/^127\.0\.0\.1:\d+ 127\.0\.0\.1:\d+\n$/.test(stdout)) throw new Error(stdout)
  })
  const pages = ['docs/TESTING.md', 'docs/CLIENT.md', 'docs/ADMIN.md', 'README.md']
  const examples = pages.flatMap((page) => programsOf(page))
  // They run in the suite client-security, which has a broker for them.
  const secured = programsOf('docs/CLIENT-SECURITY.md', "'klamm'")
  await suite.test(
    'types hold in strict TypeScript, in modules and CommonJS, with every example',
    async () => {
      writeFileSync(join(project, 'tsconfig.json'), JSON.stringify(TSCONFIG))
      writeFileSync(join(project, 'types.ts'), TYPES)
      writeFileSync(join(project, 'types-of-commonjs.cts'), TYPES)
      const usage = readFileSync(join(ROOT, 'test/kafkajs/usage.ts'), 'utf8')
      for (const [file, name] of [
        ['usage-of-kafkajs.ts', 'kafkajs'],
        ['usage-of-klamm.ts', 'klamm/kafkajs'],
      ]) {
        writeFileSync(join(project, file), usage.replace('../../src/kafkajs.ts', name))
      }
      for (const { name, text } of [...examples, ...secured]) writeFileSync(join(project, `${name}.ts`), text)
      await run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', '.'], { cwd: project, timeoutMs: 120_000 })
    },
    130_000,
  )
  for (const program of examples) {
    await suite.test(`the example "${program.title}" of ${program.name} runs`, async () => {
      await runProgram(program, project, { env: { KAFKAJS_NO_PARTITIONER_WARNING: '1' } })
    })
  }
  await suite.test('the commands are there under their names', async () => {
    const commands = readdirSync(join(project, 'node_modules', '.bin'))
    for (const name of ['klamm', 'kafka-server-start.sh', 'kafka-server-stop.sh', 'kafka-storage.sh']) {
      if (!commands.includes(name)) throw new Error(`${name} is missing: ${commands.join(' ')}`)
    }
    const bin = (name) => join(project, 'node_modules', '.bin', name)
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
    const { stdout } = await run(bin('klamm'), ['version'])
    if (!stdout.includes(version)) throw new Error(stdout)
    const { stdout: uuid } = await run(bin('kafka-storage.sh'), ['random-uuid'])
    if (!/^[\w-]{22}\n$/.test(uuid)) throw new Error(uuid)
  })
}

export { runSuite as run }
