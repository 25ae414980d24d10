/**
 * Usage and help as argparse4j writes them: 75 wide, continued lines under the first, full lines justified.
 */
import { isPositional, keyOf, type ArgumentSpec, type ArgumentTable, type CommandSpec } from './argument-table.ts'
import { linePieces } from './line-breaks.ts'

const WIDTH = 75
const HELP_COLUMN = 25

/** Of the tool, or of one of its commands. With a line end after each line. */
export function usageText(table: ArgumentTable, command: CommandSpec | null): string {
  const { arguments: parts, groups } = command ?? table
  const words: string[] = []
  if (command !== null) words.push(...upperUsage(table), command.name)
  for (const part of parts) {
    if (!isPositional(part) && !isExclusive(groups, part)) words.push(syntax(part))
  }
  for (const [name, group] of Object.entries(groups)) {
    if (!group.exclusive) continue
    const members = parts.filter((part) => part.group === name)
    words.push(...alternatives(members, group.required))
  }
  words.push(...parts.filter(isPositional).map(metavars))
  if (command === null && table.commands.length > 0) words.push(commandsSyntax(table), '...')
  return usageLines(`usage: ${table.program}`, words)
}

/** What a command's usage repeats of the tool: what must be given. */
function upperUsage(table: ArgumentTable): readonly string[] {
  const required = table.arguments.filter(
    (part) => part.required && !isPositional(part) && !isExclusive(table.groups, part),
  )
  const groups = Object.entries(table.groups).filter(([, group]) => group.exclusive && group.required)
  return [
    ...required.map(syntax),
    ...groups.flatMap(([name]) =>
      alternatives(
        table.arguments.filter((part) => part.group === name),
        true,
      ),
    ),
    ...table.arguments.filter(isPositional).map(metavars),
  ]
}

function isExclusive(groups: ArgumentTable['groups'], part: ArgumentSpec): boolean {
  return part.group !== null && groups[part.group]?.exclusive === true
}

function alternatives(members: readonly ArgumentSpec[], required: boolean): readonly string[] {
  const [only] = members
  if (only === undefined) return []
  if (members.length === 1) return [required ? bareSyntax(only) : syntax(only)]
  const [open, close] = required ? ['(', ')'] : ['[', ']']
  return members.flatMap((part, index) => {
    const text = bareSyntax(part)
    if (index === 0) return [`${open}${text}`]
    return index === members.length - 1 ? ['|', `${text}${close}`] : ['|', text]
  })
}

function usageLines(start: string, words: readonly string[]): string {
  const isLong = start.length > 30
  const indent = ' '.repeat(isLong ? 6 : start.length)
  let text = isLong ? `${start}\n${indent}` : start
  let width = isLong ? 2 * indent.length : start.length
  words.forEach((word, index) => {
    if (index > 0 && width + word.length + 1 > WIDTH) {
      text += `\n${indent}`
      width = indent.length
    }
    text += ` ${word}`
    width += word.length + 1
  })
  return `${text}\n`
}

function syntax(part: ArgumentSpec): string {
  return part.required ? bareSyntax(part) : `[${bareSyntax(part)}]`
}

function bareSyntax(part: ArgumentSpec): string {
  return `${part.names[0]} ${metavars(part)}`.trim()
}

function metavar(part: ArgumentSpec): string {
  if (part.metavar !== null) return part.metavar
  if (part.choices !== null) return choicesText(part.choices)
  const name = keyOf(part).replaceAll('-', '_')
  return isPositional(part) ? name : name.toUpperCase()
}

export function choicesText(choices: readonly string[]): string {
  return `{${choices.join(',')}}`
}

function metavars(part: ArgumentSpec): string {
  if (part.action !== 'store' && part.action !== 'append') return ''
  const name = metavar(part)
  if (part.count === '+') return `${name} [${name} ...]`
  return part.count === '*' ? `[${name} [${name} ...]]` : name
}

