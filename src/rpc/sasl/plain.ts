/** PLAIN (RFC 4616): name and password as they are. For use over TLS. */
import { KafkaError } from '../../base/errors.ts'
import type { SaslMechanism } from './mechanism.ts'

export function plain(username: string, password: string): SaslMechanism {
  return {
    name: 'PLAIN',
    begin() {
      // The broker tells the parts by NUL: one inside would be a part of its own.
      if (username.includes('\0') || password.includes('\0')) {
        throw new KafkaError('SASL_AUTHENTICATION_FAILED', 'A name or password of PLAIN cannot have a NUL character.')
      }
      const first = Buffer.from(`\0${username}\0${password}`)
      return Promise.resolve({ first, answer: () => null })
    },
  }
}
