/** The families that ask one node one thing: what is asked of whom, and how answers and their errors are read. */
import { expect, test } from 'vitest'
import { saltedPassword } from '../../base/digest.ts'
import { ERROR_CODES } from '../../base/error-codes.ts'
import { ZERO_UUID, type Uuid } from '../../base/uuid.ts'
import { AddRaftVoter } from '../../protocol/generated/add-raft-voter.ts'
import { AlterClientQuotas } from '../../protocol/generated/alter-client-quotas.ts'
import { AlterPartitionReassignments } from '../../protocol/generated/alter-partition-reassignments.ts'
import { AlterReplicaLogDirs } from '../../protocol/generated/alter-replica-log-dirs.ts'
import { AlterShareGroupOffsets } from '../../protocol/generated/alter-share-group-offsets.ts'
import { AlterUserScramCredentials } from '../../protocol/generated/alter-user-scram-credentials.ts'
import { ApiVersions } from '../../protocol/generated/api-versions.ts'
import { CreateAcls } from '../../protocol/generated/create-acls.ts'
import { CreateDelegationToken } from '../../protocol/generated/create-delegation-token.ts'
import { DeleteAcls } from '../../protocol/generated/delete-acls.ts'
import { DeleteShareGroupOffsets } from '../../protocol/generated/delete-share-group-offsets.ts'
import { DescribeAcls } from '../../protocol/generated/describe-acls.ts'
import { DescribeClientQuotas } from '../../protocol/generated/describe-client-quotas.ts'
import { DescribeDelegationToken } from '../../protocol/generated/describe-delegation-token.ts'
import { DescribeLogDirs } from '../../protocol/generated/describe-log-dirs.ts'
import { DescribeProducers } from '../../protocol/generated/describe-producers.ts'
import { DescribeQuorum } from '../../protocol/generated/describe-quorum.ts'
import { DescribeShareGroupOffsets } from '../../protocol/generated/describe-share-group-offsets.ts'
import { DescribeTransactions } from '../../protocol/generated/describe-transactions.ts'
import { DescribeUserScramCredentials } from '../../protocol/generated/describe-user-scram-credentials.ts'
import { ElectLeaders } from '../../protocol/generated/elect-leaders.ts'
import { ExpireDelegationToken } from '../../protocol/generated/expire-delegation-token.ts'
import { FindCoordinator } from '../../protocol/generated/find-coordinator.ts'
import { GetTelemetrySubscriptions } from '../../protocol/generated/get-telemetry-subscriptions.ts'
import { InitProducerId } from '../../protocol/generated/init-producer-id.ts'
import { ListConfigResources } from '../../protocol/generated/list-config-resources.ts'
import { ListPartitionReassignments } from '../../protocol/generated/list-partition-reassignments.ts'
import { ListTransactions } from '../../protocol/generated/list-transactions.ts'
import { Metadata } from '../../protocol/generated/metadata.ts'
import { RemoveRaftVoter } from '../../protocol/generated/remove-raft-voter.ts'
import { RenewDelegationToken } from '../../protocol/generated/renew-delegation-token.ts'
import { ShareGroupDescribe } from '../../protocol/generated/share-group-describe.ts'
import { StreamsGroupDescribe } from '../../protocol/generated/streams-group-describe.ts'
import { UnregisterBroker } from '../../protocol/generated/unregister-broker.ts'
import { UpdateFeatures } from '../../protocol/generated/update-features.ts'
import { WriteTxnMarkers } from '../../protocol/generated/write-txn-markers.ts'
import type { ScriptedCluster } from '../../testing/scripted/scripted-cluster.ts'
import { withAdmin } from './test-admin.ts'

const P0 = { topic: 't', partition: 0 }
const P1 = { topic: 't', partition: 1 }
const DIRECTORY = 'AAAAAAAAAAAAAAAAAAAABQ' as Uuid

function coordinateAtOne(cluster: ScriptedCluster): void {
  cluster.on(FindCoordinator, ({ coordinatorKeys }) => ({
    coordinators: coordinatorKeys.map((key) => ({ key, nodeId: 1 })),
  }))
}

