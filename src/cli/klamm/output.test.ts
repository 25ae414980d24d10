import { expect, test } from 'vitest'
import type { ToolHost } from '../tool/tool.ts'
import { Output } from './output.ts'
import { bar } from './progress.ts'
import type { Words } from './words.ts'

function shown(given: readonly string[], { isScreen = false, environment = {} } = {}): string {
  let out = ''
  const terminal = { out: (line: string) => void (out += `${line}\n`), isScreen }
  const words = { has: (name: string) => given.includes(name), value: () => null } as unknown as Words
  const output = new Output({ terminal, environment } as unknown as ToolHost, words)
  output.show({}, () => [
    {
      title: 'both',
      columns: ['name', 'size'],
      rows: [
        ['a', 7],
        ['long', 1000],
        [null, 0],
      ],
    },
  ])
  return out
}

test('numbers stand to the right, what is not known is a dash', () => {
  expect(shown([])).toBe('both\nNAME  SIZE\na        7\nlong  1000\n-        0\n')
  expect(shown(['no-headers'])).toBe('a        7\nlong  1000\n-        0\n')
})

test('titles are bold on a screen, unless NO_COLOR is set', () => {
  expect(shown([], { isScreen: true })).toContain('\u001B[1mNAME  SIZE\u001B[0m\n')
  expect(shown([], { isScreen: true, environment: { NO_COLOR: '1' } })).toBe(shown([]))
})

test('a bar is as full as the work is done', () => {
  expect(bar(0, 10)).toBe(`[${'.'.repeat(24)}]   0 %`)
  expect(bar(5, 10)).toBe(`[${'#'.repeat(12)}${'.'.repeat(12)}]  50 %`)
  expect(bar(12, 10)).toContain('] 100 %')
})
