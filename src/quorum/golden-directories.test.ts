/** Metadata directories written by Apache Kafka: what they hold is what Kafka's own tools said they hold. */
import { readFileSync, readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parseUuid } from '../base/uuid.ts'
import { CONFIG_RESOURCE } from '../metadata/configs-image.ts'
import { imageRecords } from '../metadata/image-records.ts'
import { EMPTY_IMAGE, type MetadataImage } from '../metadata/image.ts'
import { replayAll } from '../metadata/delta.ts'
import { LogReplay } from '../metadata/log-replay.ts'
import { decodeMetadataRecord, encodeMetadataRecord } from '../metadata/metadata-records.ts'
import { BatchCursor } from '../records/batches.ts'
import { startMetadataNode } from '../testing/metadata-node.ts'
import { plainImage } from '../testing/plain-image.ts'
import { SeededWorld } from '../testing/seeded-world.ts'

const GOLDEN = new URL('../../test/golden/metadata/', import.meta.url)
const DIRECTORIES = [
  {
    name: 'kraft-single-clean',
    directoryId: parseUuid('nLiBKRtUTHOn4PqZgTBHRQ')!,
    quorumState: '"leaderEpoch":2,"votedId":-1,"votedDirectoryId":"AAAAAAAAAAAAAAAAAAAAAA","data_version":1',
  },
  {
    name: 'kraft39-static',
    directoryId: parseUuid('8mUbImtwahfqhEgmeGYqsA')!,
    quorumState: '"leaderEpoch":2,"votedId":-1,"appliedOffset":0,"currentVoters":[{"voterId":1}],"data_version":0',
  },
]

const PATTERNS: Readonly<Record<number, string>> = { 3: 'LITERAL', 4: 'PREFIXED' }
const RESOURCES = ['', '', 'TOPIC', 'GROUP', 'CLUSTER', 'TRANSACTIONAL_ID', 'DELEGATION_TOKEN', 'USER']
const OPERATIONS = [
  '',
  '',
  'ALL',
  'READ',
  'WRITE',
  'CREATE',
  'DELETE',
  'ALTER',
  'DESCRIBE',
  'CLUSTER_ACTION',
  '',
  '',
  '',
  'CREATE_TOKENS',
]

function configsOf(image: MetadataImage, type: number): object {
  return Object.fromEntries(
    [...image.configs.all()]
      .filter((one) => one.type === type)
      .map((one) => [one.name, Object.fromEntries(one.values)]),
  )
}

/** In the words of the golden file. */
function described(image: MetadataImage, kraftVersion: number): object {
  const { BROKER, GROUP, CLIENT_METRICS, TOPIC } = CONFIG_RESOURCE
  const scram: Record<string, string[]> = {}
  for (const one of [...image.scram.values()].sort((left, right) => left.mechanism - right.mechanism)) {
    ;(scram[one.name] ??= []).push(`SCRAM_SHA_${one.mechanism === 1 ? 256 : 512}:${one.iterations}`)
  }
  const brokers = Object.entries(configsOf(image, BROKER))
  const features = { 'metadata.version': image.features.metadataVersion, ...Object.fromEntries(image.features.levels) }
  return {
    features: kraftVersion > 0 ? { ...features, 'kraft.version': kraftVersion } : features,
    acls: [...image.acls.values()]
      .map((acl) =>
        [
          RESOURCES[acl.resourceType],
          acl.resourceName,
          PATTERNS[acl.patternType],
          acl.principal,
          acl.host,
          OPERATIONS[acl.operation],
          acl.permissionType === 3 ? 'ALLOW' : 'DENY',
        ].join('|'),
      )
      .sort(),
    quotas: Object.fromEntries(
      [...image.quotas.values()].map(({ parts, values }) => [
        `{${parts.map((part) => `${part.type}=${part.name}`).join(', ')}}`,
        Object.fromEntries(values),
      ]),
    ),
    scram,
    topicConfigs: configsOf(image, TOPIC),
    brokerConfigs: Object.fromEntries(brokers.filter(([name]) => name !== '')),
    brokerDefaultConfigs: Object.fromEntries(brokers.filter(([name]) => name === '')),
    groupConfigs: configsOf(image, GROUP),
    clientMetricsConfigs: configsOf(image, CLIENT_METRICS),
    topics: Object.fromEntries(
      [...image.topics.all()].map((topic) => [
        topic.name,
        { id: topic.id, partitions: topic.partitions.map((one) => one.replicas) },
      ]),
    ),
    delegationTokens: Object.fromEntries(
      [...image.delegationTokens.values()].map(
        ({ tokenId, expirationTimestamp, issueTimestamp, maxTimestamp, owner, renewers, requester }) => [
          tokenId,
          { expiry: expirationTimestamp, issue: issueTimestamp, max: maxTimestamp, owner, renewers, requester },
        ],
      ),
    ),
  }
}

