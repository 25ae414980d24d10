/**
 * ListOffsets v0-11: offsets by time, and the special times (-1 latest, -2 earliest, -3 of the largest timestamp, -4
 * earliest local, -5 latest tiered, -6 earliest not yet uploaded).
 *
 * v0 answers a list (segment starts before the time, newest first, and the end), as clients of 0.8 to 0.10.0 use it; v2
 * brings isolation, v4 leader epochs; -3 is known from v7, -4 from v8, -5 from v9, -6 from v11. A partition named twice is
 * INVALID_REQUEST. An offset that is not known yet right after an election is OFFSET_NOT_AVAILABLE, before v5
 * LEADER_NOT_AVAILABLE.
 */
import { KafkaError } from '../../base/errors.ts'
import { clampInt64, type Int64 } from '../../base/int64.ts'
import type { Init } from '../../protocol/codec.ts'
import {
  ListOffsets,
  type ListOffsetsRequest,
  type ListOffsetsResponse,
} from '../../protocol/generated/list-offsets.ts'
import type { Partition } from '../../replication/partition.ts'
import type { PartitionLog } from '../../storage/partition-log.ts'
import { nextTurn } from '../../world/next-turn.ts'
import { handler } from '../handler.ts'
import { notHosted } from '../not-hosted.ts'
import type { Services } from '../services.ts'
import { SLICE_ITEMS } from '../slices.ts'

const LATEST = -1
const EARLIEST = -2
const MAX_TIMESTAMP = -3
const EARLIEST_LOCAL = -4
const LATEST_TIERED = -5
const EARLIEST_PENDING_UPLOAD = -6
/** The first version that knows a special time. */
const KNOWN_FROM: ReadonlyMap<number, number> = new Map([
  [MAX_TIMESTAMP, 7],
  [EARLIEST_LOCAL, 8],
  [LATEST_TIERED, 9],
  [EARLIEST_PENDING_UPLOAD, 11],
])
/** The replica id of a consumer; any other reads to the end of the log. */
const CONSUMER_REPLICA = -1
/** Asks any replica, not only the leader. */
const DEBUGGING_REPLICA = -2
const READ_COMMITTED = 1
const LEADER_EPOCH_VERSION = 4

type PartitionRequest = ListOffsetsRequest.ListOffsetsPartition
type PartitionAnswer = Init<ListOffsetsResponse.ListOffsetsPartitionResponse>

interface Found {
  readonly offset: number
  readonly timestamp: Int64
  readonly leaderEpoch: number
}

const NOT_FOUND: Found = { offset: -1, timestamp: -1, leaderEpoch: -1 }

export const listOffsetsHandler = handler(ListOffsets, {
  handle: async (services, request, context) => {
    // Version 0 answers whatever stands there, one by one.
    const duplicates = context.apiVersion === 0 ? new Set<string>() : duplicatesOf(request)
    const topics: Init<ListOffsetsResponse.ListOffsetsTopicResponse>[] = []
    const refused = new Set<string>()
    let left = SLICE_ITEMS
    for (const { name, partitions } of request.topics) {
      const answers: PartitionAnswer[] = []
      for (const partition of partitions) {
        if (--left < 0) {
          left = SLICE_ITEMS
          await nextTurn(services.clock)
        }
        const key = `${name}-${partition.partitionIndex}`
        if (!duplicates.has(key)) {
          answers.push(await answerPartition(services, name, partition, request, context.apiVersion))
        } else if (!refused.has(key)) {
          refused.add(key)
          answers.push(failure(partition, new KafkaError('INVALID_REQUEST', 'the partition is named twice')))
        }
      }
      // A topic without an answer to give is not named, but by version 0.
      if (answers.length > 0 || context.apiVersion === 0) topics.push({ name, partitions: answers })
    }
    return { topics }
  },
})

function duplicatesOf(request: ListOffsetsRequest): ReadonlySet<string> {
  const seen = new Set<string>()
  const twice = new Set<string>()
  for (const { name, partitions } of request.topics) {
    for (const { partitionIndex } of partitions) {
      const key = `${name}-${partitionIndex}`
      if (seen.has(key)) twice.add(key)
      seen.add(key)
    }
  }
  return twice
}

