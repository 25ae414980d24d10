/** Python clients: confluent-kafka (librdkafka) and kafka-python. */
import { join } from 'node:path'
import { ROOT } from '../../../scripts/setup.mjs'
import { complaints, Place, startKlamm } from '../lib/broker.mjs'
import { python } from '../lib/install.mjs'
import { reportCases } from '../lib/java.mjs'
import { run as runCommand } from '../lib/process.mjs'
import { PYTHON } from '../lib/versions.mjs'
import { equal } from '../lib/expect.mjs'

const CLIENTS = join(ROOT, 'test', 'interop', 'clients')

/** @param {import('../lib/suite.mjs').Suite} suite */
export async function run(suite) {
  const interpreter = await python('clients', PYTHON)
  const place = await Place.make(suite, 'node', { 'num.partitions': '3' })
  const klamm = await startKlamm(place)
  for (const [name, program] of [
    ['confluent-kafka', 'confluent.py'],
    ['kafka-python', 'kafka_python.py'],
  ]) {
    const args = ['-B', join(CLIENTS, program), place.address]
    await reportCases(suite, name, (onLine) => runCommand(interpreter, args, { onLine, timeoutMs: 180_000 }))
  }
  await suite.test('the broker had nothing to complain about', async () => {
    equal(await klamm.stop(), 143)
    equal(complaints(klamm.log()), [])
  })
}
