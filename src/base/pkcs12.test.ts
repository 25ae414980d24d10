import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { pkcs12Certificates } from './pkcs12.ts'

const file = (name: string): Buffer => readFileSync(new URL(`../../test/golden/tls/${name}`, import.meta.url))
const CA = file('ca.pem').toString()

test('certificates are found in what keytool and openssl write', () => {
  expect(pkcs12Certificates(file('trust-keytool.p12'), 'secret')).toEqual([CA])
  expect(pkcs12Certificates(file('trust-openssl.p12'), 'secret')).toEqual([CA])
  expect(pkcs12Certificates(file('client.p12'), 'secret')).toEqual([file('client.pem').toString()])
})

test('a wrong password, an encryption of old and any damage are one sentence', () => {
  expect(() => pkcs12Certificates(file('trust-keytool.p12'), 'Secret')).toThrow('damaged, or the password is wrong')
  expect(() => pkcs12Certificates(file('trust-old.p12'), 'secret')).toThrow('write it anew with a current keytool')
  const bytes = file('trust-openssl.p12')
  for (let end = 0; end < bytes.length; end += 7) {
    expect(() => pkcs12Certificates(bytes.subarray(0, end), 'secret')).toThrow('PKCS12: ')
  }
})
