/**
 * One producer against scripted brokers that lose answers, hang up, move leaders, delay, throttle, and stand behind a network
 * that breaks, all drawn from one number. `faultOf` says what was wrong in the end: a record that was acknowledged and lost, one
 * that is there twice, order that does not hold, a promise that settled too late.
 *
 * The unit tests run some numbers, `npm run sim:producer` as many as are wanted, and with bugs planted by test/mutants.
 */
import { Produce } from '../../protocol/generated/produce.ts'
import { pause } from '../../client/call.ts'
import { resolveClientOptions } from '../../client/client-options.ts'
import type { ProducerOptions } from '../../client/producer/producer-options.ts'
import type { Bytes, RecordMetadata } from '../../client/producer/producer-record.ts'
import { Producer } from '../../client/producer/producer.ts'
import { SeededWorld } from '../seeded-world.ts'
import { ScriptedCluster } from './scripted-cluster.ts'
import { produceFaults } from './scripted-faults.ts'
import { ScriptedLogs } from './scripted-log.ts'

export const TRIAL_RECORDS = 400
const PARTITIONS_MAX = 3
const MAX_BLOCK_MS = 10_000
/** Sent when all trouble is over. */
const CALM_RECORDS = 60

interface Outcome {
  readonly value: string
  readonly metadata: RecordMetadata | null
  readonly tookMs: number
}

export interface Trial {
  readonly partitions: number
  /** Errors of records that were sent when all trouble was over. */
  readonly failedInCalm: readonly string[]
  /** No promise may take longer. */
  readonly settleMsMax: number
  readonly outcomes: readonly Outcome[]
  readonly logs: ScriptedLogs
  readonly unexpected: readonly string[]
}

/** What a number stands for: every fourth has one request in flight, every second a network that breaks. */
export function idempotentTrial(seed: number): Promise<Trial> {
  return producerTrial(seed, seed % 4 === 0 ? { maxInFlight: 1 } : {}, seed % 2 === 0)
}

