/** Compares what the replicas of one partition answered to a fetch of the same offset, batch by batch, up to the high watermark. */
import { crc } from '../../records/batch.ts'
import { BatchCursor, entryLastOffset } from '../../records/batches.ts'

/** Of messages before record batches: behind offset and length. */
const MESSAGE_CRC_AT = 12

export interface FetchedReplica {
  readonly replica: number
  readonly highWatermark: number
  /** Null or empty: the replica has nothing from that offset on, or did not answer. */
  readonly records: Buffer | null
}

export interface ReplicaComparison {
  /** Behind the last batch that all have. */
  readonly nextOffset: number
  /** Records between it and the largest high watermark. */
  readonly lag: number
  /** Sentences, without time and partition. */
  readonly mismatches: readonly string[]
  /** Replicas have batches of different offsets: what comes behind cannot be compared. */
  readonly isDivergent: boolean
}

interface Batch {
  readonly lastOffset: number
  readonly checksum: number
}

/** @throws MalformedError for records that are no batches. */
export function compareReplicas(fetchOffset: number, replicas: readonly FetchedReplica[]): ReplicaComparison {
  const highest = Math.max(-1, ...replicas.map(({ highWatermark }) => highWatermark))
  const all = replicas.map((one) => batchesOf(one, fetchOffset))
  const [first = [], ...others] = all
  const [firstReplica] = replicas
  const mismatches: string[] = []
  let nextOffset = fetchOffset
  for (const [index, batch] of first.entries()) {
    const theirs = others.map((batches) => batches[index])
    if (theirs.includes(undefined)) break
    for (const [at, their] of theirs.entries()) {
      if (their === undefined || firstReplica === undefined) continue
      const replica = replicas[at + 1]?.replica
      if (their.lastOffset !== batch.lastOffset) {
        mismatches.push(
          `replica ${firstReplica.replica}'s offset ${batch.lastOffset} doesn't match replica ${replica}'s offset ${their.lastOffset}`,
        )
        return { nextOffset, lag: highest - nextOffset, mismatches, isDivergent: true }
      }
      if (their.checksum !== batch.checksum) {
        mismatches.push(
          `has unmatched checksum at offset ${batch.lastOffset}; replica ${firstReplica.replica}'s checksum ${batch.checksum}; replica ${replica}'s checksum ${their.checksum}`,
        )
      }
    }
    nextOffset = batch.lastOffset + 1
  }
  return { nextOffset, lag: highest - nextOffset, mismatches, isDivergent: false }
}

/** Those below the high watermark, from the one that holds `fetchOffset`. */
function batchesOf({ records, highWatermark }: FetchedReplica, fetchOffset: number): readonly Batch[] {
  const batches: Batch[] = []
  if (records === null) return batches
  const cursor = new BatchCursor().reset(records)
  while (cursor.next()) {
    const { at, magic } = cursor
    const lastOffset = entryLastOffset(records, at)
    if (lastOffset >= highWatermark) break
    if (lastOffset < fetchOffset) continue
    batches.push({ lastOffset, checksum: magic >= 2 ? crc(records, at) : records.readUInt32BE(at + MESSAGE_CRC_AT) })
  }
  return batches
}
