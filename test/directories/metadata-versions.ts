/**
 * Every metadata.version that Kafka 4.3.1 can format: Kafka formats a directory, Klamm runs on it (topics, settings, a
 * snapshot, a restart), Kafka opens it again. The records that Klamm wrote mean the same to Kafka: Kafka loads them without
 * complaint, and Kafka's own dump of the log, replayed, tells of the topics and settings that were made.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { CreateTopics } from '../../src/protocol/generated/create-topics.ts'
import { IncrementalAlterConfigs } from '../../src/protocol/generated/incremental-alter-configs.ts'
import { wireDocument } from '../../scripts/fixtures/node-state.ts'
import { compareStates, type StateDocument } from '../../scripts/fixtures/state-document.ts'
import { Metadata } from '../../src/protocol/generated/metadata.ts'
import { kafkaTool, startKafka } from './kafka.ts'
import { connectTo, startKlamm } from './node.ts'
import { makePlace, type Place } from './place.ts'
import { format } from './same-files.ts'
import { untilLed } from './send-stream.ts'

const FIRST = 7
const LAST = 30
/** Voters live in the metadata log from here on; before, they are named in the properties. */
const DYNAMIC_VOTERS_FROM = 21
const NODE_ID = 1
const TIMEOUT_MS = 30_000
const SNAPSHOT_TRIES_MAX = 2000
const OF_LEADERSHIP: ReadonlySet<string> = new Set([
  'leader',
  'leaderEpoch',
  'partitionEpoch',
  'isr',
  'eligibleLeaderReplicas',
  'lastKnownElr',
])
const METADATA_LOG = '__cluster_metadata-0'

export async function* metadataVersions(
  directory: string,
  wanted: readonly number[] = Array.from({ length: LAST - FIRST + 1 }, (_, at) => FIRST + at),
): AsyncGenerator<readonly [string, readonly string[]]> {
  for (const level of wanted) {
    const dynamic = level >= DYNAMIC_VOTERS_FROM
    const place = await placeFor(join(directory, `level-${level}`), dynamic)
    const formatted = dynamic ? ['--standalone'] : []
    format(place, [...formatted, '--feature', `metadata.version=${level}`])
    const first = await filledByKlamm(place)
    const again = await startKlamm(place)
    const second = await documentOf(place)
    yield [`metadata.version ${level}: Klamm after its own restart`, compareStates(first, second)]
    await again.node.close()
    const ofKlamm = snapshotNames(place)
    const kafka = await startKafka(place.propertiesFile, place.port)
    const theirs = await documentOf(place)
    await untilSnapshot(place, ofKlamm)
    await kafka.stop()
    yield [`metadata.version ${level}: Kafka tells what Klamm told`, compareStates(second, theirs)]
    yield [`metadata.version ${level}: Kafka has nothing to complain of`, kafka.complaints()]
    const dumped = dump(place)
    yield [`metadata.version ${level}: Kafka's dump reads every record`, dumped.bad]
    yield [`metadata.version ${level}: equal snapshots`, snapshotDifferences(dumped, ofKlamm)]
  }
}

function placeFor(directory: string, dynamic: boolean): Promise<Place> {
  // Snapshots within the test.
  const settings = { 'metadata.log.max.record.bytes.between.snapshots': '100' }
  return makePlace(directory, settings, ['data'], dynamic ? 'dynamic' : 'static')
}

async function filledByKlamm(place: Place): Promise<StateDocument> {
  const { node } = await startKlamm(place)
  const client = await connectTo(place.port)
  const { topics } = await client.request(CreateTopics, 7, {
    topics: ['first', 'second'].map((name) => ({
      name,
      numPartitions: 3,
      replicationFactor: 1,
      configs: [{ name: 'retention.ms', value: '123456789' }],
    })),
    timeoutMs: TIMEOUT_MS,
  })
  for (const { errorCode, errorMessage } of topics) {
    if (errorCode !== 0) throw new Error(`CreateTopics: error ${errorCode}: ${errorMessage}`)
  }
  const { responses } = await client.request(IncrementalAlterConfigs, 1, {
    resources: [
      {
        resourceType: 2,
        resourceName: 'first',
        configs: [{ name: 'max.message.bytes', configOperation: 0, value: '777777' }],
      },
      {
        resourceType: 4,
        resourceName: '',
        configs: [{ name: 'message.max.bytes', configOperation: 0, value: '888888' }],
      },
    ],
  })
  for (const { errorCode, errorMessage } of responses) {
    if (errorCode !== 0) throw new Error(`IncrementalAlterConfigs: error ${errorCode}: ${errorMessage}`)
  }
  client.close()
  const document = await documentOf(place)
  await node.close()
  return document
}

