/** The transaction coordinator on logs in memory, with leaders of partitions that a test lets take their markers or not. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { ERROR_CODES as E, type ErrorCode } from '../../base/error-codes.ts'
import { SILENT } from '../../base/logger.ts'
import { InitProducerIdRequest } from '../../protocol/generated/init-producer-id.ts'
import { ListTransactionsRequest } from '../../protocol/generated/list-transactions.ts'
import { buildBatch } from '../../records/batch-builder.ts'
import { forEachEntry } from '../../records/batches.ts'
import { readRecords } from '../../records/record-reader.ts'
import { ManualClock } from '../../testing/manual-clock.ts'
import { MemoryCoordinatorLog } from '../../testing/memory-coordinator-log.ts'
import type { MarkerWrite } from '../runtime/decision.ts'
import type { TransactionConfig } from './requests.ts'
import { TransactionCoordinator } from './transaction-coordinator.ts'
import { newTransaction } from './transaction.ts'
import { decodeTransactionRecord, encodeTransactionRecord } from './transaction-records.ts'

const CONFIG: TransactionConfig = {
  partitions: 1,
  maxTimeoutMs: 900_000,
  abortIntervalMs: 10_000,
  expirationMs: 604_800_000,
  expirationIntervalMs: 3_600_000,
  isTwoPhaseCommitEnabled: false,
  writeTimeoutMs: 30_000,
}
const PARTITION = new Map([['a', new Set([0])]])

class Bench {
  readonly clock = new ManualClock()
  readonly log: MemoryCoordinatorLog
  readonly coordinator: TransactionCoordinator
  /** `COMMIT of 1:0 to a-0, coordinator 1, v0`. */
  readonly markers: string[] = []
  /** What leaders answer to the next markers, then NONE. */
  answers: ErrorCode[] = []
  serverVersion: number
  #nextId: number

  constructor(serverVersion: number, log = new MemoryCoordinatorLog(), firstId = 1) {
    this.serverVersion = serverVersion
    this.log = log
    this.#nextId = firstId
    this.coordinator = new TransactionCoordinator({
      clock: this.clock,
      logger: SILENT,
      writer: this.log,
      markers: { write: (marker, topic, partition) => Promise.resolve(this.#mark(marker, `${topic}-${partition}`)) },
      config: () => CONFIG,
      serverVersion: () => this.serverVersion,
      nextProducerId: () => Promise.resolve(this.#nextId++),
    })
  }

  static async start(serverVersion = 0, log?: MemoryCoordinatorLog, epoch = 1): Promise<Bench> {
    const bench = new Bench(serverVersion, log, epoch * 100 - 99)
    await bench.coordinator.onElected(0, epoch)
    await bench.settle()
    return bench
  }

  #mark(marker: MarkerWrite, where: string): ErrorCode {
    const { producerId, producerEpoch, committed, coordinatorEpoch, transactionVersion } = marker
    const kind = committed ? 'COMMIT' : 'ABORT'
    this.markers.push(
      `${kind} of ${producerId}:${producerEpoch} to ${where}, coordinator ${coordinatorEpoch}, v${transactionVersion}`,
    )
    return this.answers.shift() ?? 'NONE'
  }

  settle(): Promise<void> {
    return this.clock.advance(0)
  }

  async #answer(
    asked: Promise<{ readonly errorCode?: number; readonly producerId?: unknown; readonly producerEpoch?: number }>,
  ): Promise<string> {
    await this.settle()
    const { errorCode = 0, producerId, producerEpoch } = await asked
    return errorCode === 0 ? `${String(producerId)}:${producerEpoch}` : (codeNames.get(errorCode) ?? '')
  }

  init(fields: Partial<InitProducerIdRequest> = {}): Promise<string> {
    const request = InitProducerIdRequest.make({ transactionalId: 'x', transactionTimeoutMs: 60_000, ...fields })
    return this.#answer(this.coordinator.initProducerId({ ...request, transactionalId: request.transactionalId ?? '' }))
  }

  /** `producer` as `id:epoch`. */
  async add(producer: string, partitions = PARTITION, clientVersion = 0): Promise<ErrorCode> {
    const added = this.coordinator.addPartitions(of(producer), partitions, clientVersion)
    await this.settle()
    return added
  }

  end(producer: string, committed: boolean, clientVersion = 0): Promise<string> {
    return this.#answer(this.coordinator.endTxn(of(producer), committed, clientVersion))
  }

  get state(): string {
    const { transactionState, producerId, producerEpoch, errorCode = 0 } = this.coordinator.describe('x')
    return errorCode === 0
      ? `${transactionState} ${String(producerId)}:${producerEpoch}`
      : (codeNames.get(errorCode) ?? '')
  }
}

