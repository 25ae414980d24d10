/** `klamm rebalance` on three scripted brokers, each of which leads partitions that have no other replica. */
import { tmpdir } from 'node:os'
import { afterEach, expect, test } from 'vitest'
import { AlterPartitionReassignments } from '../../protocol/generated/alter-partition-reassignments.ts'
import { DescribeCluster } from '../../protocol/generated/describe-cluster.ts'
import { IncrementalAlterConfigs } from '../../protocol/generated/incremental-alter-configs.ts'
import { ListPartitionReassignments } from '../../protocol/generated/list-partition-reassignments.ts'
import { ScriptedCluster } from '../../testing/scripted/scripted-cluster.ts'
import { nodeWorld } from '../../world/node/index.ts'
import { runInMemory } from '../tool/memory-host.ts'
import { klamm } from './klamm.ts'

let cluster: ScriptedCluster
afterEach(() => cluster.close())

async function start(moving: readonly string[] = []): Promise<void> {
  cluster = await ScriptedCluster.start(nodeWorld(), {
    nodes: 3,
    topics: { orders: 5 },
    versions: { DescribeTopicPartitions: null, DescribeCluster: null },
  })
  const partitions = [{ partitionIndex: 0, replicas: [1], addingReplicas: [], removingReplicas: [] }]
  cluster.on(ListPartitionReassignments, () => ({ topics: moving.map((name) => ({ name, partitions })) }))
}

function run(...argv: readonly string[]) {
  const environment = { KLAMM_BROKERS: cluster.bootstrap.join(','), XDG_CONFIG_HOME: `${tmpdir()}/no-such-directory` }
  return runInMemory(klamm, ['rebalance', ...argv], { world: nodeWorld(), environment })
}

test('the plan is shown and nothing asked for; as JSON it is a file for kafka-reassign-partitions', async () => {
  await start()
  const { out, error, exitCode } = await run('--remove-broker', '3')
  expect({ exitCode, error }).toEqual({ exitCode: 0, error: 'Nothing is changed yet: --execute does it.\n' })
  expect(out).toBe('TOPIC   PARTITION  BEFORE  PLANNED\norders          2  3       1\n')
  const json: unknown = JSON.parse((await run('--remove-broker', '3', '-o', 'json')).out)
  expect(json).toMatchObject({ version: 1, partitions: [{ topic: 'orders', partition: 2, log_dirs: ['any'] }] })
  expect(cluster.log.filter((line) => /^Alter|Incremental/.test(line))).toEqual([])
  expect(cluster.log.filter((line) => line.startsWith(DescribeCluster.name))).toEqual([])
})

test('--execute has the controller move them, after the limits are set', async () => {
  await start()
  const asked: unknown[] = []
  cluster.on(IncrementalAlterConfigs, ({ resources }) => {
    asked.push(resources.map(({ resourceName, configs }) => [resourceName, configs.map(({ value }) => value)]))
    return { responses: resources.map(({ resourceType, resourceName }) => ({ resourceType, resourceName })) }
  })
  cluster.on(AlterPartitionReassignments, ({ topics }) => {
    asked.push(topics)
    const responses = topics.map(({ name, partitions }) => {
      return { name, partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex })) }
    })
    return { responses }
  })
  const { error, exitCode } = await run('--remove-broker', '3', '--execute', '--throttle', '5000')
  expect({ exitCode, error }).toEqual({
    exitCode: 0,
    error:
      'The inter-broker throttle limit was set to 5000 B/s\n' +
      'The moves have begun: kafka-reassign-partitions.sh --list shows those under way.\n',
  })
  const last = asked.at(-1) as { partitions: { replicas: number[] }[] }[]
  expect(last).toMatchObject([{ name: 'orders', partitions: [{ partitionIndex: 2 }] }])
  const [to] = last[0]!.partitions[0]!.replicas
  expect(asked.flat()).toContainEqual(['orders', ['2:3', `2:${to}`]])
  expect(asked.flat()).toContainEqual(['3', ['5000', '5000']])
})

test('while partitions move nothing is planned: nobody knows yet where they will be', async () => {
  await start(['orders'])
  expect(await run()).toMatchObject({
    exitCode: 1,
    error: 'klamm: Partitions are on the move already (orders-0): wait until they have arrived.\n',
  })
})
