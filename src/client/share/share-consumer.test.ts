import { expect, test } from 'vitest'
import { ERROR_CODES } from '../../base/error-codes.ts'
import { ShareAcknowledge } from '../../protocol/generated/share-acknowledge.ts'
import { ShareFetch } from '../../protocol/generated/share-fetch.ts'
import { ScriptedCluster, SILENCE } from '../../testing/scripted/scripted-cluster.ts'
import { ScriptedLogs } from '../../testing/scripted/scripted-logs.ts'
import { ScriptedShare } from '../../testing/scripted/scripted-share.ts'
import { SeededWorld } from '../../testing/seeded-world.ts'
import { pause } from '../call.ts'
import { resolveClientOptions, type ClientOptions } from '../client-options.ts'
import { string } from '../serde.ts'
import { ShareConsumer } from './share-consumer.ts'
import type { ShareConsumerOptions } from './share-options.ts'

type Own = Partial<ShareConsumerOptions<string, string> & ClientOptions>

interface Setting {
  readonly world: SeededWorld
  readonly cluster: ScriptedCluster
  readonly logs: ScriptedLogs
  readonly share: ScriptedShare
  consumer(own?: Own): ShareConsumer<string, string>
}

async function inCluster(seed: number, nodes: number, task: (setting: Setting) => Promise<void>): Promise<void> {
  const world = new SeededWorld(seed)
  await world.run(async () => {
    const cluster = await ScriptedCluster.start(world, { nodes, topics: { jobs: nodes } })
    const logs = new ScriptedLogs(world, cluster)
    const share = new ScriptedShare(world, cluster, logs)
    const made: ShareConsumer<string, string>[] = []
    const consumer = (own: Own = {}): ShareConsumer<string, string> => {
      const client = resolveClientOptions({ brokers: cluster.bootstrap, requestTimeoutMs: 2000, ...own })
      const serdes = { groupId: 'g', key: string(), value: string() }
      const one = new ShareConsumer<string, string>(world, { ...client, ...serdes, ...own } as never)
      one.subscribe('jobs')
      made.push(one)
      return one
    }
    await task({ world, cluster, logs, share, consumer })
    for (const one of made) await one.close()
    await cluster.close()
    expect(cluster.unexpected).toEqual([])
  })
}

test('what a batch has without an answer is accepted when the next is asked for', async () => {
  await inCluster(1, 1, async ({ logs, share, consumer: make }) => {
    logs.append('jobs', 0, 3)
    const consumer = make()
    const batch = (await consumer.poll())!
    const records = [...batch]
    expect(records.map(({ value, deliveryCount }) => [value, deliveryCount])).toEqual([
      ['jobs-0-0', 1],
      ['jobs-0-1', 1],
      ['jobs-0-2', 1],
    ])
    records[1]!.acknowledge('reject')
    expect(share.told).toEqual([])
    expect(await consumer.poll({ timeoutMs: 1000 })).toBeNull()
    expect(share.told).toEqual(['jobs-0-0 accept', 'jobs-0-1 reject', 'jobs-0-2 accept'])
  })
})

test('fetches, records, acknowledgements and heartbeats are counted and told', async () => {
  await inCluster(1, 1, async ({ logs, consumer: make }) => {
    logs.append('jobs', 0, 3)
    const heard: [string, unknown][] = []
    const events = (name: string) => ({
      hasSubscribers: true,
      publish: (message: unknown) => void heard.push([name, message]),
    })
    const consumer = make({ events, clientId: 'me' })
    const read = (name: string): number => {
      for (const metric of consumer.metrics.all()) {
        if (metric.name.name !== name) continue
        if (metric.kind === 'counter') return metric.counter.count
        if (metric.kind === 'histogram') return metric.histogram.count
      }
      throw new Error(name)
    }
    const batch = (await consumer.poll())!
    batch.acknowledgeAll('reject')
    expect(read('records-consumed-total')).toBe(3)
    await consumer.commit()
    expect(read('acknowledgements-send-total')).toBe(3)
    expect(read('acknowledgements-error-total')).toBe(0)
    expect(read('heartbeat-total')).toBe(read('heartbeat-response-time'))
    expect(read('heartbeat-total')).toBeGreaterThan(0)
    expect(read('rebalance-total')).toBe(1)
    expect(read('fetch-total')).toBe(read('fetch-latency'))
    const of = (what: string) => heard.filter(([name]) => name === `klamm:share-consumer:${what}`)
    expect(of('fetch').map(([, message]) => message)).toContainEqual(
      expect.objectContaining({ clientId: 'me', groupId: 'g', node: 1, records: 3 }),
    )
    expect(of('acknowledge').map(([, message]) => message)).toMatchObject([
      { topic: 'jobs', partition: 0, records: 3, error: null },
    ])
  })
})

