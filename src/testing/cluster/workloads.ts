/**
 * What clients of a simulated cluster do, with the real client library: idempotent producers that want every replica in sync to
 * have a record, consumers of a group, and an operator who creates, deletes, reassigns and configures topics.
 */
import type { AdminClient } from '../../client/admin/admin.ts'
import type { Producer } from '../../client/producer/producer.ts'
import type { Bytes } from '../../client/producer/producer-record.ts'
import type { SeededRandom } from '../seeded-random.ts'
import { clientOf, expectedError } from './clients.ts'
import { HEAL_MS_MAX, type ClusterSim } from './cluster-sim.ts'
import { REPLICAS } from './settings.ts'

export const GROUP = 'readers'

/** Sends numbered records until the run ends; numbers grow with every record, whatever became of those before. */
export async function produce(sim: ClusterSim, who: string, random: SeededRandom): Promise<void> {
  const kafka = clientOf(sim, `client-${who}`)
  const deliveryTimeoutMs = random.chance(0.3) ? 5000 : 60_000
  const make = (): Producer<Bytes, Bytes> =>
    kafka.producer({
      lingerMs: random.below(20),
      batchBytes: 200 + random.below(2000),
      deliveryTimeoutMs,
      maxBlockMs: 10_000,
      compression: random.chance(0.2) ? 'lz4' : 'none',
    })
  let producer = make()
  let incarnation = 0
  let number = 0
  const underWay = new Set<Promise<void>>()
  while (!sim.stopping) {
    const topic = sim.settings.topics[random.below(sim.settings.topics.length)]
    if (topic === undefined) return
    const partition = random.below(topic.partitions)
    const value = `${who}.${incarnation}:${number++}`
    let isFatal = false
    const sent = producer.send({ topic: topic.name, partition, value: value.padEnd(20 + random.below(200), ' ') }).then(
      ({ offset }) => {
        if (offset >= 0) sim.records.acknowledged(topic.name, partition, offset, value)
      },
      (error: unknown) => {
        const code = expectedError(sim, error)
        sim.sometimes('record refused')
        sim.note(who, `${value} for ${topic.name}-${partition}: ${code}`)
        isFatal = true
      },
    )
    underWay.add(sent)
    void sent.finally(() => underWay.delete(sent))
    if (underWay.size > 30 || random.chance(0.02)) await Promise.all(underWay)
    // An application that lost a record goes on with a new producer now and then.
    if (isFatal && random.chance(0.5)) {
      sim.sometimes('producer began anew')
      await Promise.all(underWay)
      await producer.close({ timeoutMs: 1000 }).catch((error: unknown) => expectedError(sim, error))
      producer = make()
      incarnation += 1
    }
    await sim.sleep(random.chance(0.05) ? random.below(1000) : random.below(40))
  }
  await Promise.all(underWay)
  await producer.close()
  await kafka.close()
}

/** A member of the group: reads on where it was committed, leaves now and then. */
export async function consume(sim: ClusterSim, who: string, random: SeededRandom): Promise<void> {
  const kafka = clientOf(sim, `client-${who}`)
  while (!sim.stopping) {
    const consumer = kafka.consumer({
      groupId: GROUP,
      offsetReset: 'earliest',
      sessionTimeoutMs: 6000,
      heartbeatIntervalMs: 500,
      fetchMaxWaitMs: random.between(50, 500),
      autoCommitIntervalMs: 1000,
      groupProtocol: 'classic',
      onRebalance: { assigned: () => sim.sometimes('rebalance') },
      interceptors: [{ onCommit: (points) => sim.records.committed(points) }],
    })
    consumer.subscribe(sim.settings.topics.map(({ name }) => name))
    const untilMs = sim.nowMs + random.between(5000, 60_000)
    while (!sim.stopping && sim.nowMs < untilMs) {
      try {
        const batch = await consumer.poll({ timeoutMs: 500 })
        if (batch === null) continue
        for (const { topic, partition, offset, value } of batch) {
          sim.records.observe(topic, partition, offset, value?.toString().trimEnd() ?? '', who)
        }
        if (random.chance(0.2)) {
          await consumer.commit()
          sim.sometimes('commit')
        }
      } catch (error) {
        sim.note(who, `consuming: ${expectedError(sim, error)}`)
        await sim.sleep(200)
      }
    }
    await consumer.close().catch((error: unknown) => expectedError(sim, error))
  }
  await kafka.close()
}