for (const { name, directoryId, quorumState } of DIRECTORIES) {
  test(`${name}: the directory opens, the image is what Kafka described, and the epoch is one higher`, async () => {
    const world = new SeededWorld(1)
    await world.run(async () => {
      const files = readdirSync(new URL(`${name}/`, GOLDEN))
      await world.disk.makeDirectory('/data/__cluster_metadata-0')
      for (const file of files) {
        if (file === 'expected.json') continue
        await world.disk.writeFile(
          `/data/__cluster_metadata-0/${file}`,
          readFileSync(new URL(`${name}/${file}`, GOLDEN)),
        )
      }
      const { clusterId, ...expected } = JSON.parse(readFileSync(new URL(`${name}/expected.json`, GOLDEN), 'utf8'))
      const { controller, quorum } = await startMetadataNode(world, { logDirectory: '/data', directoryId, clusterId })
      expect(described(controller.image, quorum.kraftVersion)).toEqual(expected)
      expect(quorum.epoch).toBe(2)
      const state = await world.disk.readFile('/data/__cluster_metadata-0/quorum-state')
      expect(state?.toString()).toContain(quorumState)

      const image = controller.image
      await controller.close()
      const again = await startMetadataNode(world, { logDirectory: '/data', directoryId, clusterId })
      expect(again.quorum.epoch).toBe(3)
      expect(plainImage(again.controller.image)).toEqual(plainImage(image))
      await again.controller.close()
    })
  })

  test(`${name}: image → records → bytes → image is the identity`, async () => {
    const replay = new LogReplay(EMPTY_IMAGE)
    const files = readdirSync(new URL(`${name}/`, GOLDEN)).filter((file) => /^\d+-\d+\.checkpoint$/.test(file))
    const newest = files.sort().at(-1)!
    const bytes = readFileSync(new URL(`${name}/${newest}`, GOLDEN))
    const cursor = new BatchCursor().reset(bytes)
    while (cursor.next()) replay.replayBatch(bytes, cursor.at)
    const { image } = replay.take()
    const records = [...imageRecords(image)].map((record) => decodeMetadataRecord(encodeMetadataRecord(record)))
    expect(plainImage(replayAll(EMPTY_IMAGE, records))).toEqual(plainImage(image))
  })
}

test('replaying the whole log gives the same image as each of its snapshots with the log behind it', () => {
  const directory = new URL('kraft-single-clean/', GOLDEN)
  const log = readFileSync(new URL('00000000000000000000.log', directory))
  const whole = new LogReplay(EMPTY_IMAGE)
  for (const cursor = new BatchCursor().reset(log); cursor.next();) whole.replayBatch(log, cursor.at)
  const expected = plainImage(whole.take().image)
  const snapshots = readdirSync(directory).filter((file) => /^\d+-\d+\.checkpoint$/.test(file))
  expect(snapshots.length).toBe(6)
  for (const name of snapshots) {
    const endOffset = Number(name.slice(0, 20))
    const bytes = readFileSync(new URL(name, directory))
    const replay = new LogReplay(EMPTY_IMAGE)
    for (const cursor = new BatchCursor().reset(bytes); cursor.next();) replay.replayBatch(bytes, cursor.at)
    for (const cursor = new BatchCursor().reset(log); cursor.next();) {
      if (log.readBigInt64BE(cursor.at) >= endOffset) replay.replayBatch(log, cursor.at)
    }
    expect(plainImage(replay.take().image), name).toEqual(expected)
  }
})
