import { expect, test } from 'vitest'
import { KafkaError, OperationalError } from '../base/errors.ts'
import { ClientError } from '../client/errors.ts'
import { SeededWorld } from '../testing/seeded-world.ts'
import { AssignerProtocol, PartitionAssigners } from './assigners.ts'
import { asKafkaJS } from './error-mapping.ts'
import * as errors from './errors.ts'
import { CompressionCodecs, type CompressionCodec } from './compression-codecs.ts'
import { logLevel } from './constants.ts'
import { createLogger, type LogEntry } from './logger.ts'
import { OffsetKeeper } from './offset-keeper.ts'
import { partitionersOf } from './partitioners.ts'
import { PausedPartitions } from './paused-partitions.ts'
import { budgetMs, retryPolicy } from './retry.ts'
import type { PartitionMetadata } from './types.ts'

const POLICY = retryPolicy()

function partitions(count: number, leaderless: readonly number[] = []): PartitionMetadata[] {
  return Array.from({ length: count }, (_, partitionId) => {
    return {
      partitionErrorCode: 0,
      partitionId,
      leader: leaderless.includes(partitionId) ? -1 : 1,
      replicas: [],
      isr: [],
    }
  })
}

/** What kafkajs 2.2.4 answers, of 1000 partitions: by DefaultPartitioner and LegacyPartitioner. */
const PLACED: readonly (readonly [string, number, number])[] = [
  ['', 681, 684],
  ['a', 524, 815],
  ['ab', 434, 235],
  ['abc', 107, 907],
  ['abcd', 100, 264],
  ['abcde', 741, 417],
  ['foo', 616, 511],
  ['a-little-bit-long-string', 112, 938],
  ['a-little-bit-longer-string', 819, 925],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', 677, 267],
  ['ünïcödé', 315, 283],
  ['100', 253, 165],
  ['4103', 350, 710],
  ['8104', 478, 367],
  ['key-7919', 714, 320],
]

test.each(PLACED)('the key %o is placed as by kafkajs', (key, byDefault, byLegacy) => {
  const { DefaultPartitioner, LegacyPartitioner, JavaCompatiblePartitioner } = partitionersOf(new SeededWorld(1).random)
  const args = { topic: 't', partitionMetadata: partitions(1000), message: { key, value: null } }
  expect(DefaultPartitioner()(args)).toBe(byDefault)
  expect(JavaCompatiblePartitioner()(args)).toBe(byDefault)
  expect(LegacyPartitioner()(args)).toBe(byLegacy)
  expect(LegacyPartitioner()({ ...args, message: { key: Buffer.from(key), value: null } })).toBe(byLegacy)
})

test('messages without a key take turns among partitions that have a leader, and a named partition is taken', () => {
  const partition = partitionersOf(new SeededWorld(1).random).DefaultPartitioner()
  const args = { topic: 't', partitionMetadata: partitions(4, [1]), message: { value: 'v' } }
  const turns = Array.from({ length: 6 }, () => partition(args))
  expect(new Set(turns.slice(0, 3))).toEqual(new Set([0, 2, 3]))
  expect(turns.slice(3)).toEqual(turns.slice(0, 3))
  expect(partition({ ...args, message: { value: 'v', partition: 1 } })).toBe(1)
})

test('members exchange the same bytes as those on kafkajs', () => {
  const { MemberMetadata, MemberAssignment } = AssignerProtocol
  const metadata = { version: 1, topics: ['a', 'bc'], userData: Buffer.from('u') }
  expect(MemberMetadata.encode(metadata).toString('hex')).toBe('000100000002000161000262630000000175')
  expect(MemberMetadata.encode({ version: 0, topics: ['a'] }).toString('hex')).toBe('00000000000100016100000000')
  expect(MemberMetadata.decode(MemberMetadata.encode(metadata))).toEqual(metadata)
  const assignment = { version: 1, assignment: { a: [0, 2], b: [1] }, userData: Buffer.from('u') }
  expect(MemberAssignment.encode(assignment).toString('hex')).toBe(
    '00010000000200016100000002000000000000000200016200000001000000010000000175',
  )
  expect(MemberAssignment.decode(MemberAssignment.encode(assignment))).toEqual(assignment)
  expect(MemberAssignment.decode(Buffer.alloc(0))).toBeNull()
})

test('the round robin assigner deals all partitions to members by their ids', async () => {
  const logger = createLogger(logLevel.NOTHING, () => () => {}, { wallMs: () => 0 })
  const cluster = { findTopicPartitionMetadata: () => partitions(3) }
  const assigner = PartitionAssigners.roundRobin({ cluster, groupId: 'g', logger })
  const members = ['b', 'a'].map((memberId) => ({ memberId, memberMetadata: Buffer.alloc(0) }))
  const assigned = await assigner.assign({ members, topics: ['t', 'u'] })
  const read = assigned.map(({ memberId, memberAssignment }) => [
    memberId,
    AssignerProtocol.MemberAssignment.decode(memberAssignment)?.assignment,
  ])
  expect(read).toEqual([
    ['a', { t: [0, 2], u: [1] }],
    ['b', { t: [1], u: [0, 2] }],
  ])
})

