/** Times as Java's SimpleDateFormat writes them, in local time: what `--date-format` of the performance tools takes. */
import { failure } from '../tool/tool-exit.ts'

type Field = (date: Date, width: number) => string

const FIELDS: Readonly<Record<string, Field>> = {
  y: (date, width) => (width === 2 ? padded(date.getFullYear() % 100, 2) : padded(date.getFullYear(), width)),
  M: (date, width) => (width < 3 ? padded(date.getMonth() + 1, width) : named(date, 'month', width)),
  d: (date, width) => padded(date.getDate(), width),
  H: (date, width) => padded(date.getHours(), width),
  h: (date, width) => padded(date.getHours() % 12 || 12, width),
  m: (date, width) => padded(date.getMinutes(), width),
  s: (date, width) => padded(date.getSeconds(), width),
  S: (date, width) => padded(date.getMilliseconds(), width),
  a: (date) => (date.getHours() < 12 ? 'AM' : 'PM'),
  E: (date, width) => named(date, 'weekday', width),
  Z: (date) => offset(date, ''),
  X: (date) => offset(date, ':'),
}

function padded(value: number, width: number): string {
  return String(value).padStart(width, '0')
}

function named(date: Date, part: 'month' | 'weekday', width: number): string {
  return date.toLocaleDateString('en-US', { [part]: width < 4 ? 'short' : 'long' })
}

function offset(date: Date, separator: string): string {
  const minutes = -date.getTimezoneOffset()
  const size = Math.abs(minutes)
  return `${minutes < 0 ? '-' : '+'}${padded(Math.floor(size / 60), 2)}${separator}${padded(size % 60, 2)}`
}

/**
 * @param pattern letters for fields, other signs for themselves, `'…'` for text.
 * @returns from milliseconds since 1970.
 * @throws ToolExit for a letter that Java has no field for, or that this has not.
 */
export function dateFormat(pattern: string): (wallMs: number) => string {
  const parts = [...pattern.matchAll(/'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+/g)].map(([text, quoted, letter]) => {
    if (quoted !== undefined) return quoted === '' ? "'" : quoted.replaceAll("''", "'")
    if (letter === undefined) return text
    const field = FIELDS[letter]
    if (field === undefined) throw failure(`Illegal pattern character '${letter}'`)
    return (date: Date) => field(date, text.length)
  })
  return (wallMs) => {
    const date = new Date(wallMs)
    return parts.map((part) => (typeof part === 'string' ? part : part(date))).join('')
  }
}