/** Without offsets: each opening begins a new leader epoch. */
async function documentOf({ port }: Place): Promise<StateDocument> {
  const client = await connectTo(port)
  const { topics } = await client.request(Metadata, 12, { topics: null })
  for (const { name, partitions } of topics) await untilLed(client, { name: name ?? '', partitions: partitions.length })
  const { offsets: _, ...document } = await wireDocument(client, NODE_ID)
  client.close()
  return document
}

interface Dump {
  /** Lines that Kafka's tool can't make sense of. */
  readonly bad: readonly string[]
  /** By file name: the records of a snapshot as JSON, sorted. */
  readonly snapshots: ReadonlyMap<string, readonly string[]>
}

/** The metadata log and its snapshots as Kafka's own tool reads them. */
function dump({ directory, logDirs }: Place): Dump {
  const log = join(logDirs[0] ?? '', METADATA_LOG)
  const files = readdirSync(log).filter((name) => name.endsWith('.log') || name.endsWith('.checkpoint'))
  const args = ['--cluster-metadata-decoder', '--files', files.map((name) => join(log, name)).join(',')]
  const text = kafkaTool(directory, 'org.apache.kafka.tools.DumpLogSegments', args)
  const bad = text.split('\n').filter((line) => /isvalid: false|Error at|Could not|skipping/i.test(line))
  const snapshots = new Map<string, string[]>()
  for (const section of text.split(/^Dumping /m).slice(1)) {
    const [name] = /[0-9]{20}-[0-9]{10}\.checkpoint/.exec(section.slice(0, section.indexOf('\n'))) ?? []
    if (name === undefined || name.startsWith('0'.repeat(20))) continue
    const payloads = [...section.matchAll(/ payload: (\{"type".*\})$/gm)].map(([, json]) => lasting(json ?? '{}'))
    snapshots.set(name, payloads.filter((json) => json !== '').sort())
  }
  return { bad, snapshots }
}

/** Without what each start and end changes: registrations, who leads, who is in sync or eligible. */
function lasting(json: string): string {
  const { type, version, data } = JSON.parse(json) as { type: string; version: number; data: Record<string, unknown> }
  if (type === 'REGISTER_BROKER_RECORD' || type === 'REGISTER_CONTROLLER_RECORD') return ''
  const others = Object.fromEntries(Object.entries(data).filter(([field]) => !OF_LEADERSHIP.has(field)))
  return JSON.stringify({ type, version, data: others })
}

/** The last snapshot that Klamm wrote and the last one of Kafka's hold the same records. */
function snapshotDifferences({ snapshots }: Dump, ofKlamm: ReadonlySet<string>): string[] {
  const names = [...snapshots.keys()].sort()
  const ours = names.findLast((name) => ofKlamm.has(name))
  const theirs = names.findLast((name) => !ofKlamm.has(name))
  if (ours === undefined || theirs === undefined) return [`snapshots: ${names.join(', ')}`]
  const [left, right] = [snapshots.get(theirs) ?? [], snapshots.get(ours) ?? []]
  return [
    ...left.filter((record) => !right.includes(record)).map((record) => `only in Kafka's ${theirs}: ${record}`),
    ...right.filter((record) => !left.includes(record)).map((record) => `only in Klamm's ${ours}: ${record}`),
  ]
}

/** Kafka writes snapshots in a thread of its own. */
async function untilSnapshot(place: Place, known: ReadonlySet<string>): Promise<void> {
  for (let tries = 0; tries < SNAPSHOT_TRIES_MAX; tries++) {
    if ([...snapshotNames(place)].some((name) => !known.has(name))) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error('Kafka wrote no snapshot')
}

function snapshotNames({ logDirs }: Place): ReadonlySet<string> {
  return new Set(readdirSync(join(logDirs[0] ?? '', METADATA_LOG)).filter((name) => name.endsWith('.checkpoint')))
}
