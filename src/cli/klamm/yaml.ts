/** Plain data as YAML: blocks of maps and lists, text in quotes wherever it could be taken for something else. */

/** With a line end after each line. @param data what JSON can say. */
export function yamlOf(data: unknown): string {
  return isScalar(data) ? `${scalar(data)}\n` : `${block(data, '')}`
}

function block(data: unknown, indent: string): string {
  if (Array.isArray(data)) return data.map((item: unknown) => `${indent}-${child(item, indent, true)}`).join('')
  return Object.entries(data as object)
    .map(([key, value]: [string, unknown]) => `${indent}${text(key)}:${child(value, indent, false)}`)
    .join('')
}

function child(value: unknown, indent: string, isItem: boolean): string {
  if (isScalar(value)) return ` ${scalar(value)}\n`
  const inner = `${indent}  `
  // An item begins on the line of its dash.
  return isItem ? ` ${block(value, inner).slice(inner.length)}` : `\n${block(value, inner)}`
}

/** Empty lists and maps are written in one word, too. */
function isScalar(data: unknown): boolean {
  return typeof data !== 'object' || data === null || Object.keys(data).length === 0
}

function scalar(data: unknown): string {
  if (typeof data === 'string') return text(data)
  return JSON.stringify(data) ?? 'null'
}

const PLAIN = /^[A-Za-z_/][\w./-]*(?: [\w./-]+)*$/
const WORDS = /^(?:true|false|yes|no|on|off|null|y|n)$/i

function text(value: string): string {
  return PLAIN.test(value) && !WORDS.test(value) ? value : JSON.stringify(value)
}
