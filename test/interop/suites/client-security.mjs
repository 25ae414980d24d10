/**
 * The client under TLS and SASL against Apache Kafka 4.3.1 and 3.9.2: every mechanism, right and wrong, certificates of both
 * sides, proofs that end, and Java's property files; and the programs of docs/CLIENT-SECURITY.md.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ROOT } from '../../../scripts/setup.mjs'
import { formatForKafka, Place, startKafka } from '../lib/broker.mjs'
import { equal, holds } from '../lib/expect.mjs'
import { maven } from '../lib/install.mjs'
import { programsOf, runProgram } from '../lib/page-programs.mjs'
import { sleep, until } from '../lib/process.mjs'
import { addSecuredListeners, SCRAM, TLS } from '../lib/secured-listeners.mjs'
import { KAFKA, KAFKA_3 } from '../lib/versions.mjs'

const file = (name) => readFileSync(join(TLS, name))
/** @param {import('../lib/suite.mjs').Suite} suite */
export async function run(suite) {
  const klamm = await import(pathToFileURL(join(ROOT, 'dist', 'index.js')).href)
  const peers = [
    { name: 'kafka 4.3', jars: await maven('kafka-4.3.1', KAFKA) },
    { name: 'kafka 3.9', jars: await maven('kafka-3.9.2', KAFKA_3) },
  ]
  for (const { name, jars } of peers) {
    const place = await Place.make(suite, name)
    const at = await addSecuredListeners(place)
    await formatForKafka(jars, place)
    const broker = await startKafka(jars, place)
    const test = (title, body, timeoutMs) => suite.test(`${name}: ${title}`, body, timeoutMs)
    await cases({ address: place.address, at, test }, klamm)
    await examples({ address: place.address, at, test, directory: join(place.directory, 'page') }, klamm)
    await broker.stop('SIGTERM', 60_000)
  }
}

/** The programs of docs/CLIENT-SECURITY.md, with this broker in place of the one that they name. */
async function examples({ address, at, test, directory }, { Klamm }) {
  mkdirSync(directory)
  for (const name of ['ca.pem', 'client.pem', 'client.key']) writeFileSync(join(directory, name), file(name))
  const admin = new Klamm({ brokers: address }).admin()
  const user = { user: 'alice', mechanism: 'SCRAM-SHA-512', password: 'secret', iterations: 4096 }
  await admin.alterUserScramCredentials([user]).then((outcomes) => outcomes.all())
  await admin.close()
  const here = (text) =>
    text
      .replaceAll('broker.example:9093', at('BOTH'))
      .replaceAll('broker.example:9094', at('MUTUAL'))
      .replaceAll('broker.example:9095', at('SASL'))
  const scram = { brokers: at('BOTH'), sasl: { mechanism: 'SCRAM-SHA-512', username: 'alice', password: 'secret' } }
  await until(async () => {
    const kafka = new Klamm({ ...scram, tls: { ca: file('ca.pem') } })
    const known = kafka.admin().describeCluster()
    return await known
      .then(
        () => true,
        () => false,
      )
      .finally(() => kafka.close())
  }, 'alice may sign in')
  const page = readFileSync(join(ROOT, 'docs/CLIENT-SECURITY.md'), 'utf8')
  const [, properties = ''] = /```properties\n(.*?)```/s.exec(page) ?? []
  writeFileSync(join(directory, 'client.properties'), here(properties))
  for (const { name, title, text } of programsOf('docs/CLIENT-SECURITY.md', "'klamm'")) {
    await test(`the example ${name} (${title}) runs`, async () => {
      const { stdout } = await runProgram({ name, text: here(text) }, directory)
      holds(stdout.trim() !== '', 'an example shows something')
      return stdout.trim()
    })
  }
}

/**
 * @param {{ address: string, at: (listener: keyof typeof LISTENERS) => string, test: (title: string, body: () => Promise<string | void>, timeoutMs?: number) => Promise<void> }} server
 * @param {typeof import('../../../src/index.ts')} klamm
 */
