import { expect, test } from 'vitest'
import { SeededWorld } from '../../testing/seeded-world.ts'
import { clientCredentialsToken, type HttpRequest } from './client-credentials.ts'
import type { SaslSetting } from './mechanism.ts'
import { oauthBearer } from './oauth-bearer.ts'
import { plain } from './plain.ts'
import { unsecuredToken } from './unsecured-token.ts'

function setting(): SaslSetting & { world: SeededWorld } {
  const world = new SeededWorld(1)
  return { clock: world.clock, random: world.random, host: 'h', world }
}

test('PLAIN says name and password, and takes no NUL in them', async () => {
  const { first, answer } = await plain('a', 'ü').begin(setting())
  expect(first).toEqual(Buffer.from('\0a\0ü'))
  expect(answer(Buffer.alloc(0))).toBeNull()
  expect(() => plain('a\0b', 'x').begin(setting())).toThrow('NUL')
})

test('OAUTHBEARER says the token with its extensions, and acknowledges what is said against it', async () => {
  const token = { value: 'abc', extensions: { logicalCluster: 'lkc 1' } }
  const conversation = await oauthBearer(() => token).begin(setting())
  expect(conversation.first.toString()).toBe('n,,\u0001auth=Bearer abc\u0001logicalCluster=lkc 1\u0001\u0001')
  expect(conversation.answer(Buffer.alloc(0))).toBeNull()
  expect(conversation.answer(Buffer.from('{"status":"invalid_token"}'))).toEqual(Buffer.from([1]))
})

test('a token or an extension that would break the message is refused', async () => {
  await expect(oauthBearer(() => ({ value: '' })).begin(setting())).rejects.toThrow('token of OAUTHBEARER is empty')
  await expect(oauthBearer(() => ({ value: 'a\u0001b' })).begin(setting())).rejects.toThrow('cannot have')
  for (const extensions of [{ auth: 'x' }, { 'a-b': 'x' }, { a: 'x\u0001' }]) {
    await expect(oauthBearer(() => ({ value: 'a', extensions })).begin(setting())).rejects.toThrow('no extension')
  }
})

test('an unsecured token names its user and ends', async () => {
  const told = setting()
  const { value } = await unsecuredToken({ subject: 'a', lifetimeSeconds: 60, scope: ['s'] })(told)
  const [header, claims, signature] = value.split('.').map((part) => Buffer.from(part, 'base64url').toString())
  expect(JSON.parse(header!)).toEqual({ alg: 'none' })
  const now = told.clock.wallMs() / 1000
  expect(JSON.parse(claims!)).toEqual({ sub: 'a', iat: now, exp: now + 60, scope: ['s'] })
  expect(signature).toBe('')
})

const CREDENTIALS = { tokenEndpoint: 'https://auth/token', clientId: 'a b', clientSecret: 'c&d', scope: 'read write' }

test('a token endpoint is asked once for a token that is good, and again when it grows old', async () => {
  const told = setting()
  await told.world.run(async () => {
    const asked: HttpRequest[] = []
    const provide = clientCredentialsToken(CREDENTIALS, (request) => {
      asked.push(request)
      return Promise.resolve({
        status: 200,
        body: JSON.stringify({ access_token: `t${asked.length}`, expires_in: 100 }),
      })
    })
    expect(await Promise.all([provide(told), provide(told)])).toEqual([
      { value: 't1', extensions: {} },
      expect.anything(),
    ])
    expect(await provide(told)).toMatchObject({ value: 't1' })
    expect(asked).toEqual([
      {
        url: 'https://auth/token',
        headers: expect.objectContaining({ authorization: `Basic ${Buffer.from('a+b:c%26d').toString('base64')}` }),
        body: 'grant_type=client_credentials&scope=read+write',
      },
    ])
    await new Promise<void>((resolve) => told.clock.at(told.clock.monotonicMs() + 81_000, resolve))
    expect(await provide(told)).toMatchObject({ value: 't2' })
  })
})

test('an endpoint that gives no token is named, with what it said', async () => {
  for (const body of ['no', '[]', '{"error":"invalid_client"}']) {
    const provide = clientCredentialsToken(CREDENTIALS, () => Promise.resolve({ status: 401, body }))
    await expect(async () => provide(setting())).rejects.toThrow(`https://auth/token gave no token (HTTP 401): ${body}`)
  }
})

test('an endpoint that is busy or broken says nothing against us: that passes', async () => {
  for (const status of [429, 500, 503]) {
    const provide = clientCredentialsToken(CREDENTIALS, () => Promise.resolve({ status, body: 'later' }))
    await expect(async () => provide(setting())).rejects.toMatchObject({ code: 'NETWORK_FAILED' })
  }
})