const codeNames = new Map<number, string>(Object.entries(E).map(([name, code]) => [code, name]))

function of(producer: string): { transactionalId: string; producerId: number; producerEpoch: number } {
  const [producerId = 0, producerEpoch = 0] = producer.split(':').map(Number)
  return { transactionalId: 'x', producerId, producerEpoch }
}

test('a transaction from its first partition to its last marker', async () => {
  const bench = await Bench.start()
  expect(await bench.init()).toBe('1:0')
  expect(bench.state).toBe('Empty 1:0')
  expect(await bench.end('1:0', true)).toBe('INVALID_TXN_STATE')
  expect(await bench.add('1:0')).toBe('NONE')
  expect(await bench.add('1:0', new Map([['b', new Set([1, 2])]]))).toBe('NONE')
  expect(bench.coordinator.describe('x')).toMatchObject({
    transactionState: 'Ongoing',
    topics: [
      { topic: 'a', partitions: [0] },
      { topic: 'b', partitions: [1, 2] },
    ],
  })
  expect(await bench.end('1:0', true)).toBe('1:0')
  await bench.settle()
  expect(bench.markers).toEqual(['a-0', 'b-1', 'b-2'].map((where) => `COMMIT of 1:0 to ${where}, coordinator 1, v0`))
  expect(bench.state).toBe('CompleteCommit 1:0')
  expect([await bench.end('1:0', true), await bench.end('1:0', false)]).toEqual(['1:0', 'INVALID_TXN_STATE'])
  expect(await bench.add('1:0')).toBe('NONE')
  expect(await bench.end('1:0', false)).toBe('1:0')
  await bench.settle()
  expect(bench.state).toBe('CompleteAbort 1:0')
})

test('transactions v2: each end raises the epoch, and a request that comes again gets what it missed', async () => {
  const bench = await Bench.start(2)
  await bench.init()
  expect(await bench.add('1:0', PARTITION, 2)).toBe('NONE')
  expect(await bench.end('1:0', true, 2)).toBe('1:1')
  await bench.settle()
  expect(bench.markers).toEqual(['COMMIT of 1:1 to a-0, coordinator 1, v2'])
  expect(await bench.end('1:0', true, 2)).toBe('1:1')
  expect(await bench.end('1:0', false, 2)).toBe('INVALID_TXN_STATE')
  expect(await bench.end('1:1', true, 2)).toBe('INVALID_TXN_STATE')
  // An abort of nothing raises it too.
  expect(await bench.end('1:1', false, 2)).toBe('1:2')
  await bench.settle()
  expect([await bench.end('1:1', false, 2), await bench.end('1:0', false, 2)]).toEqual(['1:2', 'PRODUCER_FENCED'])
  expect(await bench.add('1:2', PARTITION, 2)).toBe('NONE')
  expect(await bench.end('1:2', false, 2)).toBe('1:3')
  expect(bench.markers.at(-1)).toBe('ABORT of 1:3 to a-0, coordinator 1, v2')
})

test('while markers are on their way nobody gets on with the id', async () => {
  const bench = await Bench.start(2)
  await bench.init()
  await bench.add('1:0', PARTITION, 2)
  bench.answers = ['NOT_LEADER_OR_FOLLOWER', 'REQUEST_TIMED_OUT']
  expect(await bench.end('1:0', true, 2)).toBe('1:1')
  const busy = 'CONCURRENT_TRANSACTIONS'
  expect(bench.state).toBe('PrepareCommit 1:1')
  expect([await bench.init(), await bench.add('1:1', PARTITION, 2)]).toEqual([busy, busy])
  expect([await bench.end('1:1', true, 2), await bench.end('1:1', false, 2), await bench.end('1:0', true, 2)]).toEqual([
    busy,
    busy,
    busy,
  ])
  expect(bench.coordinator.verify(of('1:1'), 'a', 0)).toBe(busy)
  await bench.clock.advance(250)
  expect(bench.markers).toHaveLength(3)
  expect([bench.state, await bench.init()]).toEqual(['CompleteCommit 1:1', '1:2'])
})

