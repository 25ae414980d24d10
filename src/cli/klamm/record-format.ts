/**
 * The format string of `klamm consume`: text with places for parts of a record, after rpk's and kcat's.
 *
 * %t topic  %p partition  %o offset  %e leader epoch  %k key  %v or %s value  %h headers  %d or %T time
 * %K %V or %S bytes of key and value  %H number of headers  %i records so far  %% a percent sign
 *
 * In braces behind it: {hex}, {base64} or {json} for keys and values, {ms} (usual), {iso} or {strftime[%F %T]} (UTC) for the
 * time, and for headers the form of each: %h{%k=%v }. Escapes: \n \t \r \0 \\ \xHH.
 */
import type { ConsumedRecord } from '../../client/consumer/consumed-record.ts'
import { usageError } from './exits.ts'
import { strftime } from './strftime.ts'

export type FormattedRecord = Pick<
  ConsumedRecord<Buffer, Buffer>,
  'topic' | 'partition' | 'offset' | 'timestamp' | 'leaderEpoch' | 'keyBytes' | 'valueBytes' | 'headers'
>
type Piece = string | Buffer
type Part = (record: FormattedRecord, count: number) => Piece

/** @throws ToolExit for a part that there is none of. */
export function recordFormat(format: string): (record: FormattedRecord, count: number) => Buffer {
  const parts = partsOf(format)
  return (record, count) => Buffer.concat(parts.map((part) => bytesOf(part(record, count))))
}

function bytesOf(piece: Piece): Buffer {
  return typeof piece === 'string' ? Buffer.from(piece) : piece
}

function partsOf(format: string): readonly Part[] {
  const parts: Part[] = []
  let text: Buffer[] = []
  const endText = (): void => {
    if (text.length === 0) return
    const bytes = Buffer.concat(text)
    text = []
    parts.push(() => bytes)
  }
  for (let at = 0; at < format.length;) {
    if (format[at] === '\\') {
      const { bytes, length } = escape(format.slice(at))
      text.push(bytes)
      at += length
    } else if (format[at] === '%') {
      const letter = format[at + 1] ?? ''
      const braces = format[at + 2] === '{' ? inBraces(format, at + 2) : null
      const part = partOf(letter, braces)
      if (typeof part === 'string') text.push(Buffer.from(part))
      else {
        endText()
        parts.push(part)
      }
      at += 2 + (braces === null ? 0 : braces.length + 2)
    } else {
      const next = format.slice(at).search(/[\\%]/)
      const end = next < 0 ? format.length : at + next
      text.push(Buffer.from(format.slice(at, end)))
      at = end
    }
  }
  endText()
  return parts
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '0': '\0', '\\': '\\' }

function escape(text: string): { readonly bytes: Buffer; readonly length: number } {
  const hex = /^\\x([0-9a-fA-F]{2})/.exec(text)
  if (hex !== null) return { bytes: Buffer.from(hex[1] ?? '', 'hex'), length: 4 }
  const known = ESCAPES[text[1] ?? '']
  return known === undefined ? { bytes: Buffer.from('\\'), length: 1 } : { bytes: Buffer.from(known), length: 2 }
}

/** What is between a brace and the one that closes it. @throws ToolExit */
function inBraces(format: string, open: number): string {
  let depth = 0
  for (let at = open; at < format.length; at++) {
    if (format[at] === '{') depth += 1
    if (format[at] === '}') depth -= 1
    if (depth === 0) return format.slice(open + 1, at)
  }
  throw usageError(`A brace is not closed in the format: ${format.slice(open)}.`, 'klamm consume')
}

function partOf(letter: string, braces: string | null): Part | string {
  switch (letter) {
    case '%':
      return '%'
    case 't':
      return bare(letter, braces, ({ topic }) => topic)
    case 'p':
      return bare(letter, braces, ({ partition }) => String(partition))
    case 'o':
      return bare(letter, braces, ({ offset }) => String(offset))
    case 'e':
      return bare(letter, braces, ({ leaderEpoch }) => String(leaderEpoch))
    case 'i':
      return bare(letter, braces, (_, count) => String(count))
    case 'K':
      return bare(letter, braces, ({ keyBytes }) => String(keyBytes?.length ?? -1))
    case 'V':
    case 'S':
      return bare(letter, braces, ({ valueBytes }) => String(valueBytes?.length ?? -1))
    case 'H':
      return bare(letter, braces, ({ headers }) => String(headers.length))
    case 'k': {
      const encode = encoding(braces)
      return ({ keyBytes }) => encode(keyBytes)
    }
    case 'v':
    case 's': {
      const encode = encoding(braces)
      return ({ valueBytes }) => encode(valueBytes)
    }
    case 'd':
    case 'T': {
      const shown = timeFormat(braces)
      return ({ timestamp }) => shown(timestamp)
    }
    case 'h':
      return headersPart(braces)
    default:
      throw usageError(`The format has no %${letter}; %% is a percent sign.`, 'klamm consume')
  }
}

function bare(letter: string, braces: string | null, part: Part): Part {
  if (braces === null) return part
  throw usageError(`%${letter} has no form {${braces}}.`, 'klamm consume')
}

/** A missing key or value is nothing; in JSON null. */
function encoding(braces: string | null): (bytes: Buffer | null) => Piece {
  switch (braces) {
    case null:
    case 'ascii':
      return (bytes) => bytes ?? ''
    case 'hex':
    case 'base64':
      return (bytes) => bytes?.toString(braces) ?? ''
    case 'json':
      return (bytes) => JSON.stringify(bytes?.toString() ?? null)
    default:
      throw usageError(`Keys and values have the forms {hex}, {base64} and {json}, not {${braces}}.`, 'klamm consume')
  }
}

function timeFormat(braces: string | null): (timestampMs: number) => string {
  if (braces === null || braces === 'ms') return String
  if (braces === 'iso') return (ms) => (ms < 0 ? '' : new Date(ms).toISOString())
  const pattern = /^strftime\[(.*)\]$/s.exec(braces)?.[1] ?? (braces.includes('%') ? braces : null)
  if (pattern === null) {
    throw usageError(`A time has the forms {ms}, {iso} and {strftime[%F %T]}, not {${braces}}.`, 'klamm consume')
  }
  return (ms) => (ms < 0 ? '' : strftime(pattern, ms))
}

function headersPart(braces: string | null): Part {
  if (braces === null) {
    return ({ headers }) => headers.map(({ key, value }) => `${key}=${value?.toString() ?? ''}`).join(',')
  }
  const each = partsOf(braces)
  return ({ headers, ...record }, count) =>
    Buffer.concat(
      headers.flatMap(({ key, value }) => {
        const one = { ...record, headers: [], keyBytes: Buffer.from(key), valueBytes: value }
        return each.map((part) => bytesOf(part(one, count)))
      }),
    )
}
