/** A `.log` or `.checkpoint` file, batch by batch and, if asked for, record by record. */
import { basename } from 'node:path'
import { OperationalError } from '../../base/errors.ts'
import { parseSnapshotName } from '../../quorum/snapshot-files.ts'
import * as batch from '../../records/batch.ts'
import { computeEntryCrc, entryCodec, entryHasLogAppendTime, entryLastOffset } from '../../records/batches.ts'
import { entryMaxTimestamp, isEntryCrcValid, MESSAGE_CRC_AT } from '../../records/batches.ts'
import { RecordCursor } from '../../records/record-reader.ts'
import type { Disk } from '../../world/world.ts'
import type { Terminal } from '../tool/tool.ts'
import { controlText } from './control-text.ts'
import type { DumpLogOptions } from './dump-log-options.ts'
import { absolute, startOffsetOf } from './file-names.ts'
import { logBatches, openLog } from './log-batches.ts'
import type { RecordDecoder } from './record-decoders.ts'

/** Bytes of a log after which a reader that is behind is waited for. */
const FLUSH_BYTES = 1 << 20
/** No limit. */
const MAX_BYTES_DEFAULT = 2_147_483_647

/**
 * Pairs of offsets, by file, where the next record does not follow the one before. As in Kafka 4 the first is expected to
 * be 0, so a segment that begins elsewhere has a pair of -1.
 */
export type Gaps = Map<string, Map<number, number>>

export async function dumpBatches(
  path: string,
  options: DumpLogOptions,
  disk: Disk,
  terminal: Terminal,
  gaps: Gaps,
): Promise<void> {
  terminal.out(headline(path))
  const log = await openLog(disk, path)
  try {
    const end = Math.min(log.size, options.maxBytes)
    let last = -1
    let done = 0
    let flushedAt = 0
    for await (const { bytes, at, size, position } of logBatches(log, end)) {
      terminal.out(batchText(bytes, at, size, position))
      if (options.deep)
        last = dumpRecords(bytes, at, options, terminal, last, (from, to) => addGap(gaps, path, from, to))
      done = position + size
      if (done - flushedAt < FLUSH_BYTES) continue
      flushedAt = done
      await terminal.flush()
      if (terminal.isClosed) return
    }
    if (log.size > done && options.maxBytes === MAX_BYTES_DEFAULT) {
      terminal.out(`Found ${log.size - done} invalid bytes at the end of ${basename(path)}`)
    }
  } finally {
    await log.file.close()
  }
}

function addGap(gaps: Gaps, path: string, from: number, to: number): void {
  const key = absolute(path)
  gaps.set(key, (gaps.get(key) ?? new Map<number, number>()).set(from, to))
}

function headline(path: string): string {
  const name = basename(path)
  if (name.endsWith('.log')) return `Log starting offset: ${startOffsetOf(path)}`
  if (name === 'bootstrap.checkpoint') return 'KRaft bootstrap snapshot'
  const id = parseSnapshotName(name)
  if (id === null) throw new OperationalError('CONFIG_INVALID', `${name} is not the name of a snapshot.`)
  return `Snapshot end offset: ${id.endOffset}, epoch: ${id.epoch}`
}

function batchText(bytes: Buffer, at: number, size: number, position: number): string {
  const magic = batch.magic(bytes, at)
  const front = magic >= 2 ? headerText(bytes, at) : `offset: ${entryLastOffset(bytes, at)}`
  const crc = magic >= 2 ? batch.crc(bytes, at) : bytes.readUInt32BE(at + MESSAGE_CRC_AT)
  const whole = bytes.subarray(0, at + size)
  return (
    `${front} position: ${position} ${timestampType(bytes, at)}: ${entryMaxTimestamp(bytes, at)} size: ${size}` +
    ` magic: ${magic} compresscodec: ${entryCodec(bytes, at) ?? 'unknown'} crc: ${crc}` +
    ` isvalid: ${isEntryCrcValid(whole, at, size)}`
  )
}

function headerText(bytes: Buffer, at: number): string {
  const horizon = batch.hasDeleteHorizon(bytes, at)
    ? `OptionalLong[${batch.baseTimestamp(bytes, at)}]`
    : 'OptionalLong.empty'
  return (
    `baseOffset: ${batch.baseOffset(bytes, at)} lastOffset: ${batch.lastOffset(bytes, at)}` +
    ` count: ${batch.recordCount(bytes, at)} baseSequence: ${batch.baseSequence(bytes, at)}` +
    ` lastSequence: ${batch.lastSequence(bytes, at)} producerId: ${batch.producerId(bytes, at)}` +
    ` producerEpoch: ${batch.producerEpoch(bytes, at)} partitionLeaderEpoch: ${batch.leaderEpoch(bytes, at)}` +
    ` isTransactional: ${batch.isTransactional(bytes, at)} isControl: ${batch.isControl(bytes, at)}` +
    ` deleteHorizonMs: ${horizon}`
  )
}

function timestampType(bytes: Buffer, at: number): string {
  if (batch.magic(bytes, at) === 0) return 'NoTimestampType'
  return entryHasLogAppendTime(bytes, at) ? 'LogAppendTime' : 'CreateTime'
}

/** Returns the offset of the last record. */
function dumpRecords(
  bytes: Buffer,
  at: number,
  { skipRecordMetadata, decoder }: DumpLogOptions,
  terminal: Terminal,
  before: number,
  onGap: (from: number, to: number) => void,
): number {
  const magic = batch.magic(bytes, at)
  const isControl = magic >= 2 && batch.isControl(bytes, at)
  const timeType = timestampType(bytes, at)
  const base = magic >= 2 ? ([batch.baseOffset(bytes, at), batch.baseSequence(bytes, at)] as const) : ([0, 0] as const)
  const cursor = new RecordCursor().open(bytes, at)
  let last = before
  while (cursor.next()) {
    if (cursor.offset !== last + 1) onGap(last, cursor.offset)
    last = cursor.offset
    let line = skipRecordMetadata
      ? ''
      : `${recordText(cursor, magic, timeType, base)}${isControl ? controlText(cursor) : ''}`
    if (decoder !== null && !isControl) line += contentText(cursor, decoder, skipRecordMetadata ? '| ' : ' ')
    terminal.out(line)
  }
  return last
}

/** @param base of the batch: its offset and sequence. */
function recordText(cursor: RecordCursor, magic: number, timeType: string, base: readonly [number, number]): string {
  const front =
    `| offset: ${cursor.offset} ${timeType}: ${cursor.timestamp}` +
    ` keySize: ${cursor.keyBytes} valueSize: ${cursor.valueBytes}`
  if (magic >= 2) {
    const [offset, first] = base
    const sequence = first < 0 ? batch.NO_SEQUENCE : batch.incrementSequence(first, cursor.offset - offset)
    const headers = cursor.headers().map(({ key }) => key)
    return `${front} sequence: ${sequence} headerKeys: [${headers.join(',')}]`
  }
  const { bytes, recordAt, recordEnd } = cursor
  const crc = bytes.readUInt32BE(recordAt + MESSAGE_CRC_AT)
  return `${front} isValid: ${computeEntryCrc(bytes, recordAt, recordEnd - recordAt) === crc} crc: ${crc}`
}

function contentText(cursor: RecordCursor, decoder: RecordDecoder, front: string): string {
  const { key, payload } = decoder({ offset: cursor.offset, key: cursor.key(), value: cursor.value() })
  let text = ''
  if (key !== null) text += `${front}key: ${key}`
  if (payload !== null) text += `${text === '' ? front : ' '}payload: ${payload}`
  return text
}