export async function cases({ address, at, test }, { Klamm, optionsFromJavaProperties }) {
  const ca = file('ca.pem')
  /** Asks once; resolves to `ok` or the code of the error. */
  const ask = async (options) => {
    const kafka = new Klamm({ callTimeoutMs: 60_000, ...options })
    try {
      await kafka.admin().describeCluster()
      return 'ok'
    } catch (error) {
      return `${error.code}: ${error.message}`
    } finally {
      await kafka.close()
    }
  }
  const plain = { mechanism: 'PLAIN', username: 'alice', password: 'alice secret' }

  await test('TLS: a certificate of a known authority for the right host, and nothing else', async () => {
    equal(await ask({ brokers: at('SSL'), tls: { ca } }), 'ok')
    holds(
      /^AUTHENTICATION_FAILED.*as ca\.$/.test(await ask({ brokers: at('SSL'), tls: true })),
      'an unknown authority is refused',
    )
    const byAddress = at('SSL').replace('localhost', '127.0.0.1')
    holds((await ask({ brokers: byAddress, tls: { ca } })).includes('verifyHost'), 'another host is refused')
    equal(await ask({ brokers: byAddress, tls: { ca, servername: 'broker.example' } }), 'ok')
    equal(await ask({ brokers: byAddress, tls: { ca, verifyHost: false } }), 'ok')
    equal(await ask({ brokers: at('SSL'), tls: { ca, maxVersion: 'TLSv1.2' } }), 'ok')
  })
  await test('TLS: a broker that wants a certificate gets ours', async () => {
    const key = { cert: file('client.pem'), key: file('client.key') }
    equal(await ask({ brokers: at('MUTUAL'), tls: { ca, ...key } }), 'ok')
    equal(await ask({ brokers: at('MUTUAL'), tls: { ca, pfx: file('client.p12'), passphrase: 'secret' } }), 'ok')
    const none = await ask({ brokers: at('MUTUAL'), tls: { ca, maxVersion: 'TLSv1.2' } })
    holds(none.startsWith('AUTHENTICATION_FAILED'), `none is refused, and not with ${none}`)
  })
  await test('SASL: PLAIN, and the broker’s own words where it is wrong', async () => {
    equal(await ask({ brokers: at('SASL'), sasl: plain }), 'ok')
    equal(await ask({ brokers: at('BOTH'), tls: { ca }, sasl: plain }), 'ok')
    const wrong = await ask({ brokers: at('SASL'), sasl: { ...plain, password: 'x' } })
    equal(wrong, 'SASL_AUTHENTICATION_FAILED: Authentication failed: Invalid username or password')
  })
  await test('SASL: SCRAM with both digests, names that need escapes, and wrong passwords', async () => {
    const admin = new Klamm({ brokers: address }).admin()
    const users = [
      { user: 'bob=,', mechanism: 'SCRAM-SHA-256', password: 'pässwörd' },
      { user: 'carol', mechanism: 'SCRAM-SHA-512', password: 'p', iterations: 8192 },
    ]
    await admin.alterUserScramCredentials(users).then((outcomes) => outcomes.all())
    await admin.close()
    for (const { user: username, mechanism, password } of users) {
      await until(
        async () => (await ask({ brokers: at('SASL'), sasl: { mechanism, username, password } })) === 'ok',
        username,
      )
      equal(await ask({ brokers: at('BOTH'), tls: { ca }, sasl: { mechanism, username, password } }), 'ok')
      const wrong = await ask({ brokers: at('SASL'), sasl: { mechanism, username, password: 'x' } })
      holds(wrong.startsWith('SASL_AUTHENTICATION_FAILED: Authentication failed during authentication'), wrong)
    }
  })
  await test('SASL: OAUTHBEARER with tokens of nobody, of a function, and of an endpoint', async () => {
    const oauth = (more) => ask({ brokers: at('SASL'), sasl: { mechanism: 'OAUTHBEARER', ...more } })
    equal(await oauth({ unsecured: { subject: 'dora', extensions: { a: 'b' } } }), 'ok')
    equal(
      await oauth({ token: () => ({ value: 'rubbish' }) }),
      'SASL_AUTHENTICATION_FAILED: {"status":"invalid_token"}',
    )
    const part = (object) => Buffer.from(JSON.stringify(object)).toString('base64url')
    const now = Date.now() / 1000
    const token = `${part({ alg: 'none' })}.${part({ sub: 'erna', iat: now, exp: now + 100 })}.`
    let posts = 0
    const endpoint = createServer((request, response) => {
      posts++
      const isKnown = request.headers.authorization === `Basic ${Buffer.from('me:mine').toString('base64')}`
      response.writeHead(isKnown ? 200 : 401, { 'content-type': 'application/json' })
      response.end(JSON.stringify(isKnown ? { access_token: token, expires_in: 100 } : { error: 'invalid_client' }))
    })
    await new Promise((resolve) => endpoint.listen(0, '127.0.0.1', resolve))
    const tokenEndpoint = `http://127.0.0.1:${endpoint.address().port}/token`
    equal(await oauth({ clientCredentials: { tokenEndpoint, clientId: 'me', clientSecret: 'mine' } }), 'ok')
    equal(posts, 1)
    const refused = await oauth({ clientCredentials: { tokenEndpoint, clientId: 'me', clientSecret: 'yours' } })
    holds(refused.includes('invalid_client'), `the endpoint's words are told: ${refused}`)
    await new Promise((resolve) => endpoint.close(resolve))
  })
  await test('SASL: a delegation token logs in, and can be renewed, described and expired', async () => {
    const admin = new Klamm({ brokers: at('SASL'), sasl: plain }).admin()
    const token = await admin.createDelegationToken({
      maxLifetimeMs: 600_000,
      renewers: [{ type: 'User', name: 'alice' }],
    })
    equal([token.owner, token.renewers], [{ type: 'User', name: 'alice' }, [{ type: 'User', name: 'alice' }]])
    const sasl = {
      mechanism: 'SCRAM-SHA-256',
      username: token.tokenId,
      password: token.hmac.toString('base64'),
      isDelegationToken: true,
    }
    await until(async () => (await ask({ brokers: at('SASL'), sasl })) === 'ok', 'it logs in')
    holds((await admin.renewDelegationToken(token.hmac)) > Date.now(), 'it is renewed')
    equal(
      (await admin.describeDelegationToken()).map(({ tokenId }) => tokenId),
      [token.tokenId],
    )
    await admin.expireDelegationToken(token.hmac)
    await until(async () => (await admin.describeDelegationToken()).length === 0, 'it is gone')
    await admin.close()
  })
  await test('SASL: proofs that end after two seconds are made anew while requests go on', async () => {
    const sasl = { mechanism: 'SCRAM-SHA-512', username: 'carol', password: 'p' }
    const admin = new Klamm({ brokers: at('SHORT'), sasl, callTimeoutMs: 60_000 }).admin()
    const endMs = Date.now() + 7000
    let rounds = 0
    for (; Date.now() < endMs; rounds++) {
      await Promise.all([admin.describeCluster(), admin.listTopics(), admin.describeFeatures()])
      await sleep(50)
    }
    await sleep(3000)
    await admin.describeCluster()
    await admin.close()
    return `${rounds} rounds`
  })
  await test('Java’s property files say the same', async () => {
    const read = (path) => readFile(path).catch(() => null)
    const from = async (properties) => ask((await optionsFromJavaProperties(properties, read)).options)
    const both = {
      'bootstrap.servers': at('BOTH'),
      'security.protocol': 'SASL_SSL',
      'ssl.truststore.password': 'secret',
    }
    const scram = { 'sasl.mechanism': 'SCRAM-SHA-512', 'sasl.jaas.config': `${SCRAM} username="carol" password="p";` }
    equal(await from({ ...both, ...scram, 'ssl.truststore.location': join(TLS, 'trust-keytool.p12') }), 'ok')
    equal(
      await from({ ...both, ...scram, 'ssl.truststore.location': join(TLS, 'ca.pem'), 'ssl.truststore.type': 'PEM' }),
      'ok',
    )
    const mutual = {
      'bootstrap.servers': at('MUTUAL'),
      'security.protocol': 'SSL',
      'ssl.truststore.location': join(TLS, 'ca.pem'),
    }
    equal(
      await from({ ...mutual, 'ssl.keystore.location': join(TLS, 'client.p12'), 'ssl.keystore.password': 'secret' }),
      'ok',
    )
  })
}
