import { expect, test } from 'vitest'
import { ERROR_CODES, type ErrorCode } from '../../base/error-codes.ts'
import { AddOffsetsToTxn } from '../../protocol/generated/add-offsets-to-txn.ts'
import { AddPartitionsToTxn } from '../../protocol/generated/add-partitions-to-txn.ts'
import { EndTxn } from '../../protocol/generated/end-txn.ts'
import { FindCoordinator } from '../../protocol/generated/find-coordinator.ts'
import { InitProducerId } from '../../protocol/generated/init-producer-id.ts'
import { Produce } from '../../protocol/generated/produce.ts'
import { TxnOffsetCommit } from '../../protocol/generated/txn-offset-commit.ts'
import { HANG_UP, ScriptedCluster, SILENCE } from '../../testing/scripted/scripted-cluster.ts'
import { ScriptedLogs, type ProduceFault } from '../../testing/scripted/scripted-log.ts'
import { SeededWorld } from '../../testing/seeded-world.ts'
import { pause } from '../call.ts'
import { resolveClientOptions } from '../client-options.ts'
import type { ProducerOptions } from './producer-options.ts'
import type { Bytes } from './producer-record.ts'
import { Producer } from './producer.ts'

const GROUP = { groupId: 'g', generationId: 3, memberId: 'm', groupInstanceId: null }

interface Setting {
  readonly world: SeededWorld
  readonly cluster: ScriptedCluster
  readonly logs: ScriptedLogs
  readonly producer: Producer<Bytes, Bytes>
  /** What the coordinator was asked: `EndTxn commit 1000/0`. */
  readonly asked: string[]
  /** The coordinator's node. */
  readonly at: { node: number }
  /** Answered once, instead of success, by the API of that name. */
  readonly errors: Map<string, ErrorCode[]>
}

/** A transaction coordinator of both versions, on one of two nodes. */
async function inTransactions(
  version: 1 | 2,
  task: (setting: Setting) => Promise<void>,
  options: ProducerOptions<Bytes, Bytes> & { readonly fault?: () => ProduceFault | null } = {},
): Promise<void> {
  const world = new SeededWorld(1)
  await world.run(async () => {
    const features = { 'transaction.version': version }
    const cluster = await ScriptedCluster.start(world, { nodes: 2, topics: { t: 2 }, features })
    const logs = new ScriptedLogs(cluster, {
      pause: (ms) => pause(world.clock, ms),
      ...(options.fault === undefined ? {} : { fault: options.fault }),
    })
    const asked: string[] = []
    const errors = new Map<string, ErrorCode[]>()
    const at = { node: 1 }
    let epoch = -1
    const codeOf = (api: string, node: number): number => {
      if (node !== at.node) return ERROR_CODES.NOT_COORDINATOR
      return ERROR_CODES[errors.get(api)?.shift() ?? 'NONE']
    }
    cluster.on(FindCoordinator, ({ key, coordinatorKeys }) => {
      asked.push('FindCoordinator')
      const { host, port } = cluster.endpoint(at.node)
      return { coordinators: [{ key: coordinatorKeys[0] ?? key, nodeId: at.node, host, port }] }
    })
    cluster.on(InitProducerId, ({ producerId, producerEpoch }, { node }) => {
      const errorCode = codeOf('InitProducerId', node)
      asked.push(`InitProducerId ${producerId}/${producerEpoch}`)
      if (errorCode !== 0) return { errorCode }
      epoch += 1
      return { producerId: 1000, producerEpoch: epoch }
    })
    cluster.on(AddPartitionsToTxn, ({ v3AndBelowTopics }, { node }) => {
      const partitionErrorCode = codeOf('AddPartitions', node)
      asked.push(`AddPartitions ${v3AndBelowTopics.map(({ name, partitions }) => `${name} ${partitions}`).join(' ')}`)
      return {
        resultsByTopicV3AndBelow: v3AndBelowTopics.map(({ name, partitions }) => ({
          name,
          resultsByPartition: partitions.map((partitionIndex) => ({ partitionIndex, partitionErrorCode })),
        })),
      }
    })
    cluster.on(AddOffsetsToTxn, ({ groupId }, { node }) => {
      asked.push(`AddOffsets ${groupId}`)
      return { errorCode: codeOf('AddOffsets', node) }
    })
    cluster.on(TxnOffsetCommit, ({ topics, generationId, memberId }, { node, version: asVersion }) => {
      asked.push(`OffsetCommit v${asVersion} ${memberId}/${generationId}`)
      const errorCode = codeOf('OffsetCommit', node)
      return {
        topics: topics.map(({ name, partitions }) => ({
          name,
          partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
        })),
      }
    })
    cluster.on(EndTxn, ({ committed, producerId, producerEpoch }, { node, version: asVersion }) => {
      asked.push(`EndTxn v${asVersion} ${committed ? 'commit' : 'abort'} ${String(producerId)}/${producerEpoch}`)
      const errorCode = codeOf('EndTxn', node)
      if (errorCode !== 0 || asVersion < 5) return { errorCode }
      epoch += 1
      return { producerId: 1000, producerEpoch: epoch }
    })
    const client = resolveClientOptions({ brokers: cluster.bootstrap, requestTimeoutMs: 2000 })
    const { fault: _, ...more } = options
    const producer = new Producer<Bytes, Bytes>(world, client, { transactionalId: 'tx', lingerMs: 0, ...more })
    await task({ world, cluster, logs, producer, asked, at, errors })
    await producer.close({ timeoutMs: 1000 }).catch(() => {})
    await cluster.close()
  })
}

