/** Whatever becomes of connections, leaders and coordinators: every key has its outcome, and in the end it is the right one. */
import { expect, test } from 'vitest'
import { ERROR_CODES } from '../../base/error-codes.ts'
import { DeleteGroups } from '../../protocol/generated/delete-groups.ts'
import { FindCoordinator } from '../../protocol/generated/find-coordinator.ts'
import { ListOffsets } from '../../protocol/generated/list-offsets.ts'
import { ScriptedCluster } from '../../testing/scripted/scripted-cluster.ts'
import { SeededWorld } from '../../testing/seeded-world.ts'
import { pause } from '../call.ts'
import { resolveClientOptions } from '../client-options.ts'
import { AdminClient } from './admin.ts'

const NODES = 3
const PARTITIONS = 9

async function inTrouble(seed: number): Promise<void> {
  const world = new SeededWorld(seed)
  await world.run(async () => {
    const cluster = await ScriptedCluster.start(world, { nodes: NODES, topics: { t: PARTITIONS } })
    const admin = new AdminClient(world, resolveClientOptions({ brokers: cluster.bootstrap, requestTimeoutMs: 2000 }))
    const anyNode = (): number => world.choices.below(NODES) + 1
    let coordinator = 1
    let calm = false
    const trouble = (): void => {
      if (calm) return
      cluster.moveLeader('t', world.choices.below(PARTITIONS), anyNode())
      coordinator = anyNode()
      world.net.breakRate = world.choices.below(3) === 0 ? 0.05 : 0
      world.clock.at(world.clock.monotonicMs() + 20 + world.choices.below(200), trouble)
    }
    cluster.on(ListOffsets, ({ topics }, { node }) => ({
      topics: topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex }) => ({
          partitionIndex,
          offset: 100 + partitionIndex,
          errorCode: cluster.leads(node, name, partitionIndex) ? 0 : ERROR_CODES.NOT_LEADER_OR_FOLLOWER,
        })),
      })),
    }))
    cluster.on(FindCoordinator, ({ coordinatorKeys }) => ({
      coordinators: coordinatorKeys.map((key) => ({ key, nodeId: coordinator })),
    }))
    cluster.on(DeleteGroups, ({ groupsNames }, { node }) => ({
      results: groupsNames.map((groupId) => ({
        groupId,
        errorCode: node === coordinator ? ERROR_CODES.NON_EMPTY_GROUP : ERROR_CODES.NOT_COORDINATOR,
      })),
    }))
    trouble()
    world.clock.at(world.clock.monotonicMs() + 3000, () => {
      calm = true
      world.net.breakRate = 0
    })
    const specs = Array.from({ length: PARTITIONS }, (_, partition) => ({
      topic: 't',
      partition,
      spec: 'latest' as const,
    }))
    while (!calm) {
      const [offsets, groups] = await Promise.all([
        admin.listOffsets(specs),
        admin.deleteConsumerGroups(['a', 'b', 'c', 'd']),
      ])
      expect([...offsets].map(([, outcome]) => (outcome instanceof Error ? outcome.message : outcome.offset))).toEqual(
        specs.map(({ partition }) => 100 + partition),
      )
      expect(
        [...groups].map(([, outcome]) => (outcome instanceof Error && 'code' in outcome ? outcome.code : '')),
      ).toEqual(['a', 'b', 'c', 'd'].map(() => 'NON_EMPTY_GROUP'))
      await pause(world.clock, 100)
    }
    await admin.close()
    await cluster.close()
    expect(cluster.unexpected).toEqual([])
  })
}

test('in 10 runs of moving leaders, moving coordinators and breaking connections every key gets its answer', async () => {
  for (let seed = 1; seed <= 10; seed++) await inTrouble(seed)
})
