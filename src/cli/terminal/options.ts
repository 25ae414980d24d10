/**
 * Command lines as Kafka's own tools take them (they use joptsimple): `--flag value`, `--flag=value`, unambiguous
 * prefixes of long names, one dash as well as two for them, `-f value` and `-fvalue` for short ones, `--` ends the flags.
 */
import { OperationalError } from '../../base/errors.ts'

export interface OptionSpec {
  /** Long name, or one letter. The first is the one in `Options`. */
  readonly names: readonly string[]
  readonly argument: 'none' | 'required' | 'optional'
}

export interface Options {
  has(name: string): boolean
  /** The last one given. */
  value(name: string): string | null
  values(name: string): readonly string[]
  /** What belongs to no option. */
  readonly positionals: readonly string[]
}

/** @throws OperationalError CONFIG_INVALID with the sentence that Kafka's tools print. */
export function parseOptions(specs: readonly OptionSpec[], argv: readonly string[]): Options {
  const found = new Map<string, string[]>()
  const positionals: string[] = []
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] ?? ''
    if (word === '--') {
      positionals.push(...argv.slice(at + 1))
      break
    }
    if (!word.startsWith('-') || word === '-') {
      positionals.push(word)
      continue
    }
    const { spec, inline } = findOption(specs, word)
    const name = spec.names[0] ?? ''
    const values = found.get(name) ?? []
    found.set(name, values)
    if (spec.argument === 'none') {
      if (inline !== null) throw invalid(`Option ${name} doesn't allow an argument`)
    } else if (inline !== null) values.push(inline)
    else {
      const next = argv[at + 1]
      const taken = next !== undefined && (spec.argument === 'required' || !next.startsWith('-'))
      if (taken) {
        values.push(next)
        at++
      } else if (spec.argument === 'required') throw invalid(`Option ${name} requires an argument`)
    }
  }
  return {
    has: (name) => found.has(name),
    value: (name) => found.get(name)?.at(-1) ?? null,
    values: (name) => found.get(name) ?? [],
    positionals,
  }
}

interface Found {
  readonly spec: OptionSpec
  /** The value that was given in the same word. */
  readonly inline: string | null
}

function findOption(specs: readonly OptionSpec[], word: string): Found {
  const body = word.replace(/^--?/, '')
  const equals = body.indexOf('=')
  const name = equals < 0 ? body : body.slice(0, equals)
  const inline = equals < 0 ? null : body.slice(equals + 1)
  const exact = specs.find((spec) => spec.names.includes(name))
  if (exact) return { spec: exact, inline }
  const byPrefix = specs.filter((spec) => spec.names.some((full) => full.length > 1 && full.startsWith(name)))
  if (byPrefix.length === 1 && byPrefix[0] && name !== '') return { spec: byPrefix[0], inline }
  if (byPrefix.length > 1 && name !== '') {
    const names = byPrefix.flatMap((spec) => spec.names.filter((full) => full.startsWith(name)))
    throw invalid(`${name} is an ambiguous option. Matches: ${names.join(', ')}`)
  }
  const short = word.startsWith('--') ? undefined : specs.find((spec) => spec.names.includes(body[0] ?? ''))
  if (short && short.argument !== 'none') return { spec: short, inline: body.slice(1) }
  throw invalid(`${name} is not a recognized option`)
}

function invalid(sentence: string): OperationalError {
  return new OperationalError('CONFIG_INVALID', sentence)
}