test('leaders are elected by the controller; errors belong to partitions', async () => {
  await withAdmin({ nodes: 2 }, async ({ cluster, admin }) => {
    cluster.controllerId = 2
    cluster.on(ElectLeaders, ({ electionType, topicPartitions }) => {
      expect(electionType).toBe(1)
      if (topicPartitions === null)
        return { replicaElectionResults: [{ topic: 't', partitionResult: [{ partitionId: 5 }] }] }
      expect(topicPartitions).toEqual([{ topic: 't', partitions: [0, 1] }])
      const refused = { partitionId: 1, errorCode: ERROR_CODES.ELECTION_NOT_NEEDED, errorMessage: 'no need' }
      return { replicaElectionResults: [{ topic: 't', partitionResult: [{ partitionId: 0 }, refused] }] }
    })
    const outcomes = await admin.electLeaders('UNCLEAN', [P0, P1])
    expect(outcomes.outcome(P0)).toBeUndefined()
    expect(outcomes.outcome(P1)).toMatchObject({ code: 'ELECTION_NOT_NEEDED', message: 'no need' })
    expect([...(await admin.electLeaders('UNCLEAN', null)).all().keys()]).toEqual([{ topic: 't', partition: 5 }])
    expect(cluster.log.at(-1)).toBe('ElectLeaders v2 at 2')
  })
})

test('a broker that elects preferred leaders only refuses the other kind', async () => {
  await withAdmin({ versions: { ElectLeaders: { min: 0, max: 0 } } }, async ({ admin }) => {
    const outcomes = await admin.electLeaders('UNCLEAN', [P0])
    expect(() => outcomes.all()).toThrow('API Version 0 only supports PREFERRED election type')
  })
})

test('replicas are moved and moves called off; those under way are listed', async () => {
  await withAdmin({ versions: { AlterPartitionReassignments: { min: 0, max: 0 } } }, async ({ cluster, admin }) => {
    cluster.on(AlterPartitionReassignments, ({ topics }) => {
      expect(topics[0]!.partitions).toEqual([
        { partitionIndex: 0, replicas: [1, 2] },
        { partitionIndex: 1, replicas: null },
      ])
      const refused = { partitionIndex: 1, errorCode: ERROR_CODES.NO_REASSIGNMENT_IN_PROGRESS }
      return { responses: [{ name: 't', partitions: [{ partitionIndex: 0 }, refused] }] }
    })
    const wishes = [
      { ...P0, targetReplicas: [1, 2] },
      { ...P1, targetReplicas: null },
    ]
    const outcomes = await admin.alterPartitionReassignments(wishes)
    expect(outcomes.outcome(P0)).toBeUndefined()
    expect(outcomes.outcome(P1)).toMatchObject({ code: 'NO_REASSIGNMENT_IN_PROGRESS' })
    const refused = await admin.alterPartitionReassignments(wishes, { allowReplicationFactorChange: false })
    expect(() => refused.all()).toThrow('does not support the AllowReplicationFactorChange option')
    cluster.on(ListPartitionReassignments, ({ topics }) => {
      expect(topics).toBeNull()
      const partitions = [{ partitionIndex: 0, replicas: [1, 2], addingReplicas: [2], removingReplicas: [1] }]
      return { topics: [{ name: 't', partitions }] }
    })
    const moving = await admin.listPartitionReassignments()
    expect(moving.get(P0)).toEqual({ replicas: [1, 2], addingReplicas: [2], removingReplicas: [1] })
    expect(moving.has(P1)).toBe(false)
  })
})

test('each broker tells of its own directories; one that is offline is an error beside the others', async () => {
  await withAdmin({ nodes: 2 }, async ({ cluster, admin }) => {
    cluster.on(DescribeLogDirs, ({ topics }, { node }) => {
      if (node === 2 && topics === null) return { errorCode: ERROR_CODES.CLUSTER_AUTHORIZATION_FAILED }
      const partitions = [
        { partitionIndex: 0, partitionSize: 9, offsetLag: 1 },
        { partitionIndex: 1, partitionSize: 3, offsetLag: 7, isFutureKey: true },
      ]
      return {
        results: [
          { logDir: '/a', topics: [{ name: 't', partitions }], totalBytes: 100, usableBytes: 50 },
          { logDir: '/b', errorCode: ERROR_CODES.KAFKA_STORAGE_ERROR },
        ],
      }
    })
    const outcomes = await admin.describeLogDirs([1, 2])
    expect(outcomes.outcome(2)).toMatchObject({ code: 'CLUSTER_AUTHORIZATION_FAILED' })
    const dirs = outcomes.get(1)
    expect(dirs.get('/a')).toMatchObject({
      totalBytes: 100,
      usableBytes: 50,
      replicas: [{ size: 9 }, { isFuture: true }],
    })
    expect(dirs.outcome('/b')).toMatchObject({ code: 'KAFKA_STORAGE_ERROR' })
    const infos = await admin.describeReplicaLogDirs([
      { ...P0, brokerId: 1 },
      { ...P1, brokerId: 2 },
    ])
    expect(infos.get({ ...P0, brokerId: 1 })).toEqual({
      currentReplicaLogDir: '/a',
      currentReplicaOffsetLag: 1,
      futureReplicaLogDir: null,
      futureReplicaOffsetLag: -1,
    })
    expect(infos.get({ ...P1, brokerId: 2 })).toMatchObject({ currentReplicaLogDir: null, futureReplicaLogDir: '/a' })
  })
})

