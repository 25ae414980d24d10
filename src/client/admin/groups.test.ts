import { expect, test } from 'vitest'
import { ByteWriter } from '../../base/byte-writer.ts'
import { ERROR_CODES } from '../../base/error-codes.ts'
import type { Init } from '../../protocol/codec.ts'
import { ConsumerGroupDescribe } from '../../protocol/generated/consumer-group-describe.ts'
import { ConsumerProtocolAssignment } from '../../protocol/generated/consumer-protocol-assignment.ts'
import { DeleteGroups } from '../../protocol/generated/delete-groups.ts'
import { DescribeGroups } from '../../protocol/generated/describe-groups.ts'
import { FindCoordinator, type FindCoordinatorResponse } from '../../protocol/generated/find-coordinator.ts'
import { LeaveGroup } from '../../protocol/generated/leave-group.ts'
import { ListGroups } from '../../protocol/generated/list-groups.ts'
import { OffsetCommit } from '../../protocol/generated/offset-commit.ts'
import { OffsetDelete } from '../../protocol/generated/offset-delete.ts'
import { OffsetFetch } from '../../protocol/generated/offset-fetch.ts'
import type { ScriptedCluster } from '../../testing/scripted/scripted-cluster.ts'
import { memberAssignment } from './member-assignment.ts'
import { withAdmin } from './test-admin.ts'

/** Group gN is at node N. */
function coordinateByName(cluster: ScriptedCluster, isMoving: (key: string) => boolean = () => false): void {
  const coordinator = (id: string) => {
    const errorCode = isMoving(id) ? ERROR_CODES.COORDINATOR_NOT_AVAILABLE : 0
    return { nodeId: Number(id.at(-1)), host: '127.0.0.1', port: 1, errorCode }
  }
  cluster.on(FindCoordinator, ({ key, coordinatorKeys }, { version }): Init<FindCoordinatorResponse> => {
    if (version < 4) return coordinator(key)
    return { coordinators: coordinatorKeys.map((id) => ({ key: id, ...coordinator(id) })) }
  })
}

test('groups are listed from all brokers; the failure of one is told beside what the others said', async () => {
  await withAdmin({ nodes: 3 }, async ({ cluster, admin }) => {
    cluster.on(ListGroups, (_, { node }) => {
      if (node === 3) return { errorCode: ERROR_CODES.CLUSTER_AUTHORIZATION_FAILED }
      const groupType = node === 1 ? 'Classic' : 'consumer'
      return { groups: [{ groupId: `g${node}`, protocolType: 'consumer', groupState: 'Stable', groupType }] }
    })
    cluster.once(ListGroups, () => ({ errorCode: ERROR_CODES.COORDINATOR_LOAD_IN_PROGRESS }))
    const listing = await admin.listGroups()
    expect(listing.valid.toSorted((one, other) => (one.groupId < other.groupId ? -1 : 1))).toEqual([
      { groupId: 'g1', type: 'Classic', protocol: 'consumer', state: 'Stable' },
      { groupId: 'g2', type: 'Consumer', protocol: 'consumer', state: 'Stable' },
    ])
    expect(() => listing.all()).toThrow('CLUSTER_AUTHORIZATION_FAILED')
    expect((await admin.listConsumerGroups()).valid).toHaveLength(2)
  })
})

test('filters that an old broker does not know are refused in the words of Java, but for types it only has', async () => {
  await withAdmin({ versions: { ListGroups: { min: 0, max: 3 } } }, async ({ cluster, admin }) => {
    cluster.on(ListGroups, () => ({ groups: [{ groupId: 'g', protocolType: 'consumer' }] }))
    const byState = await admin.listGroups({ states: ['Stable'] })
    expect(byState.errors[0]?.message).toBe(
      'The broker only supports ListGroups v3, but we need v4 or newer to request groups by states.',
    )
    const byType = await admin.listGroups({ types: ['Share'] })
    expect(byType.errors[0]?.message).toContain('Requested group types: [Share].')
    const classic = await admin.listGroups({ types: ['Consumer', 'Classic'] })
    expect(classic.all()).toEqual([{ groupId: 'g', type: null, protocol: 'consumer', state: null }])
  })
})

