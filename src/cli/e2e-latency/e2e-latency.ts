/**
 * kafka-e2e-latency.sh: sends a record, waits until it is read, and does it again: how long a record takes from a producer to a
 * consumer, at its best.
 */
import type { Consumer } from '../../client/consumer/consumer.ts'
import { KafkaError } from '../../base/errors.ts'
import type { Random } from '../../world/world.ts'
import { withAdmin } from '../clients/admin.ts'
import { commandConfig, type Properties } from '../clients/client-properties.ts'
import { makeConsumer, makeProducer } from '../clients/record-clients.ts'
import { failure } from '../tool/tool-exit.ts'
import type { Tool, ToolHost } from '../tool/tool.ts'
import { e2eLatencyCommand, type E2eLatencyCommand } from './e2e-latency-options.ts'

const POLL_TIMEOUT_MS = 60_000
const REPORT_EVERY = 1000

export const e2eLatency: Tool = async (argv, host) => {
  const command = e2eLatencyCommand(argv, host.terminal)
  const properties = await commandConfig(host.world.disk, command.configFile)
  properties.set('bootstrap.servers', command.server)
  const partitions = await partitionsOf(command.topic, host, properties)
  const producer = await makeProducer(
    host,
    new Map([...properties, ['linger.ms', '0'], ['max.block.ms', '2147483647'], ['acks', command.acks]]),
  )
  const consumer = await makeConsumer(
    host,
    new Map([
      ...properties,
      ['group.id', `test-group-${Math.floor(host.world.clock.wallMs())}`],
      ['enable.auto.commit', 'false'],
      ['auto.offset.reset', 'latest'],
      // Nothing waits for more to come.
      ['fetch.max.wait.ms', '0'],
    ]),
  )
  try {
    consumer.assign(partitions)
    consumer.seekToEnd()
    for (const partition of partitions) await consumer.position(partition)
    report(await measure(command, host, consumer, async (record) => void (await producer.send(record))), host)
    return 0
  } finally {
    await Promise.all([producer.close(), consumer.close()])
  }
}

async function partitionsOf(topic: string, { terminal, ...host }: ToolHost, properties: Properties) {
  return await withAdmin({ terminal, ...host }, properties, async (admin) => {
    const listed = await admin.listTopics()
    if (!listed.some(({ name }) => name === topic)) {
      terminal.out(`Topic "${topic}" does not exist. Will create topic with 1 partition(s) and replication factor = 1`)
      try {
        ;(await admin.createTopics([{ name: topic, numPartitions: 1, replicationFactor: 1 }])).all()
      } catch (error) {
        if (error instanceof KafkaError) terminal.out(`Creation of topic ${topic} failed`)
        throw error
      }
      return [{ topic, partition: 0 }]
    }
    const described = (await admin.describeTopics([topic])).all().get(topic)
    return (described?.partitions ?? []).map(({ partition }) => ({ topic, partition }))
  })
}

interface MadeRecord {
  readonly topic: string
  readonly key: Buffer | null
  readonly value: Buffer
  readonly headers: readonly (readonly [string, Buffer | null])[]
}

/** Milliseconds of each record. */
async function measure(
  command: E2eLatencyCommand,
  { terminal, world: { clock, random } }: ToolHost,
  consumer: Consumer,
  send: (record: MadeRecord) => Promise<void>,
): Promise<readonly number[]> {
  const latencies: number[] = []
  for (let index = 0; index < command.numRecords; index++) {
    const record = madeRecord(command, random)
    const beginMs = clock.monotonicMs()
    await send(record)
    const batch = await consumer.poll({ timeoutMs: POLL_TIMEOUT_MS })
    const elapsedMs = clock.monotonicMs() - beginMs
    if (batch === null) {
      throw failure(`poll() timed out before finding a result (timeout:[${POLL_TIMEOUT_MS}ms])`)
    }
    const [read, ...more] = batch
    if (more.length > 0) {
      throw failure(`Only one result was expected during this test. We found [${more.length + 1}]`)
    }
    check('message value', record.value, read?.valueBytes ?? null)
    check('message key', record.key, read?.keyBytes ?? null)
    if (index % REPORT_EVERY === 0) terminal.out(`${index}\t${elapsedMs}`)
    latencies.push(elapsedMs)
  }
  return latencies
}

function check(what: string, sent: Buffer | null, read: Buffer | null): void {
  if (sent === read || (sent !== null && read !== null && sent.equals(read))) return
  const shown = (bytes: Buffer | null) => bytes?.toString() ?? 'null'
  throw failure(`The ${what} read [${shown(read)}] did not match the ${what} sent [${shown(sent)}]`)
}

function madeRecord(command: E2eLatencyCommand, random: Random): MadeRecord {
  const bytes = (length: number): Buffer => Buffer.alloc(length, 65 + random.below(26))
  const { topic, keyBytes, valueBytes, headers, headerKeyBytes, headerBytes } = command
  return {
    topic,
    key: keyBytes === 0 ? null : bytes(keyBytes),
    value: bytes(valueBytes),
    headers: Array.from({ length: headers }, () => [
      bytes(headerKeyBytes).toString(),
      headerBytes < 0 ? null : bytes(headerBytes),
    ]),
  }
}

function report(latencies: readonly number[], { terminal }: ToolHost): void {
  const total = latencies.reduce((sum, one) => sum + one, 0)
  terminal.out(`Avg latency: ${(total / latencies.length).toFixed(4)} ms`)
  const sorted = latencies.map(Math.trunc).sort((one, other) => one - other)
  const [p50, p99, p999] = [0.5, 0.99, 0.999].map((share) => sorted[Math.trunc(sorted.length * share)])
  terminal.out(`Percentiles: 50th = ${p50}, 99th = ${p99}, 99.9th = ${p999}`)
}