test('an answer without directories is a refusal of an old broker', async () => {
  await withAdmin({}, async ({ cluster, admin }) => {
    cluster.on(DescribeLogDirs, () => ({ results: [] }))
    expect((await admin.describeLogDirs([1])).outcome(1)).toMatchObject({ code: 'CLUSTER_AUTHORIZATION_FAILED' })
  })
})

test('replicas are moved between the directories of each broker', async () => {
  await withAdmin({ nodes: 2 }, async ({ cluster, admin }) => {
    cluster.on(AlterReplicaLogDirs, ({ dirs }, { node }) => {
      expect(dirs).toEqual([{ path: `/d${node}`, topics: [{ name: 't', partitions: [0] }] }])
      const errorCode = node === 2 ? ERROR_CODES.LOG_DIR_NOT_FOUND : 0
      return { results: [{ topicName: 't', partitions: [{ partitionIndex: 0, errorCode }] }] }
    })
    const outcomes = await admin.alterReplicaLogDirs([
      { ...P0, brokerId: 1, logDir: '/d1' },
      { ...P0, brokerId: 2, logDir: '/d2' },
    ])
    expect(outcomes.outcome({ ...P0, brokerId: 1 })).toBeUndefined()
    expect(outcomes.outcome({ ...P0, brokerId: 2 })).toMatchObject({ code: 'LOG_DIR_NOT_FOUND' })
  })
})

test('the quorum is told with its voters, observers and their addresses', async () => {
  await withAdmin({}, async ({ cluster, admin }) => {
    const voter = { replicaId: 1, replicaDirectoryId: DIRECTORY, logEndOffset: 12, lastFetchTimestamp: 5 }
    const partition = {
      leaderId: 1,
      leaderEpoch: 3,
      highWatermark: 10,
      currentVoters: [voter],
      observers: [{ replicaId: 2 }],
    }
    cluster.on(DescribeQuorum, ({ topics }) => {
      expect(topics).toEqual([{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }])
      return {
        topics: [{ topicName: '__cluster_metadata', partitions: [partition] }],
        nodes: [{ nodeId: 1, listeners: [{ name: 'CONTROLLER', host: 'h', port: 9 }] }],
      }
    })
    expect(await admin.describeMetadataQuorum()).toEqual({
      leaderId: 1,
      leaderEpoch: 3,
      highWatermark: 10,
      voters: [{ ...voter, lastCaughtUpTimestamp: null }],
      observers: [expect.objectContaining({ replicaId: 2, replicaDirectoryId: ZERO_UUID, lastFetchTimestamp: null })],
      nodes: [{ nodeId: 1, endpoints: [{ name: 'CONTROLLER', host: 'h', port: 9 }] }],
    })
    cluster.on(DescribeQuorum, () => ({
      topics: [{ topicName: '__cluster_metadata', partitions: [{ errorCode: 31 }] }],
    }))
    await expect(admin.describeMetadataQuorum()).rejects.toMatchObject({ code: 'CLUSTER_AUTHORIZATION_FAILED' })
  })
})

test('voters come and go, brokers are unregistered, and refusals are thrown with their words', async () => {
  await withAdmin({}, async ({ cluster, admin }) => {
    cluster.on(AddRaftVoter, ({ voterId, listeners, clusterId }) => {
      expect([voterId, clusterId, listeners]).toEqual([3, 'c', [{ name: 'N', host: 'h', port: 1 }]])
      return { errorCode: ERROR_CODES.DUPLICATE_VOTER, errorMessage: 'is there' }
    })
    const endpoints = [{ name: 'N', host: 'h', port: 1 }]
    await expect(admin.addRaftVoter(3, DIRECTORY, endpoints, { clusterId: 'c' })).rejects.toThrow('is there')
    cluster.on(RemoveRaftVoter, () => ({ errorCode: ERROR_CODES.VOTER_NOT_FOUND, errorMessage: 'is gone' }))
    await expect(admin.removeRaftVoter(3, DIRECTORY)).rejects.toMatchObject({ code: 'VOTER_NOT_FOUND' })
    cluster.on(UnregisterBroker, ({ brokerId }) => ({
      errorCode: brokerId === 1 ? 0 : ERROR_CODES.BROKER_ID_NOT_REGISTERED,
    }))
    await admin.unregisterBroker(1)
    await expect(admin.unregisterBroker(2)).rejects.toMatchObject({ code: 'BROKER_ID_NOT_REGISTERED' })
  })
})