test('coordinators are looked up together, each is asked about its own, and one that moved is found again', async () => {
  await withAdmin({ nodes: 2 }, async ({ cluster, admin }) => {
    let isMoving = true
    coordinateByName(cluster, (key) => key === 'a2' && isMoving)
    cluster.on(DeleteGroups, ({ groupsNames }, { node }) => {
      if (node === 1) isMoving = false
      return {
        results: groupsNames.map((groupId) => ({
          groupId,
          errorCode: groupId === 'b1' ? ERROR_CODES.NON_EMPTY_GROUP : 0,
        })),
      }
    })
    cluster.once(DeleteGroups, ({ groupsNames }) => ({
      results: groupsNames.map((groupId) => ({ groupId, errorCode: ERROR_CODES.NOT_COORDINATOR })),
    }))
    const outcomes = await admin.deleteConsumerGroups(['a1', 'b1', 'a2'])
    expect(outcomes.outcome('a1')).toBeUndefined()
    expect(outcomes.outcome('a2')).toBeUndefined()
    expect(outcomes.outcome('b1')).toMatchObject({ code: 'NON_EMPTY_GROUP' })
    expect(cluster.log.filter((line) => line.startsWith('DeleteGroups'))).toHaveLength(3)
  })
})

test('before FindCoordinator 4 coordinators are looked up one by one', async () => {
  await withAdmin({ nodes: 2, versions: { FindCoordinator: { min: 0, max: 3 } } }, async ({ cluster, admin }) => {
    coordinateByName(cluster)
    cluster.on(DeleteGroups, ({ groupsNames }) => ({ results: groupsNames.map((groupId) => ({ groupId })) }))
    await admin.deleteShareGroups(['a1', 'a2', 'b2']).then((outcomes) => outcomes.all())
    expect(cluster.count(FindCoordinator)).toBe(3)
    expect(cluster.count(DeleteGroups)).toBe(2)
  })
})

test('a group that may not be looked up fails alone', async () => {
  await withAdmin({}, async ({ cluster, admin }) => {
    cluster.on(FindCoordinator, ({ coordinatorKeys }) => ({
      coordinators: coordinatorKeys.map((key) => ({
        key,
        nodeId: 1,
        errorCode: key === 'secret' ? ERROR_CODES.GROUP_AUTHORIZATION_FAILED : 0,
      })),
    }))
    cluster.on(DeleteGroups, ({ groupsNames }) => ({ results: groupsNames.map((groupId) => ({ groupId })) }))
    const outcomes = await admin.deleteStreamsGroups(['secret', 'open'])
    expect(outcomes.outcome('open')).toBeUndefined()
    expect(outcomes.outcome('secret')).toMatchObject({
      message: 'FindCoordinator request for groupId `secret` failed due to authorization failure',
    })
  })
})

test('a group is described by the new protocol, one that is none by the old, one that is nowhere with the better words', async () => {
  await withAdmin({}, async ({ cluster, admin }) => {
    coordinateByName(cluster)
    cluster.on(ConsumerGroupDescribe, ({ groupIds }) => ({
      groups: groupIds.map((groupId) => {
        if (groupId !== 'new1') {
          return { groupId, errorCode: ERROR_CODES.GROUP_ID_NOT_FOUND, errorMessage: `Group ${groupId} not found.` }
        }
        const assignment = { topicPartitions: [{ topicName: 't', partitions: [0, 2] }] }
        const member = { memberId: 'm', clientHost: '/1.2.3.4', memberEpoch: 4, memberType: 1, assignment }
        return {
          groupId,
          groupState: 'Stable',
          groupEpoch: 5,
          assignmentEpoch: 4,
          assignorName: 'uniform',
          members: [member],
        }
      }),
    }))
    const body = new ByteWriter()
    body.int16(3)
    ConsumerProtocolAssignment.write(body, { assignedPartitions: [{ topic: 'u', partitions: [1] }] }, 3)
    cluster.on(DescribeGroups, ({ groups }) => ({
      groups: groups.map((groupId) => {
        if (groupId === 'none1') return { groupId, errorCode: ERROR_CODES.GROUP_ID_NOT_FOUND }
        if (groupId === 'connect1') return { groupId, groupState: 'Stable', protocolType: 'connect' }
        const member = { memberId: 'c', groupInstanceId: 'i', memberAssignment: body.toBuffer() }
        return { groupId, groupState: 'Stable', protocolType: 'consumer', protocolData: 'range', members: [member] }
      }),
    }))
    const outcomes = await admin.describeConsumerGroups(['new1', 'old1', 'none1', 'connect1'])
    expect(outcomes.get('new1')).toMatchObject({
      type: 'Consumer',
      groupEpoch: 5,
      partitionAssignor: 'uniform',
      coordinator: { id: 1 },
      members: [
        {
          memberId: 'm',
          host: '/1.2.3.4',
          isClassic: false,
          assignment: [{ topic: 't', partition: 0 }, { partition: 2 }],
        },
      ],
    })
    expect(outcomes.get('old1')).toMatchObject({
      type: 'Classic',
      groupEpoch: null,
      members: [{ memberId: 'c', groupInstanceId: 'i', assignment: [{ topic: 'u', partition: 1 }] }],
    })
    expect(outcomes.outcome('none1')).toMatchObject({ code: 'GROUP_ID_NOT_FOUND', message: 'Group none1 not found.' })
    expect(outcomes.outcome('connect1')).toMatchObject({
      message: 'GroupId connect1 is not a consumer group (connect).',
    })
    const classic = await admin.describeClassicGroups(['connect1'])
    expect(classic.get('connect1')).toMatchObject({ protocol: 'connect', members: [] })
  })
})

