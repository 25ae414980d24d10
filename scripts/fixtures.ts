/**
 * `npm run fixtures -- DIR…`: opens copies of data directories that Apache Kafka wrote, and compares what is found in
 * them with what Kafka found (`expected/state.json` beside each `data.tar.gz`).
 *
 * DIR is one fixture or a folder of them. Retention and expiry are off: the directories age, and what they hold must not
 * be removed by it. Each is opened twice: by the log layer alone, and by a whole node which is asked over its network. The
 * last line is `N passed, N failed`; one check is one section of the document, or one list of files. Of the directories of a
 * cluster the metadata logs are compared.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import type { Logger } from '../src/base/logger.ts'
import { DEFAULT_LOG_CONFIG, type LogConfig } from '../src/config/log-config.ts'
import { openLogDirectories } from '../src/storage/log-directories.ts'
import { DEFAULT_MAINTENANCE_INTERVALS } from '../src/storage/log-maintenance.ts'
import { unlimitedMoves } from '../src/storage/log-moves.ts'
import { LogManager } from '../src/storage/log-manager.ts'
import { topicPartitionName } from '../src/storage/topic-partition.ts'
import { nodeWorld } from '../src/world/node/index.ts'
import { checkCluster, nodesOf } from './fixtures/check-cluster.ts'
import { checkNode } from './fixtures/check-node.ts'
import { compareFiles, filesBelow, parseFileList } from './fixtures/files-after-load.ts'
import { partitionState, type PartitionState } from './fixtures/log-state.ts'
import { compareStates, isObject, type StateDocument } from './fixtures/state-document.ts'

/** Nothing is deleted; index files as small as those that the fixtures were made with. */
const QUIET_CONFIG: LogConfig = {
  ...DEFAULT_LOG_CONFIG,
  delete: false,
  retentionMs: -1,
  retentionBytes: -1,
  segmentIndexBytes: 65_536,
}
/** As long as Kafka can be told to remember idle producers. */
const PRODUCER_ID_EXPIRATION_MS = 2_147_483_647
const verbose = process.argv.includes('--verbose')
const logger: Logger = {
  debug: () => {},
  info: (message) => (verbose ? console.log(`  ${message}`) : undefined),
  warn: (message, error) => (verbose ? console.log(`  WARN ${message}`, error ?? '') : undefined),
  error: (message, error) => console.log(`  ERROR ${message}`, error ?? ''),
}

let passed = 0
let failed = 0

const given = process.argv.slice(2).filter((argument) => !argument.startsWith('--'))
if (given.length === 0) {
  console.error('usage: npm run fixtures -- DIR… [--verbose]')
  process.exit(2)
}
for (const fixture of given.flatMap(fixturesOf)) await run(fixture)
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed === 0 && passed > 0 ? 0 : 1)

function fixturesOf(folder: string): string[] {
  if (existsSync(join(folder, 'data.tar.gz'))) return [folder]
  const folders = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  return folders.map(({ name }) => join(folder, name)).filter((path) => existsSync(join(path, 'data.tar.gz')))
}