test('features are told by any node, or by the one that is named', async () => {
  await withAdmin({ nodes: 2 }, async ({ cluster, admin }) => {
    const apis = [ApiVersions, Metadata, UpdateFeatures]
    cluster.on(ApiVersions, () => ({
      apiKeys: apis.map(({ key, request }) => ({ apiKey: key, minVersion: 0, maxVersion: request.highestVersion })),
      finalizedFeatures: [{ name: 'f', minVersionLevel: 1, maxVersionLevel: 3 }],
      finalizedFeaturesEpoch: 8,
      supportedFeatures: [{ name: 'f', minVersion: 0, maxVersion: 4 }],
    }))
    expect(await admin.describeFeatures({ nodeId: 2 })).toEqual({
      finalizedFeatures: { f: { minVersionLevel: 1, maxVersionLevel: 3 } },
      finalizedFeaturesEpoch: 8,
      supportedFeatures: { f: { minVersion: 0, maxVersion: 4 } },
    })
    expect(cluster.log.at(-1)).toBe('ApiVersions v4 at 2')
    cluster.on(UpdateFeatures, ({ featureUpdates, validateOnly }) => {
      expect(validateOnly).toBe(true)
      expect(featureUpdates).toEqual([expect.objectContaining({ feature: 'f', maxVersionLevel: 2, upgradeType: 2 })])
      return { errorCode: ERROR_CODES.FEATURE_UPDATE_FAILED, errorMessage: 'too low' }
    })
    const updates = [{ feature: 'f', maxVersionLevel: 2, upgradeType: 'SAFE_DOWNGRADE' }] as const
    const outcomes = await admin.updateFeatures(updates, { validateOnly: true })
    expect(outcomes.outcome('f')).toMatchObject({ code: 'FEATURE_UPDATE_FAILED', message: 'too low' })
    await expect(admin.updateFeatures([])).rejects.toThrow('can not be null or empty')
  })
})

test('the first brokers with features are told only whether a level may go down, and answer by feature', async () => {
  await withAdmin({ versions: { UpdateFeatures: { min: 0, max: 0 } } }, async ({ cluster, admin }) => {
    cluster.on(UpdateFeatures, ({ featureUpdates }) => {
      expect(featureUpdates[0]).toMatchObject({ allowDowngrade: true })
      return { results: [{ feature: 'f', errorCode: ERROR_CODES.INVALID_UPDATE_VERSION }] }
    })
    const outcomes = await admin.updateFeatures([{ feature: 'f', maxVersionLevel: 1, upgradeType: 'SAFE_DOWNGRADE' }])
    expect(outcomes.outcome('f')).toMatchObject({ code: 'INVALID_UPDATE_VERSION' })
  })
})

const BINDING = {
  resourceType: 'TOPIC',
  resourceName: 't',
  patternType: 'LITERAL',
  principal: 'User:a',
  host: '*',
  operation: 'READ',
  permissionType: 'ALLOW',
} as const

test('access rules are made, found and deleted, each with its own outcome', async () => {
  await withAdmin({}, async ({ cluster, admin }) => {
    const other = { ...BINDING, principal: 'nobody' }
    cluster.on(CreateAcls, ({ creations }) => {
      expect(creations[0]).toEqual({
        resourceType: 2,
        resourceName: 't',
        resourcePatternType: 3,
        principal: 'User:a',
        host: '*',
        operation: 3,
        permissionType: 3,
      })
      return { results: [{}, { errorCode: ERROR_CODES.INVALID_REQUEST, errorMessage: 'no type' }] }
    })
    const created = await admin.createAcls([BINDING, other])
    expect(created.outcome(BINDING)).toBeUndefined()
    expect(created.outcome(other)).toMatchObject({ message: 'no type' })
    const acl = { principal: 'User:a', host: '*', operation: 3, permissionType: 3 }
    cluster.on(DescribeAcls, (request) => {
      expect(request).toMatchObject({
        resourceTypeFilter: 2,
        patternTypeFilter: 1,
        resourceNameFilter: null,
        operation: 1,
      })
      return { resources: [{ resourceType: 2, resourceName: 't', patternType: 3, acls: [acl] }] }
    })
    expect(await admin.describeAcls({ resourceType: 'TOPIC' })).toEqual([BINDING])
    cluster.on(DeleteAcls, () => ({
      filterResults: [
        { matchingAcls: [{ resourceType: 2, resourceName: 't', patternType: 3, ...acl }] },
        { errorCode: ERROR_CODES.INVALID_REQUEST },
      ],
    }))
    const deleted = await admin.deleteAcls([{ resourceType: 'TOPIC' }, { principal: '?' }])
    expect([...deleted.get({ resourceType: 'TOPIC' }).all().keys()]).toEqual([BINDING])
    expect(deleted.outcome({ principal: '?' })).toMatchObject({ code: 'INVALID_REQUEST' })
    cluster.on(DescribeAcls, () => ({ errorCode: ERROR_CODES.SECURITY_DISABLED, errorMessage: 'No Authorizer' }))
    await expect(admin.describeAcls()).rejects.toThrow('No Authorizer')
  })
})

