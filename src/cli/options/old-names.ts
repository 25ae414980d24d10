/** Options that have a new name: the old one is taken still, and said to be old, as Kafka does. */
import type { Terminal } from '../tool/tool.ts'
import { usageFailure } from './option-checks.ts'
import type { Options } from './parse-options.ts'

/**
 * Says on stdout that `old` is an old name, and gives the name whose values count. Kafka's producer begins with `Warning:`.
 * @throws ToolExit if both are given
 */
export function currentName<Name extends string>(
  options: Options<Name>,
  { terminal }: { readonly terminal: Terminal },
  old: Name,
  current: Name,
  opening: 'Option' | 'Warning:' = 'Option',
): Name {
  if (!options.has(old)) return current
  if (options.has(current)) {
    const names = opening === 'Option' ? [old, current] : [current, old]
    throw usageFailure(options.table, `Options --${names.join(' and --')} cannot be specified together.`)
  }
  terminal.out(`${opening} --${old} is deprecated and will be removed in a future version. Use --${current} instead.`)
  return old
}
