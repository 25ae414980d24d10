/**
 * WriteTxnMarkers v0-2: a transaction was decided, and each leader of its partitions writes the marker that says so. Sent by
 * transaction coordinators, and by tools that end a transaction that hangs (KIP-664). v2 tells the version of transactions
 * that the coordinator uses, on which depends what epochs are taken.
 *
 * In `__consumer_offsets` it is the group coordinator that writes the marker, for the offsets that the transaction commits.
 * A partition that isn't here is unknown: the coordinator looks for its leader again.
 */
import { ERROR_CODES, type ErrorCode } from '../../base/error-codes.ts'
import { KafkaError } from '../../base/errors.ts'
import type { MarkerWrite } from '../../coordinators/runtime/decision.ts'
import type { Init } from '../../protocol/codec.ts'
import {
  WriteTxnMarkers,
  type WriteTxnMarkersRequest,
  type WriteTxnMarkersResponse,
} from '../../protocol/generated/write-txn-markers.ts'
import { Produce } from '../../protocol/generated/produce.ts'
import { buildMarker } from '../../records/control.ts'
import { validateProduce } from '../../records/validator.ts'
import type { Partition } from '../../replication/partition.ts'
import { handler } from '../handler.ts'
import { awaitCommit, produceOptions } from '../leader-append.ts'
import type { Services } from '../services.ts'
import { CONSUMER_OFFSETS } from '../topic-names.ts'

type Marker = WriteTxnMarkersRequest.WritableTxnMarker
/** What the transaction coordinator of this node needs too, before there is a request. */
export type MarkerServices = Pick<Services, 'clock' | 'config' | 'groups' | 'replicas'>
/** By topic and partition. */
type Results = Map<string, Map<number, Promise<ErrorCode>>>

/** The group coordinator isn't ready: to whom sends markers that is a leader that moved. */
const NOT_READY: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'COORDINATOR_NOT_AVAILABLE',
  'COORDINATOR_LOAD_IN_PROGRESS',
  'NOT_COORDINATOR',
])

export const writeTxnMarkersHandler = handler(WriteTxnMarkers, {
  counts: 'exempt',
  handle: async (services, request) => {
    const byProducer = new Map<Marker['producerId'], Results>()
    for (const marker of request.markers) {
      const results: Results = byProducer.get(marker.producerId) ?? new Map<string, Map<number, Promise<ErrorCode>>>()
      byProducer.set(marker.producerId, results)
      for (const { name, partitionIndexes } of marker.topics) {
        const partitions = results.get(name) ?? new Map<number, Promise<ErrorCode>>()
        results.set(name, partitions)
        for (const index of partitionIndexes) partitions.set(index, writeMarker(services, writeOf(marker), name, index))
      }
    }
    const markers: Init<WriteTxnMarkersResponse.WritableTxnMarkerResult>[] = []
    for (const [producerId, results] of byProducer) markers.push({ producerId, topics: await topicsOf(results) })
    return { markers }
  },
})

function writeOf({ transactionResult: committed, ...marker }: Marker): MarkerWrite {
  const { producerId, producerEpoch, coordinatorEpoch, transactionVersion } = marker
  return { producerId, producerEpoch, coordinatorEpoch, transactionVersion, committed }
}

async function topicsOf(results: Results): Promise<Init<WriteTxnMarkersResponse.WritableTxnMarkerTopicResult>[]> {
  const topics: Init<WriteTxnMarkersResponse.WritableTxnMarkerTopicResult>[] = []
  for (const [name, byPartition] of results) {
    const partitions: Init<WriteTxnMarkersResponse.WritableTxnMarkerPartitionResult>[] = []
    for (const [partitionIndex, result] of byPartition)
      partitions.push({ partitionIndex, errorCode: ERROR_CODES[await result] })
    topics.push({ name, partitions })
  }
  return topics
}

/** Appended, if at all, before it returns. Never rejects but for a bug. */
export async function writeMarker(
  services: MarkerServices,
  write: MarkerWrite,
  topic: string,
  index: number,
): Promise<ErrorCode> {
  const hosted = services.replicas.partition(topic, index)
  if (hosted === null || hosted.log === null) return 'UNKNOWN_TOPIC_OR_PARTITION'
  // No producer has such an id or epoch; Kafka stumbles over it (UNKNOWN_SERVER_ERROR).
  if (write.producerEpoch < 0 || write.producerId < 0) return 'INVALID_PRODUCER_EPOCH'
  if (topic === CONSUMER_OFFSETS) {
    const code = await services.groups.completeTransaction(index, write)
    return NOT_READY.has(code) ? 'NOT_LEADER_OR_FOLLOWER' : code
  }
  try {
    await append(services, hosted, write)
    return 'NONE'
  } catch (error) {
    if (error instanceof KafkaError) return error.code
    throw error
  }
}

function append(services: MarkerServices, hosted: Partition, marker: MarkerWrite): Promise<void> {
  const log = hosted.leaderLog()
  hosted.checkInSyncReplicas(log, 'NOT_ENOUGH_REPLICAS')
  const nowMs = services.clock.wallMs()
  const { producerId, producerEpoch, coordinatorEpoch, transactionVersion } = marker
  const type = marker.committed ? 'COMMIT' : 'ABORT'
  const batch = buildMarker({ type, producerId, producerEpoch, coordinatorEpoch, timestampMs: nowMs })
  const options = produceOptions(log.config, Produce.request.highestVersion, nowMs, hosted.name)
  const { records } = validateProduce(batch, { ...options, origin: 'coordinator' })
  const appended = hosted.append(log, records, { origin: 'coordinator', transactionVersion })
  const end = appended.lastOffset + 1
  return appended.written.then(() => awaitCommit(services.config().requestTimeoutMs, hosted, end))
}
