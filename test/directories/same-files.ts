/**
 * One seeded produce stream, sent as identical requests to Klamm and to Kafka 4.3.1, leaves equal files after a clean
 * shutdown of both, also with a restart and a kill in between: every .log, .index, .timeindex, .snapshot and leader-epoch-checkpoint.
 * So does a stream of transactions, .txnindex included, but for the times in their markers.
 */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { withoutBrokerTimes } from './broker-times.ts'
import { connectTo, startKlamm } from './node.ts'
import { kafkaTool, startKafka } from './kafka.ts'
import { compareFiles, partitionFiles } from './partition-files.ts'
import type { Golden } from './golden-stream.ts'
import { makePlace, type Place } from './place.ts'
import { produceStream, type ProduceStream, type StreamSession } from './produce-stream.ts'
import { createTopics, sendRequests, type BatchAnswer } from './send-stream.ts'
import { transactionStream } from './transaction-stream.ts'
import { transactionView } from './transaction-view.ts'

export interface Sent {
  readonly answers: readonly BatchAnswer[]
  readonly files: ReadonlyMap<string, Buffer>
  /** Of transactions, as seen from outside at the end of each session. */
  readonly views: readonly string[]
}

/** There is no coordinator who could confirm them. */
export const TRANSACTION_SETTINGS = { 'transaction.partition.verification.enable': 'false' }
const GOLDEN_REQUESTS_PER_SESSION = 45
const REQUESTS_PER_SESSION = 120

/** Kafka's answers and files for a small stream, for tests without Kafka. */
export async function recordGolden(directory: string, seed: number): Promise<Golden> {
  const stream = produceStream(seed, GOLDEN_REQUESTS_PER_SESSION, ['clean', 'kill', 'clean'])
  return { stream, ...(await sentToKafka(await makePlace(join(directory, 'golden')), stream)) }
}

export async function recordTransactionGolden(directory: string, seed: number): Promise<Golden> {
  const stream = transactionStream(seed, GOLDEN_REQUESTS_PER_SESSION, ['clean', 'kill', 'clean'])
  const place = await makePlace(join(directory, 'golden-transactions'), TRANSACTION_SETTINGS)
  return { stream, ...(await sentToKafka(place, stream)) }
}

export async function* sameTransactionFiles(
  directory: string,
  seed: number,
): AsyncGenerator<readonly [string, readonly string[]]> {
  for (const ends of [
    ['clean', 'clean'],
    ['kill', 'clean', 'kill', 'clean'],
  ] as const) {
    const stream = transactionStream(seed, REQUESTS_PER_SESSION, ends)
    const name = `transactions ${seed} (${ends.join(', ')})`
    const place = (whose: string): Promise<Place> =>
      makePlace(join(directory, `${whose}-transactions-${seed}-${ends.length}`), TRANSACTION_SETTINGS)
    const kafka = await sentToKafka(await place('kafka'), stream)
    const klamm = await sentToKlamm(await place('klamm'), stream)
    yield [`${name}: equal answers to ${klamm.answers.length} requests`, differences(kafka.answers, klamm.answers)]
    yield [`${name}: ${kafka.views.length} equal views`, differences(kafka.views, klamm.views)]
    const [theirs, ours] = [withoutBrokerTimes(kafka.files), withoutBrokerTimes(klamm.files)]
    const aborts = [...theirs.keys()].filter((file) => file.endsWith('.txnindex')).length
    yield [`${name}: ${theirs.size} equal files, ${aborts} of them of aborted transactions`, compareFiles(theirs, ours)]
  }
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
  const views: string[] = []
  const hasTransactions = sessions.some(({ requests }) => requests.some(({ markers }) => markers !== undefined))
  for (const [at, { requests, end }] of sessions.entries()) {
    const ends = await start()
    const client = await connectTo(place.port)
    if (at === 0) await createTopics(client, topics)
    answers.push(...(await sendRequests(client, topics, requests)))
    if (hasTransactions) views.push(...(await transactionView(client, topics)))
    client.close()
    await ends[end]()
  }
  return { answers, files: partitionFiles(place.logDirs[0] ?? ''), views }
}

export function format(place: Place, args: readonly string[]): void {
  const clusterId = randomBytes(16).toString('base64url').replace(/^-/, 'A')
  const options = ['format', '-t', clusterId, '-c', place.propertiesFile, ...args]
  kafkaTool(place.directory, 'kafka.tools.StorageTool', options)
}

export function differences(expected: readonly (BatchAnswer | string)[], actual: typeof expected): string[] {
  const lines: string[] = []
  for (let at = 0; at < Math.max(expected.length, actual.length); at++) {
    const [theirs, ours] = [JSON.stringify(expected[at]), JSON.stringify(actual[at])]
    if (theirs !== ours) lines.push(`answer ${at}: Kafka ${theirs}, ours ${ours}`)
  }
  return lines.slice(0, 20)
}
