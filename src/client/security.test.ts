/** TLS and SASL as a client uses them: against scripted brokers, so without the mechanisms' own arithmetic. */
import { expect, test } from 'vitest'
import { ERROR_CODES } from '../base/error-codes.ts'
import { ApiVersions } from '../protocol/generated/api-versions.ts'
import { Heartbeat } from '../protocol/generated/heartbeat.ts'
import { SaslAuthenticate } from '../protocol/generated/sasl-authenticate.ts'
import { SaslHandshake } from '../protocol/generated/sasl-handshake.ts'
import { saslAuthenticator } from '../rpc/sasl/sasl-authenticator.ts'
import { plain } from '../rpc/sasl/plain.ts'
import { ApiVersionTable } from '../rpc/api-version-table.ts'
import { HANG_UP, ScriptedCluster } from '../testing/scripted/scripted-cluster.ts'
import { SeededWorld } from '../testing/seeded-world.ts'
import { pause } from './call.ts'
import { resolveClientOptions, type ClientOptions } from './client-options.ts'
import { KlammClient } from './klamm.ts'
import { NetworkClient } from './network-client.ts'
import type { SaslOptions } from './security-options.ts'

const ALICE = { mechanism: 'PLAIN', username: 'alice', password: 'secret' } as const

async function withClient(
  task: (setting: { world: SeededWorld; cluster: ScriptedCluster; client: NetworkClient }) => Promise<void>,
  options: Partial<ClientOptions> = { sasl: ALICE },
): Promise<void> {
  const world = new SeededWorld(1)
  await world.run(async () => {
    const cluster = await ScriptedCluster.start(world)
    const client = new NetworkClient(world, resolveClientOptions({ brokers: cluster.bootstrap, ...options }))
    cluster.on(Heartbeat, () => ({}))
    await task({ world, cluster, client })
    client.close()
    await cluster.close()
    expect(cluster.unexpected).toEqual([])
  })
}

function allow(cluster: ScriptedCluster, sessionLifetimeMs = 0): void {
  cluster.on(SaslHandshake, ({ mechanism }) => ({ mechanisms: [mechanism] }))
  cluster.on(SaslAuthenticate, ({ authBytes }) => {
    if (authBytes.toString() === '\0alice\0secret') return { sessionLifetimeMs }
    return { errorCode: ERROR_CODES.SASL_AUTHENTICATION_FAILED, errorMessage: 'Invalid username or password' }
  })
}

test('a connection proves who we are before anything else is asked', async () => {
  await withClient(async ({ cluster, client }) => {
    allow(cluster)
    await client.request('any', Heartbeat, {})
    expect(cluster.log).toEqual([
      'ApiVersions v4 at 1',
      'SaslHandshake v1 at 1',
      'SaslAuthenticate v2 at 1',
      'Heartbeat v4 at 1',
    ])
  })
})

test('what the broker says against us is thrown at once, and is not tried again', async () => {
  const sasl = { ...ALICE, password: 'wrong' }
  await withClient(
    async ({ world, cluster, client }) => {
      allow(cluster)
      await expect(client.ready()).rejects.toMatchObject({
        code: 'SASL_AUTHENTICATION_FAILED',
        message: 'Invalid username or password',
      })
      await pause(world.clock, 60_000)
      expect(cluster.count(SaslAuthenticate)).toBe(1)
    },
    { sasl },
  )
})

test('a mechanism that the broker has not switched on is told with those that it has', async () => {
  await withClient(async ({ cluster, client }) => {
    cluster.on(SaslHandshake, () => ({
      errorCode: ERROR_CODES.UNSUPPORTED_SASL_MECHANISM,
      mechanisms: ['GSSAPI', 'SCRAM-SHA-512'],
    }))
    await expect(client.ready()).rejects.toMatchObject({
      code: 'UNSUPPORTED_SASL_MECHANISM',
      message:
        "Client SASL mechanism 'PLAIN' not enabled in the server, enabled mechanisms are [GSSAPI, SCRAM-SHA-512]",
    })
  })
})

test('a proof that grows old is made anew before the next request, and what is asked meanwhile waits', async () => {
  await withClient(async ({ world, cluster, client }) => {
    allow(cluster, 10_000)
    await client.request(1, Heartbeat, {})
    const before = cluster.log.length
    const connections = cluster.connectionsOf(1)
    await pause(world.clock, 8000)
    await client.request(1, Heartbeat, {})
    expect(cluster.log.slice(before)).toEqual(['Heartbeat v4 at 1'])
    await pause(world.clock, 2000)
    await Promise.all([1, 2, 3].map(() => client.request(1, Heartbeat, {})))
    expect(cluster.log.slice(before + 1)).toEqual([
      'SaslHandshake v1 at 1',
      'SaslAuthenticate v2 at 1',
      'Heartbeat v4 at 1',
      'Heartbeat v4 at 1',
      'Heartbeat v4 at 1',
    ])
    expect(cluster.connectionsOf(1)).toBe(connections)
  })
})

