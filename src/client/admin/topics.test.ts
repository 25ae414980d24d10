import { expect, test } from 'vitest'
import { ERROR_CODES } from '../../base/error-codes.ts'
import { ZERO_UUID, type Uuid } from '../../base/uuid.ts'
import { CreatePartitions } from '../../protocol/generated/create-partitions.ts'
import { CreateTopics } from '../../protocol/generated/create-topics.ts'
import { DeleteTopics } from '../../protocol/generated/delete-topics.ts'
import { DescribeCluster } from '../../protocol/generated/describe-cluster.ts'
import {
  DescribeTopicPartitions,
  type DescribeTopicPartitionsRequest,
} from '../../protocol/generated/describe-topic-partitions.ts'
import { Metadata } from '../../protocol/generated/metadata.ts'
import { HANG_UP, SILENCE } from '../../testing/scripted/scripted-cluster.ts'
import { withAdmin } from './test-admin.ts'

test('topics are made by the controller, and the failure of one leaves the others', async () => {
  await withAdmin({ nodes: 3 }, async ({ cluster, admin }) => {
    cluster.controllerId = 2
    cluster.on(CreateTopics, ({ topics }) => ({
      topics: topics.map(({ name }) => {
        if (name === 'bad') return { name, errorCode: ERROR_CODES.INVALID_CONFIG, errorMessage: 'no such thing' }
        return { name, numPartitions: 3, replicationFactor: 1, configs: [{ name: 'a', value: 'b', configSource: 1 }] }
      }),
    }))
    const outcomes = await admin.createTopics([{ name: 'good', numPartitions: 3 }, { name: 'bad' }])
    expect(outcomes.get('good')).toEqual({
      topicId: ZERO_UUID,
      numPartitions: 3,
      replicationFactor: 1,
      configs: [expect.objectContaining({ name: 'a', value: 'b', source: 'DYNAMIC_TOPIC_CONFIG', isDefault: false })],
    })
    expect(() => outcomes.all()).toThrow('no such thing')
    expect(cluster.log.at(-1)).toBe('CreateTopics v7 at 2')
  })
})

test('a controller that moved is found, and asked for what it refused', async () => {
  await withAdmin({ nodes: 2 }, async ({ cluster, admin }) => {
    cluster.on(CreateTopics, ({ topics }, { node }) => {
      cluster.controllerId = 2
      return { topics: topics.map(({ name }) => ({ name, errorCode: node === 2 ? 0 : ERROR_CODES.NOT_CONTROLLER })) }
    })
    await admin.createTopics([{ name: 'a' }, { name: 'b' }]).then((outcomes) => outcomes.all())
    expect(cluster.log.filter((line) => line.startsWith('CreateTopics'))).toEqual([
      'CreateTopics v7 at 1',
      'CreateTopics v7 at 2',
    ])
  })
})

test('topics over the quota are asked for again alone, unless that is not wanted', async () => {
  await withAdmin({}, async ({ cluster, admin }) => {
    const asked: string[][] = []
    cluster.on(CreateTopics, ({ topics }) => {
      asked.push(topics.map(({ name }) => name))
      const isFirst = asked.length === 1
      return {
        topics: topics.map(({ name }) => ({
          name,
          errorCode: name === 'b' && isFirst ? ERROR_CODES.THROTTLING_QUOTA_EXCEEDED : 0,
        })),
      }
    })
    await admin.createTopics([{ name: 'a' }, { name: 'b' }]).then((outcomes) => outcomes.all())
    expect(asked).toEqual([['a', 'b'], ['b']])
    asked.length = 0
    const outcomes = await admin.createTopics([{ name: 'b' }], { retryOnQuotaViolation: false })
    expect(outcomes.outcome('b')).toMatchObject({ code: 'THROTTLING_QUOTA_EXCEEDED' })
  })
})

test('numbers that are left to a broker which has no defaults are UNSUPPORTED_VERSION, as in Java', async () => {
  await withAdmin({ versions: { CreateTopics: { min: 0, max: 3 } } }, async ({ cluster, admin }) => {
    cluster.on(CreateTopics, ({ topics }) => ({ topics: topics.map(({ name }) => ({ name })) }))
    const outcomes = await admin.createTopics([{ name: 'a' }])
    expect(() => outcomes.all()).toThrow(/only supported in CreateTopicRequest version 4\+.*\[a\]/)
    const [replica] = [[1]]
    const assigned = await admin.createTopics([
      { name: 'b', replicasAssignments: [replica] },
      { name: 'c', numPartitions: 1, replicationFactor: 1 },
    ])
    expect(assigned.get('b')).toMatchObject({ numPartitions: null, configs: null })
  })
})

