import { expect, test } from 'vitest'
import { ManualClock } from '../testing/manual-clock.ts'
import { UnsentAnswers, type Stalling } from './unsent-answers.ts'

function setUp(): { clock: ManualClock; answers: UnsentAnswers; closed: string[]; peer: (name: string) => Stalling } {
  const clock = new ManualClock()
  const answers = new UnsentAnswers(clock, 100, 1000)
  const closed: string[] = []
  const peer = (name: string): Stalling => {
    const connection = {
      close: () => {
        closed.push(name)
        answers.forget(connection)
      },
    }
    return connection
  }
  return { clock, answers, closed, peer }
}

test('beyond the limit the peers that took nothing for longest are closed, as many as it needs', async () => {
  const { clock, answers, closed, peer } = setUp()
  const [first, second, third] = [peer('first'), peer('second'), peer('third')]
  for (const connection of [first, second, third]) answers.add(connection, 60)
  await clock.advance(500)
  // What takes an answer now has its time again.
  answers.remove(first, 30)
  await clock.advance(499)
  expect(closed).toEqual([])
  await clock.advance(1)
  expect(closed).toEqual(['second'])
  expect(answers.bytes).toBe(90)
  expect(clock.pendingCount).toBe(0)
})

test('below the limit a peer may take its answers as slowly as it likes', async () => {
  const { clock, answers, closed, peer } = setUp()
  answers.add(peer('slow'), 100)
  await clock.advance(1_000_000)
  expect(closed).toEqual([])
})

test('a connection that closes by itself counts no more, and no timer stays for it', async () => {
  const { clock, answers, closed, peer } = setUp()
  const gone = peer('gone')
  answers.add(gone, 500)
  answers.forget(gone)
  answers.remove(gone, 500)
  expect(answers.bytes).toBe(0)
  expect(clock.pendingCount).toBe(0)
  await clock.advance(5000)
  expect(closed).toEqual([])
})

test('where their memory is needed who has taken nothing for longest is closed, one at a time, after its time', async () => {
  const { clock, answers, closed, peer } = setUp()
  answers.closeStalled()
  for (const name of ['first', 'second']) answers.add(peer(name), 10)
  await clock.advance(999)
  answers.closeStalled()
  expect(closed).toEqual([])
  await clock.advance(1)
  answers.closeStalled()
  expect(closed).toEqual(['first'])
  answers.closeStalled()
  expect(closed).toEqual(['first', 'second'])
})