export async function producerTrial(
  seed: number,
  options: ProducerOptions<Bytes, Bytes>,
  hasBrokenNetwork: boolean,
): Promise<Trial> {
  const { maxInFlight = 5 } = options
  const world = new SeededWorld(seed)
  return world.run(async () => {
    const { choices, clock } = world
    // Few partitions and small batches: much has no outcome at any time, and most faults hit something.
    const partitions = 1 + choices.below(PARTITIONS_MAX)
    const requestTimeoutMs = 500 + choices.below(1500)
    // Where time is short batches are given up with their fate unknown.
    const deliveryTimeoutMs = choices.chance(0.5) ? 20_000 : 2200 + choices.below(3000)
    const machineOf = (id: number) => ({ world: world.node(`broker${id}`).world, ip: world.node(`broker${id}`).ip })
    const cluster = await ScriptedCluster.start(world, { nodes: 3, topics: { t: partitions }, machineOf })
    let isOver = false
    const fault = produceFaults(choices, () => isOver)
    const logs = new ScriptedLogs(cluster, {
      fault,
      seesReuse: true,
      pause: (ms) => pause(clock, ms),
      ...(choices.chance(0.2) ? { batchBytesMax: 400 } : {}),
    })
    const client = resolveClientOptions({ brokers: cluster.bootstrap, requestTimeoutMs, connectTimeoutMs: 1000 })
    const producer = new Producer<Bytes, Bytes>(world, client, {
      lingerMs: choices.below(20),
      batchBytes: choices.chance(0.7) ? 70 + choices.below(200) : 200 + choices.below(800),
      batchBytesMax: choices.chance(0.5) ? 0 : 3000,
      bufferBytes: 1_000_000,
      deliveryTimeoutMs,
      maxBlockMs: MAX_BLOCK_MS,
      ...options,
    })
    const trouble = async (): Promise<void> => {
      while (!isOver) {
        await pause(clock, 50 + choices.below(1500))
        const broker = `broker${1 + choices.below(3)}`
        const what = choices.below(hasBrokenNetwork ? 4 : 2)
        if (what < 2) cluster.moveLeader('t', choices.below(partitions), 1 + choices.below(3))
        else if (what === 2) {
          world.net.cut('main', broker, { oneWay: choices.chance(0.3) })
          await pause(clock, choices.below(4000))
          world.net.heal()
        } else world.net.reset('main', broker)
      }
    }
    const troubled = trouble()
    const sent: Promise<Outcome>[] = []
    for (let index = 0; index < TRIAL_RECORDS; index++) {
      const value = `${String(index).padStart(4, '0')}`
      const sentMs = clock.monotonicMs()
      const partition = index % partitions
      const settled = (metadata: RecordMetadata | null): Outcome => ({
        value,
        metadata,
        tookMs: clock.monotonicMs() - sentMs,
      })
      sent.push(producer.send({ topic: 't', value, partition }).then(settled, () => settled(null)))
      if (choices.chance(0.3)) await pause(clock, choices.below(100))
    }
    const outcomes = await Promise.all(sent)
    isOver = true
    world.net.heal()
    await troubled
    // Whatever went wrong is over, and leaves nothing behind.
    const calm: string[] = []
    for (let index = TRIAL_RECORDS; index < TRIAL_RECORDS + CALM_RECORDS; index++) {
      const value = `${String(index).padStart(4, '0')}`
      const record = { topic: 't', value, partition: index % partitions }
      sent.push(producer.send(record).then((metadata) => ({ value, metadata, tookMs: 0 })))
      if (index % 4 === 0) await pause(clock, 10)
    }
    const late = await Promise.allSettled(sent.slice(TRIAL_RECORDS))
    for (const outcome of late) {
      if (outcome.status === 'fulfilled') outcomes.push(outcome.value)
      else calm.push(String(outcome.reason))
    }
    await producer.close()
    await cluster.close()
    const inFlight = cluster.inFlightMost.get(Produce.key) ?? 0
    if (inFlight > maxInFlight) logs.violations.push(`${inFlight} requests on their way to one node, of ${maxInFlight}`)
    return {
      outcomes,
      logs,
      partitions,
      failedInCalm: calm,
      settleMsMax: deliveryTimeoutMs + MAX_BLOCK_MS + 100,
      unexpected: cluster.unexpected,
    }
  })
}

/** Null: all is as it should be. */
export function faultOf(
  { outcomes, logs, partitions, failedInCalm, settleMsMax, unexpected }: Trial,
  isIdempotent: boolean,
): string | null {
  if (unexpected.length > 0) return `nobody expected ${unexpected.join(', ')}`
  const written = Array.from({ length: partitions }, (_, partition) => logs.values('t', partition))
  for (const { value, metadata, tookMs } of outcomes) {
    if (tookMs > settleMsMax) return `${value} settled after ${tookMs} ms`
    if (metadata === null) continue
    const { partition, offset } = metadata
    const values = written[partition]!
    if (offset < 0 && !values.includes(value)) return `${value} was acknowledged, and is not there`
    if (offset >= 0 && values[offset] !== value)
      return `${value} was acknowledged at ${offset} of partition ${partition}, and there is ${values[offset] ?? 'nothing'}`
  }
  if (failedInCalm.length > 0) return `after all trouble a record failed: ${failedInCalm[0]}`
  if (!isIdempotent) return null
  if (logs.violations.length > 0) return logs.violations[0]!
  for (const [partition, values] of written.entries()) {
    for (const [place, value] of values.entries()) {
      const before = values.indexOf(value)
      if (before < place) return `${value} is twice in partition ${partition}, at ${before} and ${place}`
      if (place > 0 && values[place - 1]! > value!)
        return `${value} is behind ${values[place - 1]} in partition ${partition}`
    }
  }
  return null
}
