/**
 * SCRAM-SHA-256 and SCRAM-SHA-512 (RFC 5802, RFC 7677), without channel binding, as Kafka speaks it. The password never
 * leaves this side, and the broker proves that it knows the user, too: a signature that is wrong or missing fails.
 *
 * With a delegation token (KIP-48) the name is the token's id and the password its HMAC in base64.
 */
import { digest, hmac, saltedPassword, sameBytes, type DigestName } from '../../base/digest.ts'
import { KafkaError } from '../../base/errors.ts'
import type { SaslConversation, SaslMechanism } from './mechanism.ts'

export type ScramName = 'SCRAM-SHA-256' | 'SCRAM-SHA-512'

export interface ScramOptions {
  readonly username: string
  readonly password: string
  readonly isDelegationToken?: boolean
}

/** Fewer would make the password cheap to guess from what was overheard. */
const ITERATIONS_MIN = 4096
/** More would hold this process for seconds at the word of a stranger. */
const ITERATIONS_MAX = 1_000_000
const NONCE_BYTES = 24

/** No channel binding, no other user to act for: `n,,` in base64 is `biws`. */
const GS2_HEADER = 'n,,'

/** The costly part, kept for the next connection: it depends on the password, the salt and the iterations. */
interface Salted {
  readonly salt: string
  readonly iterations: number
  readonly password: Buffer
}

export function scram(name: ScramName, { username, password, isDelegationToken = false }: ScramOptions): SaslMechanism {
  const hash: DigestName = name === 'SCRAM-SHA-256' ? 'sha256' : 'sha512'
  let salted: Salted | null = null
  const saltedFor = (salt: string, iterations: number): Buffer => {
    if (salted?.salt !== salt || salted.iterations !== iterations) {
      const bytes = saltedPassword(hash, Buffer.from(password), Buffer.from(salt, 'base64'), iterations)
      salted = { salt, iterations, password: bytes }
    }
    return salted.password
  }
  return {
    name,
    begin({ random }) {
      const nonce = random.bytes(NONCE_BYTES).toString('base64url')
      const extension = isDelegationToken ? ',tokenauth=true' : ''
      const firstBare = `n=${saslName(username)},r=${nonce}${extension}`
      return Promise.resolve(new ScramConversation(name, hash, nonce, firstBare, saltedFor))
    },
  }
}

class ScramConversation implements SaslConversation {
  readonly first: Buffer
  readonly #name: ScramName
  readonly #hash: DigestName
  readonly #nonce: string
  readonly #firstBare: string
  readonly #saltedFor: (salt: string, iterations: number) => Buffer
  /** What the broker must sign, once it is known. */
  #serverSignature: Buffer | null = null
  #isDone = false

  constructor(
    name: ScramName,
    hash: DigestName,
    nonce: string,
    firstBare: string,
    saltedFor: (salt: string, iterations: number) => Buffer,
  ) {
    this.#name = name
    this.#hash = hash
    this.#nonce = nonce
    this.#firstBare = firstBare
    this.#saltedFor = saltedFor
    this.first = Buffer.from(GS2_HEADER + firstBare)
  }

  answer(challenge: Buffer): Buffer | null {
    const text = challenge.toString()
    if (this.#serverSignature === null) return this.#prove(text)
    if (this.#isDone) throw refused('the broker goes on after its last word')
    this.#isDone = true
    const { v: signature, e: error } = attributes(text)
    if (error !== undefined) throw refused(error)
    if (signature === undefined || !sameBytes(Buffer.from(signature, 'base64'), this.#serverSignature)) {
      throw refused('the broker does not know the password either: its signature is wrong')
    }
    return null
  }

  #prove(serverFirst: string): Buffer {
    const { r: nonce, s: salt, i: count, e: error } = attributes(serverFirst)
    if (error !== undefined) throw refused(error)
    const iterations = Number(count)
    if (nonce === undefined || salt === undefined || !/^\d+$/.test(count ?? '')) {
      throw refused(`'${serverFirst}' is no message of SCRAM`)
    }
    if (!nonce.startsWith(this.#nonce) || nonce.length === this.#nonce.length) {
      throw refused('the broker answered with the nonce of another conversation')
    }
    if (iterations < ITERATIONS_MIN) {
      const text = `Requested iterations ${iterations} is less than the minimum ${ITERATIONS_MIN} for ${this.#name}.`
      throw new KafkaError('SASL_AUTHENTICATION_FAILED', text)
    }
    if (iterations > ITERATIONS_MAX) throw refused(`the broker asks for ${iterations} iterations`)
    const hash = this.#hash
    const password = this.#saltedFor(salt, iterations)
    const withoutProof = `c=${Buffer.from(GS2_HEADER).toString('base64')},r=${nonce}`
    const signed = Buffer.from(`${this.#firstBare},${serverFirst},${withoutProof}`)
    const clientKey = hmac(hash, password, Buffer.from('Client Key'))
    const clientSignature = hmac(hash, digest(hash, clientKey), signed)
    const proof = Buffer.from(clientKey.map((byte, index) => byte ^ clientSignature[index]!))
    this.#serverSignature = hmac(hash, hmac(hash, password, Buffer.from('Server Key')), signed)
    return Buffer.from(`${withoutProof},p=${proof.toString('base64')}`)
  }
}

function saslName(name: string): string {
  return name.replaceAll('=', '=3D').replaceAll(',', '=2C')
}

/** `a=1,b=2`; values may have `=` in them. */
function attributes(message: string): Partial<Record<string, string>> {
  return Object.fromEntries(message.split(',').map((part) => [part.slice(0, 1), part.slice(2)]))
}

function refused(reason: string): KafkaError {
  return new KafkaError('SASL_AUTHENTICATION_FAILED', `SCRAM failed: ${reason}.`)
}