test('errors of the client become those of kafkajs', () => {
  expect(asKafkaJS(new KafkaError('NOT_LEADER_OR_FOLLOWER', 'gone'), POLICY)).toMatchObject({
    name: 'KafkaJSProtocolError',
    type: 'NOT_LEADER_FOR_PARTITION',
    code: 6,
    retriable: true,
    message: 'gone',
  })
  expect(asKafkaJS(new KafkaError('SASL_AUTHENTICATION_FAILED', 'no'), POLICY)).toBeInstanceOf(
    errors.KafkaJSSASLAuthenticationError,
  )
  expect(asKafkaJS(new OperationalError('NETWORK_FAILED', 'refused'), POLICY)).toMatchObject({
    name: 'KafkaJSConnectionError',
    retriable: true,
  })
  const cause = new KafkaError('LEADER_NOT_AVAILABLE', 'none')
  const exceeded = asKafkaJS(new ClientError('TIMED_OUT', 'over', { cause }), POLICY)
  expect(exceeded).toBeInstanceOf(errors.KafkaJSNumberOfRetriesExceeded)
  expect(exceeded).toBeInstanceOf(errors.KafkaJSNonRetriableError)
  expect(exceeded).toMatchObject({ retryCount: 5, retryTime: 4800, retriable: false, cause: { code: 5 } })
  expect(asKafkaJS(new ClientError('INVALID_ARGUMENT', 'x'), POLICY)).toMatchObject({
    name: 'KafkaJSNonRetriableError',
  })
  const bug = new TypeError('x is undefined')
  expect(asKafkaJS(bug, POLICY)).toBe(bug)
})

test('the time of a call is what the pauses of its retries take', () => {
  expect(budgetMs(POLICY, 1000)).toBe(1000 + 300 + 600 + 1200 + 2400 + 4800)
  expect(budgetMs(retryPolicy({ retries: 0 }), 1000)).toBe(1000)
  expect(budgetMs(retryPolicy({ maxRetryTime: 400 }, { retries: 3 }), 0)).toBe(300 + 400 + 400)
  expect(budgetMs(retryPolicy({ retries: Number.MAX_SAFE_INTEGER }), 0)).toBeLessThan(90_000_000)
})

test('a paused topic has exceptions, which its next pause ends', () => {
  const paused = new PausedPartitions()
  paused.pause([{ topic: 't' }])
  paused.resume([{ topic: 't', partitions: [1] }])
  expect([0, 1, 2].map((partition) => paused.isPaused('t', partition))).toEqual([true, false, true])
  paused.pause([{ topic: 't' }])
  expect(paused.isPaused('t', 1)).toBe(true)
  paused.resume([{ topic: 't' }])
  expect(paused.isPaused('t', 0)).toBe(false)
  paused.pause([{ topic: 't', partitions: [2] }])
  expect([1, 2].map((partition) => paused.isPaused('t', partition))).toEqual([false, true])
})

test('what is resolved and not committed is told, and forgotten with the partition', () => {
  const keeper = new OffsetKeeper()
  const place = { topic: 't', partition: 0 }
  keeper.begin(place, 5)
  expect(keeper.uncommitted()).toEqual({ topics: [] })
  keeper.set(place, 8)
  expect(keeper.uncommitted()).toEqual({ topics: [{ topic: 't', partitions: [{ partition: 0, offset: '8' }] }] })
  expect(keeper.uncommittedCount).toBe(3)
  expect(keeper.uncommitted(new Set(['t-1']))).toEqual({ topics: [] })
  keeper.committed(place, 8)
  expect(keeper.uncommitted()).toEqual({ topics: [] })
  keeper.forget(place)
  expect(keeper.next(place)).toBeNull()
})

test('a namespace may have a level of its own, and lines below the level are not written', () => {
  const lines: LogEntry[] = []
  const logger = createLogger(logLevel.WARN, () => (entry) => lines.push(entry), { wallMs: () => 0 })
  logger.info('not shown')
  logger.warn('shown', { extra: 1 })
  logger.namespace('Loud', logLevel.DEBUG).debug('shown, too')
  logger.setLogLevel(logLevel.NOTHING)
  logger.namespace('Runner').error('not shown')
  expect(lines).toEqual([
    {
      namespace: '',
      level: 2,
      label: 'WARN',
      log: { timestamp: '1970-01-01T00:00:00.000Z', logger: 'kafkajs', message: 'shown', extra: 1 },
    },
    expect.objectContaining({ namespace: 'Loud', level: 5, label: 'DEBUG' }),
  ])
})

test('every codec is built in, and others may be registered', async () => {
  const text = Buffer.from('x'.repeat(1000))
  for (const make of Object.values(CompressionCodecs)) {
    const codec = make() as CompressionCodec
    const small = await codec.compress({ buffer: text })
    expect(small.length).toBeLessThan(100)
    expect(await codec.decompress(small)).toEqual(text)
  }
})