test('a partition is verified by what is committed, its producer by id and epoch', async () => {
  const bench = await Bench.start()
  await bench.init()
  bench.log.holdsCommits = true
  void bench.add('1:0')
  await bench.settle()
  expect(bench.coordinator.verify(of('1:0'), 'a', 0)).toBe('TRANSACTION_ABORTABLE')
  bench.log.holdsCommits = false
  bench.log.commit(0)
  await bench.settle()
  expect(bench.coordinator.verify(of('1:0'), 'a', 0)).toBe('NONE')
  expect(bench.coordinator.verify(of('1:0'), 'a', 1)).toBe('TRANSACTION_ABORTABLE')
  expect(bench.coordinator.verify(of('1:1'), 'a', 0)).toBe('PRODUCER_FENCED')
  expect(bench.coordinator.verify(of('2:0'), 'a', 0)).toBe('INVALID_PRODUCER_ID_MAPPING')
  expect(bench.coordinator.verify({ ...of('1:0'), transactionalId: 'y' }, 'a', 0)).toBe('INVALID_PRODUCER_ID_MAPPING')
  expect([await bench.add('1:1'), await bench.add('2:0')]).toEqual(['PRODUCER_FENCED', 'INVALID_PRODUCER_ID_MAPPING'])
})

test('a successor raises the epoch; one that finds an open transaction has it aborted first', async () => {
  for (const [serverVersion, last] of [
    [0, '1:2'],
    [2, '1:2'],
  ] as const) {
    const bench = await Bench.start(serverVersion)
    await bench.init()
    await bench.add('1:0', PARTITION, serverVersion)
    expect(await bench.init()).toBe('CONCURRENT_TRANSACTIONS')
    await bench.settle()
    expect(bench.markers).toEqual([`ABORT of 1:1 to a-0, coordinator 1, v${serverVersion}`])
    expect(bench.state).toBe('CompleteAbort 1:1')
    expect(await bench.init()).toBe(last)
    expect(await bench.add('1:0')).toBe('PRODUCER_FENCED')
  }
})

test('a producer that comes back goes on only if nobody came in between, and may ask twice', async () => {
  const bench = await Bench.start()
  const back = (producer: string): Promise<string> => bench.init(of(producer))
  expect(await bench.init()).toBe('1:0')
  expect([await back('1:0'), await back('1:0')]).toEqual(['1:1', '1:1'])
  expect([await back('1:5'), await back('7:1')]).toEqual(['PRODUCER_FENCED', 'PRODUCER_FENCED'])
  expect(await bench.init()).toBe('1:2')
  expect([await back('1:0'), await back('1:1'), await back('1:2')]).toEqual([
    'PRODUCER_FENCED',
    'PRODUCER_FENCED',
    '1:3',
  ])
})

test('when epochs are used up another producer id begins', async () => {
  const preloaded = (): MemoryCoordinatorLog => {
    const value = {
      ...newTransaction(1, 60_000, 0),
      producerEpoch: 32_766,
      state: 'CompleteAbort' as const,
      startMs: 0,
    }
    const log = new MemoryCoordinatorLog()
    const { key, value: bytes } = encodeTransactionRecord({ transactionalId: 'x', value, serverVersion: 2 })
    log.preload(0, buildBatch({ records: [{ timestamp: 0, key, value: bytes }] }))
    return log
  }
  const bench = await Bench.start(2, preloaded(), 5)
  expect(await bench.add('1:32766', PARTITION, 2)).toBe('NONE')
  expect(await bench.end('1:32766', true, 2)).toBe('401:0')
  await bench.settle()
  expect(bench.markers.at(-1)).toBe('COMMIT of 1:32767 to a-0, coordinator 5, v2')
  expect([bench.state, await bench.end('1:32766', true, 2)]).toEqual(['CompleteCommit 401:0', '401:0'])
  expect(await (await Bench.start(2, preloaded(), 6)).init()).toBe('501:0')
  const back = await Bench.start(2, preloaded(), 7)
  expect(await back.init(of('1:32766'))).toBe('601:0')
  expect(await back.init(of('1:32766'))).toBe('601:0')
})

