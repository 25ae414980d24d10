/**
 * How a record is shown on a console: Kafka's formatters by the names of their classes, those of 3.x too.
 *
 * A formatter gives pieces of output, bytes as they are: a value need not be text. What cannot be shown throws, and the
 * tool decides whether it goes on.
 */
import type { RecordHeader } from '../../records/record.ts'
import { bytesReader, type BytesReader } from '../text/java-deserializers.ts'
import type { CoordinatorRecords } from './coordinator-formatters.ts'

/** What is shown of a record, whichever consumer brought it. */
export interface ShownRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** -1: none. */
  readonly timestamp: number
  readonly timestampType: 'CreateTime' | 'LogAppendTime'
  readonly keyBytes: Buffer | null
  readonly valueBytes: Buffer | null
  readonly headers: readonly RecordHeader[]
  /** How often it was delivered to its share group; not there for records of other consumers. */
  readonly deliveryCount?: number
}

export type Piece = string | Uint8Array

/** One run of bytes: a terminal takes that faster than many pieces. */
export function joined(pieces: readonly Piece[]): Buffer {
  let size = 0
  for (const piece of pieces) size += typeof piece === 'string' ? Buffer.byteLength(piece) : piece.length
  const bytes = Buffer.allocUnsafe(size)
  let at = 0
  for (const piece of pieces) {
    if (typeof piece === 'string') at += bytes.write(piece, at)
    else {
      bytes.set(piece, at)
      at += piece.length
    }
  }
  return bytes
}

/** Appends what is printed to `pieces`. @throws MalformedError. */
export type RecordFormatter = (record: ShownRecord, pieces: Piece[]) => void

type MakeFormatter = (properties: ReadonlyMap<string, string>) => RecordFormatter | Promise<RecordFormatter>

/** Null for a class that isn't Kafka's. */
export function formatterNamed(className: string): MakeFormatter | null {
  const name = /^(?:org\.apache\.kafka\.tools\.consumer|kafka\.tools|kafka\.coordinator)\.(?:.*[.$])?(\w+)$/.exec(
    className,
  )
  return FORMATTERS.get(name?.[1] ?? '') ?? null
}

const FORMATTERS: ReadonlyMap<string, MakeFormatter> = new Map<string, MakeFormatter>([
  ['DefaultMessageFormatter', defaultFormatter],
  ['LoggingMessageFormatter', loggingFormatter],
  ['NoOpMessageFormatter', () => () => undefined],
  ['OffsetsMessageFormatter', () => ofCoordinator('offsets')],
  ['GroupMetadataMessageFormatter', () => ofCoordinator('groups')],
  ['TransactionLogMessageFormatter', () => ofCoordinator('transactions')],
  ['ShareGroupStateMessageFormatter', () => ofCoordinator('shares')],
])

/** They know every message of Kafka's, and a console that shows other records must not wait for that. */
async function ofCoordinator(kind: CoordinatorRecords): Promise<RecordFormatter> {
  return (await import('./coordinator-formatters.ts')).coordinatorRecordFormatter(kind)
}

function defaultFormatter(properties: ReadonlyMap<string, string>): RecordFormatter {
  const isOn = (name: string, otherwise = false): boolean => {
    const text = properties.get(name)
    return text === undefined ? otherwise : text.trim().toLowerCase() === 'true'
  }
  const text = (name: string, otherwise: string): Buffer => Buffer.from(properties.get(name) ?? otherwise)
  const between = text('key.separator', '\t')
  const end = text('line.separator', '\n')
  const betweenHeaders = text('headers.separator', ',')
  const nothing = text('null.literal', 'null')
  const shown = (name: string): ((bytes: Buffer | null) => Piece) => {
    const read = readerNamed(properties.get(name))
    return (bytes) => (read === null ? (bytes ?? nothing) : read(bytes ?? nothing))
  }
  const key = shown('key.deserializer')
  const value = shown('value.deserializer')
  const header = shown('headers.deserializer')
  const columns: ((record: ShownRecord, pieces: Piece[]) => void)[] = []
  if (isOn('print.timestamp')) {
    columns.push(({ timestamp, timestampType }, pieces) =>
      pieces.push(timestamp < 0 ? 'NO_TIMESTAMP' : `${timestampType}:${timestamp}`),
    )
  }
  if (isOn('print.partition')) columns.push(({ partition }, pieces) => pieces.push(`Partition:${partition}`))
  if (isOn('print.offset')) columns.push(({ offset }, pieces) => pieces.push(`Offset:${offset}`))
  if (isOn('print.delivery')) {
    columns.push(({ deliveryCount }, pieces) => pieces.push(`Delivery:${deliveryCount ?? 'NOT_PRESENT'}`))
  }
  if (isOn('print.headers')) {
    columns.push(({ headers }, pieces) => {
      if (headers.length === 0) pieces.push('NO_HEADERS')
      headers.forEach((one, index) => {
        if (index > 0) pieces.push(betweenHeaders)
        pieces.push(`${one.key}:`, header(one.value))
      })
    })
  }
  if (isOn('print.key')) columns.push(({ keyBytes }, pieces) => pieces.push(key(keyBytes)))
  if (isOn('print.value', true)) columns.push(({ valueBytes }, pieces) => pieces.push(value(valueBytes)))
  return (record, pieces) => {
    columns.forEach((column, index) => {
      if (index > 0) pieces.push(between)
      column(record, pieces)
    })
    if (columns.length > 0) pieces.push(end)
  }
}

/** Kafka says on its log that a class isn't there, and goes on without. */
function readerNamed(className: string | undefined): BytesReader | null {
  return className === undefined ? null : bytesReader(className)
}

/** What Kafka's prints through its logger: here it is all that the tool prints, without the logger's line in front. */
function loggingFormatter(properties: ReadonlyMap<string, string>): RecordFormatter {
  const inner = defaultFormatter(properties)
  return (record, pieces) => {
    inner(record, pieces)
    const { timestamp, timestampType, keyBytes, valueBytes } = record
    const time = timestamp < 0 ? '' : `${timestampType}:${timestamp}, `
    pieces.push(`${time}key:${keyBytes?.toString() ?? 'null'}, value:${valueBytes?.toString() ?? 'null'}\n`)
  }
}
