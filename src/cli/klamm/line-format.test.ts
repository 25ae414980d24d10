import { expect, test } from 'vitest'
import { lineFormat } from './line-format.ts'

test('a line is split at the text between its fields; the last takes the rest', () => {
  expect(lineFormat('%v')('a b', 1)).toEqual({ value: 'a b' })
  expect(lineFormat('%k %v')('a b c', 1)).toEqual({ key: 'a', value: 'b c' })
  expect(lineFormat('%p;%k=%v')('3;a=b=c', 1)).toEqual({ partition: 3, key: 'a', value: 'b=c' })
  expect(lineFormat('%k\\t%v')('a\tb', 1)).toEqual({ key: 'a', value: 'b' })
  expect(lineFormat('(%v) 5%%')('(x) 5%', 1)).toEqual({ value: 'x' })
})

test('a line without the text between is named by its number', () => {
  expect(() => lineFormat('%k=%v')('ab', 12)).toThrow("Line 12 is not '%k=%v': ab")
})

test('a format that cannot be told apart is refused', () => {
  expect(() => lineFormat('%k%v')).toThrow(/tell them apart/)
  expect(() => lineFormat('%k %k')).toThrow(/tell them apart/)
  expect(() => lineFormat('%h')).toThrow(/not %h/)
})
