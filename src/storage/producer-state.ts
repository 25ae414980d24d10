/**
 * What a log knows of its idempotent and transactional producers (KIP-98): the last five batches of each, their epochs,
 * open transactions, and decided ones whose marker is not yet below the high watermark.
 *
 * State is that of the ASSIGNED side of the log; after a failed write its owner rebuilds it from a snapshot and the file.
 * `check` decides without changing anything, `apply` changes without checking, so that an append of several batches is
 * taken whole or not at all.
 */
import { MalformedError } from '../base/byte-reader.ts'
import { KafkaError } from '../base/errors.ts'
import type { Int64 } from '../base/int64.ts'
import {
  NO_PRODUCER_ID,
  baseOffset,
  baseSequence,
  incrementSequence,
  isControl,
  isTransactional,
  lastOffset,
  lastSequence,
  magic,
  maxTimestamp,
  producerEpoch,
  producerId,
  recordCount,
} from '../records/batch.ts'
import { readControlKey, readMarkerValue } from '../records/control.ts'
import { readRecords } from '../records/record-reader.ts'
import type { ActiveProducer, AppendOptions } from './log-surface.ts'
import type { SnapshotEntry } from './producer-snapshot.ts'
import {
  VerificationState,
  type TransactionalAppend,
  type VerificationEntry,
  type VerificationGuard,
} from './verification-state.ts'

/** Batches per producer in which a repetition is recognised: the most that a client may have in flight. */
export const WINDOW = 5
const NONE = -1
const HASH_LOAD_FACTOR = 0.75

export interface ProducerBatch {
  readonly lastSequence: number
  readonly lastOffset: number
  readonly offsetDelta: number
  readonly timestamp: Int64
}

interface ProducerEntry {
  epoch: number
  coordinatorEpoch: number
  lastTimestamp: Int64
  currentTxnFirstOffset: number
  /** Oldest first, at most WINDOW. */
  batches: ProducerBatch[]
}

export interface CompletedTransaction {
  readonly producerId: Int64
  readonly firstOffset: number
  /** Offset of the marker. */
  readonly lastOffset: number
  readonly aborted: boolean
}

interface Marker {
  readonly aborted: boolean
  readonly coordinatorEpoch: number
}

export class ProducerState {
  readonly #entries = new Map<Int64, ProducerEntry>()
  /** firstOffset -> producer, oldest first. */
  #ongoing = new Map<number, Int64>()
  /** Decided, marker at or above the high watermark: firstOffset -> marker offset. */
  readonly #unreplicated = new Map<number, number>()
  readonly #verifications = new VerificationState()
  /** Buckets of Java's HashMap, which never shrinks; only kept to order snapshots. */
  #hashCapacity = 16
  /** All records below it are in the state. */
  endOffset = 0

  get size(): number {
    return this.#entries.size
  }

