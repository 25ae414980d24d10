import { expect, test } from 'vitest'
import { parseOptions } from './options.ts'

const SPECS = [
  { names: ['bootstrap-server'], argument: 'required' },
  { names: ['topic', 't'], argument: 'required' },
  { names: ['from-beginning'], argument: 'none' },
  { names: ['from-offset'], argument: 'required' },
  { names: ['list'], argument: 'optional' },
] as const

test('values stand behind a blank, an equals sign or a short option', () => {
  const options = parseOptions(SPECS, ['--topic', 'a', '-t', 'b', '-tc', '--topic=d=e', 'rest', '--from-beginning'])
  expect(options.values('topic')).toEqual(['a', 'b', 'c', 'd=e'])
  expect(options.value('topic')).toBe('d=e')
  expect(options.has('from-beginning')).toBe(true)
  expect(options.positionals).toEqual(['rest'])
})

test('a prefix stands for its option while no other begins so, with one dash or two', () => {
  expect(parseOptions(SPECS, ['--boot', 'x']).value('bootstrap-server')).toBe('x')
  expect(parseOptions(SPECS, ['-bootstrap-server', 'x']).value('bootstrap-server')).toBe('x')
  expect(() => parseOptions(SPECS, ['--from', 'x'])).toThrow('from is an ambiguous option')
})

test('what is not known, lacks its argument or has one too many is refused', () => {
  expect(() => parseOptions(SPECS, ['--nope'])).toThrow('nope is not a recognized option')
  expect(() => parseOptions(SPECS, ['--topic'])).toThrow('Option topic requires an argument')
  expect(() => parseOptions(SPECS, ['--from-beginning=1'])).toThrow("doesn't allow an argument")
})

test('an optional argument is taken unless it looks like an option', () => {
  expect(parseOptions(SPECS, ['--list', '--from-beginning']).values('list')).toEqual([])
  expect(parseOptions(SPECS, ['--list', 'x']).values('list')).toEqual(['x'])
  expect(parseOptions(SPECS, ['--', '--list']).positionals).toEqual(['--list'])
})