test('an assignment that another program wrote is no assignment', () => {
  expect(memberAssignment(Buffer.from([0]))).toEqual([])
  expect(memberAssignment(Buffer.from([0, 1, 255, 255]))).toEqual([])
  expect(memberAssignment(Buffer.from([255, 255, 0, 0, 0, 0]))).toEqual([])
})

test('offsets of many groups are asked for together, with errors by group and by partition', async () => {
  await withAdmin({}, async ({ cluster, admin }) => {
    coordinateByName(cluster)
    cluster.on(OffsetFetch, ({ groups, requireStable }, { version }) => {
      expect([version, requireStable]).toEqual([9, true])
      return {
        groups: groups.map(({ groupId, topics }) => {
          if (groupId === 'b1') return { groupId, errorCode: ERROR_CODES.GROUP_AUTHORIZATION_FAILED }
          expect(topics).toBeNull()
          const partitions = [
            { partitionIndex: 0, committedOffset: 7, metadata: 'm', committedLeaderEpoch: 2 },
            { partitionIndex: 1, committedOffset: -1 },
            { partitionIndex: 2, committedOffset: -1, errorCode: ERROR_CODES.UNSTABLE_OFFSET_COMMIT },
          ]
          return { groupId, topics: [{ name: 't', partitions }] }
        }),
      }
    })
    const specs = [{ groupId: 'a1' }, { groupId: 'b1', partitions: [{ topic: 't', partition: 0 }] }]
    const outcomes = await admin.listConsumerGroupOffsets(specs, { requireStable: true })
    expect(cluster.count(OffsetFetch)).toBe(1)
    const offsets = outcomes.get('a1')
    expect(offsets.get({ topic: 't', partition: 0 })).toEqual({ offset: 7, metadata: 'm', leaderEpoch: 2 })
    expect(offsets.get({ topic: 't', partition: 1 })).toBeNull()
    expect(offsets.outcome({ topic: 't', partition: 2 })).toMatchObject({ code: 'UNSTABLE_OFFSET_COMMIT' })
    expect(outcomes.outcome('b1')).toMatchObject({ code: 'GROUP_AUTHORIZATION_FAILED' })
  })
})

test('old brokers are asked for the offsets of one group at a time, and before 2 not for all', async () => {
  await withAdmin({ versions: { OffsetFetch: { min: 0, max: 1 } } }, async ({ cluster, admin }) => {
    coordinateByName(cluster)
    let isFirst = true
    cluster.on(OffsetFetch, ({ topics }) => {
      const errorCode = isFirst ? ERROR_CODES.NOT_COORDINATOR : 0
      isFirst = false
      const partitions = [{ partitionIndex: 0, committedOffset: 3, errorCode }]
      return { topics: topics!.map(({ name }) => ({ name, partitions })) }
    })
    const partitions = [{ topic: 't', partition: 0 }]
    const outcomes = await admin.listStreamsGroupOffsets([{ groupId: 'a1', partitions }])
    expect(outcomes.get('a1').get(partitions[0]!)).toEqual({ offset: 3, metadata: '', leaderEpoch: null })
    const all = await admin.listConsumerGroupOffsets([{ groupId: 'a1' }])
    expect(all.outcome('a1')).toMatchObject({ code: 'UNSUPPORTED_VERSION' })
  })
})

