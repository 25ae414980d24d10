import { expect, test } from 'vitest'
import { yamlOf } from './yaml.ts'

test('maps and lists are blocks, and text that could be something else is in quotes', () => {
  const data = {
    name: 'orders',
    path: '/tmp/a b',
    empty: [],
    none: null,
    on: true,
    texts: ['yes', '1', '1.5', '', 'a: b', '- x', 'é', '127.0.0.1'],
    nested: [{ id: 1, at: [[1, 2]] }, {}],
  }
  expect(yamlOf(data)).toBe(`name: orders
path: /tmp/a b
empty: []
none: null
"on": true
texts:
  - "yes"
  - "1"
  - "1.5"
  - ""
  - "a: b"
  - "- x"
  - "é"
  - "127.0.0.1"
nested:
  - id: 1
    at:
      - - 1
        - 2
  - {}
`)
  expect(yamlOf([])).toBe('[]\n')
})
