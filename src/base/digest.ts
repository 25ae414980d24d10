/** Hashes and keys made of passwords: pure functions, so that they need no World. For SCRAM (RFC 5802) on both sides. */
import { nodeCrypto } from './node-crypto.ts'

export type DigestName = 'sha256' | 'sha512'

export function digest(name: DigestName, data: Buffer): Buffer {
  return nodeCrypto().createHash(name).update(data).digest()
}

export function hmac(name: DigestName, key: Buffer, data: Buffer): Buffer {
  return nodeCrypto().createHmac(name, key).update(data).digest()
}

/** PBKDF2 with a key as long as the digest: the salted password of SCRAM. Takes milliseconds at 4096 iterations. */
export function saltedPassword(name: DigestName, password: Buffer, salt: Buffer, iterations: number): Buffer {
  return nodeCrypto().pbkdf2Sync(password, salt, iterations, name === 'sha256' ? 32 : 64, name)
}

/** In a time that does not tell where they differ. */
export function sameBytes(one: Buffer, other: Buffer): boolean {
  return one.length === other.length && nodeCrypto().timingSafeEqual(one, other)
}
