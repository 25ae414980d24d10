/** What a line of `klamm produce` holds: `%k` key, `%v` value, `%p` partition, and the text between them. */
import { failure } from '../tool/tool-exit.ts'
import { usageError } from './exits.ts'

export interface LineParts {
  readonly key?: string
  readonly value?: string
  readonly partition?: number
}

const FIELDS = { k: 'key', v: 'value', s: 'value', p: 'partition' } as const
const CALLED = 'klamm produce'

/** @throws ToolExit for a format that cannot be read. */
export function lineFormat(format: string): (line: string, lineNumber: number) => LineParts {
  const fields: ('key' | 'value' | 'partition')[] = []
  let pattern = ''
  let isField = false
  for (const [piece] of format.matchAll(/%.?|\\[tnr\\]|[^%\\]+|\\/gs)) {
    if (piece.startsWith('%') && piece !== '%%') {
      const letter = piece.slice(1)
      if (!(letter in FIELDS)) throw usageError(`A line has %k, %v and %p, not %${letter}.`, CALLED)
      const field = FIELDS[letter as keyof typeof FIELDS]
      if (fields.includes(field) || isField) {
        throw usageError(`Between two different fields some text must tell them apart: ${format}.`, CALLED)
      }
      fields.push(field)
      pattern += field === 'partition' ? '(\\d+)' : '(.*?)'
      isField = true
    } else {
      pattern += escaped(piece)
      isField = false
    }
  }
  const expression = new RegExp(`^${pattern}$`, 's')
  return (line, lineNumber) => {
    const found = expression.exec(line)
    if (found === null) throw failure(`klamm: Line ${lineNumber} is not '${format}': ${line}`)
    const entries = fields.map((field, index) => {
      const text = found[index + 1] ?? ''
      return [field, field === 'partition' ? Number(text) : text] as const
    })
    return Object.fromEntries(entries)
  }
}

const ESCAPES: Readonly<Record<string, string>> = { '\\t': '\t', '\\n': '\n', '\\r': '\r', '\\\\': '\\', '%%': '%' }

function escaped(piece: string): string {
  return (ESCAPES[piece] ?? piece).replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
