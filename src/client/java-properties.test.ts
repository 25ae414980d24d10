import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { parseJaasConfig } from './jaas-config.ts'
import { optionsFromJavaProperties, type JavaProperties } from './java-properties.ts'

const DIRECTORY = new URL('../../test/golden/tls/', import.meta.url).pathname
const read = (path: string): Promise<Buffer | null> => readFile(path).catch(() => null)
const from = (properties: JavaProperties) => optionsFromJavaProperties(properties, read)
const SCRAM = 'org.apache.kafka.common.security.scram.ScramLoginModule'
const OAUTH = 'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule'

test('addresses, names and times have their places; what is not about the connection is left', async () => {
  const { options, rest } = await from({
    'bootstrap.servers': 'a:1,b:2',
    'client.id': 'me',
    'request.timeout.ms': '5000',
    'retry.backoff.max.ms': '7',
    'max.poll.records': '5',
  })
  expect(options).toEqual({ brokers: 'a:1,b:2', clientId: 'me', requestTimeoutMs: 5000, retryBackoffMaxMs: 7 })
  expect(rest).toEqual({ 'max.poll.records': '5' })
  await expect(from({ 'request.timeout.ms': 'soon' })).rejects.toThrow('request.timeout.ms must be a whole number')
  await expect(from({ 'security.protocol': 'TLS' })).rejects.toThrow('SASL_SSL, and is TLS')
})

test('security.protocol decides what is used of TLS and SASL', async () => {
  const properties = {
    'ssl.truststore.location': `${DIRECTORY}ca.pem`,
    'sasl.mechanism': 'SCRAM-SHA-512',
    'sasl.jaas.config': `${SCRAM} required username="a" password="b" tokenauth="true";`,
  }
  const sasl = { mechanism: 'SCRAM-SHA-512', username: 'a', password: 'b', isDelegationToken: true }
  expect(await from(properties)).toEqual({ options: {}, rest: {} })
  expect((await from({ ...properties, 'security.protocol': 'SASL_PLAINTEXT' })).options).toEqual({ sasl })
  const both = await from({ ...properties, 'security.protocol': 'SASL_SSL' })
  expect(both.options).toMatchObject({ sasl, tls: { ca: expect.stringContaining('BEGIN CERTIFICATE') } })
})

test('stores are PEM or PKCS12 by what is in them; JKS is refused with the way to convert it', async () => {
  const ssl = { 'security.protocol': 'SSL', 'ssl.truststore.password': 'secret', 'ssl.keystore.password': 'secret' }
  const trusted = await from({ ...ssl, 'ssl.truststore.location': `${DIRECTORY}trust-keytool.p12` })
  expect(trusted.options.tls).toMatchObject({ ca: [expect.stringContaining('BEGIN CERTIFICATE')] })
  const keyed = await from({ ...ssl, 'ssl.keystore.location': `${DIRECTORY}client.p12` })
  expect(keyed.options.tls).toEqual({ pfx: expect.any(Buffer), passphrase: 'secret' })
  const pem = await from({ ...ssl, 'ssl.keystore.location': `${DIRECTORY}client.key`, 'ssl.key.password': 'k' })
  expect(pem.options.tls).toMatchObject({ key: expect.stringContaining('PRIVATE KEY'), passphrase: 'k' })
  const inline = { 'ssl.keystore.certificate.chain': 'c', 'ssl.keystore.key': 'k', 'ssl.truststore.certificates': 't' }
  expect((await from({ ...ssl, ...inline })).options.tls).toEqual({ ca: 't', cert: 'c', key: 'k' })
  const jks = from({ ...ssl, 'ssl.truststore.location': `${DIRECTORY}trust.jks` })
  await expect(jks).rejects.toThrow(/is a JKS file.*keytool -importkeystore .*trust.p12 -deststoretype PKCS12/)
  await expect(from({ ...ssl, 'ssl.truststore.location': '/none' })).rejects.toThrow('is /none, which is not there')
  const page = from({ ...ssl, 'ssl.truststore.location': `${DIRECTORY}README.md` })
  await expect(page).rejects.toThrow('is neither PEM nor PKCS12')
})

