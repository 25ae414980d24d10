/** Reads settings under the names of Java's clients, and refuses bad values with the sentences that Java has for them. */
import { OperationalError } from '../../base/errors.ts'

/** What a setting may be, with the sentence's word for its type. */
type NumberType = 'INT' | 'LONG' | 'SHORT'

export class SettingReader {
  readonly #settings: Readonly<Record<string, string>>

  constructor(settings: Readonly<Record<string, string>>) {
    this.#settings = settings
  }

  /** Undefined where it isn't set. */
  text(name: string): string | undefined {
    return this.#settings[name]?.trim()
  }

  /** @throws OperationalError CONFIG_INVALID also for less than `least`. */
  whole(name: string, type: NumberType = 'INT', least = -Infinity): number | undefined {
    const text = this.text(name)
    if (text === undefined) return undefined
    if (/^[+-]?\d+$/.test(text)) {
      if (Number(text) >= least) return Number(text)
      throw invalid(name, text, `Value must be at least ${least}`)
    }
    throw invalid(name, text, `Not a number of type ${type}`)
  }

  /** @throws OperationalError CONFIG_INVALID */
  flag(name: string): boolean | undefined {
    const text = this.text(name)?.toLowerCase()
    if (text === undefined) return undefined
    if (text === 'true' || text === 'false') return text === 'true'
    throw invalid(name, text, 'Expected value to be either true or false')
  }

  /** @throws OperationalError CONFIG_INVALID. `words` as our option takes them. */
  oneOf<Word extends string>(name: string, words: readonly Word[]): Word | undefined {
    const text = this.text(name)?.toLowerCase()
    if (text === undefined) return undefined
    const found = words.find((word) => word === text)
    if (found !== undefined) return found
    throw invalid(name, text, `String must be one of: ${words.join(', ')}`)
  }
}

export function invalid(name: string, text: string, reason: string): OperationalError {
  return new OperationalError('CONFIG_INVALID', `Invalid value ${text} for configuration ${name}: ${reason}`)
}

/** Without what isn't set, as options take it. */
export function present<T extends object>(options: T): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as never
}