test('what cannot be asked for is refused', async () => {
  const bench = await Bench.start()
  expect(await bench.init({ transactionalId: '' })).toBe('INVALID_REQUEST')
  expect(await bench.init({ producerId: 3 })).toBe('INVALID_REQUEST')
  expect(await bench.init({ transactionTimeoutMs: 0 })).toBe('INVALID_TRANSACTION_TIMEOUT')
  expect(await bench.init({ transactionTimeoutMs: 900_001 })).toBe('INVALID_TRANSACTION_TIMEOUT')
  expect(await bench.init({ enable2Pc: true })).toBe('TRANSACTIONAL_ID_AUTHORIZATION_FAILED')
  expect(await bench.init({ keepPreparedTxn: true })).toBe('UNSUPPORTED_VERSION')
  expect(await bench.end('1:0', true)).toBe('INVALID_PRODUCER_ID_MAPPING')
  expect(bench.state).toBe('TRANSACTIONAL_ID_NOT_FOUND')
  bench.coordinator.onResigned(0)
  expect([await bench.init(), await bench.add('1:0')]).toEqual(['NOT_COORDINATOR', 'NOT_COORDINATOR'])
})

test('a transaction that takes too long is aborted, and its producer locked out', async () => {
  for (const serverVersion of [0, 2]) {
    const bench = await Bench.start(serverVersion)
    await bench.init({ transactionTimeoutMs: 15_000 })
    await bench.add('1:0', PARTITION, serverVersion)
    await bench.clock.advance(14_000)
    expect(bench.state).toBe('Ongoing 1:0')
    await bench.clock.advance(12_000)
    expect(bench.state).toBe('CompleteAbort 1:1')
    expect(bench.markers).toEqual([`ABORT of 1:1 to a-0, coordinator 1, v${serverVersion}`])
    const outcome = serverVersion === 2 ? 'INVALID_TXN_STATE' : 'PRODUCER_FENCED'
    expect(await bench.end('1:0', true, serverVersion)).toBe(outcome)
  }
})

test('transactions that take too long are aborted also where a batch can not hold them together', async () => {
  const bench = await Bench.start()
  const many = new Map([['a', new Set(Array.from({ length: 100 }, (_, index) => index))]])
  const ids = ['x', 'y', 'z']
  for (const [at, transactionalId] of ids.entries()) {
    await bench.init({ transactionalId, transactionTimeoutMs: 5_000 })
    const added = bench.coordinator.addPartitions(
      { transactionalId, producerId: at + 1, producerEpoch: 0 },
      transactionalId === 'y' ? many : PARTITION,
      0,
    )
    await bench.settle()
    expect(await added).toBe('NONE')
  }
  // Meanwhile less is allowed: what is of one of them can't be written.
  bench.log.batchBytesMax = 300
  await bench.clock.advance(20_000)
  expect(ids.map((id) => bench.coordinator.describe(id).transactionState)).toEqual([
    'CompleteAbort',
    'Ongoing',
    'CompleteAbort',
  ])
  bench.log.batchBytesMax = 700
  await bench.clock.advance(10_000)
  expect(bench.coordinator.describe('y').transactionState).toBe('CompleteAbort')
})

test('an id that nobody used for long is forgotten, one in a transaction is not', async () => {
  const bench = await Bench.start()
  await bench.init()
  await bench.clock.advance(CONFIG.expirationMs - 1000)
  expect(bench.state).toBe('Empty 1:0')
  await bench.clock.advance(CONFIG.expirationIntervalMs + 2000)
  expect(bench.state).toBe('TRANSACTIONAL_ID_NOT_FOUND')
  expect(await bench.end('1:0', true)).toBe('INVALID_PRODUCER_ID_MAPPING')
})

test('a new coordinator reads the same, and ends what was decided', async () => {
  const bench = await Bench.start(2)
  await bench.init()
  await bench.add('1:0', PARTITION, 2)
  const next = await Bench.start(2, bench.log, 2)
  expect(next.coordinator.describe('x')).toEqual(bench.coordinator.describe('x'))
  next.answers = Array<ErrorCode>(50).fill('NOT_LEADER_OR_FOLLOWER')
  expect(await next.end('1:0', true, 2)).toBe('1:1')
  const last = await Bench.start(2, bench.log, 3)
  expect(last.markers).toEqual(['COMMIT of 1:1 to a-0, coordinator 3, v2'])
  await last.settle()
  expect(last.state).toBe('CompleteCommit 1:1')
  expect(await last.end('1:0', true, 2)).toBe('1:1')
})

test('who was overtaken gives its markers up', async () => {
  const bench = await Bench.start()
  await bench.init()
  await bench.add('1:0')
  bench.answers = ['TRANSACTION_COORDINATOR_FENCED']
  await bench.end('1:0', true)
  await bench.clock.advance(1000)
  expect([bench.markers.length, bench.state]).toEqual([1, 'PrepareCommit 1:0'])
})