/** Creates, deletes, configures, reassigns and elects. */
export async function operate(sim: ClusterSim, random: SeededRandom): Promise<void> {
  const kafka = clientOf(sim, 'operator')
  const admin = kafka.admin()
  let made = 0
  while (!sim.stopping) {
    await sim.sleep(random.between(500, 5000))
    if (sim.healedAtMs !== null) continue
    try {
      // What is uncertain may come true later than what is asked for next: such a name is not used again.
      while (random.chance(0.3) || sim.topics.get(`extra-${made}`) === 'perhaps') made += 1
      await operation(sim, random, admin, `extra-${made}`)
    } catch (error) {
      sim.note('operator', expectedError(sim, error))
    }
  }
  await kafka.close()
}

async function operation(sim: ClusterSim, random: SeededRandom, admin: AdminClient, extra: string): Promise<void> {
  const topic = sim.settings.topics[random.below(sim.settings.topics.length)]
  if (topic === undefined) return
  const partition = random.below(topic.partitions)
  switch (random.below(5)) {
    case 0: {
      sim.topics.set(extra, 'perhaps')
      const outcomes = await admin.createTopics([{ name: extra, numPartitions: 2, replicationFactor: REPLICAS }])
      const outcome = outcomes.outcome(extra)
      if (outcome instanceof Error) return
      sim.topics.set(extra, 'there')
      sim.sometimes('topic created')
      return
    }
    case 1: {
      sim.topics.set(extra, 'perhaps')
      const outcomes = await admin.deleteTopics([extra])
      if (outcomes.outcome(extra) instanceof Error) return
      sim.topics.set(extra, 'gone')
      sim.sometimes('topic deleted')
      return
    }
    case 2: {
      const targetReplicas = random.shuffle(sim.brokers.map(({ id }) => id)).slice(0, REPLICAS)
      sim.note('operator', `${topic.name}-${partition} goes to [${targetReplicas}]`)
      sim.places.forgetPartition(topic.name, partition)
      const outcomes = await admin.alterPartitionReassignments([{ topic: topic.name, partition, targetReplicas }])
      for (const [, outcome] of outcomes) if (!(outcome instanceof Error)) sim.sometimes('reassignment')
      return
    }
    case 3: {
      await admin.electLeaders('PREFERRED', null)
      sim.sometimes('preferred election')
      return
    }
    default: {
      await admin.incrementalAlterConfigs([
        {
          resource: { type: 'TOPIC', name: topic.name },
          operations: [{ name: 'segment.ms', value: String(random.between(60_000, 600_000)) }],
        },
      ])
      sim.sometimes('config changed')
    }
  }
}

/** Once, before the others. */
export async function createTopics(sim: ClusterSim): Promise<void> {
  const kafka = clientOf(sim, 'operator')
  const admin = kafka.admin()
  const wanted = sim.settings.topics.map(({ name, partitions }) => ({
    name,
    numPartitions: partitions,
    replicationFactor: REPLICAS,
    configs: sim.settings.topicConfigs,
  }))
  const untilMs = sim.nowMs + HEAL_MS_MAX
  for (;;) {
    const outcomes = await admin.createTopics(wanted)
    const codes = [...outcomes].flatMap(([, outcome]) =>
      outcome instanceof Error ? [expectedError(sim, outcome)] : [],
    )
    if (codes.every((code) => code === 'TOPIC_ALREADY_EXISTS')) break
    sim.check(sim.nowMs < untilMs, () => `topics can't be created: ${codes.join()}`)
    await sim.sleep(500)
  }
  await kafka.close()
}
