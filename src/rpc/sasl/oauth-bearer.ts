/** OAUTHBEARER (RFC 7628, KIP-255): a token that somebody else vouches for, with extensions (KIP-342). */
import { KafkaError } from '../../base/errors.ts'
import type { SaslMechanism, SaslSetting } from './mechanism.ts'

export interface OAuthToken {
  readonly value: string
  /** Told to the broker beside the token; names are letters. */
  readonly extensions?: Readonly<Record<string, string>>
}

/** Asked for each connection: keeping a token until it expires is the provider's business. */
export type OAuthTokenProvider = (setting: SaslSetting) => OAuthToken | Promise<OAuthToken>

const SEPARATOR = '\u0001'
const NAME = /^[A-Za-z]+$/
/** Printable, and white space. */
const VALUE = /^[\x20-\x7e\t\r\n]+$/

export function oauthBearer(provide: OAuthTokenProvider): SaslMechanism {
  return {
    name: 'OAUTHBEARER',
    async begin(setting) {
      const { value, extensions = {} } = await provide(setting)
      if (value === '' || !/^[\x21-\x7e]+$/.test(value)) {
        throw new KafkaError(
          'SASL_AUTHENTICATION_FAILED',
          'The token of OAUTHBEARER is empty or has characters that a token cannot have.',
        )
      }
      for (const [name, text] of Object.entries(extensions)) {
        if (NAME.test(name) && name !== 'auth' && VALUE.test(text)) continue
        throw new KafkaError(
          'SASL_AUTHENTICATION_FAILED',
          `'${name}' is no extension of OAUTHBEARER: names are letters, and not auth.`,
        )
      }
      const parts = Object.entries(extensions).map(([name, text]) => `${SEPARATOR}${name}=${text}`)
      const first = Buffer.from(`n,,${SEPARATOR}auth=Bearer ${value}${parts.join('')}${SEPARATOR}${SEPARATOR}`)
      return {
        first,
        // Nothing is success. What a broker says against the token is acknowledged, and then it fails the attempt.
        answer: (challenge) => (challenge.length === 0 ? null : Buffer.from(SEPARATOR)),
      }
    },
  }
}