test('names of ciphers and versions are OpenSSL’s, and hosts go unverified only if Java would let them', async () => {
  const { options } = await from({
    'security.protocol': 'SSL',
    'ssl.endpoint.identification.algorithm': '',
    'ssl.enabled.protocols': 'TLSv1.2,TLSv1.3',
    'ssl.cipher.suites':
      'TLS_AES_256_GCM_SHA384,TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,' +
      'TLS_RSA_WITH_AES_256_CBC_SHA256,TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA',
  })
  expect(options.tls).toEqual({
    verifyHost: false,
    minVersion: 'TLSv1.2',
    maxVersion: 'TLSv1.3',
    ciphers:
      'TLS_AES_256_GCM_SHA384:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:AES256-SHA256:ECDHE-RSA-AES256-SHA',
  })
  await expect(from({ 'security.protocol': 'SSL', 'ssl.enabled.protocols': 'SSLv3' })).rejects.toThrow('SSLv3')
})

test('OAUTHBEARER asks an endpoint with the credentials of JAAS or of its own settings, or makes an unsecured token', async () => {
  const sasl = { 'security.protocol': 'SASL_PLAINTEXT', 'sasl.mechanism': 'OAUTHBEARER' }
  const endpoint = { 'sasl.oauthbearer.token.endpoint.url': 'https://auth' }
  const jaas = `${OAUTH} required clientId="i" clientSecret="s" scope="r" extension_a="b";`
  expect((await from({ ...sasl, ...endpoint, 'sasl.jaas.config': jaas })).options.sasl).toEqual({
    mechanism: 'OAUTHBEARER',
    clientCredentials: {
      tokenEndpoint: 'https://auth',
      clientId: 'i',
      clientSecret: 's',
      scope: 'r',
      extensions: { a: 'b' },
    },
  })
  const own = {
    'sasl.oauthbearer.client.credentials.client.id': 'i',
    'sasl.oauthbearer.client.credentials.client.secret': 's',
  }
  expect((await from({ ...sasl, ...endpoint, ...own })).options.sasl).toMatchObject({
    clientCredentials: { clientId: 'i' },
  })
  const unsecured = `${OAUTH} required unsecuredLoginStringClaim_sub="a" unsecuredLoginListClaim_scope="|x|y" unsecuredLoginLifetimeSeconds="9";`
  expect((await from({ ...sasl, 'sasl.jaas.config': unsecured })).options.sasl).toEqual({
    mechanism: 'OAUTHBEARER',
    unsecured: { subject: 'a', scope: ['x', 'y'], lifetimeSeconds: 9, extensions: {} },
  })
  await expect(from({ ...sasl, ...endpoint })).rejects.toThrow('needs clientId')
  await expect(from(sasl)).rejects.toThrow('OAUTHBEARER needs')
})

test('what is missing or not supported is said with the way to mend it', async () => {
  const sasl = { 'security.protocol': 'SASL_PLAINTEXT' }
  await expect(from(sasl)).rejects.toThrow('GSSAPI (Kerberos) is not supported')
  await expect(from({ ...sasl, 'sasl.mechanism': 'PLAIN' })).rejects.toThrow('PLAIN needs sasl.jaas.config=')
  await expect(from({ ...sasl, 'sasl.mechanism': 'X' })).rejects.toThrow('and is X')
  const wrong = from({
    ...sasl,
    'sasl.mechanism': 'PLAIN',
    'sasl.jaas.config': `${SCRAM} required username="a" password="b";`,
  })
  await expect(wrong).rejects.toThrow('PlainLoginModule for PLAIN, and names')
})

test('a line of JAAS has quotes of both kinds, escapes, and bare values', () => {
  const { loginModule, options } = parseJaasConfig(` a.B required\n x="1 ;=\\"2" y='it"s' z=plain ;`)
  expect(loginModule).toBe('a.B')
  expect([...options]).toEqual([
    ['x', '1 ;="2'],
    ['y', 'it"s'],
    ['z', 'plain'],
  ])
  for (const [text, reason] of [
    ['', 'must begin with a login module'],
    ['a.B username="x";', 'must begin with a login module'],
    ['a.B required x="1"', 'end with a semicolon'],
    ['a.B required x="1"; c.D required;', 'one login module'],
    ['a.B required x=;', 'option x has no value'],
    ['a.B required x="1;', 'a quote is not closed'],
  ] as const) {
    expect(() => parseJaasConfig(text), text).toThrow(reason)
  }
})
