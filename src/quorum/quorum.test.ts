/** Which directories a quorum of one opens, which it refuses, and what its snapshots let go. */
import { expect, test } from 'vitest'
import { METADATA_TOPIC_ID, ZERO_UUID, type Uuid } from '../base/uuid.ts'
import { bootstrapValues, decodeBootstrap } from '../metadata/bootstrap.ts'
import { featureRanges } from '../metadata/features.ts'
import { startMetadataNode } from '../testing/metadata-node.ts'
import { plainImage } from '../testing/plain-image.ts'
import { SeededWorld } from '../testing/seeded-world.ts'
import { KRAFT_VERSIONS, type Voter } from '../raft/voters.ts'
import { BrokerRegistrationRequest } from '../protocol/generated/broker-registration.ts'
import { formatDirectory, readBootstrap } from './format.ts'
import { formatQuorumState, parseQuorumState } from './quorum-state-file.ts'

const DIRECTORY_ID = 'ddddddddddddddddddddDA' as Uuid
const OTHER_ID = 'eeeeeeeeeeeeeeeeeeeeeA' as Uuid
const voter = (id: number, directoryId: Uuid): Voter => {
  const endpoints = [{ name: 'CONTROLLER', host: '127.0.0.1', port: 9093 }]
  return { id, directoryId, endpoints, kraftVersions: KRAFT_VERSIONS }
}

async function format(world: SeededWorld, voters: readonly Voter[] | null): Promise<void> {
  const { disk, clock, random } = world
  const values = bootstrapValues(30)
  const identity = { clusterId: 'cccccccccccccccccccccA', nodeId: 1, directoryId: DIRECTORY_ID }
  await formatDirectory({ disk, clock, random, directory: '/data', ...identity, bootstrapValues: values, voters })
}

test('a formatted directory opens with kraft.version 1 and its voter in the first batch of the log', async () => {
  const world = new SeededWorld(1)
  await world.run(async () => {
    await format(world, [voter(1, DIRECTORY_ID)])
    const batches = (await readBootstrap(world.disk, '/data'))!
    expect(decodeBootstrap(batches)).toMatchObject([{ type: 'FeatureLevelRecord', data: { featureLevel: 30 } }])
    const options = { logDirectory: '/data', directoryId: DIRECTORY_ID, staticVoterIds: [] }
    const { controller, quorum } = await startMetadataNode(world, options)
    expect(quorum.kraftVersion).toBe(1)
    expect(quorum.voters).toEqual([voter(1, DIRECTORY_ID)])
    // leader change, kraft.version and voters share the first batch
    expect(quorum.endOffset).toBe(7)
    await controller.close()
    // A power loss of the 0-0 snapshot's directory entry would not matter any more: the log has the voters.
    await world.disk.remove('/data/__cluster_metadata-0/00000000000000000000-0000000000.checkpoint')
    const again = await startMetadataNode(world, options)
    expect(again.quorum.voters).toEqual([voter(1, DIRECTORY_ID)])
    await again.controller.close()
  })
})

test('with more than one voter, another one, another directory, or none, a controller stands by', async () => {
  const cases: [readonly Voter[] | null, readonly number[]][] = [
    [[voter(1, DIRECTORY_ID), voter(2, OTHER_ID)], []],
    [[voter(2, DIRECTORY_ID)], []],
    [[voter(1, OTHER_ID)], []],
    [null, []],
    [null, [1, 2, 3]],
    [null, [2]],
  ]
  for (const [voters, staticVoterIds] of cases) {
    const world = new SeededWorld(2)
    await world.run(async () => {
      await format(world, voters)
      const options = { logDirectory: '/data', directoryId: DIRECTORY_ID, staticVoterIds }
      const { controller, quorum } = await startMetadataNode(world, options)
      await world.advance(10_000)
      expect([controller.isActive, quorum.isLeader, quorum.isAlone, quorum.endOffset]).toEqual([false, false, false, 0])
      await controller.close()
    })
  }
})

test('a snapshot that is not whole is corruption, and leftovers of a crash are removed', async () => {
  const world = new SeededWorld(3)
  await world.run(async () => {
    await format(world, [voter(1, DIRECTORY_ID)])
    const directory = '/data/__cluster_metadata-0'
    const name = '00000000000000000000-0000000000.checkpoint'
    const whole = (await world.disk.readFile(`${directory}/${name}`))!
    await world.disk.writeFile(`${directory}/00000000000000000009-0000000001-x.checkpoint.part`, whole)
    await world.disk.writeFile(`${directory}/00000000000000000009-0000000001.checkpoint.deleted`, whole)
    await world.disk.writeFile(`${directory}/${name}`, whole.subarray(0, whole.length - 10))
    const options = { logDirectory: '/data', directoryId: DIRECTORY_ID, staticVoterIds: [] }
    await expect(startMetadataNode(world, options)).rejects.toMatchObject({ code: 'LOG_CORRUPT' })
    const names = (await world.disk.list(directory))!.map((entry) => entry.name)
    expect(names.filter((one) => one.endsWith('.part') || one.endsWith('.deleted'))).toEqual([])
  })
})

