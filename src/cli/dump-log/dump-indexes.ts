/** Offset and time indexes, each checked against its log; transaction indexes; snapshots of producers. */
import { OperationalError } from '../../base/errors.ts'
import { readInt64, type Int64 } from '../../base/int64.ts'
import { batchAt, type LogBatch, openLog, type OpenedLog } from './log-batches.ts'
import { decodeProducerSnapshot, type SnapshotEntry } from '../../storage/producer-snapshot.ts'
import { decodeTransactionIndex } from '../../storage/transaction-index.ts'
import type { Disk } from '../../world/world.ts'
import type { Terminal } from '../tool/tool.ts'
import type { DumpLogOptions } from './dump-log-options.ts'
import { absolute, besideIt, startOffsetOf } from './file-names.ts'

const OFFSET_ENTRY_BYTES = 8
const TIME_ENTRY_BYTES = 12

/** By absolute path: what an index says, and what the log has there. */
export type Mismatches = Map<string, (readonly [Int64, Int64])[]>

export interface TimeIndexFaults {
  readonly mismatches: Mismatches
  readonly outOfOrder: Mismatches
  readonly notFound: Mismatches
}

interface Place {
  readonly path: string
  readonly options: DumpLogOptions
  readonly disk: Disk
  readonly terminal: Terminal
}

export async function dumpOffsetIndex(place: Place, mismatches: Mismatches): Promise<void> {
  const { path, disk } = place
  const base = startOffsetOf(path)
  const bytes = await contentOf(disk, path)
  const log = await openLog(disk, besideIt(path, '.log'))
  try {
    await dumpOffsetEntries(place, base, bytes, log, mismatches)
  } finally {
    await log.file.close()
  }
}

async function dumpOffsetEntries(
  { path, options, terminal }: Place,
  base: number,
  bytes: Buffer,
  log: OpenedLog,
  mismatches: Mismatches,
): Promise<void> {
  const count = Math.floor(bytes.length / OFFSET_ENTRY_BYTES)
  if (count === 0) return terminal.out(`${path} is empty.`)
  const offsetAt = (index: number) => base + bytes.readInt32BE(index * OFFSET_ENTRY_BYTES)
  if (options.sanityOnly) {
    const last = offsetAt(count - 1)
    if (last < base) {
      throw corrupt(
        `Corrupt index found, index file (${absolute(path)}) has non-zero size but the last offset is ${last} ` +
          `which is less than the base offset ${base}`,
      )
    }
    checkLength('Index', path, bytes.length, OFFSET_ENTRY_BYTES)
    return terminal.out(`${path} passed sanity check.`)
  }
  for (let index = 0; index < count; index++) {
    const offset = offsetAt(index)
    // A file that was made larger than what it holds ends in zeros.
    if (offset === base && index > 0) return
    const position = bytes.readInt32BE(index * OFFSET_ENTRY_BYTES + 4)
    const found = await batchAt(log, position, options.maxMessageSize)
    if (found === null) throw corrupt(`${path}: there is no batch at position ${position} of its log`)
    if (found.lastOffset !== offset) add(mismatches, path, offset, found.lastOffset)
    if (!options.verifyOnly) terminal.out(`offset: ${offset} position: ${position}`)
  }
}

export async function dumpTimeIndex(place: Place, faults: TimeIndexFaults): Promise<void> {
  const { path, options, disk, terminal } = place
  const base = startOffsetOf(path)
  const bytes = await contentOf(disk, path)
  const count = Math.floor(bytes.length / TIME_ENTRY_BYTES)
  const timestampAt = (index: number) => readInt64(bytes, index * TIME_ENTRY_BYTES)
  const offsetAt = (index: number) => base + bytes.readInt32BE(index * TIME_ENTRY_BYTES + 8)
  if (options.sanityOnly) {
    if (count > 0) checkTimeIndex(path, base, [timestampAt(0), timestampAt(count - 1)], offsetAt(count - 1))
    checkLength('Time index', path, bytes.length, TIME_ENTRY_BYTES)
    return terminal.out(`${path} passed sanity check.`)
  }
  const offsets = (await disk.readFile(besideIt(path, '.index'))) ?? Buffer.alloc(0)
  const log = await openLog(disk, besideIt(path, '.log'))
  try {
    let before: Int64 = -1
    for (let index = 0; index < count; index++) {
      const offset = offsetAt(index)
      if (offset === base && index > 0) return
      const timestamp = timestampAt(index)
      const found = await firstBatchUpTo(log, floorPosition(offsets, base, offset), offset)
      if (found === null || found.lastOffset !== offset) {
        add(faults.notFound, path, offset, found?.lastOffset ?? -1)
      } else {
        if (found.maxTimestamp !== timestamp) add(faults.mismatches, path, timestamp, found.maxTimestamp)
        if (before >= timestamp) add(faults.outOfOrder, path, timestamp, before)
      }
      if (!options.verifyOnly) terminal.out(`timestamp: ${timestamp} offset: ${offset}`)
      before = timestamp
    }
  } finally {
    await log.file.close()
  }
}