test('a topic that is named twice is refused before anything is sent', async () => {
  await withAdmin({}, async ({ admin }) => {
    await expect(admin.createTopics([{ name: 'a' }, { name: 'a' }])).rejects.toThrow('Topic a is named twice.')
  })
})

test('a broker that hangs up is asked again; one that keeps silent costs the keys TIMED_OUT', async () => {
  await withAdmin({}, async ({ cluster, admin }) => {
    cluster.on(DeleteTopics, ({ topics }) => ({ responses: topics.map(({ name }) => ({ name })) }))
    cluster.once(DeleteTopics, () => HANG_UP)
    await admin.deleteTopics(['a']).then((outcomes) => outcomes.all())
    expect(cluster.count(DeleteTopics)).toBe(2)
    cluster.on(DeleteTopics, () => SILENCE)
    const outcomes = await admin.deleteTopics(['a', 'b'], { timeoutMs: 5000 })
    expect([...outcomes.errors().values()]).toMatchObject([{ code: 'TIMED_OUT' }, { code: 'TIMED_OUT' }])
  })
})

test('topics are deleted by name before version 6, and by id only from there', async () => {
  const id = 'AAAAAAAAAAAAAAAAAAAABQ' as Uuid
  await withAdmin({ versions: { DeleteTopics: { min: 0, max: 5 } } }, async ({ cluster, admin }) => {
    cluster.on(DeleteTopics, ({ topicNames }) => ({ responses: topicNames.map((name) => ({ name })) }))
    await admin.deleteTopics(['a']).then((outcomes) => outcomes.all())
    expect((await admin.deleteTopics({ ids: [id] })).outcome(id)).toMatchObject({ code: 'UNSUPPORTED_VERSION' })
  })
  await withAdmin({}, async ({ cluster, admin }) => {
    cluster.on(DeleteTopics, ({ topics }) => ({
      responses: topics.map(({ topicId, name }) => ({
        topicId,
        name,
        errorCode: topicId === id ? 0 : ERROR_CODES.UNKNOWN_TOPIC_ID,
      })),
    }))
    const outcomes = await admin.deleteTopics({ ids: [id, ZERO_UUID] })
    expect(outcomes.outcome(id)).toBeUndefined()
    expect(outcomes.outcome(ZERO_UUID)).toMatchObject({ code: 'UNKNOWN_TOPIC_ID' })
  })
})

test('partitions are added with or without replicas, and a refusal belongs to its topic', async () => {
  await withAdmin({}, async ({ cluster, admin }) => {
    cluster.on(CreatePartitions, ({ topics, validateOnly }) => {
      expect(validateOnly).toBe(true)
      expect(topics).toEqual([
        { name: 'a', count: 3, assignments: null },
        { name: 'b', count: 2, assignments: [{ brokerIds: [1] }] },
      ])
      return { results: [{ name: 'a', errorCode: ERROR_CODES.INVALID_PARTITIONS }, { name: 'b' }] }
    })
    const outcomes = await admin.createPartitions(
      [
        { topic: 'a', totalCount: 3 },
        { topic: 'b', totalCount: 2, newAssignments: [[1]] },
      ],
      { validateOnly: true },
    )
    expect(outcomes.outcome('a')).toMatchObject({ code: 'INVALID_PARTITIONS' })
    expect(outcomes.outcome('b')).toBeUndefined()
  })
})

test('topics are listed without the internal ones, unless those are wanted', async () => {
  await withAdmin({ topics: { a: 1 } }, async ({ cluster, admin }) => {
    cluster.on(Metadata, ({ topics }) => {
      if (topics !== null) return undefined
      return { topics: [{ name: 'a' }, { name: '__b', isInternal: true }] }
    })
    expect(await admin.listTopics()).toEqual([{ name: 'a', topicId: null, isInternal: false }])
    expect(await admin.listTopics({ listInternal: true })).toHaveLength(2)
  })
})

