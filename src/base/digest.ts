/** Hashes and keys made of passwords: pure functions, so that they need no World. For SCRAM (RFC 5802) on both sides. */
// oxlint-disable-next-line no-restricted-imports -- the same input gives the same output on any machine
import { createHash, createHmac, pbkdf2Sync, timingSafeEqual } from 'node:crypto'

export type DigestName = 'sha256' | 'sha512'

export function digest(name: DigestName, data: Buffer): Buffer {
  return createHash(name).update(data).digest()
}

export function hmac(name: DigestName, key: Buffer, data: Buffer): Buffer {
  return createHmac(name, key).update(data).digest()
}

/** PBKDF2 with a key as long as the digest: the salted password of SCRAM. Takes milliseconds at 4096 iterations. */
export function saltedPassword(name: DigestName, password: Buffer, salt: Buffer, iterations: number): Buffer {
  return pbkdf2Sync(password, salt, iterations, name === 'sha256' ? 32 : 64, name)
}

/** In a time that does not tell where they differ. */
export function sameBytes(one: Buffer, other: Buffer): boolean {
  return one.length === other.length && timingSafeEqual(one, other)
}
