/** What a case expects: plain comparisons whose message shows both sides, cut to what can be read. */
import { isDeepStrictEqual, inspect } from 'node:util'

const show = (value) => inspect(value, { depth: 6, maxArrayLength: 40, maxStringLength: 400, breakLength: 120 })

/**
 * @param {unknown} actual
 * @param {unknown} expected
 */
export function equal(actual, expected, what = '') {
  if (isDeepStrictEqual(actual, expected)) return
  let where = ''
  if (Array.isArray(actual) && Array.isArray(expected)) {
    const at = expected.findIndex((value, index) => !isDeepStrictEqual(value, actual[index]))
    const first = at === -1 ? expected.length : at
    where = `${actual.length} instead of ${expected.length} elements, first difference at ${first}: `
    where += `${show(actual[first])} instead of ${show(expected[first])}\n`
  }
  throw new Error(`${what === '' ? '' : `${what}: `}${where}got ${show(actual)}\nexpected ${show(expected)}`)
}

/**
 * @param {unknown} condition
 * @param {string} what must hold
 */
export function holds(condition, what) {
  if (!condition) throw new Error(`does not hold: ${what}`)
}
