import { expect, test } from 'vitest'
import { equal } from './expect.mjs'

test('the first difference is told by its place, before the values as a whole', () => {
  const image = (fenced) => [{ type: 'a' }, { type: 'b', data: { brokerId: 3, fenced, logDirs: ['x'] } }]
  expect(() => equal(image(true), image(false))).toThrow(
    /^first difference at 1\.data\.fenced: true instead of false\n/,
  )
})

test('lists of different lengths tell theirs', () => {
  expect(() => equal([1, 2], [1, 2, 3], 'ids')).toThrow(
    /^ids: 2 instead of 3 elements, first difference at 2: undefined instead of 3\n/,
  )
})

test('values of different kinds are told as they are', () => {
  expect(() => equal(null, { a: 1 })).toThrow(/^got null\nexpected \{ a: 1 \}$/)
  expect(() => equal({ a: [] }, { a: {} })).toThrow(/^first difference at a: \[\] instead of \{\}\n/)
})

test('equal values pass', () => {
  expect(() => equal({ a: [1n, Buffer.from('x')] }, { a: [1n, Buffer.from('x')] })).not.toThrow()
})