test('version 1 adds partitions before they are produced to, and ends with the epoch that it has', async () => {
  await inTransactions(1, async ({ producer, asked, cluster, logs }) => {
    await producer.transaction(async (transaction) => {
      await transaction.send({ topic: 't', partition: 0, value: 'a' })
      transaction.post({ topic: 't', partition: 1, value: 'b' })
    })
    expect(asked).toEqual([
      'FindCoordinator',
      'InitProducerId -1/-1',
      'AddPartitions t 0',
      'AddPartitions t 1',
      'EndTxn v4 commit 1000/0',
    ])
    expect(cluster.log.filter((line) => line.startsWith('Produce'))[0]).toBe('Produce v11 at 1')
    expect(logs.values('t', 1)).toEqual(['b'])
  })
})

test('version 2 adds nothing, and goes on with the epoch that each end gives', async () => {
  await inTransactions(2, async ({ producer, asked, cluster, logs }) => {
    for (const value of ['a', 'b']) {
      await producer.transaction(async (transaction) => {
        await transaction.send({ topic: 't', partition: 0, value })
      })
    }
    expect(asked).toEqual([
      'FindCoordinator',
      'InitProducerId -1/-1',
      'EndTxn v5 commit 1000/0',
      'EndTxn v5 commit 1000/1',
    ])
    expect(cluster.log.filter((line) => line.startsWith('Produce'))[0]).toBe('Produce v13 at 1')
    expect(logs.records('t', 0).map(({ producerEpoch }) => producerEpoch)).toEqual([0, 1])
  })
})

test('an empty transaction ends without asking anybody', async () => {
  await inTransactions(2, async ({ producer, asked }) => {
    await producer.transaction(() => Promise.resolve())
    await producer.beginTransaction()
    await producer.abortTransaction()
    expect(asked).toEqual(['FindCoordinator', 'InitProducerId -1/-1'])
  })
})

test('offsets go with the transaction, in the name of the member', async () => {
  for (const version of [1, 2] as const) {
    await inTransactions(version, async ({ producer, asked, errors }) => {
      errors.set('OffsetCommit', ['COORDINATOR_LOAD_IN_PROGRESS'])
      await producer.transaction(async (transaction) => {
        await transaction.sendOffsets([{ topic: 't', partition: 0, offset: 5 }], GROUP)
      })
      const commits = version === 1 ? 'OffsetCommit v4 m/3' : 'OffsetCommit v5 m/3'
      const added = version === 1 ? ['AddOffsets g'] : []
      expect(asked.slice(2, -1)).toEqual([...added, 'FindCoordinator', commits, commits])
      expect(asked.at(-1)).toMatch(/^EndTxn v\d commit/)
    })
  }
})

test('what fails in work aborts, and records that were not sent fail as ABORTED', async () => {
  await inTransactions(
    1,
    async ({ producer, asked, logs }) => {
      let unsent: Promise<unknown> | null = null
      const failing = producer.transaction(async (transaction) => {
        await transaction.send({ topic: 't', partition: 0, value: 'a' })
        unsent = transaction.send({ topic: 't', partition: 1, value: 'b' })
        unsent.catch(() => {})
        throw new Error('changed my mind')
      })
      await expect(failing).rejects.toThrow('changed my mind')
      await expect(unsent).rejects.toMatchObject({ code: 'ABORTED' })
      expect(asked.at(-1)).toBe('EndTxn v4 abort 1000/0')
      expect(logs.values('t', 1)).toEqual([])
      await producer.transaction(async (transaction) => {
        await transaction.send({ topic: 't', partition: 1, value: 'c' })
      })
      expect(logs.values('t', 1)).toEqual(['c'])
    },
    { lingerMs: 20 },
  )
})

