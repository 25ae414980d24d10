/** Who is asked: leaders, brokers by id, coordinators, controllers; and what becomes of keys whose node fails. */
import { expect, test } from 'vitest'
import { ERROR_CODES } from '../../base/error-codes.ts'
import { DeleteRecords } from '../../protocol/generated/delete-records.ts'
import { DescribeCluster } from '../../protocol/generated/describe-cluster.ts'
import { DescribeConfigs } from '../../protocol/generated/describe-configs.ts'
import { IncrementalAlterConfigs } from '../../protocol/generated/incremental-alter-configs.ts'
import { ListOffsets } from '../../protocol/generated/list-offsets.ts'
import { ListTransactions } from '../../protocol/generated/list-transactions.ts'
import { Metadata } from '../../protocol/generated/metadata.ts'
import { HANG_UP, SILENCE } from '../../testing/scripted/scripted-cluster.ts'
import { pause } from '../call.ts'
import { ClientError } from '../errors.ts'
import { withAdmin } from './test-admin.ts'

const PARTITIONS = [0, 1, 2].map((partition) => ({ topic: 't', partition, spec: 'latest' as const }))

test('offsets are asked of the leaders, and again of the new one where a leader moved', async () => {
  await withAdmin({ nodes: 3, topics: { t: 3 } }, async ({ cluster, admin }) => {
    cluster.on(ListOffsets, ({ topics }, { node }) => ({
      topics: topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex }) => ({
          partitionIndex,
          offset: node,
          errorCode: cluster.leads(node, name, partitionIndex) ? 0 : ERROR_CODES.NOT_LEADER_OR_FOLLOWER,
        })),
      })),
    }))
    cluster.once(ListOffsets, () => {
      cluster.moveLeader('t', 0, 3)
      return undefined
    })
    const outcomes = await admin.listOffsets(PARTITIONS)
    expect([...outcomes.all().values()].map(({ offset }) => offset)).toEqual([3, 2, 3])
  })
})

test('a leader that keeps silent costs its own partitions only', async () => {
  await withAdmin({ nodes: 3, topics: { t: 3 } }, async ({ cluster, admin, world }) => {
    cluster.on(ListOffsets, ({ topics }, { node }) => {
      if (node === 2) return SILENCE
      return {
        topics: topics.map(({ name, partitions }) => ({
          name,
          partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, offset: 5 })),
        })),
      }
    })
    const startedMs = world.clock.monotonicMs()
    const outcomes = await admin.listOffsets(PARTITIONS, { timeoutMs: 4000 })
    expect(world.clock.monotonicMs() - startedMs).toBeLessThan(4100)
    expect([...outcomes].map(([, outcome]) => (outcome instanceof ClientError ? outcome.code : 'OFFSET'))).toEqual([
      'OFFSET',
      'TIMED_OUT',
      'OFFSET',
    ])
  })
})

test('offsets of an unknown topic fail at once; deleted records wait for it', async () => {
  await withAdmin({ topics: { t: 1 } }, async ({ cluster, admin, world }) => {
    cluster.on(ListOffsets, () => ({ topics: [{ name: 't', partitions: [{ partitionIndex: 0 }] }] }))
    const outcomes = await admin.listOffsets([
      { topic: 't', partition: 0, spec: { timestamp: 5 } },
      { topic: 'none', partition: 0, spec: 'earliest' },
    ])
    expect(outcomes.outcome({ topic: 'none', partition: 0 })).toMatchObject({
      code: 'UNKNOWN_TOPIC_OR_PARTITION',
      message: 'Failed to fetch metadata for partition none-0 because metadata for topic `none` could not be found',
    })
    cluster.on(DeleteRecords, ({ topics }) => ({
      topics: topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex, offset }) => ({ partitionIndex, lowWatermark: offset })),
      })),
    }))
    world.clock.at(world.clock.monotonicMs() + 2000, () => cluster.createTopic('late', 1))
    const deleted = await admin.deleteRecords([{ topic: 'late', partition: 0, beforeOffset: 7 }])
    expect(deleted.get({ topic: 'late', partition: 0 })).toEqual({ lowWatermark: 7 })
  })
})