test('offsets are set at the coordinator, and again after a rebalance; errors belong to partitions', async () => {
  await withAdmin({}, async ({ cluster, admin }) => {
    coordinateByName(cluster)
    cluster.on(OffsetCommit, ({ topics }, { version }) => {
      expect(version).toBe(9)
      return {
        topics: topics.map(({ name, partitions }) => ({
          name,
          partitions: partitions.map(({ partitionIndex }) => ({
            partitionIndex,
            errorCode: partitionIndex === 9 ? ERROR_CODES.UNKNOWN_TOPIC_OR_PARTITION : 0,
          })),
        })),
      }
    })
    cluster.once(OffsetCommit, ({ topics }) => {
      expect(topics[0]!.partitions[0]).toMatchObject({
        committedOffset: 5,
        committedMetadata: 'why',
        committedLeaderEpoch: -1,
      })
      return {
        topics: topics.map(({ name, partitions }) => ({
          name,
          partitions: partitions.map(({ partitionIndex }) => ({
            partitionIndex,
            errorCode: ERROR_CODES.REBALANCE_IN_PROGRESS,
          })),
        })),
      }
    })
    const outcomes = await admin.alterConsumerGroupOffsets('g1', [
      { topic: 't', partition: 0, offset: 5, metadata: 'why' },
      { topic: 't', partition: 9, offset: 5 },
    ])
    expect(outcomes.outcome({ topic: 't', partition: 0 })).toBeUndefined()
    expect(outcomes.outcome({ topic: 't', partition: 9 })).toMatchObject({ code: 'UNKNOWN_TOPIC_OR_PARTITION' })
    await admin.alterStreamsGroupOffsets('g1', [{ topic: 't', partition: 0, offset: 1 }]).then((all) => all.all())
  })
})

test('an error of the group is the error of each partition whose offset was to go', async () => {
  await withAdmin({}, async ({ cluster, admin }) => {
    coordinateByName(cluster)
    cluster.on(OffsetDelete, () => ({ errorCode: ERROR_CODES.GROUP_ID_NOT_FOUND }))
    const partition = { topic: 't', partition: 0 }
    const refused = await admin.deleteConsumerGroupOffsets('g1', [partition])
    expect(refused.outcome(partition)).toMatchObject({ code: 'GROUP_ID_NOT_FOUND' })
    cluster.on(OffsetDelete, ({ topics }) => ({
      topics: topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map((one) => ({ ...one, errorCode: ERROR_CODES.GROUP_SUBSCRIBED_TO_TOPIC })),
      })),
    }))
    const subscribed = await admin.deleteStreamsGroupOffsets('g1', [partition])
    expect(subscribed.outcome(partition)).toMatchObject({ code: 'GROUP_SUBSCRIBED_TO_TOPIC' })
  })
})

test('members leave by instance id or member id; without names all of the group', async () => {
  await withAdmin({}, async ({ cluster, admin }) => {
    coordinateByName(cluster)
    cluster.on(LeaveGroup, ({ members }) => ({
      members: members.map(({ memberId, groupInstanceId, reason }) => {
        expect(reason).toBe('tired')
        return { memberId, groupInstanceId, errorCode: memberId === 'gone' ? ERROR_CODES.UNKNOWN_MEMBER_ID : 0 }
      }),
    }))
    const members = [{ groupInstanceId: 'i' }, { memberId: 'gone' }]
    const outcomes = await admin.removeMembersFromConsumerGroup('g1', { members, reason: 'tired' })
    expect(outcomes.outcome({ groupInstanceId: 'i' })).toBeUndefined()
    expect(outcomes.outcome({ memberId: 'gone' })).toMatchObject({ code: 'UNKNOWN_MEMBER_ID' })
    cluster.on(ConsumerGroupDescribe, ({ groupIds }) => ({
      groups: [{ groupId: groupIds[0]!, members: [{ memberId: 'a', instanceId: 'x' }, { memberId: 'b' }] }],
    }))
    const all = await admin.removeMembersFromConsumerGroup('g1', { reason: 'tired' })
    expect([...all.all().keys()]).toEqual([{ groupInstanceId: 'x' }, { memberId: 'b' }])
  })
})

test('before 2.4 members leave one by one, and have no instance ids', async () => {
  await withAdmin({ versions: { LeaveGroup: { min: 0, max: 2 } } }, async ({ cluster, admin }) => {
    coordinateByName(cluster)
    cluster.on(LeaveGroup, ({ memberId }) => ({ errorCode: memberId === 'b' ? ERROR_CODES.UNKNOWN_MEMBER_ID : 0 }))
    const members = [{ memberId: 'a' }, { memberId: 'b' }, { groupInstanceId: 'i' }]
    const outcomes = await admin.removeMembersFromConsumerGroup('g1', { members })
    expect([...outcomes.errors().values()]).toMatchObject([
      { code: 'UNKNOWN_MEMBER_ID' },
      { code: 'UNSUPPORTED_VERSION' },
    ])
  })
})
