/**
 * Follows the metadata log, or reads a snapshot, batch by batch: decodes records and replays them, holding back those of
 * a metadata transaction (KIP-868) until its end has been read. Control batches are the quorum's business and are left
 * alone here.
 */
import { OperationalError } from '../base/errors.ts'
import { clampInt64 } from '../base/int64.ts'
import { baseOffset, isControl, lastOffset, leaderEpoch, maxTimestamp } from '../records/batch.ts'
import { visitRecords } from '../records/record-reader.ts'
import { MetadataDelta } from './delta.ts'
import type { MetadataImage, Provenance } from './image.ts'
import { decodeMetadataRecord, type MetadataRecord } from './metadata-records.ts'

/** Records of a data batch, in order. @throws OperationalError LOG_CORRUPT. */
export function decodeBatch(bytes: Buffer, at: number): MetadataRecord[] {
  const records: MetadataRecord[] = []
  try {
    visitRecords(bytes, at, (record) => {
      const value = record.value()
      if (value === null) throw new OperationalError('LOG_CORRUPT', 'record without a value')
      records.push(decodeMetadataRecord(value))
    })
  } catch (error) {
    const where = `metadata batch at offset ${baseOffset(bytes, at)}`
    throw new OperationalError('LOG_CORRUPT', `${where}: ${error instanceof Error ? error.message : String(error)}`)
  }
  return records
}

export class LogReplay {
  #delta: MetadataDelta
  #provenance: Provenance
  #hasReplayed = false
  /** Held back; null outside a transaction. */
  #transaction: MetadataRecord[] | null = null

  constructor(image: MetadataImage) {
    this.#delta = new MetadataDelta(image)
    this.#provenance = image.provenance
  }

  /** Some record was read that is not held back, and was not aborted. */
  get hasReplayed(): boolean {
    return this.#hasReplayed
  }

  get inTransaction(): boolean {
    return this.#transaction !== null
  }

  /** Up to where batches were read whose records are not held back: a transaction that is open lies behind it. */
  get provenance(): Provenance {
    return this.#provenance
  }

  /** @throws OperationalError LOG_CORRUPT. */
  replayBatch(bytes: Buffer, at: number): void {
    if (!isControl(bytes, at)) for (const record of decodeBatch(bytes, at)) this.replay(record)
    if (this.#transaction !== null) return
    this.#provenance = {
      offset: lastOffset(bytes, at),
      epoch: leaderEpoch(bytes, at),
      timestampMs: clampInt64(maxTimestamp(bytes, at)),
    }
  }

  replay(record: MetadataRecord): void {
    switch (record.type) {
      case 'BeginTransactionRecord':
        if (this.#transaction !== null) throw corrupt('a metadata transaction begins inside another')
        this.#transaction = []
        return
      case 'EndTransactionRecord': {
        if (this.#transaction === null) throw corrupt('the end of a metadata transaction that did not begin')
        const records = this.#transaction
        this.#transaction = null
        for (const held of records) this.replay(held)
        return
      }
      case 'AbortTransactionRecord':
        if (this.#transaction === null) throw corrupt('the abort of a metadata transaction that did not begin')
        this.#transaction = null
        return
      default:
        if (this.#transaction !== null) {
          this.#transaction.push(record)
          return
        }
        this.#delta.replay(record)
        this.#hasReplayed = true
    }
  }

  /** The image with all that was read and not held back, and what changed since the last call. */
  take(): { readonly image: MetadataImage; readonly delta: MetadataDelta } {
    const delta = this.#delta
    const image = delta.image(this.#provenance)
    this.#delta = new MetadataDelta(image)
    return { image, delta }
  }
}

const corrupt = (detail: string): OperationalError => new OperationalError('LOG_CORRUPT', `metadata log: ${detail}`)