test('specs that a broker is too old for fail alone', async () => {
  await withAdmin({ topics: { t: 2 }, versions: { ListOffsets: { min: 0, max: 6 } } }, async ({ cluster, admin }) => {
    cluster.on(ListOffsets, ({ topics }) => {
      expect(topics[0]!.partitions).toMatchObject([{ partitionIndex: 0, timestamp: -1 }])
      return { topics: [{ name: 't', partitions: [{ partitionIndex: 0, offset: 9, leaderEpoch: 2 }] }] }
    })
    const outcomes = await admin.listOffsets([
      { topic: 't', partition: 0, spec: 'latest' },
      { topic: 't', partition: 1, spec: 'maxTimestamp' },
    ])
    expect(outcomes.get({ topic: 't', partition: 0 })).toEqual({ offset: 9, timestamp: -1, leaderEpoch: 2 })
    expect(outcomes.outcome({ topic: 't', partition: 1 })).toMatchObject({ code: 'UNSUPPORTED_VERSION' })
  })
})

test('offsets are read from the list that the first version gives', async () => {
  await withAdmin({ topics: { t: 1 }, versions: { ListOffsets: { min: 0, max: 0 } } }, async ({ cluster, admin }) => {
    cluster.on(ListOffsets, () => ({
      topics: [{ name: 't', partitions: [{ partitionIndex: 0, oldStyleOffsets: [12] }] }],
    }))
    const outcomes = await admin.listOffsets([{ topic: 't', partition: 0, spec: 'latest' }])
    expect(outcomes.get({ topic: 't', partition: 0 })).toMatchObject({ offset: 12, leaderEpoch: null })
  })
})

test('settings of one broker are asked of that broker, all others of any', async () => {
  await withAdmin({ nodes: 3 }, async ({ cluster, admin }) => {
    const asked: string[] = []
    cluster.on(DescribeConfigs, ({ resources }, { node }) => {
      asked.push(...resources.map(({ resourceType, resourceName }) => `${resourceType}:${resourceName}@${node}`))
      return {
        results: resources.map((resource) => ({ ...resource, configs: [{ name: 'x', value: 'y', configSource: 5 }] })),
      }
    })
    const outcomes = await admin.describeConfigs([
      { type: 'BROKER', name: '2' },
      { type: 'BROKER_LOGGER', name: '3' },
      { type: 'TOPIC', name: 't' },
      { type: 'BROKER', name: '' },
    ])
    expect(asked).toContain('4:2@2')
    expect(asked).toContain('8:3@3')
    expect(outcomes.get({ type: 'TOPIC', name: 't' })).toMatchObject([{ name: 'x', isDefault: true, type: 'UNKNOWN' }])
    expect(outcomes.all().size).toBe(4)
    await expect(admin.describeConfigs([{ type: 'BROKER', name: 'x' }])).rejects.toThrow(
      "'x' is not the id of a broker",
    )
  })
})

test('a broker that is not there is waited for, and then costs its own key only', async () => {
  await withAdmin({ nodes: 1 }, async ({ cluster, admin }) => {
    cluster.on(DescribeConfigs, ({ resources }) => ({ results: resources.map((resource) => ({ ...resource })) }))
    const outcomes = await admin.describeConfigs(
      [
        { type: 'BROKER', name: '9' },
        { type: 'TOPIC', name: 't' },
      ],
      { timeoutMs: 3000 },
    )
    expect(outcomes.get({ type: 'TOPIC', name: 't' })).toEqual([])
    expect(outcomes.outcome({ type: 'BROKER', name: '9' })).toMatchObject({
      code: 'TIMED_OUT',
      message: expect.stringContaining('Node 9 is not among the nodes of the cluster just now.'),
    })
  })
})