test('prefixes are refused for brokers that know literal names only', async () => {
  const versions = { CreateAcls: { min: 0, max: 0 }, DescribeAcls: { min: 0, max: 0 } }
  await withAdmin({ versions }, async ({ cluster, admin }) => {
    const refused = await admin.createAcls([{ ...BINDING, patternType: 'PREFIXED' }])
    expect(() => refused.all()).toThrow('Version 0 only supports literal resource pattern types')
    await expect(admin.describeAcls({ patternType: 'MATCH' })).rejects.toThrow('literal resource pattern')
    cluster.on(DescribeAcls, () => ({}))
    expect(await admin.describeAcls()).toEqual([])
  })
})

test('quotas are described by entity and changed by key', async () => {
  await withAdmin({}, async ({ cluster, admin }) => {
    cluster.on(DescribeClientQuotas, ({ components, strict }) => {
      expect(strict).toBe(true)
      expect(components).toEqual([
        { entityType: 'user', matchType: 0, match: 'a' },
        { entityType: 'client-id', matchType: 1, match: null },
        { entityType: 'ip', matchType: 2, match: null },
      ])
      const entity = [
        { entityType: 'user', entityName: 'a' },
        { entityType: 'client-id', entityName: null },
      ]
      return { entries: [{ entity, values: [{ key: 'producer_byte_rate', value: 2.5 }] }] }
    })
    const components = [
      { entityType: 'user', match: 'a' },
      { entityType: 'client-id', match: null },
      { entityType: 'ip' },
    ]
    expect(await admin.describeClientQuotas({ components, strict: true })).toEqual([
      { entity: { user: 'a', 'client-id': null }, quotas: { producer_byte_rate: 2.5 } },
    ])
    cluster.on(AlterClientQuotas, ({ entries }) => {
      expect(entries[0]!.ops).toEqual([
        { key: 'x', value: 1, remove: false },
        { key: 'y', value: 0, remove: true },
      ])
      return {
        entries: entries.map(({ entity }) => ({ entity: entity.toReversed(), errorCode: ERROR_CODES.INVALID_REQUEST })),
      }
    })
    const entity = { user: 'a', 'client-id': null }
    const outcomes = await admin.alterClientQuotas([{ entity, quotas: { x: 1, y: null } }])
    expect(outcomes.outcome({ 'client-id': null, user: 'a' })).toMatchObject({ code: 'INVALID_REQUEST' })
  })
})

test('a SCRAM password is salted here and never sent; what is plainly wrong fails its user alone', async () => {
  await withAdmin({}, async ({ cluster, admin }) => {
    const salt = Buffer.from('salt')
    cluster.on(AlterUserScramCredentials, ({ upsertions, deletions }) => {
      expect(deletions).toEqual([{ name: 'b', mechanism: 2 }])
      expect(upsertions).toHaveLength(1)
      expect(upsertions[0]).toMatchObject({ name: 'a', mechanism: 1, iterations: 4096 })
      expect(upsertions[0]!.saltedPassword).toEqual(saltedPassword('sha256', Buffer.from('pw'), salt, 4096))
      return { results: [{ user: 'a' }, { user: 'b', errorCode: ERROR_CODES.RESOURCE_NOT_FOUND }] }
    })
    const outcomes = await admin.alterUserScramCredentials([
      { user: 'a', mechanism: 'SCRAM-SHA-256', password: 'pw', salt },
      { user: 'b', mechanism: 'SCRAM-SHA-512', delete: true },
      { user: 'c', mechanism: 'SCRAM-SHA-256', password: '' },
      { user: '', mechanism: 'SCRAM-SHA-256', password: 'x' },
    ])
    expect(outcomes.outcome('a')).toBeUndefined()
    expect(outcomes.outcome('b')).toMatchObject({ code: 'RESOURCE_NOT_FOUND' })
    expect(outcomes.outcome('c')).toMatchObject({ message: 'Password must not be empty' })
    expect(outcomes.outcome('')).toMatchObject({ message: 'Username must not be empty' })
    cluster.on(DescribeUserScramCredentials, ({ users }) => ({
      results: (users ?? [{ name: 'all' }]).map(({ name }) => {
        if (name === 'x') return { user: name, errorCode: ERROR_CODES.RESOURCE_NOT_FOUND }
        return { user: name, credentialInfos: [{ mechanism: 2, iterations: 8192 }] }
      }),
    }))
    const described = await admin.describeUserScramCredentials(['a', 'x'])
    expect(described.get('a')).toEqual([{ mechanism: 'SCRAM-SHA-512', iterations: 8192 }])
    expect(described.outcome('x')).toMatchObject({ code: 'RESOURCE_NOT_FOUND' })
    expect([...(await admin.describeUserScramCredentials()).all().keys()]).toEqual(['all'])
  })
})

