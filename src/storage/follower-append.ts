/**
 * What a follower appends of a leader's answer: whole batches, as they are.
 *
 * An answer may end in the middle of a batch, which is left for the next fetch. Batches of an epoch that the follower does
 * not follow yet are left too: that leader may disagree about what comes before them. Each checksum is checked, because
 * what lay on the leader's disk and passed the network is trusted no further than what a producer sent.
 */
import { MalformedError } from '../base/byte-reader.ts'
import { KafkaError } from '../base/errors.ts'
import { baseOffset, leaderEpoch } from '../records/batch.ts'
import { BatchCursor, entryLastOffset, isEntryCrcValid } from '../records/batches.ts'

/**
 * The bytes of `records` that are whole batches of at most `epochMax`.
 * @throws KafkaError CORRUPT_MESSAGE for what cannot be a batch, or a checksum that is wrong.
 */
export function wholeBatches(records: Buffer, epochMax: number, name: string): Buffer {
  const cursor = new BatchCursor().reset(records)
  let end = 0
  try {
    while (cursor.next()) {
      const { at, size } = cursor
      if (!isEntryCrcValid(records, at, size) || entryLastOffset(records, at) < baseOffset(records, at)) {
        throw new KafkaError(
          'CORRUPT_MESSAGE',
          `The batch at ${baseOffset(records, at)} fetched for ${name} is corrupt`,
        )
      }
      if (cursor.magic >= 2 && leaderEpoch(records, at) > epochMax) break
      end = cursor.position
    }
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error
    throw new KafkaError('CORRUPT_MESSAGE', `What was fetched for ${name} is corrupt: ${error.message}`)
  }
  return end === records.length ? records : records.subarray(0, end)
}

/** Each batch of `records`, which are whole, by itself. */
export function* batchesOf(records: Buffer): IterableIterator<Buffer> {
  const cursor = new BatchCursor().reset(records)
  while (cursor.next()) yield records.subarray(cursor.at, cursor.position)
}
