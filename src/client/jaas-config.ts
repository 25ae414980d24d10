/** One line of JAAS, as sasl.jaas.config has it: `com.example.LoginModule required name="value" …;` */
import { ClientError } from './errors.ts'

export interface JaasEntry {
  readonly loginModule: string
  readonly options: ReadonlyMap<string, string>
}

const TOKEN = /\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^\s="';]+)|([=;]))/gy
const FLAGS = new Set(['required', 'requisite', 'sufficient', 'optional'])

/** @throws ClientError INVALID_ARGUMENT; the value itself is not repeated, because it holds passwords. */
export function parseJaasConfig(text: string): JaasEntry {
  const tokens = tokensOf(text.trim())
  const [loginModule, flag, ...rest] = tokens
  if (loginModule === undefined || flag === undefined || !FLAGS.has(flag.text.toLowerCase())) {
    throw invalid('it must begin with a login module and `required`')
  }
  const options = new Map<string, string>()
  let at = 0
  while (at < rest.length && rest[at]!.text !== ';') {
    const [key, equals, value] = [rest[at], rest[at + 1], rest[at + 2]]
    if (key === undefined || equals?.text !== '=' || value === undefined || (value.isSign && !value.isQuoted)) {
      throw invalid(`its option ${key?.text ?? ''} has no value`)
    }
    options.set(key.text, value.text)
    at += 3
  }
  if (at !== rest.length - 1) throw invalid('it must hold one login module, and end with a semicolon')
  return { loginModule: loginModule.text, options }
}

interface Token {
  readonly text: string
  readonly isQuoted: boolean
  readonly isSign: boolean
}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = []
  TOKEN.lastIndex = 0
  while (TOKEN.lastIndex < text.length) {
    const found = TOKEN.exec(text)
    if (found === null) throw invalid('a quote is not closed')
    const quoted = found[1] ?? found[2]
    if (quoted !== undefined) tokens.push({ text: quoted.replaceAll(/\\(.)/g, '$1'), isQuoted: true, isSign: false })
    else tokens.push({ text: (found[3] ?? found[4])!, isQuoted: false, isSign: found[4] !== undefined })
  }
  return tokens
}

function invalid(reason: string): ClientError {
  return new ClientError('INVALID_ARGUMENT', `sasl.jaas.config cannot be read: ${reason}.`)
}