test('a record that is refused makes the commit fail; after the abort the next transaction works, under a new epoch', async () => {
  for (const version of [1, 2] as const) {
    let refuse = true
    const fault = (): ProduceFault | null => (refuse ? { refuse: 'INVALID_RECORD' } : null)
    await inTransactions(
      version,
      async ({ producer, asked, logs }) => {
        await producer.beginTransaction()
        const record = { topic: 't', partition: 0, value: 'a' }
        await expect(producer.send(record)).rejects.toMatchObject({ code: 'INVALID_RECORD' })
        await expect(producer.commitTransaction()).rejects.toMatchObject({ cause: { code: 'INVALID_RECORD' } })
        await expect(producer.send({ topic: 't', value: 'b' })).rejects.toMatchObject({ code: 'ILLEGAL_STATE' })
        await producer.abortTransaction()
        refuse = false
        await producer.transaction(async (transaction) => {
          await transaction.send({ topic: 't', partition: 0, value: 'c' })
        })
        expect(logs.records('t', 0).map(({ value, producerEpoch }) => [value, producerEpoch])).toEqual([['c', 1]])
        // Before version 2 the client asks for the new epoch itself (KIP-360).
        expect(asked.includes('InitProducerId 1000/0')).toBe(version === 1)
      },
      { fault },
    )
  }
})

test('a record that is refused while the commit waits for it makes the commit fail', async () => {
  for (const version of [1, 2] as const) {
    await inTransactions(
      version,
      async ({ producer, asked }) => {
        await producer.beginTransaction()
        producer.post({ topic: 't', partition: 0, value: 'a' })
        await expect(producer.commitTransaction()).rejects.toMatchObject({ code: 'INVALID_RECORD' })
        await producer.abortTransaction()
        expect(asked.at(-1)).toMatch(/^EndTxn v\d abort/)
      },
      { fault: () => ({ refuse: 'INVALID_RECORD' }) },
    )
  }
})

test('a producer that was fenced fails for good, and says so', async () => {
  await inTransactions(2, async ({ producer, errors }) => {
    await producer.beginTransaction()
    await producer.send({ topic: 't', partition: 0, value: 'a' })
    errors.set('EndTxn', ['INVALID_PRODUCER_EPOCH'])
    await expect(producer.commitTransaction()).rejects.toMatchObject({ code: 'PRODUCER_FENCED' })
    await expect(producer.abortTransaction()).rejects.toMatchObject({ code: 'PRODUCER_FENCED' })
    await expect(producer.send({ topic: 't', value: 'b' })).rejects.toMatchObject({ code: 'PRODUCER_FENCED' })
  })
})

test('TRANSACTION_ABORTABLE can be aborted from, anywhere but in the abort itself', async () => {
  await inTransactions(2, async ({ producer, errors }) => {
    errors.set('EndTxn', ['TRANSACTION_ABORTABLE'])
    await producer.beginTransaction()
    await producer.send({ topic: 't', partition: 0, value: 'a' })
    await expect(producer.commitTransaction()).rejects.toMatchObject({ code: 'TRANSACTION_ABORTABLE' })
    await producer.abortTransaction()
    await producer.beginTransaction()
    await producer.send({ topic: 't', partition: 0, value: 'a' })
    errors.set('EndTxn', ['TRANSACTION_ABORTABLE'])
    await expect(producer.abortTransaction()).rejects.toMatchObject({ code: 'TRANSACTION_ABORTABLE' })
    await expect(producer.beginTransaction()).rejects.toMatchObject({ code: 'ILLEGAL_STATE' })
  })
})

test('a coordinator that moves, loads, hangs up or never answers is found again, and the commit goes through', async () => {
  await inTransactions(1, async ({ world, producer, cluster, asked, at, errors }) => {
    errors.set('InitProducerId', ['COORDINATOR_LOAD_IN_PROGRESS', 'CONCURRENT_TRANSACTIONS'])
    await producer.beginTransaction()
    errors.set('AddPartitions', ['CONCURRENT_TRANSACTIONS', 'COORDINATOR_NOT_AVAILABLE'])
    await producer.send({ topic: 't', partition: 0, value: 'a' })
    at.node = 2
    cluster.once(EndTxn, () => HANG_UP)
    cluster.once(EndTxn, () => SILENCE)
    await producer.commitTransaction()
    expect(asked.filter((line) => line.startsWith('EndTxn')).at(-1)).toBe('EndTxn v4 commit 1000/0')
    expect(asked.filter((line) => line === 'FindCoordinator').length).toBeGreaterThanOrEqual(4)
    expect(world.clock.monotonicMs()).toBeGreaterThan(2000)
  })
})