test('delegation tokens are made, renewed, described and expired', async () => {
  await withAdmin({}, async ({ cluster, admin }) => {
    const hmac = Buffer.from('secret')
    const told = { tokenId: 'id', hmac, principalType: 'User', principalName: 'a' }
    cluster.on(CreateDelegationToken, ({ renewers, maxLifetimeMs, ownerPrincipalName }) => {
      expect([renewers, maxLifetimeMs, ownerPrincipalName]).toEqual([
        [{ principalType: 'User', principalName: 'r' }],
        99,
        'o',
      ])
      return {
        ...told,
        issueTimestampMs: 1,
        expiryTimestampMs: 2,
        maxTimestampMs: 3,
        tokenRequesterPrincipalType: 'User',
        tokenRequesterPrincipalName: 'q',
      }
    })
    const token = await admin.createDelegationToken({
      renewers: [{ type: 'User', name: 'r' }],
      owner: { type: 'User', name: 'o' },
      maxLifetimeMs: 99,
    })
    expect(token).toMatchObject({
      tokenId: 'id',
      hmac,
      owner: { name: 'a' },
      tokenRequester: { name: 'q' },
      maxTimestamp: 3,
    })
    cluster.on(RenewDelegationToken, (request) => ({ expiryTimestampMs: request.renewPeriodMs }))
    expect(await admin.renewDelegationToken(hmac, { renewTimePeriodMs: 7 })).toBe(7)
    cluster.on(ExpireDelegationToken, () => ({ errorCode: ERROR_CODES.DELEGATION_TOKEN_NOT_FOUND }))
    await expect(admin.expireDelegationToken(hmac)).rejects.toMatchObject({ code: 'DELEGATION_TOKEN_NOT_FOUND' })
    cluster.on(DescribeDelegationToken, ({ owners }) => {
      expect(owners).toBeNull()
      return { tokens: [{ ...told, renewers: [{ principalType: 'User', principalName: 'r' }] }] }
    })
    expect(await admin.describeDelegationToken()).toMatchObject([
      { tokenId: 'id', renewers: [{ type: 'User', name: 'r' }] },
    ])
  })
})

test('transactions are listed from all brokers, described by their coordinators, fenced and ended', async () => {
  await withAdmin({ nodes: 2 }, async ({ cluster, admin }) => {
    coordinateAtOne(cluster)
    cluster.on(ListTransactions, ({ durationFilter, transactionalIdPattern }, { node }) => {
      expect([durationFilter, transactionalIdPattern]).toEqual([5, 'a.*'])
      return { transactionStates: [{ transactionalId: `x${node}`, producerId: node, transactionState: 'Ongoing' }] }
    })
    const listing = await admin.listTransactions({ durationMs: 5, transactionalIdPattern: 'a.*' })
    expect(
      listing
        .all()
        .map(({ transactionalId, coordinatorId }) => [transactionalId, coordinatorId])
        .toSorted(),
    ).toEqual([
      ['x1', 1],
      ['x2', 2],
    ])
    cluster.on(DescribeTransactions, ({ transactionalIds }) => ({
      transactionStates: transactionalIds.map((transactionalId) => {
        if (transactionalId === 'none') return { transactionalId, errorCode: ERROR_CODES.TRANSACTIONAL_ID_NOT_FOUND }
        const topics = [{ topic: 't', partitions: [0, 1] }]
        return { transactionalId, transactionState: 'Ongoing', transactionStartTimeMs: -1, producerId: 4, topics }
      }),
    }))
    const described = await admin.describeTransactions(['x', 'none'])
    expect(described.get('x')).toMatchObject({
      coordinatorId: 1,
      transactionStartTimeMs: null,
      topicPartitions: [P0, P1],
    })
    expect(() => described.get('none')).toThrow('failed because the ID could not be found')
    let isBusy = true
    cluster.on(InitProducerId, ({ transactionalId }, { version }) => {
      expect(version).toBe(5)
      if (transactionalId === 'bad') return { errorCode: ERROR_CODES.TRANSACTIONAL_ID_AUTHORIZATION_FAILED }
      const errorCode = isBusy ? ERROR_CODES.CONCURRENT_TRANSACTIONS : 0
      isBusy = false
      return { producerId: 9, producerEpoch: 3, errorCode }
    })
    const fenced = await admin.fenceProducers(['x', 'bad'])
    expect(fenced.get('x')).toEqual({ producerId: 9, producerEpoch: 3 })
    await expect(admin.forceTerminateTransaction('bad')).rejects.toMatchObject({
      code: 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
    })
    await admin.forceTerminateTransaction('x')
  })
})

