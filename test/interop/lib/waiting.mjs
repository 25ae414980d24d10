/**
 * Waiting for what comes about by itself. The time-outs that cases name are those of an idle machine of two cores, and end only what
 * hangs: a machine that is slower or busy gets several times as much, and a case more than anything that it waits for, whose
 * error says more.
 */
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { pathToFileURL } from 'node:url'
import { ROOT } from '../../../scripts/setup.mjs'
import { equal } from './expect.mjs'

export const PATIENCE = 4
export const CASE_PATIENCE = 5

/** Of this project, as it was built. */
const CLIENT = pathToFileURL(join(ROOT, 'dist', 'index.js')).href

/** How Kafka's tools say that the broker they asked does not know, or does not have, what it will in a moment. */
const NOT_YET =
  /does not exist as expected|Timed out waiting|No broker can be reached|\b(?:UnknownTopicOrPartition|UnknownTopicId|NotLeaderOrFollower|LeaderNotAvailable|NotController|Timeout|Disconnect|CoordinatorNotAvailable|CoordinatorLoadInProgress|NotCoordinator)Exception\b|\b(?:UNKNOWN_TOPIC_OR_PARTITION|UNKNOWN_TOPIC_ID|NOT_LEADER_OR_FOLLOWER|LEADER_NOT_AVAILABLE|NOT_CONTROLLER)\b/

/** @param {number} ms */
export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/**
 * Asks until `probe` gives something else than null, undefined or false. An error that Kafka calls retriable is no answer yet (a
 * broker that hasn't heard of a topic that was created a moment ago, say), whether a client throws it or a tool says it; nor is a
 * file that isn't there, yet or any more.
 * @template T
 * @param {() => Promise<T> | T} probe
 */
export async function until(probe, what, timeoutMs = 30_000) {
  const limitMs = timeoutMs * PATIENCE
  const endMs = performance.now() + limitMs
  for (;;) {
    let last = ''
    try {
      const found = await probe()
      if (found !== null && found !== undefined && found !== false) return found
    } catch (error) {
      if (!(await isPassing(error))) throw error
      last = ` (${error.message})`
    }
    if (performance.now() > endMs) throw new Error(`not within ${limitMs} ms: ${what}${last}`)
    await sleep(50)
  }
}

async function isPassing(error) {
  if (error?.code === 'ENOENT' || (error?.isOfTool === true && NOT_YET.test(error.message))) return true
  const { isRetriable } = await import(CLIENT)
  return isRetriable(error)
}

/**
 * Asks until the answer is what is expected: for what one node decides and another one hears of later. In the end the
 * difference is told.
 * @template T
 * @param {() => Promise<T> | T} probe
 * @param {T} expected
 */
export async function becomes(probe, expected, what, timeoutMs = 30_000) {
  let last
  const isThere = async () => isDeepStrictEqual((last = await probe()), expected)
  try {
    await until(isThere, what, timeoutMs)
  } catch (error) {
    if (last !== undefined) equal(last, expected, error.message)
    throw error
  }
}