test('a proof that fails the second time costs the connection and all that waits', async () => {
  await withClient(async ({ world, cluster, client }) => {
    allow(cluster, 10_000)
    await client.request(1, Heartbeat, {})
    cluster.on(SaslAuthenticate, () => ({
      errorCode: ERROR_CODES.SASL_AUTHENTICATION_FAILED,
      errorMessage: 'Cannot change principals during re-authentication',
    }))
    await pause(world.clock, 10_000)
    const asked = [1, 2].map(() => client.request(1, Heartbeat, {}))
    for (const request of asked) await expect(request).rejects.toThrow('Cannot change principals')
    await pause(world.clock, 100)
    expect(cluster.connectionsOf(1)).toBeLessThan(2)
  })
})

test('a proof that does not get done the second time costs the connection, and nobody waits for ever', async () => {
  let tokens = 0
  const token = () => (tokens++ < 2 ? { value: 'token' } : new Promise<never>(() => {}))
  await withClient(
    async ({ world, cluster, client }) => {
      cluster.on(SaslHandshake, ({ mechanism }) => ({ mechanisms: [mechanism] }))
      cluster.on(SaslAuthenticate, () => ({ sessionLifetimeMs: 10_000 }))
      await client.request(1, Heartbeat, {})
      await pause(world.clock, 10_000)
      const startedMs = world.clock.monotonicMs()
      await expect(client.request(1, Heartbeat, {})).rejects.toMatchObject({ code: 'NETWORK_FAILED' })
      expect(world.clock.monotonicMs() - startedMs).toBeLessThan(10_100)
    },
    { sasl: { mechanism: 'OAUTHBEARER', token } },
  )
})

test('a broker of before 1.0 takes bare tokens', async () => {
  const { clock, random } = new SeededWorld(1)
  const bare: string[] = []
  const versions = new ApiVersionTable({ apiKeys: [{ apiKey: SaslHandshake.key, minVersion: 0, maxVersion: 0 }] })
  const handshakes: unknown[] = []
  const proof = await saslAuthenticator(plain('a', 'b')).authenticate(
    {
      clock,
      random,
      versions,
      request: (_api, message, options) => {
        handshakes.push(message, options)
        return Promise.resolve({ errorCode: 0 } as never)
      },
      exchangeBare: (bytes) => {
        bare.push(bytes.toString())
        return Promise.resolve(Buffer.alloc(0))
      },
    },
    { host: 'h' },
  )
  expect(proof).toEqual({ lifetimeMs: 0 })
  expect(handshakes).toEqual([{ mechanism: 'PLAIN' }, { versions: { min: 0, max: 0 } }])
  expect(bare).toEqual(['\0a\0b'])
})

test('a simulated network has no TLS, and says so', async () => {
  await withClient(
    async ({ client }) => {
      await expect(client.request('any', Heartbeat, {})).rejects.toThrow('The simulated network speaks no TLS')
    },
    { tls: true },
  )
})

test('controllers serve an Admin, and neither records nor groups', async () => {
  const kafka = new KlammClient(new SeededWorld(1), { controllers: 'h:1' })
  expect(() => kafka.producer()).toThrow('Controllers have no records')
  expect(() => kafka.consumer({ groupId: 'g' })).toThrow('Controllers have no records')
  await kafka.admin().close()
})

test('options that make no sense are refused before anything is connected', () => {
  const resolve = (options: Partial<ClientOptions>) => () => resolveClientOptions({ brokers: 'h:1', ...options })
  expect(resolve({ sasl: { mechanism: 'GSSAPI' } as unknown as SaslOptions })).toThrow('must be PLAIN, SCRAM-SHA-256')
  expect(resolve({ sasl: { ...ALICE, username: '' } })).toThrow('sasl.username must be text')
  expect(resolve({ sasl: { mechanism: 'OAUTHBEARER' } as unknown as SaslOptions })).toThrow('needs token')
  const clientCredentials = { tokenEndpoint: 'u', clientId: 'a', clientSecret: 'b' }
  expect(resolve({ sasl: { mechanism: 'OAUTHBEARER', clientCredentials } })).toThrow('give http')
  expect(resolve({ controllers: 'h:2' })).toThrow('brokers and controllers are both given')
  expect(() => resolveClientOptions({})).toThrow('No broker is given')
  expect(resolveClientOptions({ controllers: 'h:2' })).toMatchObject({ endpoint: 'controllers', tls: null })
})

test('a broker that hangs up before it answers may speak TLS, and the error says so', async () => {
  await withClient(async ({ cluster, client }) => {
    cluster.on(ApiVersions, () => HANG_UP)
    await expect(client.connection('any')).rejects.toMatchObject({
      code: 'NETWORK_FAILED',
      message: 'the server closed the connection, before it answered anything: perhaps this listener of it speaks TLS',
    })
  }, {})
})