test('retention deletes old snapshots, never the last, and a start afterwards has everything', async () => {
  const world = new SeededWorld(4)
  await world.run(async () => {
    await format(world, [voter(1, DIRECTORY_ID)])
    const options = { logDirectory: '/data', directoryId: DIRECTORY_ID, staticVoterIds: [] }
    const { controller, quorum } = await startMetadataNode(world, {
      ...options,
      snapshotBytes: 2000,
      retentionBytes: 1,
    })
    await controller.registerBroker(
      BrokerRegistrationRequest.make({
        brokerId: 1,
        clusterId: 'test-cluster-0000000000',
        incarnationId: OTHER_ID,
        features: featureRanges(),
        logDirs: [DIRECTORY_ID],
      }),
      { apiVersion: 4, clientHost: null },
    )
    for (let index = 0; index < 50; index++) {
      await controller.registerBroker(
        BrokerRegistrationRequest.make({
          brokerId: 100 + index,
          clusterId: 'test-cluster-0000000000',
          incarnationId: OTHER_ID,
          features: featureRanges(),
          logDirs: [`ddddddddddddddddddd${index % 10}${'ABCDEFGHIJ'[Math.floor(index / 10)]}A` as Uuid],
        }),
        { apiVersion: 4, clientHost: null },
      )
    }
    await world.advance(1000)
    const list = async (): Promise<string[]> =>
      (await world.disk.list('/data/__cluster_metadata-0'))!.map((entry) => entry.name)
    expect((await list()).filter((name) => name.endsWith('.checkpoint')).length).toBe(1)
    expect((await list()).filter((name) => name.endsWith('.deleted')).length).toBeGreaterThan(0)
    await world.advance(61_000)
    expect((await list()).filter((name) => name.endsWith('.deleted') && name.includes('checkpoint'))).toEqual([])
    expect(quorum.latestSnapshot?.endOffset).toBeGreaterThan(0)
    const image = plainImage(controller.image)
    await controller.close()
    const again = await startMetadataNode(world, options)
    expect(plainImage(again.controller.image)).toEqual(image)
    await again.controller.close()
  })
})

test("quorum-state is Kafka's, in both versions, and reads back", () => {
  const election = { leaderId: 1, leaderEpoch: 2, votedId: -1, votedDirectoryId: ZERO_UUID }
  const dynamic =
    '{"leaderId":1,"leaderEpoch":2,"votedId":-1,"votedDirectoryId":"AAAAAAAAAAAAAAAAAAAAAA","data_version":1}'
  const fixed =
    '{"clusterId":"","leaderId":1,"leaderEpoch":2,"votedId":-1,"appliedOffset":0,"currentVoters":[{"voterId":1}],"data_version":0}'
  expect(formatQuorumState({ election, voterIds: null })).toBe(dynamic)
  expect(formatQuorumState({ election, voterIds: [1] })).toBe(fixed)
  expect(parseQuorumState(dynamic, 'x')).toEqual({ election, voterIds: null })
  expect(parseQuorumState(fixed, 'x')).toEqual({ election, voterIds: [1] })
  for (const bad of ['', '[]', '{"data_version":7}', '{"data_version":1,"leaderId":"a"}']) {
    expect(() => parseQuorumState(bad, 'x')).toThrow(/x: /)
  }
  expect(METADATA_TOPIC_ID).toBe('AAAAAAAAAAAAAAAAAAAAAQ')
})

test('a full disk at the end lets the metadata log go all the same', async () => {
  const world = new SeededWorld(12)
  await world.run(async () => {
    await format(world, [voter(1, DIRECTORY_ID)])
    const options = { logDirectory: '/data', directoryId: DIRECTORY_ID, staticVoterIds: [] }
    const { controller } = await startMetadataNode(world, options)
    world.main.disk.failNext({ kinds: ['write', 'writeNow', 'truncate'], path: '__cluster_metadata', code: 'ENOSPC' })
    await controller.close()
    expect(world.main.disk.held()).toEqual([])
    world.main.disk.forgetRequested()
    const again = await startMetadataNode(world, options)
    await again.controller.close()
  })
})
