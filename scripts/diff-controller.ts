/**
 * `npm run diff:controller -- --seed=N --steps=N [--level=N] [--elr=0|1] [--session=MS] [--port=N]`: random steps in the life of
 * replicated partitions, and requests of administrators, to Apache Kafka's controller and to ours, at a level of metadata.version; stops at
 * the first step after which an answer, a record or a partition differs. The brokers are this process, and steps wait for their sessions to
 * end: where it is kept waiting for longer than a session, and Kafka fences brokers that live, it begins again with longer ones.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { elrSupported, METADATA_VERSION_LATEST } from '../src/metadata/features.ts'
import type { BrokerConnectionOptions } from '../src/rpc/broker-connection.ts'
import { ChunkPool } from '../src/rpc/chunk-pool.ts'
import { SeededRandom } from '../src/testing/seeded-random.ts'
import { nodeWorld } from '../src/world/node/index.ts'
import { ControllerDuel } from '../test/differential/controller/duel.ts'
import { KafkaController, SessionLost } from '../test/differential/controller/kafka-controller.ts'
import { randomStep } from '../test/differential/controller/steps.ts'
import { startKafka } from '../test/differential/kafka.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    steps: { type: 'string', default: '200' },
    level: { type: 'string', default: String(METADATA_VERSION_LATEST) },
    elr: { type: 'string', default: '1' },
    session: { type: 'string', default: '2500' },
    port: { type: 'string', default: '21200' },
    verbose: { type: 'boolean', default: false },
  },
})
const port = Number(values.port)
/** Sessions are given so much longer after one was lost. */
const PATIENCE = 3
const TRIES = 3

for (let attempt = 1, sessionMs = Number(values.session); ; attempt++, sessionMs *= PATIENCE) {
  try {
    const same = await runs(sessionMs)
    console.log(same ? `${values.steps} steps: the same` : 'they differ')
    console.log(same ? '1 passed, 0 failed' : '0 passed, 1 failed')
    process.exitCode = same ? 0 : 1
    break
  } catch (error) {
    if (!(error instanceof SessionLost) || attempt === TRIES) throw error
    console.log(`${error.message} though it lives: this machine is busy; again with longer sessions`)
  }
}

async function runs(sessionMs: number): Promise<boolean> {
  const directory = mkdtempSync(join(tmpdir(), 'klamm-diff-controller-'))
  const kafka = await startKafka('4.3.1', directory, port, {
    properties: {
      'auto.leader.rebalance.enable': 'false',
      'unclean.leader.election.interval.ms': '3600000',
      'broker.session.timeout.ms': String(sessionMs),
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
  let controller: KafkaController | null = null
  try {
    controller = await KafkaController.connect(port + 1, join(directory, 'data'), connectionOptions())
    return await takesSteps(await ControllerDuel.begin(controller))
  } finally {
    controller?.close()
    await kafka.stop()
    rmSync(directory, { recursive: true })
  }
}

async function takesSteps(duel: ControllerDuel): Promise<boolean> {
  const steps = new SeededRandom(Number(values.seed))
  for (let number = 1; number <= Number(values.steps); number++) {
    const step = randomStep(steps)
    const difference = await duel.take(step)
    if (values.verbose || difference !== null) console.log(`${number}: ${JSON.stringify(step)}`)
    if (difference === null) continue
    console.log(JSON.stringify(difference, null, 1))
    return false
  }
  return true
}

function connectionOptions(): BrokerConnectionOptions {
  const { network, clock, random } = nodeWorld()
  return {
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
  }
}