function commandsSyntax(table: ArgumentTable): string {
  return table.commandsMetavar ?? choicesText(table.commands.map((command) => command.name))
}

/** Without the last line's end. */
export function helpText(table: ArgumentTable, command: CommandSpec | null): string {
  const { arguments: parts, groups, description } = command ?? table
  const usage = usageText(table, command)
  const sections: string[] = []
  if (description !== '') sections.push(`${justified(description, 0, '')}\n`)
  const rows = (of: readonly ArgumentSpec[]) =>
    of.map((part) => argumentRow(part, command === null && table.showsDefaults)).join('')
  const plain = parts.filter((part) => part.group === null || groups[part.group]?.title === null)
  const hasCommands = command === null && table.commands.length > 0
  const commands = hasCommands ? commandRows(table) : ''
  const positionals = rows(plain.filter(isPositional)) + (table.commandsTitle === null ? commands : '')
  if (positionals !== '') sections.push(`positional arguments:\n${positionals}`)
  sections.push(`optional arguments:\n${rows(plain.filter((part) => !isPositional(part)))}`)
  if (hasCommands && table.commandsTitle !== null) sections.push(`${table.commandsTitle}:\n${commands}`)
  for (const [name, group] of Object.entries(groups)) {
    if (group.title === null) continue
    const about = group.description === null ? '' : `  ${justified(group.description, 2, '  ')}\n\n`
    sections.push(`${group.title}:\n${about}${rows(parts.filter((part) => part.group === name))}`)
  }
  return `${usage}\n${sections.join('\n')}`.replace(/\n$/, '')
}

function argumentRow(part: ArgumentSpec, showsDefaults: boolean): string {
  const values = metavars(part)
  const title = isPositional(part)
    ? metavar(part)
    : part.names.map((name) => (values === '' ? name : `${name} ${values}`)).join(', ')
  const hasDefault = showsDefaults && (part.defaultValue !== null || part.action === 'flag')
  return helpRow(title, hasDefault ? `${part.help} (default: ${part.defaultValue ?? 'false'})`.trim() : part.help)
}

function commandRows(table: ArgumentTable): string {
  return helpRow(commandsSyntax(table), '') + table.commands.map((one) => helpRow(`  ${one.name}`, one.help)).join('')
}

function helpRow(title: string, help: string): string {
  if (help === '') return `  ${title}\n`
  const start = title.length <= 21 ? `  ${title}`.padEnd(HELP_COLUMN) : `  ${title}\n${' '.repeat(HELP_COLUMN)}`
  return `${start}${justified(help, HELP_COLUMN, ' '.repeat(HELP_COLUMN))}\n`
}

/** Lines of at most 75; all but the last of a paragraph are filled up with blanks between their words. */
export function justified(text: string, offset: number, indent: string): string {
  let result = ''
  let line = ''
  let width = offset
  for (const piece of linePieces(text)) {
    if (width + piece.length > WIDTH) {
      result += `${filled(line, WIDTH - width)}\n${indent}`
      line = ''
      width = indent.length
    }
    line += piece
    width += piece.length
    if (!piece.endsWith('\n')) continue
    result += line + indent
    line = ''
    width = indent.length
  }
  return result + line
}

/** @param missing blanks that would fill the line as it stands. */
function filled(line: string, missing: number): string {
  const words = line.trim().split(/ +/)
  const gaps = words.length - 1
  if (gaps === 0) return words.join('')
  const blanks = missing + line.length - line.trim().length
  const each = Math.floor(blanks / gaps)
  const rest = blanks % gaps
  const from = Math.floor((gaps - rest + 1) / 2)
  return line
    .trim()
    .split(/( +)/)
    .map((part, index) => {
      if (index % 2 === 0) return part
      const gap = (index - 1) / 2
      return part + ' '.repeat(each + (gap >= from && gap < from + rest ? 1 : 0))
    })
    .join('')
}
