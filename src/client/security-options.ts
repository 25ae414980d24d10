/** Options of TLS and SASL as a user gives them, and the authenticator that comes of them. */
import { clientCredentialsToken, type ClientCredentials, type HttpPost } from '../rpc/sasl/client-credentials.ts'
import type { SaslMechanism } from '../rpc/sasl/mechanism.ts'
import { oauthBearer, type OAuthTokenProvider } from '../rpc/sasl/oauth-bearer.ts'
import { plain } from '../rpc/sasl/plain.ts'
import { saslAuthenticator } from '../rpc/sasl/sasl-authenticator.ts'
import { scram } from '../rpc/sasl/scram.ts'
import { unsecuredToken, type UnsecuredTokenOptions } from '../rpc/sasl/unsecured-token.ts'
import type { Authenticator } from '../rpc/broker-connection.ts'
import type { TlsOptions } from '../world/world.ts'
import { exactly } from './check-options.ts'
import { ClientError } from './errors.ts'
import {
  bytes,
  callable,
  either,
  flag,
  isPlain,
  list,
  needed,
  number,
  oneOf,
  record,
  text,
  type Expected,
  type Shape,
} from './expected.ts'

/** The text of a PEM file, or its bytes. */
const pem = either(text, bytes)

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

type Of<Mechanism> = Extract<SaslOptions, { readonly mechanism: Mechanism }>
type With<Property extends string> = Extract<SaslOptions, Readonly<Record<Property, unknown>>>

const PLAIN_OPTIONS: Shape<Of<'PLAIN'>> = {
  mechanism: needed(oneOf('PLAIN')),
  username: needed(text),
  password: needed(text),
}
const SCRAM_OPTIONS: Shape<Of<'SCRAM-SHA-256' | 'SCRAM-SHA-512'>> = {
  mechanism: needed(oneOf('SCRAM-SHA-256', 'SCRAM-SHA-512')),
  username: needed(text),
  password: needed(text),
  isDelegationToken: flag,
}
const CLIENT_CREDENTIALS: Shape<ClientCredentials> = {
  tokenEndpoint: needed(text),
  clientId: needed(text),
  clientSecret: needed(text),
  scope: text,
  extensions: record(text),
}
const UNSECURED: Shape<UnsecuredTokenOptions> = {
  subject: needed(text),
  scope: list(text),
  lifetimeSeconds: number,
  extensions: record(text),
}
const BEARER_OPTIONS: Shape<
  Pick<With<'token'>, 'mechanism'> &
    Partial<
      Pick<With<'token'>, 'token'> &
        Pick<With<'clientCredentials'>, 'clientCredentials'> &
        Pick<With<'unsecured'>, 'unsecured'>
    >
> = {
  mechanism: needed(oneOf('OAUTHBEARER')),
  token: callable(),
  clientCredentials: exactly(CLIENT_CREDENTIALS),
  unsecured: exactly(UNSECURED),
}

/** Names and kinds by mechanism; one that is none is refused where it is made. */
export const SASL_OPTIONS: Expected<SaslOptions> = {
  words: 'an object with mechanism',
  isNeeded: false,
  accepts: isPlain,
  inside: (sasl: { readonly mechanism: unknown }, place) => {
    if (sasl.mechanism === 'PLAIN') exactly(PLAIN_OPTIONS).inside(sasl as never, place)
    else if (sasl.mechanism === 'OAUTHBEARER') exactly(BEARER_OPTIONS).inside(sasl as never, place)
    else if (String(sasl.mechanism).startsWith('SCRAM-')) exactly(SCRAM_OPTIONS).inside(sasl as never, place)
  },
}

export const TLS_OPTIONS: Shape<TlsOptions> = {
  ca: either(pem, list(pem)),
  cert: pem,
  key: pem,
  pfx: bytes,
  passphrase: text,
  servername: text,
  verifyHost: flag,
  rejectUnauthorized: flag,
  ciphers: text,
  minVersion: oneOf('TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'),
  maxVersion: oneOf('TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'),
}

/** @throws ClientError INVALID_ARGUMENT with one sentence. */
export function authenticatorOf(sasl: SaslOptions | undefined, http: HttpPost | undefined): Authenticator | null {
  return sasl === undefined ? null : saslAuthenticator(mechanismOf(sasl, http))
}

function mechanismOf(sasl: SaslOptions, http: HttpPost | undefined): SaslMechanism {
  switch (sasl.mechanism) {
    case 'PLAIN':
      return plain(filled(sasl.username, 'username'), filled(sasl.password, 'password'))
    case 'SCRAM-SHA-256':
    case 'SCRAM-SHA-512':
      filled(sasl.username, 'username')
      filled(sasl.password, 'password')
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

function filled(value: unknown, name: string): string {
  if (typeof value === 'string' && value !== '') return value
  throw new ClientError('INVALID_ARGUMENT', `sasl.${name} must be text that is not empty.`)
}