test('filters for transactions that a broker is too old for are refused', async () => {
  await withAdmin({ versions: { ListTransactions: { min: 0, max: 0 } } }, async ({ cluster, admin }) => {
    cluster.on(ListTransactions, () => ({}))
    expect((await admin.listTransactions({ durationMs: 1 })).errors[0]?.message).toContain(
      'Duration filter can be set only',
    )
    expect((await admin.listTransactions({ transactionalIdPattern: 'x' })).errors[0]?.message).toContain(
      'pattern filter',
    )
    expect((await admin.listTransactions({ states: ['Ongoing'] })).all()).toEqual([])
  })
})

test('producers are told by the leader or by the replica that is named; a mark ends what hangs', async () => {
  await withAdmin({ nodes: 2, topics: { t: 2 } }, async ({ cluster, admin }) => {
    cluster.on(DescribeProducers, ({ topics }, { node }) => ({
      topics: topics.map(({ name, partitionIndexes }) => ({
        name,
        partitions: partitionIndexes.map((partitionIndex) => ({
          partitionIndex,
          activeProducers: [{ producerId: node, producerEpoch: 1, coordinatorEpoch: -1, currentTxnStartOffset: 5 }],
        })),
      })),
    }))
    const outcomes = await admin.describeProducers([P0, P1])
    expect(outcomes.get(P1)).toMatchObject([
      { producerId: 2, coordinatorEpoch: null, currentTransactionStartOffset: 5 },
    ])
    const replica = await admin.describeProducers([P1], { brokerId: 1 })
    expect(replica.get(P1)).toMatchObject([{ producerId: 1 }])
    cluster.on(WriteTxnMarkers, ({ markers }) => {
      expect(markers[0]).toMatchObject({
        producerId: 7,
        producerEpoch: 2,
        coordinatorEpoch: 1,
        transactionResult: false,
      })
      const errorCode = ERROR_CODES.TRANSACTION_COORDINATOR_FENCED
      return { markers: [{ producerId: 7, topics: [{ name: 't', partitions: [{ partitionIndex: 0, errorCode }] }] }] }
    })
    const spec = { ...P0, producerId: 7, producerEpoch: 2, coordinatorEpoch: 1 }
    await expect(admin.abortTransaction(spec)).rejects.toMatchObject({ code: 'TRANSACTION_COORDINATOR_FENCED' })
  })
})

