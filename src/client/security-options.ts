/** Options of TLS and SASL as a user gives them, and the authenticator that comes of them. */
import { clientCredentialsToken, type ClientCredentials, type HttpPost } from '../rpc/sasl/client-credentials.ts'
import type { SaslMechanism } from '../rpc/sasl/mechanism.ts'
import { oauthBearer, type OAuthTokenProvider } from '../rpc/sasl/oauth-bearer.ts'
import { plain } from '../rpc/sasl/plain.ts'
import { saslAuthenticator } from '../rpc/sasl/sasl-authenticator.ts'
import { scram } from '../rpc/sasl/scram.ts'
import { unsecuredToken, type UnsecuredTokenOptions } from '../rpc/sasl/unsecured-token.ts'
import type { Authenticator } from '../rpc/broker-connection.ts'
import { ClientError } from './errors.ts'

export type SaslOptions =
  | { readonly mechanism: 'PLAIN'; readonly username: string; readonly password: string }
  | {
      readonly mechanism: 'SCRAM-SHA-256' | 'SCRAM-SHA-512'
      readonly username: string
      readonly password: string
      /** The name is a delegation token's id and the password its HMAC in base64 (KIP-48). */
      readonly isDelegationToken?: boolean
    }
  /** Asked for a token at each connection. */
  | { readonly mechanism: 'OAUTHBEARER'; readonly token: OAuthTokenProvider }
  /** Asks a token endpoint, and keeps the token while it is good. */
  | { readonly mechanism: 'OAUTHBEARER'; readonly clientCredentials: ClientCredentials }
  /** Tokens that nobody vouches for: for brokers that are there to try things out. */
  | { readonly mechanism: 'OAUTHBEARER'; readonly unsecured: UnsecuredTokenOptions }

/** @throws ClientError INVALID_ARGUMENT with one sentence. */
export function authenticatorOf(sasl: SaslOptions | undefined, http: HttpPost | undefined): Authenticator | null {
  return sasl === undefined ? null : saslAuthenticator(mechanismOf(sasl, http))
}

function mechanismOf(sasl: SaslOptions, http: HttpPost | undefined): SaslMechanism {
  switch (sasl.mechanism) {
    case 'PLAIN':
      return plain(text(sasl.username, 'username'), text(sasl.password, 'password'))
    case 'SCRAM-SHA-256':
    case 'SCRAM-SHA-512':
      text(sasl.username, 'username')
      text(sasl.password, 'password')
      return scram(sasl.mechanism, sasl)
    case 'OAUTHBEARER':
      if ('token' in sasl) return oauthBearer(sasl.token)
      if ('unsecured' in sasl) return oauthBearer(unsecuredToken(sasl.unsecured))
      if ('clientCredentials' in sasl) {
        if (http === undefined) {
          throw new ClientError(
            'INVALID_ARGUMENT',
            'sasl.clientCredentials asks by HTTP: give http, which posts for it.',
          )
        }
        return oauthBearer(clientCredentialsToken(sasl.clientCredentials, http))
      }
      throw new ClientError('INVALID_ARGUMENT', 'sasl with OAUTHBEARER needs token, clientCredentials or unsecured.')
    default: {
      const { mechanism } = sasl as { mechanism: unknown }
      throw new ClientError(
        'INVALID_ARGUMENT',
        `sasl.mechanism must be PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER, and is ${String(mechanism)}.`,
      )
    }
  }
}

function text(value: unknown, name: string): string {
  if (typeof value === 'string' && value !== '') return value
  throw new ClientError('INVALID_ARGUMENT', `sasl.${name} must be text that is not empty.`)
}
