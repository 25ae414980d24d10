/**
 * kafka-replica-verification.sh: reads partitions from each of their replicas at once, and tells where they differ and how far
 * the slowest is behind. It runs until it is ended from outside, or replicas have batches of different offsets.
 */
import { clampInt64 } from '../../base/int64.ts'
import { Fetch } from '../../protocol/generated/fetch.ts'
import type { Uuid } from '../../base/uuid.ts'
import { ZERO_UUID } from '../../base/uuid.ts'
import type { AdminClient } from '../../client/admin/admin.ts'
import { NetworkClient } from '../../client/network-client.ts'
import { keyOf } from '../../client/consumer/topic-partition.ts'
import { pause } from '../../client/call.ts'
import { adminOptions, withAdmin } from '../clients/admin.ts'
import { dateFormat } from '../perf/date-format.ts'
import { failure } from '../tool/tool-exit.ts'
import { isOutside, type Tool, type ToolHost } from '../tool/tool.ts'
import { compareReplicas, type FetchedReplica } from './replica-comparison.ts'
import { replicaVerificationCommand, type ReplicaVerificationCommand } from './replica-verification-options.ts'

/** What a fetch says that reads for debugging: any replica answers. */
const DEBUGGING_CONSUMER = -2
const FETCH_BYTES_MAX = 0x7fff_ffff
/** Versions that name topics by id, and that have the replica's state. */
const IDS_FROM = 13
const STATE_FROM = 15
/** After a round in which a broker did not answer. */
const RETRY_MS = 1000

interface Partition {
  readonly topic: string
  readonly topicId: Uuid
  readonly partition: number
  readonly replicas: readonly number[]
  /** What is fetched next. */
  offset: number
}

export const replicaVerification: Tool = async (argv, host) => {
  const command = replicaVerificationCommand(argv)
  const properties = new Map([['bootstrap.servers', command.servers]])
  const partitions = await withAdmin(host, properties, (admin) => partitionsOf(admin, command))
  const network = new NetworkClient(host.world, await adminOptions(host, properties))
  try {
    network.setInterest(new Set(partitions.map(({ topic }) => topic)))
    await network.refresh()
    return await verify(network, partitions, command, host)
  } finally {
    network.close()
  }
}

async function partitionsOf(
  admin: AdminClient,
  { isIncluded, timeMs }: ReplicaVerificationCommand,
): Promise<Partition[]> {
  const names = (await admin.listTopics({ listInternal: true })).map(({ name }) => name).filter(isIncluded)
  if (names.length === 0) {
    throw failure(
      'No topics found. [topics-include] if specified, is either filtering out all topics or there is no topic.',
    )
  }
  const found: Partition[] = []
  for (const { name: topic, topicId, partitions } of (await admin.describeTopics(names)).all().values()) {
    for (const { partition, replicas } of partitions) {
      const ids = replicas.map(({ id }) => id)
      found.push({ topic, topicId: topicId ?? ZERO_UUID, partition, replicas: ids, offset: 0 })
    }
  }
  const spec = timeMs === -1 ? 'latest' : timeMs === -2 ? 'earliest' : { timestamp: timeMs }
  const wanted = found.map(({ topic, partition }) => ({ topic, partition, spec }) as const)
  for (const [{ topic, partition }, { offset }] of (await admin.listOffsets(wanted)).all()) {
    const one = found.find((each) => each.topic === topic && each.partition === partition)
    if (one === undefined) continue
    if (offset < 0) throw failure(`${keyOf(one)} has no record since ${timeMs}.`)
    one.offset = offset
  }
  return found
}

async function verify(
  network: NetworkClient,
  partitions: readonly Partition[],
  { fetchBytes, maxWaitMs, reportMs }: ReplicaVerificationCommand,
  { terminal, world, interrupted }: ToolHost,
): Promise<number> {
  const format = dateFormat('yyyy-MM-dd HH:mm:ss,SSS')
  const say = (text: string): void => terminal.out(`${format(world.clock.wallMs())}: ${text}`)
  say('verification process is started')
  const nodes = [...new Set(partitions.flatMap(({ replicas }) => replicas))]
  let reportedMs = world.clock.monotonicMs()
  while (!interrupted.aborted && !terminal.isClosed) {
    const settled = await Promise.all(nodes.map((node) => fetchFrom(network, node, partitions, fetchBytes, maxWaitMs)))
    if (interrupted.aborted) break
    const fetched = new Map(nodes.map((node, index) => [node, settled[index] ?? null]))
    const worst = { lag: -1, offset: -1, place: '' }
    for (const one of partitions) {
      const compared = compareReplicas(
        one.offset,
        one.replicas.map(
          (node) => fetched.get(node)?.get(keyOf(one)) ?? { replica: node, highWatermark: -1, records: null },
        ),
      )
      one.offset = compared.nextOffset
      for (const sentence of compared.mismatches) {
        say(`partition ${keyOf(one)}${compared.isDivergent && sentence.startsWith('replica') ? ':' : ''} ${sentence}`)
      }
      if (compared.isDivergent) return 1
      if (compared.lag > worst.lag) Object.assign(worst, { lag: compared.lag, offset: one.offset, place: keyOf(one) })
    }
    if (world.clock.monotonicMs() - reportedMs > reportMs) {
      say(
        `max lag is ${worst.lag} for partition ${worst.place} at offset ${worst.offset} among ${partitions.length} partitions`,
      )
      reportedMs = world.clock.monotonicMs()
    }
    await terminal.flush()
    if (settled.includes(null)) await pause(world.clock, RETRY_MS, interrupted).catch(() => {})
  }
  return 0
}

/** By partition; null if the broker doesn't answer, which delays its partitions until it does. */
async function fetchFrom(
  network: NetworkClient,
  node: number,
  partitions: readonly Partition[],
  partitionMaxBytes: number,
  maxWaitMs: number,
): Promise<ReadonlyMap<string, FetchedReplica> | null> {
  const here = partitions.filter(({ replicas }) => replicas.includes(node))
  const knowsIds = here.every(({ topicId }) => topicId !== ZERO_UUID)
  try {
    const { versions } = await network.connection(node, 'fetch')
    const version = versions.choose(Fetch, knowsIds ? {} : { max: IDS_FROM - 1 })
    const message = {
      ...(version < STATE_FROM
        ? { replicaId: DEBUGGING_CONSUMER }
        : { replicaState: { replicaId: DEBUGGING_CONSUMER, replicaEpoch: -1 } }),
      ...{ maxWaitMs, minBytes: 1, maxBytes: FETCH_BYTES_MAX, sessionEpoch: -1 },
      topics: here.map(({ topic, topicId, partition, offset }) => ({
        ...(version < IDS_FROM ? { topic } : { topicId }),
        partitions: [{ partition, fetchOffset: offset, partitionMaxBytes }],
      })),
    }
    const answer = await network.request(node, Fetch, message, { lane: 'fetch', versions: { max: version } })
    const found = new Map<string, FetchedReplica>()
    for (const { topic, topicId, partitions: answered } of answer.responses) {
      const name = topic === '' ? here.find((one) => one.topicId === topicId)?.topic : topic
      for (const { partitionIndex, highWatermark, records } of answered) {
        const key = keyOf({ topic: name ?? '', partition: partitionIndex })
        found.set(key, { replica: node, highWatermark: clampInt64(highWatermark), records })
      }
    }
    return found
  } catch (error) {
    if (isOutside(error)) return null
    throw error
  }
}