function failure(partition: PartitionRequest, error: KafkaError): PartitionAnswer {
  return { partitionIndex: partition.partitionIndex, errorCode: error.errno }
}

async function answerPartition(
  services: Services,
  topic: string,
  partition: PartitionRequest,
  request: ListOffsetsRequest,
  version: number,
): Promise<PartitionAnswer> {
  try {
    const timestamp = clampInt64(partition.timestamp)
    // Said before anybody looks for the partition.
    if (timestamp < LATEST && version < (KNOWN_FROM.get(timestamp) ?? (timestamp === EARLIEST ? 0 : Infinity))) {
      throw new KafkaError('UNSUPPORTED_VERSION', `the special time ${timestamp} is not known in version ${version}`)
    }
    const readsAnywhere = request.replicaId === DEBUGGING_REPLICA
    const hosted = services.replicas.partition(topic, partition.partitionIndex)
    if (hosted === null) throw notHosted(services, topic, partition.partitionIndex)
    const log = readsAnywhere
      ? hosted.localLog(partition.currentLeaderEpoch)
      : hosted.leaderLog(partition.currentLeaderEpoch)
    const limit = timestamp < LATEST ? log.highWatermark : endFor(hosted, log, request)
    if (version === 0) {
      const oldStyleOffsets = await offsetsBefore(
        log,
        timestamp,
        partition.maxNumOffsets,
        limit,
        services.clock.wallMs(),
      )
      return { partitionIndex: partition.partitionIndex, oldStyleOffsets }
    }
    const { offset, timestamp: found, leaderEpoch } = await lookUp(hosted, log, timestamp, limit)
    const answer = { partitionIndex: partition.partitionIndex, offset, timestamp: found }
    return version >= LEADER_EPOCH_VERSION ? { ...answer, leaderEpoch } : answer
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    const known = error.code !== 'OFFSET_NOT_AVAILABLE' || version >= 5
    return failure(partition, known ? error : new KafkaError('LEADER_NOT_AVAILABLE', error.message))
  }
}

/** Where the asker's view of the log ends. */
function endFor(hosted: Partition, log: PartitionLog, request: ListOffsetsRequest): number {
  if (request.replicaId !== CONSUMER_REPLICA) return log.writtenEnd
  return hosted.latestOffset(log, request.isolationLevel === READ_COMMITTED)
}

async function lookUp(hosted: Partition, log: PartitionLog, timestamp: number, limit: number): Promise<Found> {
  switch (timestamp) {
    case LATEST:
      return { offset: limit, timestamp: -1, leaderEpoch: hosted.leaderEpoch }
    case EARLIEST:
    case EARLIEST_LOCAL:
      return { offset: log.startOffset, timestamp: -1, leaderEpoch: log.startEpoch() }
    case MAX_TIMESTAMP:
      return asFound(await log.maxTimestampOffset())
    case LATEST_TIERED:
    case EARLIEST_PENDING_UPLOAD:
      return NOT_FOUND
    default: {
      const found = asFound(await log.offsetForTimestamp(timestamp, limit))
      return found.offset < limit ? found : NOT_FOUND
    }
  }
}

/** Segment starts that were written by `timestamp`, and the end, which is of now; the newest `countMax`, newest first. */
async function offsetsBefore(
  log: PartitionLog,
  timestamp: number,
  countMax: number,
  end: number,
  nowMs: number,
): Promise<number[]> {
  const starts = await log.segmentStarts()
  const times = starts.map(({ baseOffset, modifiedMs }) => ({
    offset: Math.max(baseOffset, log.startOffset),
    ms: modifiedMs,
  }))
  const last = times.at(-1)
  if (last !== undefined && last.offset < end) times.push({ offset: end, ms: nowMs })
  const from =
    timestamp === LATEST
      ? times.length - 1
      : timestamp === EARLIEST
        ? 0
        : times.findLastIndex(({ ms }) => ms <= timestamp)
  return times
    .slice(0, from + 1)
    .map(({ offset }) => offset)
    .reverse()
    .slice(0, Math.max(countMax, 0))
}

function asFound(found: { offset: number; timestamp: Int64; epoch: number } | null): Found {
  return found === null ? NOT_FOUND : { offset: found.offset, timestamp: found.timestamp, leaderEpoch: found.epoch }
}
