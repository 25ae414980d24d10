import { expect, test } from 'vitest'
import { SILENT } from '../base/logger.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { IsrChanges, type IsrAnswer, type IsrProposal, type IsrRequest } from './isr-changes.ts'

interface Sent {
  readonly names: string
  answer(answers: readonly (IsrAnswer | null)[]): void
  fail(error: Error): void
}

function setUp() {
  const clock = new ManualClock()
  const sent: Sent[] = []
  const settled: string[] = []
  const writer = {
    write: (proposals: readonly IsrProposal[]) =>
      new Promise<readonly (IsrAnswer | null)[]>((answer, fail) => {
        sent.push({ names: proposals.map(({ topic }) => topic).join(), answer, fail })
      }),
  }
  const changes = new IsrChanges({ clock, logger: SILENT, writer, lagTimeMaxMs: () => 30_000 })
  const wants = (topic: string, again = false): { wanted: boolean } => {
    const state = { wanted: true }
    const proposal = { topic, topicId: null, partition: 0, leaderEpoch: 0, partitionEpoch: 0, before: [1], isr: [] }
    const request: IsrRequest = {
      proposal,
      isWanted: () => state.wanted,
      settle: ({ error }) => {
        settled.push(`${topic} ${error}`)
        return again
      },
    }
    changes.submit(request)
    return state
  }
  return { clock, sent, settled, changes, wants }
}

const MADE: IsrAnswer = { error: null, leaderEpoch: 0, partitionEpoch: 1, isr: [1] }

test('what is wanted while a request is under way goes together with the next one', async () => {
  const { clock, sent, settled, wants } = setUp()
  wants('a')
  wants('b')
  wants('c')
  expect(sent.map(({ names }) => names)).toEqual(['a'])
  sent[0]!.answer([MADE])
  await clock.advance(0)
  expect(sent.map(({ names }) => names)).toEqual(['a', 'b,c'])
  sent[1]!.answer([{ error: 'INVALID_UPDATE_VERSION' }, MADE])
  await clock.advance(1000)
  expect(settled).toEqual(['a null', 'b INVALID_UPDATE_VERSION', 'c null'])
  expect(sent).toHaveLength(2)
})

test('a request that failed, an answer that is missing and a change that wants to be asked again wait for a while', async () => {
  const { clock, sent, settled, wants } = setUp()
  wants('a')
  sent[0]!.fail(new Error('STALE_BROKER_EPOCH'))
  await clock.advance(49)
  wants('b', true)
  expect(sent).toHaveLength(1)
  await clock.advance(1)
  expect(sent[1]!.names).toBe('a,b')
  sent[1]!.answer([null, { error: 'UNKNOWN_SERVER_ERROR' }])
  await clock.advance(49)
  expect(sent).toHaveLength(2)
  await clock.advance(1)
  expect(sent[2]!.names).toBe('a,b')
  expect(settled).toEqual(['b UNKNOWN_SERVER_ERROR'])
})

test('what its partition no longer wants is not asked again', async () => {
  const { clock, sent, wants } = setUp()
  const state = wants('a')
  state.wanted = false
  sent[0]!.fail(new Error('closed'))
  await clock.advance(1000)
  expect(sent).toHaveLength(1)
})

test('partitions are looked through twice in the time that a follower may lag, until it is closed', async () => {
  const { clock, changes } = setUp()
  let looks = 0
  changes.start(() => looks++)
  await clock.advance(14_999)
  expect(looks).toBe(0)
  await clock.advance(15_001)
  expect(looks).toBe(2)
  changes.close()
  await clock.advance(60_000)
  expect([looks, clock.pendingCount]).toEqual([2, 0])
})
