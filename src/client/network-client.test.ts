import { expect, test } from 'vitest'
import { ERROR_CODES } from '../base/error-codes.ts'
import { ApiVersions } from '../protocol/generated/api-versions.ts'
import { DescribeCluster } from '../protocol/generated/describe-cluster.ts'
import { Heartbeat } from '../protocol/generated/heartbeat.ts'
import { Metadata } from '../protocol/generated/metadata.ts'
import { ApiVersionTable } from '../rpc/api-version-table.ts'
import { HANG_UP, ScriptedCluster, SILENCE, type ScriptedClusterOptions } from '../testing/scripted/scripted-cluster.ts'
import { SeededWorld } from '../testing/seeded-world.ts'
import { pause, retrying } from './call.ts'
import { resolveClientOptions, type ClientOptions } from './client-options.ts'
import { ClientError } from './errors.ts'
import { NetworkClient } from './network-client.ts'

interface Setting {
  readonly world: SeededWorld
  readonly cluster: ScriptedCluster
  readonly client: NetworkClient
}

async function inCluster(
  options: ScriptedClusterOptions,
  task: (setting: Setting) => Promise<void>,
  clientOptions: Partial<ClientOptions> = {},
): Promise<void> {
  const world = new SeededWorld(1)
  await world.run(async () => {
    const cluster = await ScriptedCluster.start(world, options)
    const client = new NetworkClient(world, resolveClientOptions({ brokers: cluster.bootstrap, ...clientOptions }))
    await task({ world, cluster, client })
    client.close()
    await cluster.close()
    expect(cluster.unexpected).toEqual([])
  })
}

test('a request goes to the node that it names, at the highest version that both know', async () => {
  const versions = { Heartbeat: { min: 0, max: 2 } }
  await inCluster({ nodes: 3, versions }, async ({ cluster, client }) => {
    cluster.on(Heartbeat, () => ({}))
    await client.request(2, Heartbeat, { groupId: 'g' })
    expect(cluster.log.at(-1)).toBe('Heartbeat v2 at 2')
    const before = cluster.connectionsOf(2)
    await client.request(2, Heartbeat, { groupId: 'g' })
    expect(cluster.connectionsOf(2)).toBe(before)
  })
})

test('a broker that does not know our ApiVersions is asked again at the version that it tells', async () => {
  await inCluster({ versions: { ApiVersions: { min: 0, max: 2 } } }, async ({ cluster, client }) => {
    await client.refresh()
    expect(cluster.log[0]).toBe('ApiVersions v2 at 1')
  })
})

test('an API that the broker lacks is UNSUPPORTED_VERSION, and nothing is sent', async () => {
  await inCluster({ versions: { DescribeCluster: null } }, async ({ cluster, client }) => {
    const failure = client.request('any', DescribeCluster, {})
    await expect(failure).rejects.toMatchObject({ code: 'UNSUPPORTED_VERSION' })
    expect(cluster.count(DescribeCluster)).toBe(0)
  })
})

test('a controller is told from a broker that lacks an API', async () => {
  const versions = new ApiVersionTable({ apiKeys: [{ apiKey: 52, minVersion: 0, maxVersion: 2 }] })
  expect(() => versions.choose(Metadata)).toThrow(
    'The node is a controller and does not serve Metadata: name a broker, or this one as bootstrap controller.',
  )
  expect(() => new ApiVersionTable({ apiKeys: [] }).choose(Metadata)).toThrow('The broker does not support Metadata.')
})

test('bootstrap goes on to the next address where nobody listens', async () => {
  const world = new SeededWorld(1)
  await world.run(async () => {
    const cluster = await ScriptedCluster.start(world, { nodes: 1 })
    const brokers = ['127.0.0.1:1', '127.0.0.1:2', ...cluster.bootstrap]
    const client = new NetworkClient(world, resolveClientOptions({ brokers }))
    await client.refresh()
    expect([...client.metadata.nodes.keys()]).toEqual([1])
    client.close()
  })
})

test('a topic that is not there yet is waited for, and asked for at growing pauses', async () => {
  await inCluster({}, async ({ world, cluster, client }) => {
    client.setInterest(new Set(['late']))
    world.clock.at(world.clock.monotonicMs() + 3000, () => cluster.createTopic('late', 2))
    const topic = await client.topic('late')
    expect(topic.partitions).toHaveLength(2)
    expect(cluster.count(Metadata)).toBeLessThan(10)
  })
})

