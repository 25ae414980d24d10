/**
 * Proves to a broker who we are: SaslHandshake, then the tokens of a mechanism in SaslAuthenticate (KIP-152). A broker before
 * 1.0 takes them bare, each behind its length, and says no by hanging up.
 *
 * How long the proof is good for comes back with the last answer (KIP-368); proving it anew is the connection's business.
 */
import { KafkaError } from '../../base/errors.ts'
import { errorName } from '../../base/error-codes.ts'
import { SaslAuthenticate } from '../../protocol/generated/sasl-authenticate.ts'
import { SaslHandshake } from '../../protocol/generated/sasl-handshake.ts'
import { clampInt64 } from '../../base/int64.ts'
import type { AuthenticationDoor, Authenticator } from '../broker-connection.ts'
import type { SaslMechanism } from './mechanism.ts'

/** No mechanism of ours takes more; a broker that goes on for ever is none. */
const TOKENS_MAX = 10

export function saslAuthenticator(mechanism: SaslMechanism): Authenticator {
  return {
    async authenticate(door, { host }) {
      const { clock, random } = door
      const isBare = door.versions.find(SaslAuthenticate) === null
      await handshake(door, mechanism.name, isBare ? 0 : 1)
      const conversation = await mechanism.begin({ clock, random, host })
      let token = conversation.first
      for (let turn = 0; turn < TOKENS_MAX; turn++) {
        const answer = isBare ? { authBytes: await door.exchangeBare(token), lifetimeMs: 0 } : await say(door, token)
        const next = conversation.answer(answer.authBytes)
        if (next === null) return { lifetimeMs: answer.lifetimeMs }
        token = next
      }
      throw new KafkaError('SASL_AUTHENTICATION_FAILED', `The broker asks for ever more of ${mechanism.name}.`)
    },
  }
}

async function handshake(door: AuthenticationDoor, mechanism: string, version: number): Promise<void> {
  const answer = await door.request(SaslHandshake, { mechanism }, { versions: { min: version, max: version } })
  if (answer.errorCode === 0) return
  const code = errorName(answer.errorCode) ?? 'SASL_AUTHENTICATION_FAILED'
  const detail =
    code === 'UNSUPPORTED_SASL_MECHANISM'
      ? `Client SASL mechanism '${mechanism}' not enabled in the server, enabled mechanisms are [${answer.mechanisms.join(', ')}]`
      : `SaslHandshake with ${mechanism} was answered ${code}.`
  throw new KafkaError(code, detail)
}

async function say(
  door: AuthenticationDoor,
  authBytes: Buffer,
): Promise<{ readonly authBytes: Buffer; readonly lifetimeMs: number }> {
  const answer = await door.request(SaslAuthenticate, { authBytes })
  if (answer.errorCode !== 0) {
    const code = errorName(answer.errorCode) ?? 'SASL_AUTHENTICATION_FAILED'
    throw new KafkaError(code, answer.errorMessage ?? `The broker refused with ${code}.`)
  }
  return { authBytes: answer.authBytes, lifetimeMs: clampInt64(answer.sessionLifetimeMs) }
}
