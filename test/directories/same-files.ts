/**
 * One seeded produce stream, sent as identical requests to Klamm and to Kafka 4.3.1, leaves equal files after a clean
 * shutdown of both, also with a restart and a kill in between: every .log, .index, .timeindex, .snapshot and leader-epoch-checkpoint.
 */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { connectTo, startKlamm } from './node.ts'
import { kafkaTool, startKafka } from './kafka.ts'
import { compareFiles, partitionFiles } from './partition-files.ts'
import type { Golden } from './golden-stream.ts'
import { makePlace, type Place } from './place.ts'
import { produceStream, type ProduceStream, type StreamSession } from './produce-stream.ts'
import { createTopics, sendRequests, type BatchAnswer } from './send-stream.ts'

export interface Sent {
  readonly answers: readonly BatchAnswer[]
  readonly files: ReadonlyMap<string, Buffer>
}

const GOLDEN_REQUESTS_PER_SESSION = 45
const REQUESTS_PER_SESSION = 120

/** Kafka's answers and files for a small stream, for tests without Kafka. */
export async function recordGolden(directory: string, seed: number): Promise<Golden> {
  const stream = produceStream(seed, GOLDEN_REQUESTS_PER_SESSION, ['clean', 'kill', 'clean'])
  const { answers, files } = await sentToKafka(await makePlace(join(directory, 'golden')), stream)
  return { stream, answers, files }
}

export async function* sameFiles(
  directory: string,
  seed: number,
): AsyncGenerator<readonly [string, readonly string[]]> {
  for (const ends of [
    ['clean', 'clean'],
    ['kill', 'clean', 'kill', 'clean'],
  ] as const) {
    const stream = produceStream(seed, REQUESTS_PER_SESSION, ends)
    const name = `stream ${seed} (${ends.join(', ')})`
    const kafka = await sentToKafka(await makePlace(join(directory, `kafka-${seed}-${ends.length}`)), stream)
    const klamm = await sentToKlamm(await makePlace(join(directory, `klamm-${seed}-${ends.length}`)), stream)
    yield [`${name}: equal answers to ${klamm.answers.length} batches`, differences(kafka.answers, klamm.answers)]
    yield [`${name}: ${kafka.files.size} equal files`, compareFiles(kafka.files, klamm.files)]
  }
}

async function sentToKafka(place: Place, stream: ProduceStream): Promise<Sent> {
  format(place, ['--standalone'])
  return sentTo(place, stream, async () => {
    const kafka = await startKafka(place.propertiesFile, place.port)
    return { clean: () => kafka.stop(), kill: () => kafka.kill() }
  })
}

export async function sentToKlamm(place: Place, stream: ProduceStream): Promise<Sent> {
  return sentTo(place, stream, async () => {
    const { node } = await startKlamm(place)
    return { clean: () => node.close(), kill: () => node.closeHard() }
  })
}

async function sentTo(
  place: Place,
  { topics, sessions }: ProduceStream,
  start: () => Promise<Record<StreamSession['end'], () => Promise<void>>>,
): Promise<Sent> {
  const answers: BatchAnswer[] = []
  for (const [at, { requests, end }] of sessions.entries()) {
    const ends = await start()
    const client = await connectTo(place.port)
    if (at === 0) await createTopics(client, topics)
    answers.push(...(await sendRequests(client, topics, requests)))
    client.close()
    await ends[end]()
  }
  return { answers, files: partitionFiles(place.logDirs[0] ?? '') }
}

export function format(place: Place, args: readonly string[]): void {
  const clusterId = randomBytes(16).toString('base64url').replace(/^-/, 'A')
  const options = ['format', '-t', clusterId, '-c', place.propertiesFile, ...args]
  kafkaTool(place.directory, 'kafka.tools.StorageTool', options)
}

export function differences(expected: readonly BatchAnswer[], actual: readonly BatchAnswer[]): string[] {
  const lines: string[] = []
  for (let at = 0; at < Math.max(expected.length, actual.length); at++) {
    const [theirs, ours] = [JSON.stringify(expected[at]), JSON.stringify(actual[at])]
    if (theirs !== ours) lines.push(`batch ${at}: Kafka ${theirs}, ours ${ours}`)
  }
  return lines.slice(0, 20)
}
