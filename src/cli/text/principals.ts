/** Principals as tools read and print them: `User:alice`. */
import { OperationalError } from '../../base/errors.ts'
import type { KafkaPrincipal } from '../../client/admin/delegation-tokens.ts'

/** @throws OperationalError CONFIG_INVALID */
export function parsePrincipal(text: string): KafkaPrincipal {
  const colon = text.indexOf(':')
  if (colon < 0) {
    throw new OperationalError(
      'CONFIG_INVALID',
      `expected a string in format principalType:principalName but got ${text}`,
    )
  }
  return { type: text.slice(0, colon), name: text.slice(colon + 1) }
}

export function principalText({ type, name }: KafkaPrincipal): string {
  return `${type}:${name}`
}