test('alterations of one resource that come in two parts are one', async () => {
  await withAdmin({}, async ({ cluster, admin }) => {
    cluster.on(IncrementalAlterConfigs, ({ resources }) => {
      expect(resources).toEqual([
        {
          resourceType: 2,
          resourceName: 't',
          configs: [
            { name: 'a', value: '1', configOperation: 0 },
            { name: 'b', value: null, configOperation: 1 },
          ],
        },
      ])
      return { responses: [{ resourceType: 2, resourceName: 't', errorCode: ERROR_CODES.POLICY_VIOLATION }] }
    })
    const resource = { type: 'TOPIC', name: 't' } as const
    const outcomes = await admin.incrementalAlterConfigs([
      { resource, operations: [{ name: 'a', value: '1' }] },
      { resource, operations: [{ name: 'b', operation: 'DELETE' }] },
    ])
    expect(outcomes.outcome(resource)).toMatchObject({ code: 'POLICY_VIOLATION' })
  })
})

test('asked directly, controllers answer what they can, and the rest is refused before anything is sent', async () => {
  await withAdmin(
    { nodes: 2 },
    async ({ cluster, admin, options }) => {
      cluster.on(DescribeCluster, ({ endpointType }) => {
        expect(endpointType).toBe(2)
        const brokers = options.bootstrap.map(({ host, port }, index) => ({ brokerId: index + 1, host, port }))
        return { controllerId: 2, clusterId: 'c', endpointType: 2, brokers }
      })
      cluster.on(IncrementalAlterConfigs, ({ resources }) => ({ responses: resources.map((one) => ({ ...one })) }))
      expect(await admin.describeCluster()).toMatchObject({ clusterId: 'c', controller: { id: 2 } })
      await expect(admin.describeCluster({ includeFencedBrokers: true })).rejects.toThrow('from controller endpoint')
      // Broker 7 is none of them: its dynamic settings are in the metadata log.
      const resource = { type: 'BROKER', name: '7' } as const
      const outcomes = await admin.incrementalAlterConfigs([{ resource, operations: [{ name: 'a', value: '1' }] }])
      outcomes.all()
      expect(cluster.log.at(-1)).toBe('IncrementalAlterConfigs v1 at 2')
      await expect(admin.createTopics([{ name: 'a' }])).rejects.toMatchObject({ code: 'UNSUPPORTED_ENDPOINT_TYPE' })
      expect(cluster.count(Metadata)).toBe(0)
    },
    { endpoint: 'controllers' },
  )
})

test('a call that is two has the time of one', async () => {
  await withAdmin({}, async ({ cluster, admin, world }) => {
    cluster.on(ListTransactions, () => SILENCE)
    cluster.once(Metadata, () => pause(world.clock, 700).then(() => undefined))
    const startedMs = world.clock.monotonicMs()
    await admin.listTransactions({ timeoutMs: 1000 })
    expect(world.clock.monotonicMs() - startedMs).toBeLessThan(1100)
  })
})

test('an aborted call rejects with the reason, whatever was answered already', async () => {
  await withAdmin({ topics: { t: 1 } }, async ({ cluster, admin, world }) => {
    cluster.on(ListOffsets, () => SILENCE)
    const stop = new AbortController()
    world.clock.at(world.clock.monotonicMs() + 500, () => stop.abort(new Error('enough')))
    const call = admin.listOffsets([{ topic: 't', partition: 0, spec: 'latest' }], { signal: stop.signal })
    await expect(call).rejects.toThrow('enough')
  })
})

test('close ends what waits with CLOSED', async () => {
  await withAdmin({ topics: { t: 1 } }, async ({ cluster, admin, world }) => {
    cluster.on(ListOffsets, () => HANG_UP)
    world.clock.at(world.clock.monotonicMs() + 500, () => void admin.close())
    const call = admin.listOffsets([{ topic: 't', partition: 0, spec: 'latest' }])
    await expect(call).rejects.toMatchObject({ code: 'CLOSED' })
    await expect(admin.describeCluster()).rejects.toMatchObject({ code: 'CLOSED' })
  })
})

test('brokers before 2.8 describe the cluster by Metadata', async () => {
  await withAdmin({ nodes: 2, versions: { DescribeCluster: null } }, async ({ admin }) => {
    expect(await admin.describeCluster()).toMatchObject({
      clusterId: 'scripted',
      controller: { id: 1 },
      nodes: [{ id: 1 }, { id: 2 }],
      authorizedOperations: null,
    })
    await expect(admin.describeCluster({ includeFencedBrokers: true })).rejects.toMatchObject({
      code: 'UNSUPPORTED_VERSION',
    })
  })
})
