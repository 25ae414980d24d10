/** Node clients: kafkajs and @platformatic/kafka. */
import { join } from 'node:path'
import { ROOT } from '../../../scripts/setup.mjs'
import { complaints, Place, startKlamm } from '../lib/broker.mjs'
import { npm } from '../lib/install.mjs'
import { reportCases } from '../lib/java.mjs'
import { run as runCommand } from '../lib/process.mjs'
import { NODE } from '../lib/versions.mjs'
import { equal } from '../lib/expect.mjs'

const CLIENTS = join(ROOT, 'test', 'interop', 'clients')

/** @param {import('../lib/suite.mjs').Suite} suite */
export async function run(suite) {
  const packages = await npm(`clients-${process.versions.node.split('.')[0]}`, NODE)
  const place = await Place.make(suite, 'node', { 'num.partitions': '3' })
  const klamm = await startKlamm(place)
  for (const [name, program] of [
    ['kafkajs', 'kafkajs.mjs'],
    ['@platformatic/kafka', 'platformatic.mjs'],
  ]) {
    const args = [join(CLIENTS, program), place.address, packages]
    await reportCases(suite, name, (onLine) => runCommand(process.execPath, args, { onLine, timeoutMs: 180_000 }))
  }
  await suite.test('the broker had nothing to complain about', async () => {
    equal(await klamm.stop(), 143)
    equal(complaints(klamm.log()), [])
  })
}