  /** LSO bound: null if no transaction is open or undecided above the high watermark. */
  get firstUnstableOffset(): number | null {
    let first: number | null = null
    for (const offset of this.#ongoing.keys()) {
      first = offset
      break
    }
    for (const offset of this.#unreplicated.keys()) if (first === null || offset < first) first = offset
    return first
  }

  /**
   * The guard of a transaction that is to begin with these batches and whose coordinator must be asked; null if it has begun.
   * @throws KafkaError INVALID_PRODUCER_EPOCH.
   */
  startVerification(append: TransactionalAppend, nowMs: number): VerificationGuard | null {
    const { producerId: id, producerEpoch: epoch } = append
    const entry = this.#entries.get(id)
    if (entry !== undefined && epoch < entry.epoch) throw staleEpoch(id, epoch, entry)
    return hasOngoing(entry, epoch) ? null : this.#verifications.start(append, nowMs)
  }

  /**
   * The batch that this one repeats, else null and the batch may be applied, which throws nothing then.
   * @throws KafkaError OUT_OF_ORDER_SEQUENCE_NUMBER | INVALID_PRODUCER_EPOCH | INVALID_TXN_STATE | TRANSACTION_COORDINATOR_FENCED;
   * CORRUPT_MESSAGE for a marker that cannot be read, wherever it comes from.
   */
  check(bytes: Buffer, at: number, options: AppendOptions): ProducerBatch | null {
    const { origin, verification } = options
    if (origin === 'raft' || magic(bytes, at) < 2) return null
    const id = producerId(bytes, at)
    if (id === NO_PRODUCER_ID) return null
    const isMarked = isControl(bytes, at)
    const marker = isMarked ? readableMarker(bytes, at) : null
    if (origin === 'replication') return null
    const entry = this.#entries.get(id)
    const epoch = producerEpoch(bytes, at)
    if (isMarked) {
      if (marker !== null) this.#checkMarker(marker, id, entry, epoch, options.transactionVersion ?? 0)
      return null
    }
    if (origin === 'client' && entry !== undefined && entry.epoch === epoch) {
      const first = baseSequence(bytes, at)
      const last = lastSequence(bytes, at)
      for (const batch of entry.batches) {
        if (batch.lastSequence === last && firstSequence(batch) === first) return batch
      }
    }
    if (entry !== undefined && epoch < entry.epoch) throw staleEpoch(id, epoch, entry)
    const transactional = isTransactional(bytes, at)
    const asked = this.#verifications.get(id)
    if (transactional && verification !== undefined && !hasOngoing(entry, epoch)) {
      if (verification === null || asked?.guard !== verification) {
        throw new KafkaError('INVALID_TXN_STATE', 'Record was not part of an ongoing transaction')
      }
    }
    if (origin === 'client') checkSequence(id, entry, epoch, baseSequence(bytes, at), asked)
    if (entry !== undefined && entry.currentTxnFirstOffset !== NONE && !transactional) {
      throw new KafkaError(
        'INVALID_TXN_STATE',
        `Expected transactional write from producer ${id} at offset ${baseOffset(bytes, at)}`,
      )
    }
    return null
  }

  #checkMarker(
    marker: Marker,
    id: Int64,
    entry: ProducerEntry | undefined,
    epoch: number,
    transactionVersion: number,
  ): void {
    // A producer that is new here has the epoch of no coordinator, below which none is.
    const coordinatorEpoch = entry?.coordinatorEpoch ?? NONE
    if (entry !== undefined) this.#checkMarkerEpoch(id, entry, epoch, transactionVersion)
    if (coordinatorEpoch > marker.coordinatorEpoch) {
      throw new KafkaError(
        'TRANSACTION_COORDINATOR_FENCED',
        `Invalid coordinator epoch for producerId ${id}: ${marker.coordinatorEpoch} (zombie), ${coordinatorEpoch} (current)`,
      )
    }
  }

