/**
 * What a person types: every example of docs/KLAMM.md (the command `klamm`) and of docs/tools (Kafka's tools), in order, in a shell,
 * against Apache Kafka 4.3.1 and against Klamm. `KLAMM_PAGES=tools/topics` runs pages whose names contain that.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../../../scripts/setup.mjs'
import { formatForKafka, formatForKlamm, Place, startKafka, startKlamm, WITHOUT_ELR } from '../lib/broker.mjs'
import { equal, holds } from '../lib/expect.mjs'
import { maven } from '../lib/install.mjs'
import { examplesOf, runPage, TOOL_PAGES } from '../lib/page-examples.mjs'
import { run as runCommand } from '../lib/process.mjs'
import { addSecuredListeners, FOR_TOOLS } from '../lib/secured-listeners.mjs'
import { KAFKA } from '../lib/versions.mjs'

const STEP_MS = 60_000
/** Above those that other cases take; other runs on this machine have others. */
const CLUSTER_PORT = 21_200 + (process.pid % 80) * 10

/** The blocks of a page that are for a shell; the server that the first starts is there already. */
function examples() {
  return examplesOf('docs/KLAMM.md').map(({ text }) => text.replace(/^klamm start .*$/m, ''))
}

const isAsked = (page) => page.includes(process.env['KLAMM_PAGES'] ?? '')

/** @param {import('../lib/suite.mjs').Suite} suite */
export async function run(suite) {
  const jars = await maven('kafka-4.3.1', KAFKA)
  const klamm = await Place.make(suite, 'klamm')
  await withServer(suite, { name: 'Klamm', place: klamm, sasl: 'not.served:1' }, async () => {
    await formatForKlamm(klamm, WITHOUT_ELR)
    return await startKlamm(klamm)
  })
  if (isAsked('docs/KLAMM.md')) await localClusterCase(suite)
  const kafka = await Place.make(suite, 'kafka', FOR_TOOLS)
  const at = await addSecuredListeners(kafka)
  await withServer(suite, { name: 'Kafka', place: kafka, sasl: at('SASL') }, async () => {
    await formatForKafka(jars, kafka, WITHOUT_ELR)
    return await startKafka(jars, kafka)
  })
}

/** Its ports follow each other: brokers', then the controller's. */
async function localClusterCase(suite) {
  await suite.test(
    'klamm start --nodes: records come and go, a killed node leaves the others, all end together',
    async () => {
      const cwd = join(suite.directory, 'cluster')
      mkdirSync(cwd)
      const port = CLUSTER_PORT
      const script = `
        klamm start --nodes 3 --port ${port} > cluster.log 2>&1 &
        cluster=$!
        until grep -q ' is up: 3 brokers' cluster.log; do kill -0 $cluster; sleep 0.1; done
        export KLAMM_BROKERS=127.0.0.1:${port},127.0.0.1:${port + 2}
        klamm topics create t -p 9 -q
        seq 100 | klamm produce t -q
        klamm consume t -e -f '%v\\n' | sort -n | tail -n 1
        kill -9 "$(pgrep -f "$PWD/data/broker-2.properties")"
        until grep -q 'broker-2 was ended by SIGKILL; the others go on' cluster.log; do sleep 0.1; done
        klamm topics list --no-headers
        kill -TERM $cluster
        wait $cluster || echo "exit $?"
        pgrep -f "$PWD/data/" || echo none left`
      const { stdout } = await runCommand('bash', ['-ec', script], {
        cwd,
        env: { PATH: `${join(ROOT, 'bin')}:${process.env['PATH']}`, XDG_CONFIG_HOME: join(cwd, 'config') },
        timeoutMs: STEP_MS,
      })
      const lines = stdout
        .trim()
        .split('\n')
        .map((line) => line.trim().replace(/\s+/g, ' '))
      equal(lines, ['100', 't 9 3', 'exit 143', 'none left'])
    },
    STEP_MS,
  )
}

async function withServer(suite, at, startServer) {
  const server = await startServer()
  try {
    for (const page of TOOL_PAGES.filter(isAsked)) await runPage(suite, page, at)
    // It leaves a group behind, which pages would list.
    if (isAsked('docs/KLAMM.md')) await klammCases(suite, at)
  } finally {
    await server.stop('SIGKILL')
  }
}

async function klammCases(suite, { name, place }) {
  const cwd = join(place.directory, 'shell')
  mkdirSync(cwd)
  writeFileSync(join(cwd, 'client.properties'), 'security.protocol=SSL\nssl.key.password=geheim\n')
  const env = {
    PATH: `${join(ROOT, 'bin')}:${process.env['PATH']}`,
    KLAMM_BROKERS: place.address,
    XDG_CONFIG_HOME: join(cwd, 'config'),
  }
  const shell = (text) => runCommand('sh', ['-ec', text], { cwd, env, timeoutMs: STEP_MS })
  const outputs = []
  for (const [index, text] of examples().entries()) {
    await suite.test(
      `${name}: example ${index + 1} of docs/KLAMM.md runs`,
      async () => {
        const { stdout } = await shell(text)
        holds(stdout !== '' || text.includes(' > '), 'an example shows something')
        outputs.push(stdout)
      },
      STEP_MS,
    )
  }
  await suite.test(`${name}: the examples show what the page says`, () => {
    const all = outputs.join('')
    holds(all.includes('alice wants 3 apples\n'), 'records are consumed')
    holds(all.includes('ssl.key.password') && !all.includes('geheim'), 'secrets are hidden')
  })
  await suite.test(
    `${name}: a group reads, seeks and is deleted`,
    async () => {
      await shell('klamm topics create group-test -p 2; seq 1 100 | klamm produce group-test')
      const { stdout: numbers } = await shell('klamm consume group-test -g interop -n 60')
      equal(numbers.trim().split('\n').length, 60)
      const { stdout: before } = await shell('klamm groups describe interop -o json')
      equal(lag(before), 40)
      await shell('klamm groups seek interop --to start --execute')
      const { stdout: after } = await shell('klamm groups describe interop -o json')
      equal(lag(after), 100)
      await shell('klamm groups delete interop')
    },
    STEP_MS,
  )
}

function lag(text) {
  return JSON.parse(text)[0].offsets.reduce((sum, { lag: one }) => sum + one, 0)
}