test('descriptions come page by page, and are put together', async () => {
  await withAdmin({}, async ({ cluster, admin }) => {
    cluster.on(DescribeCluster, () => ({ brokers: [{ brokerId: 1, host: 'h', port: 9 }], controllerId: 1 }))
    const all = [
      ['a', 0],
      ['b', 0],
      ['b', 1],
      ['b', 2],
      ['c', 0],
    ] as const
    const cursors: (DescribeTopicPartitionsRequest.Cursor | null)[] = []
    cluster.on(DescribeTopicPartitions, ({ topics, cursor, responsePartitionLimit }) => {
      cursors.push(cursor)
      const asked = new Set(topics.map(({ name }) => name))
      const from = all.findIndex(([name, index]) => {
        return asked.has(name) && (cursor === null || (name === cursor.topicName && index === cursor.partitionIndex))
      })
      const page = all.slice(from, from + responsePartitionLimit)
      const next = all[from + responsePartitionLimit]
      return {
        topics: [...new Set(page.map(([name]) => name))].map((name) => ({
          name,
          partitions: page
            .filter(([one]) => one === name)
            .map(([, partitionIndex]) => ({ partitionIndex, leaderId: 1, replicaNodes: [1, 5], isrNodes: [1] })),
        })),
        nextCursor: next === undefined ? null : { topicName: next[0], partitionIndex: next[1] },
      }
    })
    const outcomes = await admin.describeTopics(['c', 'b', 'a'], { partitionSizeLimitPerResponse: 2 })
    expect(cursors).toHaveLength(3)
    expect([...outcomes].map(([name]) => name)).toEqual(['c', 'b', 'a'])
    const described = outcomes.get('b')
    expect(described.partitions.map(({ partition }) => partition)).toEqual([0, 1, 2])
    expect(described.partitions[2]).toEqual({
      partition: 2,
      leader: { id: 1, host: 'h', port: 9, rack: null },
      replicas: [
        { id: 1, host: 'h', port: 9, rack: null },
        { id: 5, host: '', port: -1, rack: null },
      ],
      isr: [{ id: 1, host: 'h', port: 9, rack: null }],
      elr: null,
      lastKnownElr: null,
    })
  })
})

test('brokers without DescribeTopicPartitions describe by Metadata, and are not made to create the topic', async () => {
  const versions = { DescribeTopicPartitions: null, Metadata: { min: 0, max: 3 } }
  await withAdmin({ topics: { a: 2 }, versions }, async ({ cluster, admin }) => {
    cluster.on(Metadata, ({ topics }) => {
      expect(topics === null || topics.length === 0).toBe(true)
      return undefined
    })
    const outcomes = await admin.describeTopics(['a', 'none'])
    expect(outcomes.get('a').partitions).toHaveLength(2)
    expect(outcomes.outcome('none')).toMatchObject({ code: 'UNKNOWN_TOPIC_OR_PARTITION' })
  })
})

test('ids that nobody knows are UNKNOWN_TOPIC_ID', async () => {
  await withAdmin({ topics: { a: 1 } }, async ({ cluster, admin }) => {
    const { id } = cluster.topics.get('a')!
    const other = 'AAAAAAAAAAAAAAAAAAAABQ' as Uuid
    cluster.on(Metadata, ({ topics }) => {
      if (topics?.[0]?.topicId === undefined || topics[0].topicId === ZERO_UUID) return undefined
      return {
        topics: topics.map(({ topicId }) => {
          if (topicId !== id) return { name: null, topicId, errorCode: ERROR_CODES.UNKNOWN_TOPIC_ID }
          return { name: 'a', topicId, partitions: [{ partitionIndex: 0, leaderId: 1 }] }
        }),
      }
    })
    const outcomes = await admin.describeTopics({ ids: [id, other] })
    expect(outcomes.get(id)).toMatchObject({ name: 'a', topicId: id })
    expect(outcomes.outcome(other)).toMatchObject({ code: 'UNKNOWN_TOPIC_ID', message: `TopicId ${other} not found.` })
  })
})

test('a request tells the broker no more time than it is waited for', async () => {
  await withAdmin({}, async ({ cluster, admin }) => {
    const told: number[] = []
    cluster.on(CreateTopics, ({ topics, timeoutMs }) => {
      told.push(timeoutMs)
      return { topics: topics.map(({ name }) => ({ name })) }
    })
    await admin.createTopics([{ name: 'a' }])
    await admin.createTopics([{ name: 'a' }], { timeoutMs: 5000 })
    expect(told[0]).toBe(30_000)
    expect(told[1]).toBeGreaterThan(4900)
    expect(told[1]).toBeLessThanOrEqual(5000)
  })
})