test('in explicit mode each record must have an answer before the next poll, and commit tells what became of it', async () => {
  await inCluster(1, 1, async ({ logs, share, consumer: make }) => {
    logs.append('jobs', 0, 2)
    const consumer = make({ acknowledgement: 'explicit' })
    const [first, second] = (await consumer.poll())!
    first!.acknowledge('release')
    await expect(consumer.poll()).rejects.toThrow('1 of 2 records of jobs-0 have no acknowledgement')
    expect(await consumer.commit()).toEqual(new Map([['jobs-0', null]]))
    second!.acknowledge()
    expect(() => first!.acknowledge()).toThrow('not this consumer')
    const again = (await consumer.poll())!
    expect([...again].map(({ offset, deliveryCount }) => [offset, deliveryCount])).toEqual([[0, 2]])
    again.acknowledgeAll('reject')
    await consumer.commit()
    expect(share.told).toEqual(['jobs-0-0 release', 'jobs-0-1 accept', 'jobs-0-0 reject'])
  })
})

test('a lock that has run out is told by commit, and one that is renewed holds', async () => {
  await inCluster(1, 1, async ({ world, logs, consumer: make }) => {
    logs.append('jobs', 0, 1)
    const consumer = make()
    const slow = (await consumer.poll())!
    await pause(world.clock, 6000)
    const outcomes = await consumer.commit()
    expect(outcomes.get('jobs-0')).toMatchObject({ code: 'INVALID_RECORD_STATE' })
    const [record] = (await consumer.poll())!
    expect(slow.lockTimeoutMs).toBe(5000)
    expect(record!.deliveryCount).toBe(2)
    await pause(world.clock, 4000)
    await record!.renew()
    await pause(world.clock, 4000)
    expect(await consumer.commit()).toEqual(new Map([['jobs-0', null]]))
  })
})

test('a commit that is not answered ends with its time, or when its signal aborts', async () => {
  await inCluster(1, 1, async ({ world, cluster, logs, consumer: make }) => {
    logs.append('jobs', 0, 2)
    const consumer = make({ maxPollRecords: 1 })
    cluster.on(ShareAcknowledge, () => SILENCE)
    const startedMs = world.clock.monotonicMs()
    await consumer.poll()
    await expect(consumer.commit({ timeoutMs: 500 })).rejects.toMatchObject({ code: 'TIMED_OUT' })
    await consumer.poll()
    const giveUp = new AbortController()
    world.clock.at(world.clock.monotonicMs() + 100, () => giveUp.abort(new Error('enough')))
    await expect(consumer.commit({ signal: giveUp.signal })).rejects.toThrow('enough')
    expect(world.clock.monotonicMs() - startedMs).toBeLessThan(6000)
  })
})

test('a partition that fails in passing is asked for again, and the user does not know', async () => {
  await inCluster(1, 1, async ({ cluster, logs, consumer: make }) => {
    logs.append('jobs', 0, 1)
    const { id: topicId } = cluster.topics.get('jobs')!
    for (const code of ['UNKNOWN_SERVER_ERROR', 'KAFKA_STORAGE_ERROR'] as const) {
      const part = { partitionIndex: 0, errorCode: ERROR_CODES[code], records: Buffer.alloc(0) }
      cluster.once(ShareFetch, () => ({ responses: [{ topicId, partitions: [part] }] }))
    }
    expect(await make().poll({ timeoutMs: 5000 })).not.toBeNull()
  })
})

test('what is acknowledged to a broker that leads nothing any more has an outcome without another batch', async () => {
  await inCluster(1, 2, async ({ world, cluster, logs, consumer: make }) => {
    logs.append('jobs', 0, 1)
    const outcomes: string[] = []
    const consumer = make({ onAcknowledged: (key) => outcomes.push(key), metadataMaxAgeMs: 200 })
    await consumer.poll()
    cluster.moveLeader('jobs', 0, 2)
    await pause(world.clock, 1000)
    await consumer.poll({ timeoutMs: 2000 })
    expect(outcomes).toEqual(['jobs-0'])
  })
})