test('a decision that is not written is not made: no marker, and the producer may decide again', async () => {
  const bench = await Bench.start()
  await bench.init()
  await bench.add('1:0')
  bench.log.refuses = 'NOT_ENOUGH_REPLICAS'
  expect(await bench.end('1:0', true)).toBe('COORDINATOR_NOT_AVAILABLE')
  bench.log.refuses = null
  expect([bench.markers, bench.state]).toEqual([[], 'Ongoing 1:0'])
  expect(await bench.end('1:0', false)).toBe('1:0')
  await bench.settle()
  expect(bench.markers).toEqual(['ABORT of 1:0 to a-0, coordinator 1, v0'])
})

test('a last record that cannot be written is tried again', async () => {
  const bench = await Bench.start()
  await bench.init()
  await bench.add('1:0')
  bench.answers = ['NOT_ENOUGH_REPLICAS']
  await bench.end('1:0', true)
  bench.log.refuses = 'NOT_ENOUGH_REPLICAS'
  await bench.clock.advance(350)
  expect(bench.state).toBe('PrepareCommit 1:0')
  bench.log.refuses = null
  await bench.clock.advance(100)
  expect([bench.state, bench.markers.length]).toEqual(['CompleteCommit 1:0', 2])
})

test('transactions are listed by state, producer, age and pattern', async () => {
  const bench = await Bench.start()
  await bench.init()
  await bench.init({ transactionalId: 'xy' })
  await bench.add('1:0')
  await bench.clock.advance(5000)
  const list = (fields: object): string[] =>
    (
      bench.coordinator.list(ListTransactionsRequest.make({ durationFilter: -1, ...fields })).transactionStates ?? []
    ).map(({ transactionalId, transactionState }) => `${transactionalId} ${transactionState}`)
  expect(list({})).toEqual(['x Ongoing', 'xy Empty'])
  expect(list({ stateFilters: ['Empty', 'Nonsense'] })).toEqual(['xy Empty'])
  expect(list({ producerIdFilters: [1] })).toEqual(['x Ongoing'])
  expect(list({ durationFilter: 4000 })).toEqual(['x Ongoing', 'xy Empty'])
  expect(list({ durationFilter: 6000 })).toEqual(['xy Empty'])
  expect(list({ transactionalIdPattern: 'x' })).toEqual(['x Ongoing'])
  expect(() => list({ transactionalIdPattern: '(' })).toThrow('is not a valid regular expression')
  const { unknownStateFilters } = bench.coordinator.list(ListTransactionsRequest.make({ stateFilters: ['Nonsense'] }))
  expect(unknownStateFilters).toEqual(['Nonsense'])
})

test.each([
  ['kraft-single-clean', 1],
  ['kraft39-static', 0],
])('%s: records of Kafka are read and written byte for byte', (fixture, serverVersion) => {
  let records = 0
  for (const partition of [0, 1, 2]) {
    const url = new URL(`../../../test/golden/transactions/${fixture}/${partition}.log`, import.meta.url)
    const bytes = readFileSync(url)
    forEachEntry(bytes, (at) => {
      for (const { key, value } of readRecords(bytes, at)) {
        const record = decodeTransactionRecord(key ?? Buffer.alloc(0), value)
        expect(record).not.toBe(null)
        if (record === null) continue
        expect(encodeTransactionRecord({ ...record, serverVersion })).toEqual({ key, value })
        records++
      }
    })
  }
  expect(records).toBeGreaterThan(20)
})

test('a decision that is committed later than its client waits for gets its markers nevertheless', async () => {
  const bench = await Bench.start(2)
  await bench.init()
  await bench.add('1:0', PARTITION, 2)
  bench.log.holdsCommits = true
  const end = bench.end('1:0', true, 2)
  await bench.clock.advance(CONFIG.writeTimeoutMs + 1)
  expect(await end).toBe('COORDINATOR_NOT_AVAILABLE')
  expect(bench.markers).toEqual([])
  bench.log.holdsCommits = false
  bench.log.commit(0)
  await bench.clock.advance(0)
  expect(bench.markers).toEqual(['COMMIT of 1:1 to a-0, coordinator 1, v2'])
  expect(await bench.end('1:0', true, 2)).toBe('1:1')
  expect(bench.state).toBe('CompleteCommit 1:1')
})