test('a topic that cannot be made just now is waited for, as one that is not there', async () => {
  await inCluster({}, async ({ world, cluster, client }) => {
    client.setInterest(new Set(['late']), { mayCreateTopics: true })
    const refused = { name: 'late', errorCode: ERROR_CODES.INVALID_REPLICATION_FACTOR }
    const brokers = [cluster.endpoint(1)]
    cluster.on(Metadata, () => (cluster.topics.has('late') ? undefined : { brokers, topics: [refused] }))
    const never = client.topic('late', { timeoutMs: 1000 })
    await expect(never).rejects.toMatchObject({
      code: 'TIMED_OUT',
      message: expect.stringContaining('INVALID_REPLICATION_FACTOR'),
    })
    cluster.createTopic('late', 1)
    await pause(world.clock, 2000)
    expect(client.metadata.topic('late')).not.toBeNull()
  })
})

test('a topic that never comes is TIMED_OUT, with the reason as its cause', async () => {
  await inCluster({}, async ({ client }) => {
    client.setInterest(new Set(['never']))
    const failure = client.topic('never', { timeoutMs: 2000 })
    await expect(failure).rejects.toMatchObject({
      code: 'TIMED_OUT',
      cause: { code: 'UNKNOWN_TOPIC_OR_PARTITION' },
    })
  })
})

test('an aborted call rejects with the reason of its signal', async () => {
  await inCluster({}, async ({ world, client }) => {
    client.setInterest(new Set(['never']))
    const stop = new AbortController()
    world.clock.at(world.clock.monotonicMs() + 500, () => stop.abort(new Error('enough')))
    await expect(client.topic('never', { signal: stop.signal })).rejects.toThrow('enough')
  })
})

test('a request that is not answered in time costs the connection, and what waits behind it', async () => {
  await inCluster({}, async ({ world, cluster, client }) => {
    cluster.on(Heartbeat, () => SILENCE)
    const startedMs = world.clock.monotonicMs()
    const [slow, behind] = [
      client.request(1, Heartbeat, {}, { timeoutMs: 1000 }),
      client.request(1, Heartbeat, {}, { timeoutMs: 5000 }),
    ]
    await Promise.all([
      expect(slow).rejects.toThrow('no answer to Heartbeat in 1000 ms'),
      expect(behind).rejects.toMatchObject({ code: 'NETWORK_FAILED' }),
    ])
    expect(world.clock.monotonicMs() - startedMs).toBeLessThan(1500)
    // The next request connects anew.
    cluster.on(Heartbeat, () => ({}))
    await client.request(1, Heartbeat, {})
  })
})

test('lanes have connections of their own, so that one does not wait behind the other', async () => {
  await inCluster({}, async ({ cluster, client }) => {
    cluster.once(Heartbeat, () => SILENCE)
    const waiting = client.request(1, Heartbeat, {}, { lane: 'fetch', timeoutMs: 60_000 })
    waiting.catch(() => {})
    cluster.on(Heartbeat, () => ({}))
    await client.request(1, Heartbeat, {}, { lane: 'coordinator' })
    expect(cluster.connectionsOf(1)).toBe(3)
  })
})

test('a node that refuses is tried again at growing pauses', async () => {
  await inCluster({ nodes: 2 }, async ({ world, cluster, client }) => {
    await client.ready()
    await cluster.stopNode(2)
    let attempts = 0
    const endMs = world.clock.monotonicMs() + 10_000
    while (world.clock.monotonicMs() < endMs) {
      await client.connection(2).catch(() => attempts++)
      if (!client.metadata.nodes.has(2)) break
    }
    expect(attempts).toBeLessThan(20)
  })
})

test('what an authenticator says against a connection is what the request fails with', async () => {
  const world = new SeededWorld(1)
  await world.run(async () => {
    const cluster = await ScriptedCluster.start(world)
    const options = resolveClientOptions({ brokers: cluster.bootstrap })
    const refuse = { authenticate: () => Promise.reject(new ClientError('AUTHENTICATION_FAILED', 'no')) }
    const client = new NetworkClient(world, { ...options, authenticator: refuse })
    await expect(client.refresh()).rejects.toMatchObject({ code: 'AUTHENTICATION_FAILED' })
    client.close()
  })
})

test('a broker that hangs up at once is not asked in a loop', async () => {
  await inCluster({}, async ({ world, cluster, client }) => {
    cluster.on(ApiVersions, () => HANG_UP)
    const failure = client.ready({ timeoutMs: 10_000 })
    await expect(failure).rejects.toMatchObject({ code: 'TIMED_OUT' })
    expect(cluster.count(ApiVersions)).toBeLessThan(30)
    expect(world.clock.monotonicMs()).toBeGreaterThan(0)
  })
})

