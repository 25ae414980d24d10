/**
 * Java's .properties syntax, as Kafka loads its files: bytes are ISO-8859-1, a logical line may continue after a
 * backslash, `=`, `:` or blanks end the key, \uXXXX is one UTF-16 unit, a later key replaces an earlier one.
 */

/** @throws SyntaxError for a malformed \u escape, the only thing that Java refuses. */
export function parseProperties(bytes: Buffer): Map<string, string> {
  const properties = new Map<string, string>()
  for (const line of logicalLines(bytes.toString('latin1'))) {
    const [key, value] = splitLine(line)
    properties.set(unescape(key), unescape(value))
  }
  return properties
}

const BLANKS = ' \t\f'

/** Lines without comments and blank ones, continued lines joined, leading blanks dropped. */
function logicalLines(text: string): string[] {
  const lines: string[] = []
  let joined: string | null = null
  for (const natural of text.split(/\r\n|[\r\n]/)) {
    const line = trimStart(natural)
    // A comment or an empty line inside a continued line belongs to it.
    if (joined === null && (line === '' || line.startsWith('#') || line.startsWith('!'))) continue
    const continues = endsWithOddBackslashes(line)
    joined = (joined ?? '') + (continues ? line.slice(0, -1) : line)
    if (continues) continue
    lines.push(joined)
    joined = null
  }
  if (joined !== null && joined !== '') lines.push(joined)
  return lines
}

function trimStart(line: string): string {
  let at = 0
  while (at < line.length && BLANKS.includes(line[at]!)) at++
  return line.slice(at)
}

function endsWithOddBackslashes(line: string): boolean {
  let count = 0
  while (count < line.length && line[line.length - 1 - count] === '\\') count++
  return count % 2 === 1
}

function splitLine(line: string): [string, string] {
  let end = 0
  while (end < line.length && !'=:'.includes(line[end]!) && !BLANKS.includes(line[end]!)) {
    end += line[end] === '\\' ? 2 : 1
  }
  const key = line.slice(0, end)
  let rest = trimStart(line.slice(end))
  if (rest.startsWith('=') || rest.startsWith(':')) rest = trimStart(rest.slice(1))
  return [key, rest]
}

const ESCAPES: { readonly [letter: string]: string } = { t: '\t', r: '\r', n: '\n', f: '\f' }

function unescape(text: string): string {
  return text.replace(/\\(u([0-9a-fA-F]{0,4})|[^])?/g, (_, escaped: string | undefined, hex: string | undefined) => {
    if (escaped === undefined) return ''
    if (hex === undefined) return ESCAPES[escaped] ?? escaped
    if (hex.length < 4) throw new SyntaxError('Malformed \\uxxxx encoding.')
    return String.fromCharCode(parseInt(hex, 16))
  })
}

/** `key=value` of `--override`; the value may hold more `=` signs and may be empty. Null if there is no `=`. */
export function parseOverride(text: string): readonly [string, string] | null {
  const equals = text.indexOf('=')
  return equals <= 0 ? null : [text.slice(0, equals).trim(), text.slice(equals + 1).trim()]
}
