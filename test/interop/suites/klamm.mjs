/** `klamm`, the command: every example of docs/KLAMM.md, in order, in a shell, against Apache Kafka 4.3.1 and against Klamm. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../../../scripts/setup.mjs'
import { formatForKafka, Place, startKafka, startKlamm } from '../lib/broker.mjs'
import { equal, holds } from '../lib/expect.mjs'
import { maven } from '../lib/install.mjs'
import { run as runCommand } from '../lib/process.mjs'
import { KAFKA } from '../lib/versions.mjs'

const STEP_MS = 60_000

/** The blocks of a page that are for a shell; the server that the first starts is there already. */
function examples() {
  const page = readFileSync(join(ROOT, 'docs/KLAMM.md'), 'utf8')
  return [...page.matchAll(/```sh\n(.*?)```/gs)].map(([, text]) => text.replace(/^klamm start .*$/m, ''))
}

/** @param {import('../lib/suite.mjs').Suite} suite */
export async function run(suite) {
  await withServer(suite, 'Klamm', (place) => startKlamm(place))
  const jars = await maven('kafka-4.3.1', KAFKA)
  await withServer(suite, 'Kafka', async (place) => {
    await formatForKafka(jars, place)
    return await startKafka(jars, place)
  })
}

async function withServer(suite, name, startServer) {
  const place = await Place.make(suite, name.toLowerCase())
  const server = await startServer(place)
  const cwd = join(place.directory, 'shell')
  mkdirSync(cwd)
  writeFileSync(join(cwd, 'client.properties'), 'security.protocol=SSL\nssl.key.password=geheim\n')
  const env = {
    PATH: `${join(ROOT, 'bin')}:${process.env['PATH']}`,
    KLAMM_BROKERS: place.address,
    XDG_CONFIG_HOME: join(cwd, 'config'),
  }
  const shell = (text) => runCommand('sh', ['-ec', text], { cwd, env, timeoutMs: STEP_MS })
  try {
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
  } finally {
    await server.stop('SIGKILL')
  }
}

function lag(text) {
  return JSON.parse(text)[0].offsets.reduce((sum, { lag: one }) => sum + one, 0)
}
