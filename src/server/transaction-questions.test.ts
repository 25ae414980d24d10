/** Questions to coordinators of transactions, and what becomes of the Produce that waits for the answer. */
import { expect, test } from 'vitest'
import { ERROR_CODES as E, type ErrorCode } from '../base/error-codes.ts'
import { SILENT } from '../base/logger.ts'
import {
  AddPartitionsToTxn,
  type AddPartitionsToTxnRequest,
  type AddPartitionsToTxnResponse,
} from '../protocol/generated/add-partitions-to-txn.ts'
import type { Init } from '../protocol/codec.ts'
import { Partition } from '../replication/partition.ts'
import { testContext } from '../replication/test-partition.ts'
import {
  TransactionVerification,
  type TransactionQuestion,
  type TransactionSupport,
  type TransactionVerifier,
} from '../replication/transaction-verification.ts'
import { ChunkPool } from '../rpc/chunk-pool.ts'
import { CLIENT, batchOf, testLog } from '../storage/test-log.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { HANG_UP, ScriptedCluster, SILENCE } from '../testing/scripted/scripted-cluster.ts'
import { SeededWorld } from '../testing/seeded-world.ts'
import { BrokerPeers } from './broker-peers.ts'
import { TransactionQuestions } from './transaction-questions.ts'

const LED = { leader: 1, leaderEpoch: 0, partitionEpoch: 0, isr: [1], replicas: [1] }

function partition(topic: string, index: number): Partition {
  return new Partition({ topic, index, topicId: null }, testContext(), null, LED)
}

function about(transactionalId: string, fields: Partial<TransactionQuestion> = {}): TransactionQuestion {
  const partitions = [partition('a', 0), partition('a', 2), partition('b', 1)]
  return { transactionalId, producerId: 7, producerEpoch: 0, verifyOnly: true, partitions, ...fields }
}

function named(errors: ReadonlyMap<Partition, ErrorCode>): string[] {
  return [...errors].map(([{ name }, code]) => `${name} ${code}`)
}

/** Everything confirmed but for `refused`, by `topic-partition`. */
function answer(
  { transactions }: AddPartitionsToTxnRequest,
  refused: Readonly<Record<string, ErrorCode>> = {},
): Init<AddPartitionsToTxnResponse> {
  return {
    resultsByTransaction: transactions.map(({ transactionalId, topics }) => ({
      transactionalId,
      topicResults: topics.map(({ name, partitions }) => ({
        name,
        resultsByPartition: partitions.map((partitionIndex) => ({
          partitionIndex,
          partitionErrorCode: E[refused[`${name}-${partitionIndex}`] ?? 'NONE'],
        })),
      })),
    })),
  }
}

async function withCoordinator(
  ask: (questions: TransactionQuestions, cluster: ScriptedCluster, world: SeededWorld) => Promise<void>,
  versions: ConstructorParameters<typeof Object>[0] | null = null,
): Promise<void> {
  const world = new SeededWorld(1)
  await world.run(async () => {
    const { world: inside } = world.main
    const options = versions === null ? {} : { versions: versions as Record<string, null> }
    const cluster = await ScriptedCluster.start(inside, { nodes: 2, ...options })
    const peers = new BrokerPeers({
      ...inside,
      pool: new ChunkPool({ freeBytesMax: 0, poison: true }),
      logger: SILENT,
      nodeId: 1,
      requestTimeoutMs: () => 3000,
    })
    const questions = new TransactionQuestions({
      peers,
      askHere: () => Promise.resolve(new Map()),
      coordinatorOf: (id) => {
        if (id === 'nobody') return null
        const { nodeId, host, port } = cluster.endpoint(2)
        return { id: nodeId, host, port, rack: null }
      },
    })
    await ask(questions, cluster, world)
    questions.close()
    peers.close()
    await cluster.close()
  })
}

test('what is refused is told by partition; a transaction that nobody coordinates is asked of nobody', () =>
  withCoordinator(async (questions, cluster) => {
    const seen: AddPartitionsToTxnRequest[] = []
    cluster.on(AddPartitionsToTxn, (request, { version }) => {
      expect(version).toBeGreaterThanOrEqual(4)
      seen.push(request)
      return answer(request, { 'a-2': 'TRANSACTION_ABORTABLE', 'b-1': 'PRODUCER_FENCED' })
    })
    const errors = await questions.ask(about('x', { verifyOnly: false, producerEpoch: 3 }))
    expect(named(errors)).toEqual(['a-2 TRANSACTION_ABORTABLE', 'b-1 PRODUCER_FENCED'])
    expect(seen).toMatchObject([
      {
        transactions: [
          {
            transactionalId: 'x',
            producerId: 7,
            producerEpoch: 3,
            verifyOnly: false,
            topics: [
              { name: 'a', partitions: [0, 2] },
              { name: 'b', partitions: [1] },
            ],
          },
        ],
      },
    ])
    const nobody = named(await questions.ask(about('nobody')))
    expect(nobody).toEqual(['a-0', 'a-2', 'b-1'].map((name) => `${name} COORDINATOR_NOT_AVAILABLE`))
  }))

