/** The Admin: every family once, with its outcomes and errors, on topics and groups of its own. */
import { equal, holds } from '../lib/expect.mjs'
import { until } from '../lib/process.mjs'

const CODE = (outcome) => (outcome instanceof Error ? outcome.code : 'ok')

/**
 * @param {import('../suites/client.mjs').Server} server
 * @param {typeof import('../../../src/index.ts')} klamm
 */
export async function cases({ name, address, isKlamm, test: everywhere }, { Klamm, string }) {
  const kafka = new Klamm({ brokers: address })
  const admin = kafka.admin()
  const topic = 'admin'
  const P0 = { topic, partition: 0 }
  const P9 = { topic, partition: 9 }
  /**
   * `unserved` names the APIs that Klamm lacks for the case: there it has to fail with UNSUPPORTED_VERSION, and when it passes, the
   * names go.
   */
  const test = (title, body, { timeoutMs, unserved } = {}) =>
    everywhere(
      title,
      async () => {
        if (!isKlamm || unserved === undefined) return await body()
        const how = await body().then(
          () => 'passed',
          (error) => `${error?.code} ${error?.message}`,
        )
        holds(how !== 'passed', `Klamm does not serve ${unserved.join(', ')}`)
        holds(how.includes('UNSUPPORTED_VERSION'), `it fails as what is not served does, and not with ${how}`)
        return `${unserved.join(', ')} is not served yet`
      },
      timeoutMs,
    )

  await test('admin: the cluster is described, with what may be done to it', async () => {
    const cluster = await admin.describeCluster({ includeAuthorizedOperations: true })
    equal(cluster.nodes.length, 1)
    equal(`${cluster.nodes[0].host}:${cluster.nodes[0].port}`, address)
    equal(cluster.controller?.id, cluster.nodes[0].id)
    holds(cluster.clusterId?.length === 22, 'there is a cluster id')
    holds(cluster.authorizedOperations?.includes('DESCRIBE_CONFIGS'), 'operations are told')
  })
  await test('admin: topics are made, described by name and id, listed; each refusal belongs to its topic', async () => {
    const created = await admin.createTopics([
      { name: topic, numPartitions: 2, replicationFactor: 1, configs: { 'cleanup.policy': 'delete' } },
      { name: 'admin-assigned', replicasAssignments: [[1], [1], [1]] },
      { name: 'admin-default' },
      { name: 'not a name' },
      { name: 'admin-wide', replicationFactor: 5 },
      { name: 'admin-config', configs: { 'no.such.config': '1' } },
    ])
    equal(
      [...created].map(([key, outcome]) => `${key} ${CODE(outcome)}`),
      [
        'admin ok',
        'admin-assigned ok',
        'admin-default ok',
        'not a name INVALID_TOPIC_EXCEPTION',
        'admin-wide INVALID_REPLICATION_FACTOR',
        'admin-config INVALID_CONFIG',
      ],
    )
    equal(created.get(topic).numPartitions, 2)
    const policy = created.get(topic).configs.find((entry) => entry.name === 'cleanup.policy')
    equal([policy.value, policy.source, policy.isDefault], ['delete', 'DYNAMIC_TOPIC_CONFIG', false])
    equal(CODE((await admin.createTopics([{ name: topic }])).outcome(topic)), 'TOPIC_ALREADY_EXISTS')
    await until(async () => (await admin.listTopics()).some((one) => one.name === 'admin-default'), 'topics are listed')
    const described = await admin.describeTopics([topic, 'admin-assigned', 'admin-none'], {
      includeAuthorizedOperations: true,
    })
    equal(
      described
        .get('admin-assigned')
        .partitions.map(({ partition, leader, isr }) => [partition, leader.id, isr.length]),
      [
        [0, 1, 1],
        [1, 1, 1],
        [2, 1, 1],
      ],
    )
    holds(described.get(topic).authorizedOperations.includes('READ'), 'operations are told')
    equal(CODE(described.outcome('admin-none')), 'UNKNOWN_TOPIC_OR_PARTITION')
    const { topicId } = created.get(topic)
    const unknown = 'zzzzzzzzzzzzzzzzzzzzzg'
    const byId = await admin.describeTopics({ ids: [topicId, unknown] })
    equal([byId.get(topicId).name, CODE(byId.outcome(unknown))], [topic, 'UNKNOWN_TOPIC_ID'])
  })
  await test('admin: a description that does not fit one answer is put together', async () => {
    await admin.createTopics([{ name: 'admin-pages', numPartitions: 7 }]).then((outcomes) => outcomes.all())
    await until(async () => (await admin.describeTopics(['admin-pages'])).errors().size === 0, 'it is there')
    const pages = await admin.describeTopics(['admin-pages', topic], { partitionSizeLimitPerResponse: 2 })
    equal(
      pages.get('admin-pages').partitions.map(({ partition }) => partition),
      [0, 1, 2, 3, 4, 5, 6],
    )
    equal(pages.get(topic).partitions.length, 2)
  })
  await test('admin: partitions are added, and never taken away', async () => {
    const validated = await admin.createPartitions([{ topic, totalCount: 4 }], { validateOnly: true })
    validated.all()
    const outcomes = await admin.createPartitions([
      { topic, totalCount: 3, newAssignments: [[1]] },
      { topic: 'admin-pages', totalCount: 2 },
      { topic: 'admin-none', totalCount: 2 },
    ])
    equal(
      [...outcomes].map(([, outcome]) => CODE(outcome)),
      ['ok', 'INVALID_PARTITIONS', 'UNKNOWN_TOPIC_OR_PARTITION'],
    )
    await until(async () => (await admin.describeTopics([topic])).get(topic).partitions.length === 3, 'it has three')
  })
  await test('admin: settings are set, joined, taken back, and told with where they come from', async () => {
    const resource = { type: 'TOPIC', name: topic }
    const none = { type: 'TOPIC', name: 'admin-none' }
    const altered = await admin.incrementalAlterConfigs([
      {
        resource,
        operations: [
          { name: 'retention.ms', value: '1234567' },
          { name: 'cleanup.policy', operation: 'APPEND', value: 'compact' },
        ],
      },
      { resource: none, operations: [{ name: 'retention.ms', value: '1' }] },
    ])
    equal([CODE(altered.outcome(resource)), CODE(altered.outcome(none))], ['ok', 'UNKNOWN_TOPIC_OR_PARTITION'])
    const value = async (config) => {
      const entries = (await admin.describeConfigs([resource], { includeSynonyms: true })).get(resource)
      return entries.find((entry) => entry.name === config)
    }
    await until(async () => (await value('retention.ms')).value === '1234567', 'it is set')
    const policy = await value('cleanup.policy')
    equal([policy.value, policy.source, policy.type], ['delete,compact', 'DYNAMIC_TOPIC_CONFIG', 'LIST'])
    equal(policy.synonyms[0], { name: 'cleanup.policy', value: 'delete,compact', source: 'DYNAMIC_TOPIC_CONFIG' })
    await admin.incrementalAlterConfigs([
      {
        resource,
        operations: [
          { name: 'retention.ms', operation: 'DELETE' },
          { name: 'cleanup.policy', operation: 'DELETE' },
        ],
      },
    ])
    await until(async () => (await value('retention.ms')).isDefault, 'it is the default again')
    const broker = { type: 'BROKER', name: '1' }
    const told = await admin.describeConfigs([broker, { type: 'BROKER_LOGGER', name: '1' }], {
      includeDocumentation: true,
    })
    holds(
      told.get(broker).some((entry) => entry.name === 'log.dirs' && entry.source === 'STATIC_BROKER_CONFIG'),
      'log.dirs is told',
    )
  })
  await test('admin: offsets by place and time, and records deleted', async () => {
    const producer = kafka.producer({ value: string() })
    for (let count = 0; count < 10; count++)
      await producer.send({ topic, partition: 0, value: `v${count}`, timestamp: 1000 + count })
    await producer.close()
    const specs = (spec) => admin.listOffsets([{ ...P0, spec }]).then((outcomes) => outcomes.get(P0).offset)
    equal(await specs('earliest'), 0)
    equal(await specs('latest'), 10)
    equal(await specs('maxTimestamp'), 9)
    equal(await specs({ timestamp: 1005 }), 5)
    equal(await specs({ timestamp: 9_999_999_999_999 }), -1)
    const mixed = await admin.listOffsets(
      [
        { topic: 'admin-none', partition: 0, spec: 'latest' },
        { ...P0, spec: 'latest' },
      ],
      { isolationLevel: 'read_committed' },
    )
    equal(
      [...mixed].map(([, outcome]) => CODE(outcome)),
      ['UNKNOWN_TOPIC_OR_PARTITION', 'ok'],
    )
    const deleted = await admin.deleteRecords([
      { ...P0, beforeOffset: 4 },
      { topic, partition: 1, beforeOffset: 7 },
    ])
    equal(deleted.get(P0), { lowWatermark: 4 })
    equal(CODE(deleted.outcome({ topic, partition: 1 })), 'OFFSET_OUT_OF_RANGE')
    equal(await specs('earliest'), 4)
  })
  await test(
    'admin: a group is listed, described with its members, and its offsets are listed, set and deleted',
    async () => {
      const groupId = 'admin-group'
      const consumer = kafka.consumer({ groupId, value: string(), offsetReset: 'earliest' })
      consumer.subscribe([topic])
      for await (const batch of consumer) {
        await batch.commit()
        break
      }
      const listing = await admin.listGroups()
      const listed = listing.all().find((group) => group.groupId === groupId)
      equal([listed.protocol, listed.state], ['consumer', 'Stable'])
      const group = (await admin.describeConsumerGroups([groupId], { includeAuthorizedOperations: true })).get(groupId)
      equal([group.state, group.members.length, group.coordinator?.id], ['Stable', 1, 1])
      equal(group.members[0].assignment.length, 3)
      equal(group.isSimpleConsumerGroup, false)
      const busy = await admin.deleteConsumerGroups([groupId, 'admin-nobody'])
      equal(
        [CODE(busy.outcome(groupId)), CODE(busy.outcome('admin-nobody'))],
        ['NON_EMPTY_GROUP', 'GROUP_ID_NOT_FOUND'],
      )
      await consumer.close()
      await until(
        async () => (await admin.describeConsumerGroups([groupId])).get(groupId).state === 'Empty',
        'it is empty',
      )
      const offsets = (await admin.listConsumerGroupOffsets([{ groupId }])).get(groupId)
      equal(offsets.get(P0)?.offset, 10)
      const altered = await admin.alterConsumerGroupOffsets(groupId, [{ ...P0, offset: 5, metadata: 'by hand' }])
      altered.all()
      const asked = await admin.listConsumerGroupOffsets(
        [{ groupId, partitions: [P0, P9] }, { groupId: 'admin-nobody' }],
        { requireStable: true },
      )
      const { offset, metadata } = asked.get(groupId).get(P0)
      equal([offset, metadata, asked.get(groupId).get(P9)], [5, 'by hand', null])
      equal([...asked.get('admin-nobody')], [])
      const gone = await admin.deleteConsumerGroupOffsets(groupId, [P0])
      gone.all()
      equal((await admin.listConsumerGroupOffsets([{ groupId, partitions: [P0] }])).get(groupId).get(P0), null)
      const deleted = await admin.deleteConsumerGroups([groupId])
      deleted.all()
      const after = (await admin.describeConsumerGroups([groupId])).outcome(groupId)
      holds(CODE(after) === 'GROUP_ID_NOT_FOUND' || after.state === 'Dead', 'it is gone')
    },
    { timeoutMs: 60_000 },
  )
  await test('admin: members are put out of a classic group', async () => {
    const groupId = 'admin-classic'
    const consumer = kafka.consumer({
      groupId,
      groupProtocol: 'classic',
      groupInstanceId: 'me',
      value: string(),
      offsetReset: 'earliest',
    })
    consumer.subscribe([topic])
    const reading = consumer[Symbol.asyncIterator]()
    await reading.next()
    const described = (await admin.describeClassicGroups([groupId])).get(groupId)
    equal([described.protocol, described.state, described.members[0].groupInstanceId], ['consumer', 'Stable', 'me'])
    equal(described.members[0].assignment.length, 3)
    const removed = await admin.removeMembersFromConsumerGroup(groupId, {
      members: [{ groupInstanceId: 'me' }, { groupInstanceId: 'you' }],
      reason: 'test',
    })
    equal(
      [CODE(removed.outcome({ groupInstanceId: 'me' })), CODE(removed.outcome({ groupInstanceId: 'you' }))],
      ['ok', 'UNKNOWN_MEMBER_ID'],
    )
    await reading.return?.()
    await consumer.close().catch(() => {})
  })
  await test('admin: log directories, elections and reassignments', async () => {
    const dirs = (await admin.describeLogDirs([1])).get(1)
    const [[path, dir]] = [...dirs.all()]
    holds(
      dir.replicas.some((replica) => replica.topic === topic && replica.size > 0),
      'replicas have sizes',
    )
    holds(dir.totalBytes > 0 && dir.usableBytes > 0, 'the volume has a size')
    const replica = { ...P0, brokerId: 1 }
    equal((await admin.describeReplicaLogDirs([replica])).get(replica).currentReplicaLogDir, path)
    const moved = await admin.alterReplicaLogDirs([{ ...replica, logDir: '/no/such/dir' }])
    equal(CODE(moved.outcome(replica)), 'LOG_DIR_NOT_FOUND')
    const elected = await admin.electLeaders('PREFERRED', [P0, { topic: 'admin-none', partition: 0 }])
    equal(
      [...elected].map(([, outcome]) => CODE(outcome)),
      ['ELECTION_NOT_NEEDED', 'UNKNOWN_TOPIC_OR_PARTITION'],
    )
    equal((await admin.electLeaders('PREFERRED', null)).errors().size, 0)
    const reassigned = await admin.alterPartitionReassignments([
      { ...P0, targetReplicas: null },
      { topic, partition: 1, targetReplicas: [7] },
    ])
    equal(
      [...reassigned].map(([, outcome]) => CODE(outcome)),
      ['NO_REASSIGNMENT_IN_PROGRESS', 'INVALID_REPLICA_ASSIGNMENT'],
    )
    equal((await admin.listPartitionReassignments()).size, 0)
  })
  await test('admin: the quorum and the features', async () => {
    const quorum = await admin.describeMetadataQuorum()
    equal([quorum.leaderId, quorum.voters.length], [1, 1])
    holds(quorum.highWatermark > 0, 'the log has records')
    const features = await admin.describeFeatures()
    holds(features.finalizedFeatures['metadata.version'].maxVersionLevel >= 7, 'there is a metadata.version')
    const [refused] = [...(await admin.updateFeatures([{ feature: 'no.such.feature', maxVersionLevel: 2 }]))]
    holds(refused[1] instanceof Error, 'an unknown feature is refused')
    const voter = admin.removeRaftVoter(99, 'zzzzzzzzzzzzzzzzzzzzzg')
    equal(
      await voter.then(
        () => 'ok',
        (error) => typeof error.code,
      ),
      'string',
    )
    equal(
      await admin.unregisterBroker(77).then(
        () => 'ok',
        (error) => error.code,
      ),
      'BROKER_ID_NOT_REGISTERED',
    )
  })
  await test('admin: quotas', async () => {
    const entity = { user: 'admin-user', 'client-id': null }
    const quotas = await admin.alterClientQuotas([
      { entity, quotas: { producer_byte_rate: 1024, request_percentage: 12.5 } },
      { entity: { planet: 'x' }, quotas: { a: 1 } },
    ])
    equal([CODE(quotas.outcome(entity)), CODE(quotas.outcome({ planet: 'x' }))], ['ok', 'INVALID_REQUEST'])
    const described = () =>
      admin.describeClientQuotas({
        components: [
          { entityType: 'user', match: 'admin-user' },
          { entityType: 'client-id', match: null },
        ],
        strict: true,
      })
    await until(async () => (await described()).length === 1, 'the quota is there')
    equal((await described())[0], { entity, quotas: { producer_byte_rate: 1024, request_percentage: 12.5 } })
  })
  await test(
    'admin: SCRAM users',
    async () => {
      const altered = await admin.alterUserScramCredentials([
        { user: 'admin-scram', mechanism: 'SCRAM-SHA-256', password: 'pw', iterations: 8192 },
        { user: 'admin-none', mechanism: 'SCRAM-SHA-512', delete: true },
        { user: 'admin-weak', mechanism: 'SCRAM-SHA-512', password: 'pw', iterations: 5 },
      ])
      equal(
        [...altered].map(([, outcome]) => CODE(outcome)),
        ['ok', 'RESOURCE_NOT_FOUND', 'UNACCEPTABLE_CREDENTIAL'],
      )
      await until(
        async () => (await admin.describeUserScramCredentials()).values().has('admin-scram'),
        'the user is there',
      )
      const users = await admin.describeUserScramCredentials(['admin-scram', 'admin-none'])
      equal(users.get('admin-scram'), [{ mechanism: 'SCRAM-SHA-256', iterations: 8192 }])
      equal(CODE(users.outcome('admin-none')), 'RESOURCE_NOT_FOUND')
    },
    {
      unserved: ['DescribeUserScramCredentials', 'AlterUserScramCredentials'],
    },
  )
  await test(
    'admin: access rules and delegation tokens of a cluster that has none',
    async () => {
      const rule = {
        resourceType: 'TOPIC',
        resourceName: topic,
        patternType: 'LITERAL',
        principal: 'User:a',
        host: '*',
        operation: 'READ',
        permissionType: 'ALLOW',
      }
      const code = (call) =>
        call.then((outcome) => (typeof outcome?.outcome === 'function' ? CODE([...outcome][0][1]) : 'ok'), CODE)
      equal(await code(admin.describeAcls()), 'SECURITY_DISABLED')
      equal(await code(admin.createAcls([rule])), 'SECURITY_DISABLED')
      equal(await code(admin.deleteAcls([{ resourceType: 'TOPIC' }])), 'SECURITY_DISABLED')
      for (const call of [
        admin.createDelegationToken(),
        admin.describeDelegationToken(),
        admin.renewDelegationToken(Buffer.from('x')),
        admin.expireDelegationToken(Buffer.from('x')),
      ]) {
        const got = await code(call)
        holds(
          ['DELEGATION_TOKEN_AUTH_DISABLED', 'DELEGATION_TOKEN_REQUEST_NOT_ALLOWED'].includes(got),
          `a token is refused, and not with ${got}`,
        )
      }
    },
    { unserved: ['DescribeAcls', 'CreateAcls', 'DeleteAcls', 'CreateDelegationToken'] },
  )
  await test('admin: transactions and producers', async () => {
    const producer = kafka.producer({ value: string() })
    await producer.send({ topic, partition: 1, value: 'x' })
    const producers = (await admin.describeProducers([{ topic, partition: 1 }])).get({ topic, partition: 1 })
    holds(producers.length === 1 && producers[0].lastSequence === 0, 'the producer is known')
    await producer.close()
    const fenced = await admin.fenceProducers(['admin-transaction'])
    holds(fenced.get('admin-transaction').producerEpoch >= 0, 'the producer is fenced')
    const listed = (await admin.listTransactions()).all().find((one) => one.transactionalId === 'admin-transaction')
    equal([listed.state, listed.coordinatorId], ['Empty', 1])
    const described = await admin.describeTransactions(['admin-transaction', 'admin-none'])
    equal(described.get('admin-transaction').state, 'Empty')
    equal(CODE(described.outcome('admin-none')), 'TRANSACTIONAL_ID_NOT_FOUND')
    await admin.forceTerminateTransaction('admin-transaction')
    const abort = admin.abortTransaction({
      topic,
      partition: 1,
      producerId: 1_000_000,
      producerEpoch: 0,
      coordinatorEpoch: 0,
    })
    holds(
      typeof (await abort.then(
        () => 'ok',
        (error) => error.code,
      )) === 'string',
      'a mark is answered',
    )
  })
  const isModern = name !== 'kafka 3.9'
  await test('admin: share groups, streams groups and resources with settings', async () => {
    const code = (call) => call.then((outcomes) => CODE([...outcomes][0][1]), CODE)
    const notThere = isModern ? ['GROUP_ID_NOT_FOUND', 'UNSUPPORTED_VERSION'] : ['UNSUPPORTED_VERSION']
    for (const call of [
      admin.describeShareGroups(['admin-none']),
      admin.listShareGroupOffsets([{ groupId: 'admin-none' }]),
      admin.alterShareGroupOffsets('admin-none', [{ ...P0, startOffset: 0 }]),
      admin.deleteShareGroupOffsets('admin-none', [topic]),
      admin.describeStreamsGroups(['admin-none']),
    ]) {
      const got = await code(call)
      // Kafka has an empty list for the offsets of a group that is not there, and makes the one whose offsets are set.
      holds(notThere.includes(got) || got === 'ok', `not ${got}`)
    }
    equal(await code(admin.deleteShareGroups(['admin-nobody'])), 'GROUP_ID_NOT_FOUND')
    equal(await code(admin.deleteStreamsGroups(['admin-nobody'])), 'GROUP_ID_NOT_FOUND')
    equal((await admin.listStreamsGroupOffsets([{ groupId: 'admin-none' }])).get('admin-none').size, 0)
    const resource = { type: 'CLIENT_METRICS', name: 'admin-metrics' }
    await admin
      .incrementalAlterConfigs([{ resource, operations: [{ name: 'interval.ms', value: '1000' }] }])
      .then((all) => all.all())
    await until(async () => (await admin.listClientMetricsResources()).includes('admin-metrics'), 'it is listed')
    if (isModern)
      holds(
        (await admin.listConfigResources(['TOPIC'])).some((one) => one.name === topic),
        'topics are listed',
      )
    else equal(await code(admin.listConfigResources().then(() => [[0, 'ok']])), 'UNSUPPORTED_VERSION')
    holds(typeof (await admin.clientInstanceId().catch((error) => error.code)) === 'string', 'the id is answered')
  })
  await test('admin: topics are deleted, by name and by id', async () => {
    const { topicId } = (await admin.describeTopics(['admin-default'])).get('admin-default')
    const byId = await admin.deleteTopics({ ids: [topicId] })
    byId.all()
    const outcomes = await admin.deleteTopics([topic, 'admin-assigned', 'admin-pages', 'admin-none'])
    equal(
      [...outcomes].map(([, outcome]) => CODE(outcome)),
      ['ok', 'ok', 'ok', 'UNKNOWN_TOPIC_OR_PARTITION'],
    )
    await until(async () => !(await admin.listTopics()).some((one) => one.name.startsWith('admin')), 'they are gone')
  })
  await kafka.close()
}
