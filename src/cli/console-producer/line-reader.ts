/**
 * Lines of text as records: Kafka's LineMessageReader, with its properties and its sentences.
 *
 * A line is headers, key and value in this order, where they are asked for: `h1:v1,h2:v2<TAB>key<TAB>value`.
 */
import type { HeadersInit } from '../../client/producer/producer-record.ts'
import { failure } from '../tool/tool-exit.ts'

export interface LineRecord {
  readonly key: string | null
  readonly value: string | null
  readonly headers: HeadersInit
}

export interface LineReader {
  /** @param lineNumber from 1 on. @throws ToolExit for a line that lacks a separator, unless ignore.error is set. */
  read(line: string, lineNumber: number): LineRecord
}

/** @throws ToolExit for separators that cannot be told apart. */
export function lineReader(properties: ReadonlyMap<string, string>): LineReader {
  const isOn = (name: string): boolean => properties.get(name)?.trim().toLowerCase() === 'true'
  const keySeparator = properties.get('key.separator') ?? '\t'
  const headersDelimiter = properties.get('headers.delimiter') ?? '\t'
  const headersSeparator = properties.get('headers.separator') ?? ','
  const headersKeySeparator = properties.get('headers.key.separator') ?? ':'
  const nullMarker = properties.get('null.marker') ?? null
  const [parsesKey, parsesHeaders, ignoresErrors] = [isOn('parse.key'), isOn('parse.headers'), isOn('ignore.error')]
  differ('headers.delimiter', headersDelimiter, 'headers.separator', headersSeparator)
  differ('headers.delimiter', headersDelimiter, 'headers.key.separator', headersKeySeparator)
  differ('headers.separator', headersSeparator, 'headers.key.separator', headersKeySeparator)
  differ('null.marker', nullMarker, 'key.separator', keySeparator)
  differ('null.marker', nullMarker, 'headers.separator', headersSeparator)
  differ('null.marker', nullMarker, 'headers.delimiter', headersDelimiter)
  differ('null.marker', nullMarker, 'headers.key.separator', headersKeySeparator)
  const pattern = headersPattern(headersSeparator)
  const orNull = (text: string): string | null => (text === nullMarker ? null : text)

  const part = (line: string, from: number, until: string, what: string, lineNumber: number): string | null => {
    const at = line.indexOf(until, from)
    if (at >= 0) return line.slice(from, at)
    if (ignoresErrors) return null
    throw failure(`No ${what} found on line number ${lineNumber}: '${line}'`)
  }
  const header = (pair: string, lineNumber: number): readonly [string, string | null] => {
    const at = pair.indexOf(headersKeySeparator)
    if (at < 0) {
      if (ignoresErrors) return [pair, null]
      throw failure(`No header key separator found in pair '${pair}' on line number ${lineNumber}`)
    }
    const key = pair.slice(0, at)
    if (key === nullMarker) {
      throw failure(`Header keys should not be equal to the null marker '${nullMarker}' as they can't be null`)
    }
    return [key, orNull(pair.slice(at + headersKeySeparator.length))]
  }

  return {
    read(line, lineNumber) {
      const headers = parsesHeaders ? part(line, 0, headersDelimiter, 'headers delimiter', lineNumber) : null
      const keyAt = headers === null ? 0 : headers.length + headersDelimiter.length
      const key = parsesKey ? part(line, keyAt, keySeparator, 'key separator', lineNumber) : null
      const valueAt = keyAt + (key === null ? 0 : key.length + keySeparator.length)
      const pairs = headers === null || headers === nullMarker ? [] : withoutEmptyEnd(headers.split(pattern))
      return {
        key: key === null ? null : orNull(key),
        value: orNull(line.slice(valueAt)),
        headers: pairs.map((pair) => header(pair, lineNumber)),
      }
    },
  }
}

function differ(oneName: string, one: string | null, otherName: string, other: string): void {
  if (one === other) throw failure(`${oneName} and ${otherName} may not be equal`)
}

/** The separator of headers is a regular expression there. */
function headersPattern(text: string): RegExp {
  try {
    return new RegExp(text)
  } catch {
    throw failure(`headers.separator ${text} is an invalid regex.`)
  }
}

/** Java drops empty pieces at the end of what it splits; of an empty text the one piece stays. */
function withoutEmptyEnd(pieces: readonly string[]): string[] {
  const end = pieces.findLastIndex((piece) => piece !== '') + 1
  return end === 0 && pieces.length === 1 ? [...pieces] : pieces.slice(0, end)
}

/** Lines of UTF-8, ended by \n, \r or \r\n; what is behind the last end is one too, unless it is empty. */
export async function* linesOf(input: AsyncIterable<Uint8Array>): AsyncIterable<readonly string[]> {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  let rest = ''
  for await (const piece of input) {
    const text = rest + decoder.decode(piece, { stream: true })
    // A \r at the end may be half of a \r\n.
    const settled = text.endsWith('\r') ? text.slice(0, -1) : text
    const lines = settled.split(/\r\n|\n|\r/)
    rest = (lines.pop() ?? '') + text.slice(settled.length)
    if (lines.length > 0) yield lines
  }
  const last = (rest + decoder.decode()).split(/\r\n|\n|\r/)
  if (last.at(-1) === '') last.pop()
  if (last.length > 0) yield last
}
