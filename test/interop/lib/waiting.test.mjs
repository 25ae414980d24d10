import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { becomes, PATIENCE, until } from './waiting.mjs'

beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'performance'] }))
afterEach(() => vi.useRealTimers())

/** A probe that does one thing after the other; the last one again and again. */
function probe(...answers) {
  let at = 0
  return () => answers[Math.min(at++, answers.length - 1)]()
}

const fails = (error) => () => {
  throw error
}

/** Time passes while somebody waits. */
async function passing(waiting) {
  let isOver = false
  const outcome = waiting.then(
    (value) => ({ value }),
    (error) => ({ error }),
  )
  void outcome.then(() => (isOver = true))
  while (!isOver) await vi.advanceTimersByTimeAsync(1000)
  return outcome
}

test('until waits for files that are not there, and for what a tool says is not known yet', async () => {
  const tool = Object.assign(new Error('exit 1\nError: Topic t does not exist as expected'), { isOfTool: true })
  const found = probe(
    () => readFileSync('/there/is/no/such/file'),
    fails(tool),
    () => null,
    () => 'found',
  )
  expect(await passing(until(found, 'it is found'))).toEqual({ value: 'found' })
})

test('until gives up at once on what will not pass', async () => {
  const refused = Object.assign(new Error('exit 1\nError: Invalid partitions'), { isOfTool: true })
  const words = new Error('somebody says UNKNOWN_TOPIC_OR_PARTITION')
  for (const error of [refused, words]) {
    expect(
      await passing(
        until(
          probe(fails(error), () => 'found'),
          'it is found',
        ),
      ),
    ).toEqual({ error })
  }
})

test('until waits several times as long as it is told, and says in the end what the last error was', async () => {
  const tool = Object.assign(new Error('TimeoutException'), { isOfTool: true })
  const startMs = performance.now()
  const { error } = await passing(until(fails(tool), 'it answers', 1000))
  expect(error.message).toBe(`not within ${1000 * PATIENCE} ms: it answers (TimeoutException)`)
  expect(performance.now() - startMs).toBeGreaterThanOrEqual(1000 * PATIENCE)
})

test('becomes waits for an equal answer, and tells the difference of the last one in the end', async () => {
  expect(
    await passing(
      becomes(
        probe(
          () => [1],
          () => [1, 2],
        ),
        [1, 2],
        'both',
      ),
    ),
  ).toEqual({ value: undefined })
  const { error } = await passing(becomes(() => [1, 3], [1, 2], 'both', 1000))
  expect(error.message).toContain('not within 4000 ms: both')
  expect(error.message).toContain('got [ 1, 3 ]')
})
