/** What `klamm` says of itself, made from the tables of its commands. */
import { COMMANDS } from './commands.ts'
import type { Command } from './command.ts'

/** What is no command of the tables; the first is for bin/klamm alone. */
export const SCRIPTED_COMMANDS = [
  ['storage', 'Prepare log directories, as kafka-storage.sh.'],
  ['version', 'Print the version.'],
  ['help', 'Print this; klamm help COMMAND tells more.'],
] as const

export function overview(): string {
  const families = new Map<string, string[]>()
  for (const { path, about } of COMMANDS) {
    const [first = '', second] = path
    families.set(first, [...(families.get(first) ?? []), second ?? about])
  }
  const rows = [...families].map(([name, words]) => {
    const isFamily = COMMANDS.some(({ path }) => path[0] === name && path.length > 1)
    return [name, isFamily ? words.join(', ') : (words[0] ?? '')] as const
  })
  return ['USAGE: klamm COMMAND [ARGUMENTS]', '', ...listed([...rows, ...SCRIPTED_COMMANDS])].join('\n')
}

export function familyHelp(family: readonly Command[]): string {
  const rows = family.map((command) => [usageWords(command), command.about] as const)
  return [
    'USAGE:',
    '',
    ...listed(rows),
    '',
    `klamm ${family[0]?.path[0] ?? ''} COMMAND --help tells the options.`,
  ].join('\n')
}

export function commandHelp(command: Command): string {
  const rows = Object.entries(command.options).map(([name, option]) => {
    const value = option.argument === 'none' ? '' : ` ${option.shows ?? ''}`
    const usual = option.defaultValue === null ? '' : ` (${option.defaultValue})`
    return [`${option.short === null ? '   ' : `-${option.short},`} --${name}${value}`, option.help + usual] as const
  })
  return [`USAGE: klamm ${usageWords(command)} [OPTIONS]`, '', command.about, '', ...listed(rows)].join('\n')
}

function usageWords({ path, positionals }: Command): string {
  const words = positionals.map(({ name, isOptional, isRepeated }) => {
    const word = isRepeated ? `${name}…` : name
    return isOptional ? `[${word}]` : word
  })
  return [...path, ...words].join(' ')
}

function listed(rows: readonly (readonly [string, string])[]): readonly string[] {
  const width = Math.max(...rows.map(([name]) => name.length))
  return rows.map(([name, about]) => `  ${name.padEnd(width)}  ${about}`)
}