export async function dumpTransactionIndex({ path, disk, terminal }: Place): Promise<void> {
  const entries = decodeTransactionIndex(await contentOf(disk, path), startOffsetOf(path), path)
  for (const { producerId, firstOffset, lastOffset, lastStableOffset } of entries) {
    terminal.out(
      `version: 0 producerId: ${producerId} firstOffset: ${firstOffset} lastOffset: ${lastOffset} ` +
        `lastStableOffset: ${lastStableOffset}`,
    )
  }
}

export async function dumpProducerSnapshot({ path, disk, terminal }: Place): Promise<void> {
  const bytes = await contentOf(disk, path)
  let entries: readonly SnapshotEntry[] = []
  try {
    entries = decodeProducerSnapshot(bytes)
  } catch (error) {
    if (!(error instanceof OperationalError)) throw error
    terminal.error(error.message)
  }
  for (const entry of entries) {
    const open = entry.currentTxnFirstOffset
    let line =
      `producerId: ${entry.producerId} producerEpoch: ${entry.producerEpoch} ` +
      `coordinatorEpoch: ${entry.coordinatorEpoch} ` +
      `currentTxnFirstOffset: ${open < 0 ? 'OptionalLong.empty' : `OptionalLong[${open}]`} ` +
      `lastTimestamp: ${entry.timestamp}`
    if (entry.lastOffset >= 0 || entry.lastSequence >= 0) {
      const first = entry.lastSequence - entry.offsetDelta
      line +=
        ` firstSequence: ${first < 0 ? first + 2 ** 31 : first} lastSequence: ${entry.lastSequence} ` +
        `lastOffset: ${entry.lastOffset} offsetDelta: ${entry.offsetDelta} timestamp: ${entry.timestamp}`
    }
    terminal.out(line)
  }
}

async function contentOf(disk: Disk, path: string): Promise<Buffer> {
  const bytes = await disk.readFile(path)
  if (bytes === null) throw new OperationalError('CONFIG_INVALID', `${path}: no such file`)
  return bytes
}

function add(mismatches: Mismatches, path: string, said: Int64, found: Int64): void {
  const key = absolute(path)
  const pairs = mismatches.get(key) ?? []
  mismatches.set(key, pairs)
  pairs.push([said, found])
}

function corrupt(sentence: string): OperationalError {
  return new OperationalError('LOG_CORRUPT', sentence)
}

function checkLength(kind: string, path: string, length: number, entryBytes: number): void {
  if (length % entryBytes === 0) return
  throw corrupt(
    `${kind} file ${absolute(path)} is corrupt, found ${length} bytes which is neither positive nor a multiple of ${entryBytes}`,
  )
}

function checkTimeIndex(path: string, base: number, [first, last]: readonly [Int64, Int64], lastOffset: number): void {
  const start = `Corrupt time index found, time index file (${absolute(path)}) has non-zero size but the last`
  if (last < first) throw corrupt(`${start} timestamp is ${last} which is less than the first timestamp ${first}`)
  if (lastOffset < base) throw corrupt(`${start} offset is ${lastOffset} which is less than the first offset ${base}`)
}

/** Position of the greatest entry at or below `offset`; 0 without one. */
function floorPosition(index: Buffer, base: number, offset: number): number {
  let position = 0
  for (let at = 0; at + OFFSET_ENTRY_BYTES <= index.length; at += OFFSET_ENTRY_BYTES) {
    const relative = index.readInt32BE(at)
    if ((at > 0 && relative === 0) || base + relative > offset) break
    position = index.readInt32BE(at + 4)
  }
  return position
}

/** The first batch from `position` on whose last offset is `offset` or above. */
async function firstBatchUpTo(log: OpenedLog, position: number, offset: number): Promise<LogBatch | null> {
  for (let at = position; ;) {
    const found = await batchAt(log, at, Infinity)
    if (found === null || found.lastOffset >= offset) return found
    at += found.size
  }
}
