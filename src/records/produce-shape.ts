/**
 * What a Produce request of version 3 and later may carry for a partition: exactly one batch of magic 2, zstd from version
 * 7 on. Kafka looks at this before it looks for the log, so such a refusal says nothing of the log.
 */
import { MalformedError } from '../base/byte-reader.ts'
import { BatchCursor, entryCodec } from './batches.ts'
import { InvalidRecords } from './invalid-records.ts'

export const ONE_BATCH_VERSION = 3
const ZSTD_VERSION = 7

const entries = new BatchCursor()

/** Why the records can't be produced by a request of that version, or null. */
export function refusalOfShape(records: Buffer, requestVersion: number): InvalidRecords | null {
  if (requestVersion < ONE_BATCH_VERSION) return null
  try {
    return refusalOf(records, requestVersion)
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error
    return new InvalidRecords('CORRUPT_MESSAGE', error.message)
  }
}

/** What is wrong with an entry, if one cannot be told from what is around it; a cut one at the end is nothing wrong. */
export function malformedEntry(records: Buffer): string | null {
  try {
    entries.reset(records)
    while (entries.next());
    return null
  } catch (error) {
    if (error instanceof MalformedError) return error.message
    throw error
  }
}

function refusalOf(records: Buffer, requestVersion: number): InvalidRecords | null {
  entries.reset(records)
  if (!entries.next()) return new InvalidRecords('INVALID_RECORD', 'there must be at least one batch')
  if (entries.magic !== 2) return new InvalidRecords('INVALID_RECORD', 'the batch must be of magic 2')
  if (requestVersion < ZSTD_VERSION && entryCodec(records, entries.at) === 'zstd') {
    return new InvalidRecords('UNSUPPORTED_COMPRESSION_TYPE', `zstd needs Produce version ${ZSTD_VERSION}`)
  }
  return entries.next() ? new InvalidRecords('INVALID_RECORD', 'there must be exactly one batch') : null
}