test('one request at a time: what is asked meanwhile goes together, of one transaction the newest question', () =>
  withCoordinator(async (questions, cluster, world) => {
    const seen: string[][] = []
    let release: () => void = () => {}
    const held = new Promise<void>((resolve) => (release = resolve))
    cluster.on(AddPartitionsToTxn, async (request) => {
      seen.push(request.transactions.map((each) => `${each.transactionalId} ${each.producerEpoch}`))
      if (seen.length === 1) await held
      return answer(request)
    })
    const first = questions.ask(about('x'))
    await world.advance(100)
    const fenced = questions.ask(about('y', { producerEpoch: 0 }))
    const repeated = questions.ask(about('y', { producerEpoch: 1 }))
    const newest = questions.ask(about('y', { producerEpoch: 1 }))
    const old = questions.ask(about('y', { producerEpoch: 0 }))
    const other = questions.ask(about('z'))
    expect([...new Set((await fenced).values())]).toEqual(['INVALID_PRODUCER_EPOCH'])
    expect([...new Set((await repeated).values())]).toEqual(['NETWORK_EXCEPTION'])
    expect([...new Set((await old).values())]).toEqual(['INVALID_PRODUCER_EPOCH'])
    release()
    for (const asked of [first, newest, other]) expect((await asked).size).toBe(0)
    expect(seen).toEqual([['x 0'], ['y 1', 'z 0']])
  }))

test('a coordinator that hangs up, is silent, refuses it all or forgets a transaction leaves the client to ask again', () =>
  withCoordinator(async (questions, cluster) => {
    const outcomes: (Init<AddPartitionsToTxnResponse> | typeof HANG_UP | typeof SILENCE)[] = [
      HANG_UP,
      SILENCE,
      { errorCode: E.COORDINATOR_LOAD_IN_PROGRESS },
      { errorCode: E.CLUSTER_AUTHORIZATION_FAILED },
      { resultsByTransaction: [] },
    ]
    cluster.on(AddPartitionsToTxn, (request) => outcomes.shift() ?? answer(request))
    const codes: (ErrorCode | undefined)[] = []
    for (let asked = 0; asked < 6; asked++) codes.push((await questions.ask(about('x'))).values().next().value)
    expect(codes).toEqual([
      'NETWORK_EXCEPTION',
      'NETWORK_EXCEPTION',
      'COORDINATOR_LOAD_IN_PROGRESS',
      'INVALID_TXN_STATE',
      'NETWORK_EXCEPTION',
      undefined,
    ])
  }))

test('a coordinator that cannot verify refuses nothing; one that is gone does', () =>
  withCoordinator(
    async (questions, cluster) => {
      expect((await questions.ask(about('x'))).size).toBe(0)
      questions.close()
      expect([...(await questions.ask(about('x'))).values()][0]).toBe('COORDINATOR_NOT_AVAILABLE')
      expect(cluster.unexpected).toEqual([])
    },
    { AddPartitionsToTxn: { min: 0, max: 3 } },
  ))

async function verified(
  codes: readonly ErrorCode[],
  support: TransactionSupport,
  patiently: boolean,
): Promise<{ code: ErrorCode | null; questions: number; afterMs: number }> {
  const clock = new ManualClock()
  const log = await testLog().open()
  const hosted = new Partition({ topic: 't', index: 0, topicId: null }, testContext(), log, LED)
  let asked = 0
  const verifier: TransactionVerifier = {
    ask: ({ verifyOnly, partitions }) => {
      expect(verifyOnly).toBe(support !== 'adds-partition')
      const code = codes[Math.min(asked++, codes.length - 1)] ?? 'NONE'
      return Promise.resolve(new Map(code === 'NONE' ? [] : partitions.map((each) => [each, code] as const)))
    },
  }
  const verification = new TransactionVerification({
    clock,
    verifier,
    isEnabled: () => true,
    retry: () => ({ backoffMs: 20, forMs: 100 }),
  })
  const transaction = {
    transactionalId: 'x',
    producerId: 9,
    producerEpoch: 0,
    support,
    partitions: new Map([[hosted, 0]]),
  }
  const startMs = clock.monotonicMs()
  let isDone = false
  const verifying = Promise.resolve(
    patiently ? verification.verifyPatiently(transaction) : verification.verify(transaction),
  ).finally(() => (isDone = true))
  for (let turn = 0; turn < 20 && !isDone; turn++) await clock.advance(turn === 0 ? 0 : 10)
  const { errors, guards } = await verifying
  const afterMs = clock.monotonicMs() - startMs
  const batch = batchOf('a', 1, { producerId: 9, producerEpoch: 0, baseSequence: 0, transactional: true })
  if (errors.size === 0) log.append(batch, { ...CLIENT, ...verification.proof(guards.get(hosted)) })
  await log.close()
  return { code: errors.get(hosted)?.code ?? null, questions: asked, afterMs }
}

test('by what its client knows a refusal is told as it is, or as an older error', async () => {
  const codeOf = async (code: ErrorCode, support: TransactionSupport) => (await verified([code], support, false)).code
  expect(await codeOf('NONE', 'old-errors')).toBe(null)
  expect(await codeOf('TRANSACTION_ABORTABLE', 'old-errors')).toBe('INVALID_TXN_STATE')
  expect(await codeOf('TRANSACTION_ABORTABLE', 'abortable')).toBe('TRANSACTION_ABORTABLE')
  expect(await codeOf('PRODUCER_FENCED', 'adds-partition')).toBe('INVALID_PRODUCER_EPOCH')
  expect(await codeOf('INVALID_PRODUCER_ID_MAPPING', 'old-errors')).toBe('INVALID_PRODUCER_ID_MAPPING')
})

test('a transaction whose last one is being ended is asked about again, for a while', async () => {
  const busy = 'CONCURRENT_TRANSACTIONS'
  expect(await verified([busy, busy, 'NONE'], 'adds-partition', true)).toEqual({
    code: null,
    questions: 3,
    afterMs: 40,
  })
  expect(await verified([busy], 'adds-partition', true)).toEqual({ code: busy, questions: 6, afterMs: 100 })
  expect(await verified([busy], 'abortable', false)).toEqual({ code: busy, questions: 1, afterMs: 0 })
})
