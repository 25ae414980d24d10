/** Tokens that nobody vouches for (`alg: none`), which brokers without a validator of their own take. For trying things out. */
import type { OAuthTokenProvider } from './oauth-bearer.ts'

export interface UnsecuredTokenOptions {
  /** The user (claim `sub`). */
  readonly subject: string
  readonly scope?: readonly string[]
  /** 3600 if left out. */
  readonly lifetimeSeconds?: number
  readonly extensions?: Readonly<Record<string, string>>
}

export function unsecuredToken({
  subject,
  scope = [],
  lifetimeSeconds = 3600,
  extensions = {},
}: UnsecuredTokenOptions): OAuthTokenProvider {
  return ({ clock }) => {
    const issued = clock.wallMs() / 1000
    const claims = { sub: subject, iat: issued, exp: issued + lifetimeSeconds, ...(scope.length > 0 ? { scope } : {}) }
    const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url')
    return { value: `${encode({ alg: 'none' })}.${encode(claims)}.`, extensions }
  }
}