test('metadata is asked for again when it is old, and when a leader is missing', async () => {
  await inCluster({ topics: { t: 1 } }, async ({ world, cluster, client }) => {
    client.setInterest(new Set(['t']))
    await client.refresh()
    cluster.moveLeader('t', 0, 7)
    await pause(world.clock, 301_000)
    const known = cluster.count(Metadata)
    expect(client.metadata.partition('t', 0)?.leader).toBe(-1)
    await pause(world.clock, 5000)
    expect(cluster.count(Metadata)).toBeGreaterThan(known + 2)
    cluster.moveLeader('t', 0, 1)
    await pause(world.clock, 5000)
    const settled = cluster.count(Metadata)
    await pause(world.clock, 60_000)
    expect(cluster.count(Metadata)).toBe(settled)
  })
})

test('metadata is asked for again soon after an answer without nodes, later after one that a call ends with', async () => {
  await inCluster({ topics: { t: 1 } }, async ({ world, cluster, client }) => {
    client.setInterest(new Set(['t']))
    await client.refresh()
    cluster.moveLeader('t', 0, 7)
    await client.refresh()
    cluster.once(Metadata, () => ({ brokers: [] }))
    cluster.once(Metadata, () => ({ errorCode: ERROR_CODES.REBOOTSTRAP_REQUIRED }))
    cluster.moveLeader('t', 0, 1)
    await pause(world.clock, 5000)
    expect(client.metadata.leader('t', 0)?.id).toBe(1)
    cluster.once(Metadata, () => ({ errorCode: ERROR_CODES.CLUSTER_AUTHORIZATION_FAILED }))
    await expect(client.refresh()).rejects.toMatchObject({ code: 'CLUSTER_AUTHORIZATION_FAILED' })
    cluster.moveLeader('t', 0, 7)
    await pause(world.clock, 301_000)
    expect(client.metadata.leader('t', 0)).toBeNull()
  })
})

test('metadata is asked for again when a leader is not among the nodes', async () => {
  await inCluster({ nodes: 2, topics: { t: 1 } }, async ({ world, cluster, client }) => {
    client.setInterest(new Set(['t']))
    await client.refresh()
    cluster.once(Metadata, () => ({
      brokers: [{ nodeId: 1, host: '127.0.0.1', port: 9092, rack: null }],
      topics: [{ name: 't', partitions: [{ partitionIndex: 0, leaderId: 2, leaderEpoch: 3 }] }],
    }))
    await client.refresh()
    expect(client.metadata.leader('t', 0)).toBeNull()
    cluster.moveLeader('t', 0, 1)
    await pause(world.clock, 5000)
    expect(client.metadata.leader('t', 0)?.id).toBe(1)
  })
})

test('a call waits for the first node that knows others, for as long as the call may take', async () => {
  await inCluster({}, async ({ world, cluster, client }) => {
    let isStarting = true
    cluster.on(Metadata, () => (isStarting ? { brokers: [] } : undefined))
    cluster.on(Heartbeat, () => ({}))
    world.clock.at(world.clock.monotonicMs() + 90_000, () => (isStarting = false))
    await retrying(client.retries, 'A heartbeat', { timeoutMs: 120_000 }, () => client.request(1, Heartbeat, {}))
    expect(cluster.log.at(-1)).toBe('Heartbeat v4 at 1')
  })
})

test('when the controller can not be reached, metadata is asked for again and names the next one', async () => {
  await inCluster({ nodes: 2 }, async ({ world, cluster, client }) => {
    cluster.on(Heartbeat, () => ({}))
    cluster.controllerId = 2
    await client.refresh()
    await cluster.stopNode(2)
    cluster.controllerId = 1
    await expect(client.request('controller', Heartbeat, { groupId: 'g' })).rejects.toThrow('cannot connect')
    await world.advance(1000)
    await client.request('controller', Heartbeat, { groupId: 'g' })
    expect(cluster.log.at(-1)).toBe('Heartbeat v4 at 1')
  })
})

test('a burst of stale answers asks for metadata once per pause', async () => {
  await inCluster({ topics: { t: 1 } }, async ({ world, cluster, client }) => {
    client.setInterest(new Set(['t']))
    await client.refresh()
    for (let turn = 0; turn < 200; turn++) {
      client.refreshSoon()
      await pause(world.clock, 5)
    }
    expect(cluster.count(Metadata)).toBeLessThan(16)
  })
})

