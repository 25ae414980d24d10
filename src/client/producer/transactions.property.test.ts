/**
 * Transactions against scripted brokers and a coordinator that lose answers, hang up, move, load, and refuse: what was committed
 * is there whole and once, what was aborted is not seen, and every call settles. KLAMM_PRODUCER_SEEDS runs more seeds.
 *
 * With transaction.version 2 each transaction has an epoch of its own, so that a log tells of each record whose it is.
 */
import { expect, test } from 'vitest'
import { ERROR_CODES, type ErrorCode } from '../../base/error-codes.ts'
import type { Init } from '../../protocol/codec.ts'
import { EndTxn, type EndTxnResponse } from '../../protocol/generated/end-txn.ts'
import { FindCoordinator } from '../../protocol/generated/find-coordinator.ts'
import { InitProducerId, type InitProducerIdResponse } from '../../protocol/generated/init-producer-id.ts'
import { HANG_UP, ScriptedCluster, SILENCE } from '../../testing/scripted/scripted-cluster.ts'
import { produceFaults } from '../../testing/scripted/scripted-faults.ts'
import { ScriptedLogs } from '../../testing/scripted/scripted-log.ts'
import { SeededWorld } from '../../testing/seeded-world.ts'
import { pause } from '../call.ts'
import { resolveClientOptions } from '../client-options.ts'
import type { Bytes } from './producer-record.ts'
import { Producer } from './producer.ts'

const TRANSACTIONS = 25
const PARTITIONS = 3
const PASSING: readonly ErrorCode[] = [
  'COORDINATOR_LOAD_IN_PROGRESS',
  'COORDINATOR_NOT_AVAILABLE',
  'CONCURRENT_TRANSACTIONS',
  'REQUEST_TIMED_OUT',
]

interface Attempt {
  readonly values: string[]
  outcome: 'committed' | 'aborted' | 'unknown'
}

type Trouble = { readonly errorCode: number } | typeof SILENCE | typeof HANG_UP

async function run(seed: number): Promise<{ attempts: Attempt[]; visible: string[] }> {
  const world = new SeededWorld(seed)
  return world.run(async () => {
    const { choices, clock } = world
    const features = { 'transaction.version': 2 }
    const cluster = await ScriptedCluster.start(world, { nodes: 3, topics: { t: PARTITIONS }, features })
    let isOver = false
    const fault = produceFaults(choices, () => isOver)
    const logs = new ScriptedLogs(cluster, { fault, pause: (ms) => pause(clock, ms) })
    /** What the coordinator knows. */
    let epoch = -1
    let last: boolean | null = null
    const committed = new Set<number>()
    let coordinator = 1
    const trouble = choices.below(100) / 300
    const troubled = (node: number): Trouble | null => {
      if (node !== coordinator) return { errorCode: ERROR_CODES.NOT_COORDINATOR }
      if (isOver || !choices.chance(trouble)) return null
      const what = choices.below(4)
      if (what === 0) coordinator = 1 + choices.below(3)
      return what < 2
        ? { errorCode: ERROR_CODES[PASSING[choices.below(PASSING.length)]!] }
        : what === 2
          ? SILENCE
          : HANG_UP
    }
    cluster.on(FindCoordinator, ({ coordinatorKeys }) => {
      const { host, port } = cluster.endpoint(coordinator)
      return { coordinators: [{ key: coordinatorKeys[0]!, nodeId: coordinator, host, port }] }
    })
    cluster.on(InitProducerId, (_request, { node }): Init<InitProducerIdResponse> | Trouble => {
      const first = troubled(node)
      if (first !== null && first !== SILENCE) return first
      epoch += 1
      last = null
      return first ?? { producerId: 1000, producerEpoch: epoch }
    })
    cluster.on(EndTxn, ({ producerEpoch, committed: commits }, { node }): Init<EndTxnResponse> | Trouble => {
      const first = troubled(node)
      if (first !== null && first !== SILENCE) return first
      if (producerEpoch === epoch) {
        if (commits) committed.add(epoch)
        epoch += 1
        last = commits
      } else if (producerEpoch !== epoch - 1 || last !== commits) {
        return { errorCode: producerEpoch === epoch - 1 ? ERROR_CODES.INVALID_TXN_STATE : ERROR_CODES.PRODUCER_FENCED }
      }
      // Decided, whether the answer arrives or not.
      return first ?? { producerId: 1000, producerEpoch: epoch }
    })
    const client = resolveClientOptions({ brokers: cluster.bootstrap, requestTimeoutMs: 2000, connectTimeoutMs: 1000 })
    const producer = new Producer<Bytes, Bytes>(world, client, {
      transactionalId: 'tx',
      lingerMs: choices.below(10),
      batchBytes: 200 + choices.below(500),
      deliveryTimeoutMs: 15_000,
      maxBlockMs: 120_000,
    })
    const moving = (async () => {
      while (!isOver) {
        await pause(clock, 200 + choices.below(3000))
        cluster.moveLeader('t', choices.below(PARTITIONS), 1 + choices.below(3))
      }
    })()
    const attempts: Attempt[] = []
    for (let index = 0; index < TRANSACTIONS; index++) {
      const attempt: Attempt = { values: [], outcome: 'unknown' }
      attempts.push(attempt)
      const fails = choices.chance(0.2)
      try {
        await producer.transaction(async (transaction) => {
          for (let record = choices.below(12); record >= 0; record--) {
            const value = `${index}.${record}`
            attempt.values.push(value)
            transaction.post({ topic: 't', partition: record % PARTITIONS, value })
            if (choices.chance(0.2)) await pause(clock, choices.below(50))
          }
          if (fails) throw new Error('changed my mind')
        })
        attempt.outcome = 'committed'
      } catch {
        // The work failed, or the commit did: either way nothing of it is to be seen.
        attempt.outcome = 'aborted'
      }
    }
    isOver = true
    await producer.close()
    await moving
    const visible: string[] = []
    for (let partition = 0; partition < PARTITIONS; partition++) {
      for (const { value, producerEpoch } of logs.records('t', partition)) {
        if (committed.has(producerEpoch)) visible.push(value!)
      }
    }
    expect(cluster.unexpected).toEqual([])
    await cluster.close()
    return { attempts, visible }
  })
}

test('what was committed is there whole and once, and nothing of what was aborted', async () => {
  let committedCount = 0
  let abortedCount = 0
  for (let seed = 1; seed <= Number(process.env['KLAMM_PRODUCER_SEEDS'] ?? 8); seed++) {
    const { attempts, visible } = await run(seed)
    const expected = attempts.filter(({ outcome }) => outcome === 'committed').flatMap(({ values }) => values)
    expect(visible.toSorted(), `seed ${seed}`).toEqual(expected.toSorted())
    committedCount += attempts.filter(({ outcome }) => outcome === 'committed').length
    abortedCount += attempts.filter(({ outcome }) => outcome === 'aborted').length
  }
  if (process.env['KLAMM_PRODUCER_SEEDS'] !== undefined) console.log({ committedCount, abortedCount })
  expect(committedCount).toBeGreaterThan(abortedCount)
  expect(abortedCount).toBeGreaterThan(10)
}, 600_000)
