/**
 * Tokens from a token endpoint by the client credentials grant (RFC 6749 section 4.4, KIP-768).
 *
 * A token is kept for four fifths of its life, and asked for once however many connections wait for it. HTTP is the user's:
 * the package's entry gives `fetch`.
 */
import { KafkaError, OperationalError } from '../../base/errors.ts'
import type { Clock } from '../../world/world.ts'
import type { OAuthToken, OAuthTokenProvider } from './oauth-bearer.ts'

export interface HttpRequest {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Posts, and resolves to whatever answer comes; rejects where none does. */
export type HttpPost = (request: HttpRequest) => Promise<{ readonly status: number; readonly body: string }>

export interface ClientCredentials {
  readonly tokenEndpoint: string
  readonly clientId: string
  readonly clientSecret: string
  readonly scope?: string
  readonly extensions?: Readonly<Record<string, string>>
}

const KEPT_SHARE = 0.8
/** For a token that does not say how long it lives. */
const LIFETIME_SECONDS = 300

/** Of HTTP, which say nothing against the credentials: the next connection asks again. */
const TOO_MANY_REQUESTS = 429
const SERVER_ERRORS = 500

export function clientCredentialsToken(options: ClientCredentials, post: HttpPost): OAuthTokenProvider {
  let token: OAuthToken | null = null
  /** Monotonic. */
  let staleMs = 0
  let asking: Promise<OAuthToken> | null = null
  return ({ clock }) => {
    if (token !== null && clock.monotonicMs() < staleMs) return token
    asking ??= ask(options, post, clock)
      .then((answer) => {
        token = answer.token
        staleMs = answer.staleMs
        return answer.token
      })
      .finally(() => (asking = null))
    return asking
  }
}

async function ask(
  { tokenEndpoint, clientId, clientSecret, scope, extensions = {} }: ClientCredentials,
  post: HttpPost,
  clock: Clock,
): Promise<{ token: OAuthToken; staleMs: number }> {
  const askedMs = clock.monotonicMs()
  const credentials = `${formEncoded(clientId)}:${formEncoded(clientSecret)}`
  const answer = await post({
    url: tokenEndpoint,
    headers: {
      authorization: `Basic ${Buffer.from(credentials).toString('base64')}`,
      'content-type': 'application/x-www-form-urlencoded',
      accept: 'application/json',
    },
    body: `grant_type=client_credentials${scope === undefined ? '' : `&scope=${formEncoded(scope)}`}`,
  })
  const { access_token: value, expires_in: lifetime } = parse(answer.body)
  if (answer.status !== 200 || typeof value !== 'string') {
    const text = `The token endpoint ${tokenEndpoint} gave no token (HTTP ${answer.status}): ${answer.body.slice(0, 200)}`
    if (answer.status === TOO_MANY_REQUESTS || answer.status >= SERVER_ERRORS) {
      throw new OperationalError('NETWORK_FAILED', text)
    }
    throw new KafkaError('SASL_AUTHENTICATION_FAILED', text)
  }
  const seconds = typeof lifetime === 'number' && lifetime > 0 ? lifetime : LIFETIME_SECONDS
  return { token: { value, extensions }, staleMs: askedMs + seconds * 1000 * KEPT_SHARE }
}

function formEncoded(text: string): string {
  return encodeURIComponent(text).replaceAll('%20', '+')
}

function parse(body: string): { access_token?: unknown; expires_in?: unknown } {
  try {
    const parsed: unknown = JSON.parse(body)
    return typeof parsed === 'object' && parsed !== null ? parsed : {}
  } catch {
    return {}
  }
}
