/** `klamm rebalance` on a cluster of three brokers: one is emptied, and filled again. */
import { tmpdir } from 'node:os'
import { expect, test } from 'vitest'
import { startCluster } from './broker.ts'
import { klamm } from './cli/klamm/klamm.ts'
import { runInMemory } from './cli/tool/memory-host.ts'
import type { AdminClient } from './client/admin/admin.ts'
import { Klamm } from './index.ts'
import { nodeWorld } from './world/node/index.ts'

const REPLICAS = 2

/** Asks until nothing is on the move, and the broker that is asked has heard of it; where the replicas of `t` lie then. */
async function replicasAtRest(admin: AdminClient): Promise<number[][]> {
  for (;;) {
    const moving = await admin.listPartitionReassignments()
    const { partitions } = (await admin.describeTopics(['t'])).get('t')
    const areThere = partitions.every(({ isr, replicas }) => isr.length === REPLICAS && replicas.length === REPLICAS)
    if (moving.size === 0 && areThere) return partitions.map(({ replicas }) => replicas.map(({ id }) => id))
  }
}

test('a broker gives its replicas away and gets a share again; records are what they were', async () => {
  await using cluster = await startCluster({ nodes: 3 })
  await using kafka = new Klamm({ brokers: cluster.bootstrapServers })
  const admin = kafka.admin()
  const replicasAssignments = [
    [3, 1],
    [2, 3],
    [1, 2],
  ]
  ;(await admin.createTopics([{ name: 't', replicasAssignments }])).all()
  const values = Array.from({ length: 300 }, (_, index) => `value ${index}`)
  await kafka.producer().sendAll(values.map((value, index) => ({ topic: 't', partition: index % 3, value })))

  const rebalance = async (...words: readonly string[]): Promise<void> => {
    const environment = {
      KLAMM_BROKERS: cluster.bootstrapServers.join(','),
      XDG_CONFIG_HOME: `${tmpdir()}/no-such-directory`,
    }
    const argv = ['rebalance', 't', '--execute', ...words]
    expect(await runInMemory(klamm, argv, { world: nodeWorld(), environment })).toMatchObject({ exitCode: 0 })
  }
  await rebalance('--remove-broker', '3')
  expect((await replicasAtRest(admin)).map((ids) => ids.toSorted())).toEqual([
    [1, 2],
    [1, 2],
    [1, 2],
  ])
  await rebalance()
  const spread = await replicasAtRest(admin)
  for (const id of [1, 2, 3]) {
    expect(spread.flat().filter((one) => one === id)).toHaveLength(2)
    expect(spread.filter(([leader]) => leader === id)).toHaveLength(1)
  }

  const found: string[] = []
  const reader = kafka.consumer({ offsetReset: 'earliest' })
  reader.assign([0, 1, 2].map((partition) => ({ topic: 't', partition })))
  for await (const batch of reader) {
    for (const record of batch) found.push(String(record.value))
    if (found.length >= values.length) break
  }
  expect(found.sort()).toEqual(values.sort())
})