async function run(fixture: string): Promise<void> {
  const copy = mkdtempSync(join(tmpdir(), 'klamm-fixture-'))
  try {
    unpack(fixture, copy)
    const expected: unknown = JSON.parse(readFileSync(join(fixture, 'expected/state.json'), 'utf8'))
    if (!isObject(expected)) throw new Error('expected/state.json is no object')
    if (nodesOf(copy).length > 0) {
      for await (const { name, differences } of checkCluster(copy, expected)) {
        report(`${basename(fixture)} ${name}`, differences)
      }
      return
    }
    const filesPath = join(fixture, 'expected/files-after-load.txt')
    const files = existsSync(filesPath) ? parseFileList(readFileSync(filesPath, 'utf8')) : null
    await checkLogs(basename(fixture), copy, expected, files)
    rmSync(copy, { recursive: true })
    mkdirSync(copy)
    unpack(fixture, copy)
    for await (const { name, differences } of checkNode(copy, expected, logger)) {
      report(`${basename(fixture)} ${name}`, differences)
    }
  } catch (error) {
    report(`${basename(fixture)}: opens`, [error instanceof Error ? (error.stack ?? error.message) : String(error)])
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}

function unpack(fixture: string, directory: string): void {
  execFileSync('tar', ['xzf', join(fixture, 'data.tar.gz'), '-C', directory])
}

/** What the log layer alone can know, and after a clean shutdown the same once more. */
async function checkLogs(
  name: string,
  root: string,
  expected: StateDocument,
  files: ReadonlyMap<string, number> | null,
): Promise<void> {
  const first = await openLogs(root, expected)
  const loadedFiles = filesBelow(root)
  report(`${name}: state of the logs`, compareStates(expected, await logDocument(first)))
  if (files !== null) report(`${name}: files after loading`, compareFiles(files, loadedFiles))
  await first.close(1)
  const second = await openLogs(root, expected)
  report(`${name}: state after a clean shutdown`, compareStates(expected, await logDocument(second)))
  await second.close(2)
}

async function openLogs(root: string, expected: StateDocument): Promise<LogManager> {
  const world = nodeWorld()
  const paths = readdirSync(root)
    .map((entry) => join(root, entry))
    .filter((path) => existsSync(join(path, 'meta.properties')))
    .sort()
  const { disk, clock, random } = world
  const identity = { metadataPath: null, clusterId: null, nodeId: 1 }
  const directories = await openLogDirectories({ disk, clock, random, logger, paths, ...identity })
  const ids = topicIds(expected)
  const manager = await LogManager.load({
    disk,
    clock,
    random,
    logger,
    directories,
    defaultConfig: QUIET_CONFIG,
    topicConfigs: topicConfigs(expected),
    producerIdExpirationMs: PRODUCER_ID_EXPIRATION_MS,
    tailCache: null,
    intervals: DEFAULT_MAINTENANCE_INTERVALS,
    inFlightMax: 16,
    isKnown: ({ topicId }) => topicId !== null && ids.has(topicId),
    assignedDirectory: () => null,
    moveLimits: unlimitedMoves(clock),
  })
  for (const log of manager.all()) {
    const epoch = leaderEpochOf(expected, topicPartitionName(log.topicPartition.topic, log.topicPartition.partition))
    if (epoch !== null && epoch > log.latestEpoch) await log.assignEpoch(epoch)
  }
  return manager
}

async function logDocument(manager: LogManager): Promise<StateDocument> {
  const offsets: Record<string, PartitionState['offsets']> = {}
  const records: Record<string, PartitionState['records']> = {}
  for (const log of manager.all()) {
    const name = topicPartitionName(log.topicPartition.topic, log.topicPartition.partition)
    const state = await partitionState(log)
    offsets[name] = state.offsets
    records[name] = state.records
  }
  return { offsets, records }
}

/** The metadata log knows it, a partition log does not: Kafka's answer for `latest` tells. */
function leaderEpochOf(expected: StateDocument, partition: string): number | null {
  const offsets = expected['offsets']
  const state = isObject(offsets) ? offsets[partition] : null
  const latest: unknown = isObject(state) ? state['latest'] : null
  const epoch: unknown = Array.isArray(latest) ? latest[2] : null
  return typeof epoch === 'number' ? epoch : null
}

/** Only what decides how a log is loaded, and what files that writes. */
function topicConfigs(expected: StateDocument): Map<string, LogConfig> {
  const configs = new Map<string, LogConfig>()
  const topics = isObject(expected['topicConfigs']) ? expected['topicConfigs'] : {}
  for (const [topic, entries] of Object.entries(topics)) {
    if (!isObject(entries)) continue
    const read = (key: string, fallback: number): number => (key in entries ? Number(entries[key]) : fallback)
    configs.set(topic, {
      ...QUIET_CONFIG,
      compact: String(entries['cleanup.policy']).includes('compact'),
      indexIntervalBytes: read('index.interval.bytes', QUIET_CONFIG.indexIntervalBytes),
      segmentIndexBytes: read('segment.index.bytes', QUIET_CONFIG.segmentIndexBytes),
    })
  }
  return configs
}

function topicIds(expected: StateDocument): Set<string> {
  const topics = isObject(expected['topics']) ? Object.values(expected['topics']) : []
  return new Set(topics.map((topic) => (isObject(topic) ? String(topic['id']) : '')))
}

function report(check: string, differences: readonly string[]): void {
  if (differences.length === 0) passed++
  else failed++
  console.log(`${differences.length === 0 ? 'ok  ' : 'FAIL'} ${check}`)
  for (const line of differences) console.log(`     ${line}`)
}
