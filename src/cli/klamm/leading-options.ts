/** Options in front of the command, where other programs take theirs: `klamm -b HOST:PORT topics list`. */
import type { CommandOptions } from './command.ts'
import { CONNECTION, SHOWING } from './common-options.ts'

const KNOWN: CommandOptions = { ...CONNECTION, ...SHOWING }

/** The words up to the command, and those from it on. What an unknown option stands for is said by the command, which has none such. */
export function splitLeading(argv: readonly string[]): { readonly leading: string[]; readonly words: string[] } {
  const words = [...argv]
  const leading: string[] = []
  while (words[0]?.startsWith('-') === true) {
    const word = words.shift() ?? ''
    leading.push(word)
    const name = word.replace(/^--?/, '')
    const known = KNOWN[name] ?? Object.values(KNOWN).find(({ short }) => short === name)
    if (known !== undefined && known.argument !== 'none' && words.length > 0) leading.push(words.shift() ?? '')
  }
  return { leading, words }
}