  #checkMarkerEpoch(id: Int64, entry: ProducerEntry, epoch: number, transactionVersion: number): void {
    // Transactions v2 raise the epoch with each transaction; only a marker that was written before comes with the same one.
    const retry = epoch === entry.epoch && entry.currentTxnFirstOffset === NONE
    if (epoch < entry.epoch || (transactionVersion >= 2 && epoch === entry.epoch && !retry))
      throw staleEpoch(id, epoch, entry)
  }

  /** The transaction that this batch's marker ends, if it is one and there was data. */
  apply(bytes: Buffer, at: number): CompletedTransaction | null {
    if (magic(bytes, at) < 2) return null
    const id = producerId(bytes, at)
    if (id === NO_PRODUCER_ID) return null
    if (isTransactional(bytes, at)) this.#verifications.onAppend(bytes, at, id)
    return isControl(bytes, at) ? this.#applyMarker(bytes, at, id) : this.#applyData(bytes, at, id)
  }

  #applyData(bytes: Buffer, at: number, id: Int64): null {
    const entry = this.#entryFor(id, producerEpoch(bytes, at))
    if (entry.batches.length === WINDOW) entry.batches.shift()
    entry.batches.push(producerBatch(bytes, at))
    entry.lastTimestamp = maxTimestamp(bytes, at)
    if (isTransactional(bytes, at) && entry.currentTxnFirstOffset === NONE) {
      entry.currentTxnFirstOffset = baseOffset(bytes, at)
      this.#ongoing.set(entry.currentTxnFirstOffset, id)
    }
    return null
  }

  #applyMarker(bytes: Buffer, at: number, id: Int64): CompletedTransaction | null {
    const marker = readMarker(bytes, at)
    if (marker === null) return null
    const entry = this.#entryFor(id, producerEpoch(bytes, at))
    const firstOffset = entry.currentTxnFirstOffset
    entry.coordinatorEpoch = marker.coordinatorEpoch
    entry.lastTimestamp = maxTimestamp(bytes, at)
    entry.currentTxnFirstOffset = NONE
    if (firstOffset === NONE) return null
    return { producerId: id, firstOffset, lastOffset: lastOffset(bytes, at), aborted: marker.aborted }
  }

  #entryFor(id: Int64, epoch: number): ProducerEntry {
    let entry = this.#entries.get(id)
    if (entry === undefined) {
      entry = { epoch, coordinatorEpoch: NONE, lastTimestamp: NONE, currentTxnFirstOffset: NONE, batches: [] }
      this.#entries.set(id, entry)
    } else if (entry.epoch !== epoch) {
      entry.epoch = epoch
      entry.batches = []
    }
    return entry
  }

  /** The LSO of the partition right after `completed` is decided: what its transaction index entry carries. */
  lastStableOffsetAfter(completed: CompletedTransaction): number {
    for (const [firstOffset, id] of this.#ongoing) if (id !== completed.producerId) return firstOffset
    return completed.lastOffset + 1
  }

  complete(completed: CompletedTransaction): void {
    this.#ongoing.delete(completed.firstOffset)
    this.#unreplicated.set(completed.firstOffset, completed.lastOffset)
  }

  onHighWatermark(highWatermark: number): void {
    if (this.#unreplicated.size === 0) return
    for (const [first, last] of this.#unreplicated) if (last < highWatermark) this.#unreplicated.delete(first)
  }

  /**
   * Producers without an open transaction that wrote nothing for `expirationMs`, by their own timestamps; questions to
   * coordinators that nobody came back to.
   */
  removeExpired(nowMs: number, expirationMs: number): void {
    this.#verifications.removeExpired(nowMs, expirationMs)
    for (const [id, entry] of this.#entries) {
      if (entry.currentTxnFirstOffset === NONE && Number(entry.lastTimestamp) <= nowMs - expirationMs)
        this.#entries.delete(id)
    }
  }

  clear(endOffset: number): void {
    this.#entries.clear()
    this.#ongoing.clear()
    this.#unreplicated.clear()
    this.endOffset = endOffset
  }

  /** What was decided below `endOffset` and isn't below the high watermark stays known: snapshots don't have it. */
  load(entries: readonly SnapshotEntry[], endOffset: number, nowMs: number, expirationMs: number): void {
    const decided = [...this.#unreplicated].filter(([, marker]) => marker < endOffset)
    this.clear(endOffset)
    for (const [first, marker] of decided) this.#unreplicated.set(first, marker)
    const open: (readonly [number, Int64])[] = []
    for (const from of entries) {
      if (from.currentTxnFirstOffset === NONE && Number(from.timestamp) <= nowMs - expirationMs) continue
      this.#entries.set(from.producerId, {
        epoch: from.producerEpoch,
        coordinatorEpoch: from.coordinatorEpoch,
        lastTimestamp: from.timestamp,
        currentTxnFirstOffset: from.currentTxnFirstOffset,
        batches:
          from.lastOffset === NONE
            ? []
            : [
                {
                  lastSequence: from.lastSequence,
                  lastOffset: from.lastOffset,
                  offsetDelta: from.offsetDelta,
                  timestamp: from.timestamp,
                },
              ],
      })
      if (from.currentTxnFirstOffset !== NONE) open.push([from.currentTxnFirstOffset, from.producerId])
    }
    this.#ongoing = new Map(open.sort(([left], [right]) => left - right))
  }

  /** Whether of a producer that wrote since then fewer batches are known than it may repeat: a snapshot has only the last. */
  forgot(sinceMs: number): boolean {
    for (const { batches, lastTimestamp } of this.#entries.values()) {
      if (batches.length > 0 && batches.length < WINDOW && Number(lastTimestamp) >= sinceMs) return true
    }
    return false
  }

  /** The last data batches of a producer in the log, as far as they were found; oldest first. */
  recall(id: Int64, epoch: number, batches: readonly ProducerBatch[]): void {
    const entry = this.#entries.get(id)
    const oldest = entry?.batches[0]
    if (entry === undefined || oldest === undefined || entry.epoch !== epoch) return
    const older = batches.filter((batch) => batch.lastOffset < oldest.lastOffset)
    entry.batches = [...older, ...entry.batches].slice(-WINDOW)
  }

  /** In the order in which Kafka's hash map would list them, so that equal state makes equal files. */
  snapshot(): SnapshotEntry[] {
    const entries: SnapshotEntry[] = []
    while (this.#entries.size > this.#hashCapacity * HASH_LOAD_FACTOR) this.#hashCapacity *= 2
    const mask = this.#hashCapacity - 1
    const ordered = [...this.#entries].sort(([left], [right]) => (javaHash(left) & mask) - (javaHash(right) & mask))
    for (const [id, entry] of ordered) {
      const last = entry.batches[entry.batches.length - 1]
      entries.push({
        producerId: id,
        producerEpoch: entry.epoch,
        lastSequence: last?.lastSequence ?? NONE,
        lastOffset: last?.lastOffset ?? NONE,
        offsetDelta: last?.offsetDelta ?? 0,
        timestamp: entry.lastTimestamp,
        coordinatorEpoch: entry.coordinatorEpoch,
        currentTxnFirstOffset: entry.currentTxnFirstOffset,
      })
    }
    return entries
  }

  activeProducers(): ActiveProducer[] {
    return this.snapshot().map((entry) => ({
      producerId: entry.producerId,
      producerEpoch: entry.producerEpoch,
      lastSequence: entry.lastSequence,
      lastTimestamp: entry.timestamp,
      coordinatorEpoch: entry.coordinatorEpoch,
      currentTxnStartOffset: entry.currentTxnFirstOffset,
    }))
  }
}

function hasOngoing(entry: ProducerEntry | undefined, epoch: number): boolean {
  return entry !== undefined && entry.currentTxnFirstOffset !== NONE && entry.epoch === epoch
}

function staleEpoch(id: Int64, epoch: number, entry: ProducerEntry): KafkaError {
  return new KafkaError(
    'INVALID_PRODUCER_EPOCH',
    `Epoch of producer ${id} is ${epoch}, which is smaller than the last seen epoch ${entry.epoch}`,
  )
}

function checkSequence(
  id: Int64,
  entry: ProducerEntry | undefined,
  epoch: number,
  sequence: number,
  asked: VerificationEntry | null,
): void {
  const known = entry !== undefined && entry.batches.length > 0
  if (asked !== null && asked.addsPartition && sequence !== 0 && !known)
    throw outOfOrder(id, `${sequence}; the first of a transaction of version 2 is 0`)
  if (asked !== null && sequence > asked.lowestSequence)
    throw outOfOrder(id, `${sequence}, while ${asked.lowestSequence} is still to be verified`)
  // Forgotten by expiry or retention: any sequence goes on.
  if (entry === undefined) return
  if (epoch !== entry.epoch) {
    if (sequence === 0) return
    throw outOfOrder(id, `${sequence} at the beginning of epoch ${epoch}, the last one was ${entry.epoch}`)
  }
  const last = entry.batches[entry.batches.length - 1]?.lastSequence ?? NONE
  if (sequence === (last === NONE ? 0 : incrementSequence(last, 1))) return
  throw outOfOrder(id, `${sequence}, the last one was ${last}`)
}

function outOfOrder(id: Int64, detail: string): KafkaError {
  return new KafkaError('OUT_OF_ORDER_SEQUENCE_NUMBER', `Out of order sequence number of producer ${id}: ${detail}`)
}

export function producerBatch(bytes: Buffer, at: number): ProducerBatch {
  const last = lastOffset(bytes, at)
  return {
    lastSequence: lastSequence(bytes, at),
    lastOffset: last,
    offsetDelta: last - baseOffset(bytes, at),
    timestamp: maxTimestamp(bytes, at),
  }
}

function firstSequence(batch: ProducerBatch): number {
  return batch.lastSequence < batch.offsetDelta
    ? 0x7fff_ffff - (batch.offsetDelta - batch.lastSequence) + 1
    : batch.lastSequence - batch.offsetDelta
}

/** Long.hashCode with the spreading of HashMap. */
function javaHash(id: Int64): number {
  const long = BigInt.asUintN(64, BigInt(id))
  const hash = Number((long ^ (long >> 32n)) & 0xffff_ffffn)
  return (hash ^ (hash >>> 16)) >>> 0
}

/** @throws KafkaError CORRUPT_MESSAGE */
function readableMarker(bytes: Buffer, at: number): Marker | null {
  try {
    return readMarker(bytes, at)
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error
    throw new KafkaError('CORRUPT_MESSAGE', `The batch at offset ${baseOffset(bytes, at)}: ${error.message}`)
  }
}

/**
 * Null for a control batch that is no transaction marker, or that compaction has emptied.
 * @throws MalformedError
 */
function readMarker(bytes: Buffer, at: number): Marker | null {
  if (recordCount(bytes, at) === 0) return null
  const record = readRecords(bytes, at)[0]
  if (record === undefined) return null
  const type = readControlKey(record.key)
  if (type !== 'ABORT' && type !== 'COMMIT') return null
  return { aborted: type === 'ABORT', coordinatorEpoch: readMarkerValue(record.value) }
}
