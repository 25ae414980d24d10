/** Answers of other nodes, as consensus takes them. A refusal of the whole request is an error like any other. */
import { errorName, type ErrorCode } from '../base/error-codes.ts'
import { KafkaError, OperationalError } from '../base/errors.ts'
import { clampInt64, type Int64 } from '../base/int64.ts'
import type { BeginQuorumEpochResponse } from '../protocol/generated/begin-quorum-epoch.ts'
import type { EndQuorumEpochResponse } from '../protocol/generated/end-quorum-epoch.ts'
import type { FetchResponse } from '../protocol/generated/fetch.ts'
import type { FetchSnapshotResponse } from '../protocol/generated/fetch-snapshot.ts'
import type { UpdateRaftVoterResponse } from '../protocol/generated/update-raft-voter.ts'
import type { VoteResponse } from '../protocol/generated/vote.ts'
import type {
  FetchResult,
  LeaderView,
  OffsetAndEpoch,
  RaftBatch,
  SimpleAnswer,
  SnapshotResult,
} from '../raft/messages.ts'
import { baseOffset, isControl, lastOffset, leaderEpoch, magic } from '../records/batch.ts'
import { BatchCursor, isEntryCrcValid } from '../records/batches.ts'
import { readControlBatch } from './control-batches.ts'

interface Endpoint {
  readonly nodeId: number
  readonly host: string
  readonly port: number
}

export function simpleResult(
  kind: SimpleAnswer['kind'],
  response: VoteResponse | BeginQuorumEpochResponse | EndQuorumEpochResponse,
): SimpleAnswer {
  const partition = partitionOf(kind, response.errorCode, response.topics[0]?.partitions[0])
  return {
    kind,
    error: nameOf(partition.errorCode),
    leader: leaderView(partition, response.nodeEndpoints),
    granted: 'voteGranted' in partition && partition.voteGranted,
  }
}

export function fetchResult(response: FetchResponse): FetchResult {
  const partition = partitionOf('Fetch', response.errorCode, response.responses[0]?.partitions[0])
  const { errorCode, currentLeader, divergingEpoch, snapshotId, highWatermark, logStartOffset, records } = partition
  return {
    kind: 'fetch',
    error: nameOf(errorCode),
    leader: leaderView(currentLeader, response.nodeEndpoints),
    highWatermark: clampInt64(highWatermark),
    logStartOffset: clampInt64(logStartOffset),
    diverging: position(divergingEpoch),
    snapshotId: position(snapshotId),
    batches: records === null ? [] : batchesOf(records),
  }
}

export function snapshotResult(response: FetchSnapshotResponse): SnapshotResult {
  const partition = partitionOf('FetchSnapshot', response.errorCode, response.topics[0]?.partitions[0])
  const { errorCode, currentLeader, snapshotId, size, unalignedRecords } = partition
  return {
    kind: 'fetchSnapshot',
    error: nameOf(errorCode),
    leader: leaderView(currentLeader, response.nodeEndpoints),
    snapshotId: { endOffset: clampInt64(snapshotId.endOffset), epoch: snapshotId.epoch },
    size: clampInt64(size),
    position: clampInt64(partition.position),
    bytes: unalignedRecords === null ? Buffer.alloc(0) : Buffer.from(unalignedRecords),
  }
}

export function updateVoterResult({ errorCode, currentLeader }: UpdateRaftVoterResponse): SimpleAnswer {
  const { leaderId, leaderEpoch: epoch, host, port } = currentLeader
  const endpoint = host === '' ? null : { host, port }
  return { kind: 'updateVoter', error: nameOf(errorCode), leader: { epoch, leaderId, endpoint }, granted: false }
}

/** @throws KafkaError what the whole request is refused for. OperationalError: it says nothing of the one partition there is. */
function partitionOf<Partition>(name: string, errorCode: number, partition: Partition | undefined): Partition {
  if (errorCode !== 0) throw new KafkaError(nameOf(errorCode), `${name} is refused: ${nameOf(errorCode)}`)
  if (partition === undefined) throw new OperationalError('NETWORK_FAILED', `${name} is answered without its partition`)
  return partition
}

function nameOf(errorCode: number): ErrorCode {
  return errorName(errorCode) ?? 'UNKNOWN_SERVER_ERROR'
}

function leaderView(
  { leaderId, leaderEpoch: epoch }: { readonly leaderId: number; readonly leaderEpoch: number },
  endpoints: readonly Endpoint[],
): LeaderView {
  const found = leaderId < 0 ? undefined : endpoints.find(({ nodeId }) => nodeId === leaderId)
  return { epoch, leaderId, endpoint: found === undefined ? null : { host: found.host, port: found.port } }
}

function position({ endOffset, epoch }: { readonly endOffset: Int64; readonly epoch: number }): OffsetAndEpoch | null {
  const offset = clampInt64(endOffset)
  return offset < 0 || epoch < 0 ? null : { endOffset: offset, epoch }
}

/** Whole ones, up to the first that is damaged or isn't of this log. */
export function batchesOf(records: Buffer): RaftBatch[] {
  const batches: RaftBatch[] = []
  // The answer's memory is used again; these bytes wait for the disk.
  const bytes = Buffer.from(records)
  const cursor = new BatchCursor().reset(bytes)
  while (cursor.next()) {
    const { at, size } = cursor
    if (magic(bytes, at) !== 2 || !isEntryCrcValid(bytes, at, size)) break
    batches.push({
      baseOffset: baseOffset(bytes, at),
      endOffset: lastOffset(bytes, at) + 1,
      epoch: leaderEpoch(bytes, at),
      voters: isControl(bytes, at) ? readControlBatch(bytes, at, { kraftVersion: 0, voters: null }).change : null,
      bytes: bytes.subarray(at, at + size),
    })
  }
  return batches
}
