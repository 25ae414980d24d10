/**
 * `npm run diff:controller -- --seed=N --steps=N [--level=N] [--elr=0|1] [--session=MS] [--port=N]`: random steps in the life of
 * replicated partitions, to Apache Kafka's controller and to ours, at a level of metadata.version; stops at the first step after which a
 * partition or an answer differs. The brokers are this process: where it is kept waiting for longer than a session Kafka fences all of them, and
 * that is a difference too. Steps wait for sessions to end.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { elrSupported, METADATA_VERSION_LATEST } from '../src/metadata/features.ts'
import { ChunkPool } from '../src/rpc/chunk-pool.ts'
import { SeededRandom } from '../src/testing/seeded-random.ts'
import { nodeWorld } from '../src/world/node/index.ts'
import { ControllerDuel } from '../test/differential/controller/duel.ts'
import { KafkaController } from '../test/differential/controller/kafka-controller.ts'
import { randomStep } from '../test/differential/controller/steps.ts'
import { startKafka } from '../test/differential/kafka.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    steps: { type: 'string', default: '200' },
    level: { type: 'string', default: String(METADATA_VERSION_LATEST) },
    elr: { type: 'string', default: '1' },
    session: { type: 'string', default: '1500' },
    port: { type: 'string', default: '21200' },
    verbose: { type: 'boolean', default: false },
  },
})
const port = Number(values.port)
const directory = mkdtempSync(join(tmpdir(), 'klamm-diff-controller-'))
const kafka = await startKafka('4.3.1', directory, port, {
  properties: {
    'auto.leader.rebalance.enable': 'false',
    'broker.session.timeout.ms': values.session,
    'broker.heartbeat.interval.ms': '300',
  },
  features: [
    'group.version=0',
    'share.version=0',
    'streams.version=0',
    `metadata.version=${values.level}`,
    `eligible.leader.replicas.version=${elrSupported(Number(values.level)) ? values.elr : 0}`,
  ],
})
const { network, clock, random } = nodeWorld()
const controller = await KafkaController.connect(port + 1, join(directory, 'data'), {
  network,
  clock,
  random,
  tls: null,
  pool: new ChunkPool({ freeBytesMax: 0, poison: false }),
  clientId: 'diff-controller',
  software: { name: 'klamm', version: '0' },
  authenticator: null,
  requestTimeoutMs: 30_000,
  connectTimeoutMs: 10_000,
})
let failed = false
try {
  const duel = await ControllerDuel.begin(controller)
  const steps = new SeededRandom(Number(values.seed))
  for (let number = 1; number <= Number(values.steps) && !failed; number++) {
    const step = randomStep(steps)
    const difference = await duel.take(step)
    if (values.verbose || difference !== null) console.log(`${number}: ${JSON.stringify(step)}`)
    if (difference === null) continue
    console.log(JSON.stringify(difference, null, 1))
    failed = true
  }
  console.log(failed ? 'they differ' : `${values.steps} steps: the same`)
} finally {
  controller.close()
  await kafka.stop()
  rmSync(directory, { recursive: true })
}
process.exitCode = failed ? 1 : 0