test('a commit whose caller gave up goes on, and is joined by the next call', async () => {
  await inTransactions(2, async ({ producer, cluster, asked }) => {
    await producer.beginTransaction()
    await producer.send({ topic: 't', partition: 0, value: 'a' })
    cluster.once(EndTxn, () => SILENCE)
    await expect(producer.commitTransaction({ timeoutMs: 500 })).rejects.toMatchObject({ code: 'TIMED_OUT' })
    await expect(producer.beginTransaction()).rejects.toThrow('commitTransaction is not over yet')
    await producer.commitTransaction()
    expect(asked.filter((line) => line.startsWith('EndTxn'))).toHaveLength(1)
    await producer.beginTransaction()
  })
})

test('a record in doubt whose time is over can only be aborted', async () => {
  await inTransactions(
    2,
    async ({ producer, cluster, asked }) => {
      await producer.beginTransaction()
      cluster.on(Produce, () => SILENCE)
      await expect(producer.send({ topic: 't', partition: 0, value: 'a' })).rejects.toMatchObject({ code: 'TIMED_OUT' })
      await expect(producer.commitTransaction()).rejects.toMatchObject({ code: 'ILLEGAL_STATE' })
      await producer.abortTransaction()
      expect(asked.at(-1)).toBe('EndTxn v5 abort 1000/0')
    },
    { deliveryTimeoutMs: 5000 },
  )
})

test('a commit that waits for a record whose time is over fails when it is', async () => {
  await inTransactions(
    2,
    async ({ world, producer }) => {
      await producer.beginTransaction()
      producer.post({ topic: 't', partition: 0, value: 'a' })
      const startedMs = world.clock.monotonicMs()
      await expect(producer.commitTransaction()).rejects.toMatchObject({ code: 'TRANSACTION_ABORTABLE' })
      expect(world.clock.monotonicMs() - startedMs).toBeLessThan(5500)
      await producer.abortTransaction()
    },
    { deliveryTimeoutMs: 5000, fault: () => ({ refuse: 'NOT_ENOUGH_REPLICAS' }) },
  )
})

test('a cluster that is away for long fails nothing for good: the next call gets the id', async () => {
  await inTransactions(2, async ({ world, producer, cluster }) => {
    await cluster.stopNode(1)
    await cluster.stopNode(2)
    await expect(producer.initTransactions({ timeoutMs: 90_000 })).rejects.toMatchObject({ code: 'TIMED_OUT' })
    await cluster.startNode(1)
    await cluster.startNode(2)
    const startedMs = world.clock.monotonicMs()
    await producer.beginTransaction()
    expect(world.clock.monotonicMs() - startedMs).toBeLessThan(5000)
  })
})

test('refused credentials fail what was asked, and the next transaction tries again', async () => {
  await inTransactions(2, async ({ producer, errors }) => {
    errors.set('InitProducerId', ['TRANSACTIONAL_ID_AUTHORIZATION_FAILED'])
    await expect(producer.beginTransaction()).rejects.toMatchObject({ code: 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED' })
    await producer.transaction(async (transaction) => {
      await transaction.send({ topic: 't', partition: 0, value: 'a' })
    })
  })
})

test('close aborts an open transaction', async () => {
  await inTransactions(2, async ({ producer, asked }) => {
    await producer.beginTransaction()
    await producer.send({ topic: 't', partition: 0, value: 'a' })
    await producer.close()
    expect(asked.at(-1)).toBe('EndTxn v5 abort 1000/0')
  })
})

test('calls out of order say what to do', async () => {
  await inTransactions(2, async ({ producer, world, cluster }) => {
    await expect(producer.commitTransaction()).rejects.toThrow('call initTransactions first')
    await producer.initTransactions()
    await expect(producer.send({ topic: 't', value: 'a' })).rejects.toThrow('call beginTransaction first')
    await expect(producer.commitTransaction()).rejects.toThrow('call beginTransaction first')
    await producer.beginTransaction()
    await expect(producer.beginTransaction()).rejects.toThrow('commit or abort it first')
    const plain = new Producer<Bytes, Bytes>(world, resolveClientOptions({ brokers: cluster.bootstrap }), {})
    await expect(plain.beginTransaction()).rejects.toThrow('give the producer one')
    await plain.close()
  })
})