test('what was acknowledged has an outcome, also when close had no time for it', async () => {
  await inCluster(1, 1, async ({ world, cluster, logs, consumer: make }) => {
    logs.append('jobs', 0, 1)
    const outcomes: [string, Error | null][] = []
    const consumer = make({ onAcknowledged: (key, error) => outcomes.push([key, error]) })
    const batch = (await consumer.poll())!
    batch.acknowledgeAll()
    cluster.on(ShareAcknowledge, () => SILENCE)
    await consumer.close({ timeoutMs: 200 })
    await pause(world.clock, 100)
    expect(outcomes).toEqual([['jobs-0', expect.objectContaining({ code: expect.any(String) })]])
  })
})

test('what is in hand at the end is given back', async () => {
  await inCluster(1, 1, async ({ logs, consumer: make }) => {
    logs.append('jobs', 0, 2)
    const first = make()
    await first.poll()
    await first.close()
    const [record] = (await make().poll())!
    expect(record!.deliveryCount).toBe(2)
  })
})

test('a fetch that is not answered ends its session, and a new one begins', async () => {
  await inCluster(1, 1, async ({ cluster, logs, share, consumer: make }) => {
    logs.append('jobs', 0, 1)
    cluster.once(ShareFetch, () => SILENCE)
    const consumer = make()
    expect((await consumer.poll())!.length).toBe(1)
    share.forgetSessions()
    logs.append('jobs', 0, 1)
    // The first is accepted in a session that is not there any more: its lock must run out first.
    const offsets: number[] = []
    for await (const record of consumer.records()) {
      offsets.push(record.offset)
      if (offsets.includes(0) && offsets.includes(1)) break
    }
    expect(offsets.toSorted()).toEqual([0, 1])
  })
})

test('an aborted poll rejects with the reason of its signal; a stopped one gives null', async () => {
  await inCluster(1, 1, async ({ world, consumer: make }) => {
    const consumer = make()
    const stop = new AbortController()
    world.clock.at(world.clock.monotonicMs() + 1000, () => stop.abort(new Error('enough')))
    await expect(consumer.poll({ signal: stop.signal })).rejects.toThrow('enough')
    const waiting = consumer.poll()
    consumer.stop()
    expect(await waiting).toBeNull()
  })
})

test('members that share lose no record while leaders move, answers get lost and members are forgotten', async () => {
  for (let seed = 1; seed <= 6; seed++) {
    await inCluster(seed, 3, async ({ world, cluster, logs, share, consumer: make }) => {
      const { choices } = world
      const seen = new Set<string>()
      let isOver = false
      cluster.lose = () => (isOver || choices.chance(0.96) ? null : choices.chance(0.5) ? 'request' : 'answer')
      const members = [0, 1, 2].map(() => make({ maxPollRecords: 7, onAcknowledged: () => {} }))
      const loops = members.map(async (consumer) => {
        for await (const batch of consumer) {
          for (const record of batch) {
            expect(record.value).toBe(`jobs-${record.partition}-${record.offset}`)
            seen.add(record.value!)
            if (choices.chance(0.1)) record.acknowledge('release')
          }
          if (choices.chance(0.2)) await pause(world.clock, choices.below(3000))
          if (choices.chance(0.2)) await consumer.commit()
        }
      })
      for (let step = 0; step < 60; step++) {
        await pause(world.clock, choices.below(800))
        logs.append('jobs', choices.below(3), 1 + choices.below(6))
        if (choices.chance(0.1)) cluster.moveLeader('jobs', choices.below(3), 1 + choices.below(3))
        if (choices.chance(0.1)) share.forgetSessions()
        if (choices.chance(0.1)) share.expel([...share.members.keys()][0] ?? '')
      }
      isOver = true
      const all = [0, 1, 2].flatMap((partition) =>
        Array.from({ length: logs.log('jobs', partition).end }, (_, offset) => `jobs-${partition}-${offset}`),
      )
      const limitMs = world.clock.monotonicMs() + 120_000
      const isDone = (): boolean => all.every((key) => share.told.includes(`${key} accept`))
      while (!isDone() && world.clock.monotonicMs() < limitMs) await pause(world.clock, 500)
      for (const consumer of members) consumer.stop()
      await Promise.all(loops)
      expect(all.filter((key) => !share.told.includes(`${key} accept`))).toEqual([])
      expect(all.filter((key) => !seen.has(key))).toEqual([])
    })
  }
})
