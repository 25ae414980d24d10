import { expect, test } from 'vitest'
import { appendToList, subtractFromList } from './list-change.ts'

test.each([
  ['delete', 'compact', 'delete,compact'],
  ['delete', 'delete,delete', 'delete'],
  ['compact', 'delete,delete', 'compact,delete'],
  // Blanks are kept: ' delete ' is another text.
  ['delete', ' delete ', 'delete, delete '],
  ['a,,b', 'c', 'a,b,c'],
  ['a', '', 'a,'],
  ['a', ',', 'a'],
])('to the list %j is added %j: %j', (before, value, after) => {
  expect(appendToList(before, value)).toBe(after)
})

test.each([
  ['delete,compact', 'delete', 'compact'],
  ['delete,delete', 'delete', 'delete'],
  ['delete', ' delete ', 'delete'],
  ['delete', 'compact', 'delete'],
  ['delete', 'delete', ''],
])('from the list %j is taken %j: %j', (before, value, after) => {
  expect(subtractFromList(before, value)).toBe(after)
})
