/**
 * The exit codes of `klamm`, which docs/KLAMM.md lists: 0 done, 1 refused or failed, 2 the command line is wrong, 3 what was
 * named is not there, 4 no broker answers, 130 and 143 ended by a signal.
 */
import { likelyMeant, TOO_FAR } from '../../base/likely-meant.ts'
import { ToolExit } from '../tool/tool-exit.ts'

const USAGE = 2
const NOT_FOUND = 3
const NO_BROKER = 4

/** @param called the words of the command, whose help is pointed to. */
export function usageError(sentence: string, called = 'klamm'): ToolExit {
  return new ToolExit(USAGE, `klamm: ${sentence} See: ${called} --help`)
}

/** @param known what there is: near names are suggested. */
export function notFound(what: string, name: string, known: readonly string[]): ToolExit {
  return new ToolExit(NOT_FOUND, `klamm: There is no ${what} '${name}'.${didYouMean(name, known)}`)
}

/** From here on a word says enough to be taken for another. */
const LETTERS_MIN = 3

/** With a blank in front; nothing if no known word is near. */
export function didYouMean(word: string, known: readonly string[], dashes = ''): string {
  // A word of which hardly a letter stays is another word.
  const [near] = word.length < LETTERS_MIN ? [] : likelyMeant(word, known, Math.min(TOO_FAR, word.length))
  return near === undefined ? '' : ` Did you mean ${dashes === '' ? `'${near}'` : dashes + near}?`
}

export function noBroker(brokers: string, reason: string): ToolExit {
  return new ToolExit(
    NO_BROKER,
    `klamm: No broker answers at ${brokers}: ${reason}\nIs one running? 'klamm start' runs one here; -b HOST:PORT or a profile names another.`,
  )
}
