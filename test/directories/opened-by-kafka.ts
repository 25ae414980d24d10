/**
 * A directory that Klamm filled is opened by Kafka 4.3.1, and what Kafka then writes by Klamm again: each time the same
 * topics, settings, offsets, records and groups, and after a clean shutdown no complaint about any file. Once after a clean
 * shutdown, once after a kill.
 */
import { cpSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { wireDocument } from '../../scripts/fixtures/node-state.ts'
import { compareStates, withoutEpochs, type StateDocument } from '../../scripts/fixtures/state-document.ts'
import { Metadata } from '../../src/protocol/generated/metadata.ts'
import { fillNode } from './fill-node.ts'
import { startKafka } from './kafka.ts'
import { connectTo, startKlamm } from './node.ts'
import { makePlace, type Place } from './place.ts'
import { untilLed } from './send-stream.ts'

const LOG_DIRS = ['d1', 'd2']
const NODE_ID = 1
/** Said at each start; and what Kafka set aside because a kill left it without a topic id: empty logs. */
const HARMLESS_OF_KLAMM = [/^Finalized features that are not served yet/, /^Not compacted yet/, /^Found stray log/]
/** Deleted records come back after a kill before this was written, in Kafka too. */
const SETTINGS = { 'log.initial.task.delay.ms': '100', 'log.flush.start.offset.checkpoint.interval.ms': '100' }
const CHECKPOINT_TRIES_MAX = 2000

export async function* openedByKafka(directory: string): AsyncGenerator<readonly [string, readonly string[]]> {
  for (const end of ['clean', 'kill'] as const) {
    const ours = await makePlace(join(directory, `ours-${end}`), SETTINGS, LOG_DIRS)
    const document = await filled(ours, end)
    const theirs = await makePlace(join(directory, `theirs-${end}`), {}, LOG_DIRS)
    copyData(ours, theirs)
    const kafka = await startKafka(theirs.propertiesFile, theirs.port)
    const kafkas = await documentOf(theirs)
    yield* compared(`Kafka after a ${end} end of Klamm`, document, kafkas)
    await kafka.stop()
    if (end === 'clean') yield ['Kafka has nothing to complain of', kafka.complaints()]

    const back = await makePlace(join(directory, `back-${end}`), {}, LOG_DIRS)
    copyData(theirs, back)
    const { node, complaints: oursOfTheirs } = await startKlamm(back)
    yield* compared(`Klamm after Kafka (${end})`, document, await documentOf(back))
    await node.close()
    const known = end === 'clean' ? HARMLESS_OF_KLAMM.slice(0, 2) : HARMLESS_OF_KLAMM
    const others = oursOfTheirs.filter((line) => !known.some((pattern) => pattern.test(line)))
    yield [`Klamm has nothing to complain of (${end})`, others]
  }
}

async function filled(place: Place, end: 'clean' | 'kill'): Promise<StateDocument> {
  const { node } = await startKlamm(place)
  const client = await connectTo(place.port)
  await fillNode(client, 7)
  client.close()
  const document = await documentOf(place)
  if (end === 'clean') await node.close()
  else {
    await untilStartsAreWritten(place)
    await node.closeHard()
  }
  return document
}

async function untilStartsAreWritten({ logDirs }: Place): Promise<void> {
  for (let tries = 0; tries < CHECKPOINT_TRIES_MAX; tries++) {
    const files = logDirs.map((path) => join(path, 'log-start-offset-checkpoint')).filter((path) => existsSync(path))
    const written = files.map((path) => readFileSync(path, 'utf8')).join('')
    if (['plain 0 13', 'append-time 0 100'].every((line) => written.includes(line))) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('the log start offsets were not written')
}

async function documentOf({ port }: Place): Promise<StateDocument> {
  const client = await connectTo(port)
  const { topics } = await client.request(Metadata, 12, { topics: null })
  for (const { name, partitions } of topics) await untilLed(client, { name: name ?? '', partitions: partitions.length })
  const document = await wireDocument(client, NODE_ID)
  client.close()
  return document
}

function copyData(from: Place, to: Place): void {
  for (const [at, logDir] of from.logDirs.entries()) cpSync(logDir, to.logDirs[at] ?? '', { recursive: true })
}

/** One line per section. Each opening begins a new leader epoch, and an empty log starts with it. */
function* compared(
  what: string,
  expected: StateDocument,
  actual: StateDocument,
): Generator<readonly [string, readonly string[]]> {
  const [theirs, ours] = [withoutEpochs(expected), withoutEpochs(actual)]
  for (const section of Object.keys(expected)) {
    yield [`${what}: ${section}`, compareStates(theirs, { [section]: ours[section] })]
  }
}