test('share groups are described, and their offsets listed, set and taken back', async () => {
  await withAdmin({}, async ({ cluster, admin }) => {
    coordinateAtOne(cluster)
    const assignment = { topicPartitions: [{ topicName: 't', partitions: [0] }] }
    cluster.on(ShareGroupDescribe, ({ groupIds }) => ({
      groups: groupIds.map((groupId) => ({ groupId, groupState: 'Stable', members: [{ memberId: 'm', assignment }] })),
    }))
    const described = await admin.describeShareGroups(['s'])
    expect(described.get('s')).toMatchObject({
      state: 'Stable',
      coordinator: { id: 1 },
      members: [{ assignment: [P0] }],
    })
    cluster.on(DescribeShareGroupOffsets, ({ groups }) => ({
      groups: groups.map(({ groupId, topics }) => {
        if (topics !== null) return { groupId, errorCode: ERROR_CODES.GROUP_ID_NOT_FOUND, errorMessage: 'not there' }
        const partitions = [
          { partitionIndex: 0, startOffset: 4, leaderEpoch: 1, lag: 2 },
          { partitionIndex: 1, startOffset: -1 },
        ]
        return { groupId, topics: [{ topicName: 't', partitions }] }
      }),
    }))
    const offsets = await admin.listShareGroupOffsets([{ groupId: 's' }, { groupId: 'n', partitions: [P0] }])
    expect(offsets.get('s').get(P0)).toEqual({ startOffset: 4, leaderEpoch: 1, lag: 2 })
    expect(offsets.get('s').get(P1)).toBeNull()
    expect(() => offsets.get('n')).toThrow('not there')
    cluster.on(AlterShareGroupOffsets, () => ({
      responses: [
        {
          topicName: 't',
          partitions: [{ partitionIndex: 0 }, { partitionIndex: 1, errorCode: ERROR_CODES.UNKNOWN_TOPIC_OR_PARTITION }],
        },
      ],
    }))
    const altered = await admin.alterShareGroupOffsets('s', [
      { ...P0, startOffset: 1 },
      { ...P1, startOffset: 1 },
    ])
    expect(altered.outcome(P0)).toBeUndefined()
    expect(altered.outcome(P1)).toMatchObject({ code: 'UNKNOWN_TOPIC_OR_PARTITION' })
    cluster.on(AlterShareGroupOffsets, () => ({ errorCode: ERROR_CODES.NON_EMPTY_GROUP, errorMessage: 'busy' }))
    const refused = await admin.alterShareGroupOffsets('s', [{ ...P0, startOffset: 1 }])
    expect(() => refused.all()).toThrow('busy')
    cluster.on(DeleteShareGroupOffsets, ({ topics }) => ({ responses: topics.map(({ topicName }) => ({ topicName })) }))
    await admin.deleteShareGroupOffsets('s', ['t', 'u']).then((outcomes) => outcomes.all())
  })
})

test('streams groups are described with topology and tasks', async () => {
  await withAdmin({}, async ({ cluster, admin }) => {
    coordinateAtOne(cluster)
    cluster.on(StreamsGroupDescribe, ({ groupIds }) => ({
      groups: groupIds.map((groupId) => {
        if (groupId === 'bare') return { groupId }
        const stateChangelogTopics = [
          { name: 'c', partitions: 0, replicationFactor: 0, topicConfigs: [{ key: 'a', value: 'b' }] },
        ]
        const topology = {
          epoch: 2,
          subtopologies: [{ subtopologyId: '0', sourceTopics: ['t'], stateChangelogTopics }],
        }
        const assignment = { activeTasks: [{ subtopologyId: '0', partitions: [0, 1] }] }
        return { groupId, topology, members: [{ memberId: 'm', userEndpoint: { host: 'h', port: 1 }, assignment }] }
      }),
    }))
    const outcomes = await admin.describeStreamsGroups(['s', 'bare'])
    expect(outcomes.get('s')).toMatchObject({
      topologyEpoch: 2,
      subtopologies: [{ stateChangelogTopics: [{ topicConfigs: { a: 'b' } }] }],
      members: [{ userEndpoint: { host: 'h' }, assignment: { activeTasks: [{ partition: 0 }, { partition: 1 }] } }],
    })
    expect(() => outcomes.get('bare')).toThrow('Topology information is missing')
  })
})

test('resources with settings are listed, by brokers before 4.1 those of client metrics only', async () => {
  await withAdmin({}, async ({ cluster, admin }) => {
    cluster.on(ListConfigResources, ({ resourceTypes }) => {
      expect(resourceTypes).toEqual([32])
      return { configResources: [{ resourceName: 'g', resourceType: 32 }] }
    })
    expect(await admin.listConfigResources(['GROUP'])).toEqual([{ type: 'GROUP', name: 'g' }])
  })
  await withAdmin({ versions: { ListConfigResources: { min: 0, max: 0 } } }, async ({ cluster, admin }) => {
    cluster.on(ListConfigResources, () => ({ configResources: [{ resourceName: 'm' }] }))
    expect(await admin.listClientMetricsResources()).toEqual(['m'])
    await expect(admin.listConfigResources()).rejects.toThrow('The v0 ListConfigResources only supports CLIENT_METRICS')
  })
})

test('the id of the client is asked for once', async () => {
  await withAdmin({}, async ({ cluster, admin }) => {
    cluster.on(GetTelemetrySubscriptions, () => ({ clientInstanceId: DIRECTORY }))
    expect(await admin.clientInstanceId()).toBe(DIRECTORY)
    expect(await admin.clientInstanceId()).toBe(DIRECTORY)
    expect(cluster.count(GetTelemetrySubscriptions)).toBe(1)
  })
})
