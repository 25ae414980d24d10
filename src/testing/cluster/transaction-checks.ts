/** At rest no transaction is open, and a reader of what is committed finds what the truth says, and so do groups. */
import type { ClusterNode } from './cluster-node.ts'
import { clientOf } from './clients.ts'
import { HEAL_MS_MAX, type ClusterSim } from './cluster-sim.ts'
import { groupOf } from './transactions.ts'

/** Every last stable offset comes to the high watermark: whoever left a transaction open, its coordinator ended it. */
export async function checkStable(sim: ClusterSim): Promise<void> {
  const open = (): string[] => sim.brokers.flatMap((node) => openAt(sim, node))
  const isStable = await sim.waitFor(() => open().length === 0, HEAL_MS_MAX)
  sim.check(isStable, () => `transactions stay open: ${open().join('; ')}`)
}

function openAt(sim: ClusterSim, { inside, name }: ClusterNode): string[] {
  return sim.partitions.flatMap(({ topic, partition }) => {
    const found = inside?.services.replicas.partition(topic, partition)
    if (found?.isLeader !== true || found.log === null) return []
    const { lastStableOffset, highWatermark } = found.log
    if (lastStableOffset === highWatermark) return []
    return [`${topic}-${partition} at ${name} is stable to ${lastStableOffset} of ${highWatermark}`]
  })
}

/** `inLogs`: every record that is in some log. */
export async function checkTransactions(sim: ClusterSim, inLogs: ReadonlySet<string>): Promise<void> {
  const kafka = clientOf(sim, 'observer')
  const consumer = kafka.consumer({ isolationLevel: 'read_committed', offsetReset: 'earliest' })
  consumer.assign(sim.partitions)
  consumer.seekToBeginning()
  const seen = new Set<string>()
  const untilMs = sim.nowMs + HEAL_MS_MAX
  const isThrough = async (): Promise<boolean> => {
    for (const { topic, partition } of sim.partitions) {
      const logs = sim.brokers.map(({ inside }) => inside?.services.replicas.partition(topic, partition)?.log)
      const end = Math.max(...logs.map((log) => log?.highWatermark ?? 0))
      if ((await consumer.position({ topic, partition })) < end) return false
    }
    return true
  }
  for (;;) {
    const batch = await consumer.poll({ timeoutMs: 2000 })
    if (batch === null) {
      if (await isThrough()) break
      sim.check(sim.nowMs < untilMs, () => 'a reader of what is committed does not come to the end')
      continue
    }
    for (const { topic, partition, offset, value } of batch) {
      const text = value?.toString().trimEnd() ?? ''
      const place = `${topic}-${partition} ${offset}`
      sim.records.observe(topic, partition, offset, text, 'the last reader of what is committed')
      sim.transactions.sees(text, place)
      sim.check(!seen.has(text), () => `${text} is read twice, and at ${place}`)
      seen.add(text)
    }
  }
  sim.transactions.checkWhole(seen, inLogs)
  const [first] = sim.partitions
  for (const producer of sim.transactions.producers) {
    const member = kafka.consumer({ groupId: groupOf(producer) })
    const committed = await member.committed([first!])
    sim.transactions.checkOffset(producer, [...committed.values()][0]?.offset ?? -1)
  }
  await kafka.close()
}
