import { expect, test } from 'vitest'
import { digest, hmac, saltedPassword, sameBytes } from './digest.ts'

test('a salted password is the one of RFC 7677', () => {
  const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64')
  const salted = saltedPassword('sha256', Buffer.from('pencil'), salt, 4096)
  const clientKey = hmac('sha256', salted, Buffer.from('Client Key'))
  // The proof of the RFC's example is this key's, masked by the signature of the messages.
  const storedKey = digest('sha256', clientKey)
  const authMessage =
    'n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,' +
    'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0'
  const signature = hmac('sha256', storedKey, Buffer.from(authMessage))
  const proof = clientKey.map((byte, index) => byte ^ signature[index]!)
  expect(Buffer.from(proof).toString('base64')).toBe('dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=')
  expect(saltedPassword('sha512', Buffer.from('a'), salt, 1)).toHaveLength(64)
})

test('bytes are the same only with the same length', () => {
  expect(sameBytes(Buffer.from('ab'), Buffer.from('ab'))).toBe(true)
  expect(sameBytes(Buffer.from('ab'), Buffer.from('ac'))).toBe(false)
  expect(sameBytes(Buffer.from('ab'), Buffer.from('abc'))).toBe(false)
})