test('what turns out stale just when an answer was taken in is asked for again soon', async () => {
  await inCluster({}, async ({ world, cluster, client }) => {
    for (const turns of [0, 1, 2, 3, 4]) {
      const stop = client.metadata.onChange(() => {
        stop()
        let later = Promise.resolve()
        for (let turn = 0; turn < turns; turn++) later = later.then(() => {})
        void later.then(() => client.refreshSoon())
      })
      const before = cluster.count(Metadata)
      await client.refresh()
      await pause(world.clock, 1000)
      expect(cluster.count(Metadata) - before).toBe(2)
    }
  })
})

test('when all known nodes are gone the bootstrap addresses are asked again', async () => {
  await inCluster(
    { nodes: 2 },
    async ({ world, cluster, client }) => {
      await client.refresh()
      await cluster.stopNode(1)
      await cluster.stopNode(2)
      await pause(world.clock, 60_000)
      await cluster.startNode(1)
      await client.ready()
      await pause(world.clock, 10_000)
      expect([...client.metadata.nodes.keys()]).toEqual([1])
    },
    { rebootstrapTriggerMs: 30_000, metadataMaxAgeMs: 10_000 },
  )
})

test('a node that moves while it is being connected to leaves no connection behind', async () => {
  await inCluster({ nodes: 2 }, async ({ world, cluster, client }) => {
    await client.refresh()
    cluster.on(Heartbeat, () => ({}))
    cluster.once(ApiVersions, () => pause(world.clock, 1000).then(() => undefined))
    const before = client.request(1, Heartbeat, {}, { lane: 'fetch' }).catch(() => {})
    await pause(world.clock, 100)
    cluster.on(Metadata, () => ({ brokers: [{ ...cluster.endpoint(2), nodeId: 1 }] }))
    await client.refresh()
    await client.request(1, Heartbeat, {}, { lane: 'fetch' })
    await before
    client.close()
    await pause(world.clock, 2000)
    expect([1, 2].map((node) => cluster.connectionsOf(node))).toEqual([0, 0])
  })
})

test('after close everything that waits rejects with CLOSED, and nothing is set', async () => {
  await inCluster({}, async ({ world, cluster, client }) => {
    cluster.on(Heartbeat, () => SILENCE)
    const sent = client.request(1, Heartbeat, {})
    const sentRefused = expect(sent).rejects.toMatchObject({ code: 'CLOSED' })
    while (cluster.count(Heartbeat) === 0) await pause(world.clock, 1)
    const waiting = client.request(1, Heartbeat, {}, { lane: 'fetch' })
    const waitingRefused = expect(waiting).rejects.toMatchObject({ code: 'CLOSED' })
    client.close()
    await Promise.all([sentRefused, waitingRefused])
    await expect(client.refresh()).rejects.toMatchObject({ code: 'CLOSED' })
  })
})

test('a node that cannot tell its versions just now is passed over, and asked again', async () => {
  await inCluster({ nodes: 2 }, async ({ cluster, client }) => {
    cluster.once(ApiVersions, () => ({ errorCode: ERROR_CODES.UNKNOWN_SERVER_ERROR }))
    await client.refresh()
    cluster.on(Heartbeat, () => ({}))
    for (const node of [1, 2]) {
      cluster.once(ApiVersions, () => ({ errorCode: ERROR_CODES.UNKNOWN_SERVER_ERROR }))
      await retrying(client.retries, 'A heartbeat', {}, () => client.request(node, Heartbeat, {}))
    }
  })
})

test('what is tried again ends when the client closes, and not only after its pause', async () => {
  const paused = { retryBackoffMs: 10_000, retryBackoffMaxMs: 10_000 }
  const work = async ({ world, client }: Setting): Promise<void> => {
    const stop = new AbortController()
    const outcomes = [{}, { signal: stop.signal }].map(async (call) => {
      const error: unknown = await client.topic('never', call).catch((failure: unknown) => failure)
      return { error, atMs: world.clock.monotonicMs() }
    })
    await pause(world.clock, 1000)
    const closedMs = world.clock.monotonicMs()
    client.close()
    for (const { error, atMs } of await Promise.all(outcomes)) {
      expect(error).toMatchObject({ code: 'CLOSED' })
      expect(atMs).toBe(closedMs)
    }
    await expect(client.topic('never')).rejects.toMatchObject({ code: 'CLOSED' })
  }
  await inCluster({ topics: {} }, work, paused)
})
