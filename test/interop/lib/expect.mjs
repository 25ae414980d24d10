/** What a case expects: plain comparisons whose message names the first difference and shows both sides, cut to what can be read. */
import { isDeepStrictEqual, inspect } from 'node:util'

const show = (value) => inspect(value, { depth: 6, maxArrayLength: 40, maxStringLength: 400, breakLength: 120 })

const holdsParts = (value) => Array.isArray(value) || Object.prototype.toString.call(value) === '[object Object]'

/**
 * The place at which two values that differ do so first, and what is there in each: as deep as both are arrays or plain objects.
 * @param {unknown} actual
 * @param {unknown} expected
 * @param {readonly string[]} path
 * @returns {{ path: readonly string[], actual: unknown, expected: unknown }}
 */
function firstDifference(actual, expected, path = []) {
  const areOfOneKind = holdsParts(actual) && holdsParts(expected) && Array.isArray(actual) === Array.isArray(expected)
  const keys = areOfOneKind ? [...new Set([...Object.keys(expected), ...Object.keys(actual)])] : []
  const key = keys.find((one) => !isDeepStrictEqual(actual[one], expected[one]))
  return key === undefined ? { path, actual, expected } : firstDifference(actual[key], expected[key], [...path, key])
}

/**
 * @param {unknown} actual
 * @param {unknown} expected
 */
export function equal(actual, expected, what = '') {
  if (isDeepStrictEqual(actual, expected)) return
  const first = firstDifference(actual, expected)
  let where = ''
  if (first.path.length > 0) {
    const sizes =
      Array.isArray(actual) && actual.length !== expected.length
        ? `${actual.length} instead of ${expected.length} elements, `
        : ''
    where = `${sizes}first difference at ${first.path.join('.')}: ${show(first.actual)} instead of ${show(first.expected)}\n`
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
