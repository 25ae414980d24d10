import { expect, test } from 'vitest'
import { checkInvalid, checkInvalidSet, checkRequired, toolOptions } from './option-checks.ts'
import { optionHelp } from './option-help.ts'
import { COMMON_OPTIONS, flag, optionalValue, value, type OptionTable } from './option-table.ts'
import { parseOptions } from './parse-options.ts'

const TABLE = {
  ...COMMON_OPTIONS,
  'bootstrap-server': value('server to connect to', 'REQUIRED: the broker.'),
  topic: value('topic', 'A topic.'),
  partitions: value('# of partitions', 'How many.', { type: 'Integer' }),
  time: value('time', 'When.', { type: 'Long', defaultValue: '-1' }),
  'from-beginning': flag('From the start.'),
  list: optionalValue(null, 'All.'),
  states: value('states', 'Some.', { separator: ',' }),
  t: value(null, 'Short.'),
  v: flag('Short.'),
} satisfies OptionTable

const parse = (...argv: readonly string[]) => parseOptions(TABLE, argv)

test('values stand behind a blank or an equals sign, with one dash or two', () => {
  const options = parse('--topic', 'a', '-topic', 'b', '--topic=d=e', 'rest', '--from-beginning', '-', '--', '--list')
  expect(options.values('topic')).toEqual(['a', 'b', 'd=e'])
  expect(options.has('from-beginning')).toBe(true)
  expect(options.has('list')).toBe(false)
  expect(options.positionals).toEqual(['rest', '-', '--list'])
})

test('letters of short options share a word, and the last may bring its value', () => {
  const options = parse('-vtabc')
  expect(options.has('v')).toBe(true)
  expect(options.value('t')).toBe('abc')
  expect(() => parse('-vx')).toThrow('x is not a recognized option')
})

test('corners of joptsimple: a value may be empty, the value of a flag is dropped', () => {
  expect(parse('--topic=', '--list').value('topic')).toBe('')
  expect(parse('--from-beginning=no').has('from-beginning')).toBe(true)
})

test('what is not known, abbreviated or lacks its value is refused', () => {
  expect(() => parse('--nope=1')).toThrow(/^nope is not a recognized option$/)
  expect(() => parse('--boot', 'x')).toThrow(/^boot is not a recognized option$/)
  expect(() => parse('--topic')).toThrow(/^Option topic requires an argument$/)
  expect(() => parse('--constructor')).toThrow(/^constructor is not a recognized option$/)
})

test('a negative number is an optional value where one is asked for', () => {
  const table = { ...TABLE, period: optionalValue(null, 'How long.', { type: 'Long' }) }
  expect(parseOptions(table, ['--period', '-1', '--topic', 'a']).integer('period')).toBe(-1)
  const without = parseOptions(table, ['--period', 'a', '--period', '--topic', 'b'])
  expect([without.values('period'), without.positionals]).toEqual([[], ['a']])
})

test('an optional value is taken unless it looks like an option', () => {
  expect(parse('--list', '--from-beginning').values('list')).toEqual([])
  expect(parse('--list', 'x').values('list')).toEqual(['x'])
})

test('values are checked when they are asked for', () => {
  const options = parse('--topic', 'a', '--topic', 'b', '--partitions', 'abc')
  expect(() => options.value('topic')).toThrow(
    /^Found multiple arguments for option topic, but you asked for only one$/,
  )
  expect(() => options.integer('partitions')).toThrow(/^Cannot parse argument 'abc' of option partitions$/)
  expect(options.integer('time')).toBe(-1)
  expect(options.has('time')).toBe(false)
  expect(parse('--states', 'Empty,,Dead').values('states')).toEqual(['Empty', 'Dead'])
  expect(() => parse('--partitions', '2147483648').integer('partitions')).toThrow('Cannot parse')
  expect(parse('--time', '2147483648').integer('time')).toBe(2_147_483_648)
})

test('an option that the parser requires is asked for unless there is --help', () => {
  const table = { ...TABLE, topic: value('topic', 'A topic.', { required: true }) }
  expect(() => parseOptions(table, [])).toThrow(/^Missing required option\(s\) \[topic\]$/)
  expect(parseOptions(table, ['--help']).has('help')).toBe(true)
  expect(optionHelp(table)).toMatch(/^Option \(\* = required\) +Description +\n-{21} +-{11} +\n/)
})

test('checks print their sentence and the table of options, and end with 1', () => {
  const options = parse('--topic', 'a', '--list')
  const table = optionHelp(TABLE).trimEnd()
  const ends = (sentence: string) => expect.objectContaining({ exitCode: 1, message: `${sentence}\n${table}` })
  expect(() => checkRequired(options, 'topic', 'partitions')).toThrow(ends('Missing required argument "[partitions]"'))
  expect(() => checkInvalid(options, 'topic', 't', 'list')).toThrow(
    ends(`Option "[topic]" can't be used with option "[list]"`),
  )
  expect(() => checkInvalidSet(options, ['topic', 'list'], ['list'], ' (no)')).toThrow(
    ends(`Option combination "[[topic], [list]]" can't be used with option "[list]" (no)`),
  )
  expect(() => toolOptions(TABLE, [], 'About.')).toThrow(ends('About.'))
  expect(() => toolOptions(TABLE, ['--version'], 'About.')).toThrow(
    expect.objectContaining({ exitCode: 0, message: '4.3.1', stream: 'out' }),
  )
  expect(() => toolOptions(TABLE, ['--bad'], 'About.', true)).toThrow(ends('bad is not a recognized option'))
})

test('help is a table of two columns, filled with blanks, options by name', () => {
  const table: OptionTable = {
    zone: flag('Words that go over more than one line of the right column, which is as wide as is left.'),
    'a-long-option': value('something that is longer than half of the line', 'Short.', { defaultValue: 'x' }),
    list: optionalValue(null, 'First line\nsecond line', { type: 'Integer' }),
  }
  expect(optionHelp(table)).toMatchInlineSnapshot(`
    "Option                                   Description                          
    ------                                   -----------                          
    --a-long-option <String: something       Short. (default: x)                  
      that is longer than half of the line>                                       
    --list [Integer]                         First line                           
                                             second line                          
    --zone                                   Words that go over more than one line
                                               of the right column, which is as   
                                               wide as is left.                   
    "
  `)
})
