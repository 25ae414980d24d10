/**
 * kill -9 under load: an idempotent acks=all producer keeps sending while the broker is killed and started again, twenty
 * times, at moments that the seed chooses. Nothing acknowledged is lost, nothing is there twice, offsets are dense, the order
 * per key holds, and every recovery is clean. `KILL_SEED=n` repeats a choice of moments; the rest is up to the machine.
 */
import { join } from 'node:path'
import { complaints, Place, startKlamm } from '../lib/broker.mjs'
import { maven } from '../lib/install.mjs'
import { compile, javaCommand } from '../lib/java.mjs'
import { sleep, start, until } from '../lib/process.mjs'
import { random } from '../lib/random.mjs'
import { KAFKA } from '../lib/versions.mjs'
import { equal, holds } from '../lib/expect.mjs'

const ROUNDS = 20
const PARTITIONS = 4

/** @param {import('../lib/suite.mjs').Suite} suite */
export async function run(suite) {
  const seed = Number(process.env['KILL_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
  const next = random(seed)
  const classPath = await compile(suite, 'classes', await maven('kafka-4.3.1', KAFKA), ['Load'])
  // Small segments, so that recovery meets rolled ones; flushing is left to the kernel, as by default.
  const place = await Place.make(suite, 'node', {
    'num.partitions': String(PARTITIONS),
    'log.segment.bytes': '1048576',
  })
  const moments = []
  const logs = []
  await suite.test(
    `${ROUNDS} rounds of kill -9 (seed ${seed})`,
    async () => {
      let klamm = await startKlamm(place, 'klamm-0')
      const said = { acked: 0, sent: '', read: '', wrong: [], done: false }
      const onLine = (line) => {
        if (line.startsWith('acked ')) said.acked = Number(line.slice(6))
        else if (line.startsWith('sent ')) said.sent = line
        else if (line.startsWith('read ')) said.read = line
        else if (line.startsWith('WRONG ')) said.wrong.push(line)
        else if (line === 'done') said.done = true
      }
      const args = javaCommand(classPath, 'Load', [place.address, 'load', String(PARTITIONS), String(seed)])
      const load = start('java', args, { logFile: join(suite.directory, 'load.log'), onLine })
      let ended
      void load.ended.then((how) => (ended = how))
      for (let round = 1; round <= ROUNDS; round++) {
        const before = said.acked
        await until(() => {
          if (ended !== undefined) throw new Error(`the load ended with ${ended}`)
          return said.acked > before
        }, `round ${round}: records are acknowledged`)
        const afterMs = Math.floor(next() * 900)
        moments.push(afterMs)
        await sleep(afterMs)
        equal(await klamm.stop('SIGKILL'), 'SIGKILL')
        logs.push(klamm.log())
        if (next() < 0.3) await sleep(Math.floor(next() * 500))
        klamm = await startKlamm(place, `klamm-${round}`)
      }
      const before = said.acked
      await until(() => said.acked > before, 'records are acknowledged after the last round')
      load.stdin.end('stop\n')
      await until(() => said.done || ended !== undefined, 'everything is read back', 120_000)
      logs.push(klamm.log())
      equal(await klamm.stop(), 143)
      equal(said.wrong.slice(0, 20), [])
      holds(said.read.endsWith('wrong 0'), said.read)
      holds(said.sent.endsWith('refused {}'), said.sent)
      return `${said.sent}; ${said.read}; killed after ${moments.join(' ')} ms`
    },
    300_000,
  )
  await suite.test('every recovery went without a complaint', async () => {
    equal(logs.length, ROUNDS + 1)
    // What the kill cut in two is cut off.
    const torn = [/WARN .*: cut \d+ bytes at the end of segment \d+ /]
    equal(logs.flatMap((log) => complaints(log, torn)).slice(0, 20), [])
  })
}
