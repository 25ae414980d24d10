import { expect, test } from 'vitest'
import { lineReader, linesOf } from './line-reader.ts'

async function lines(...pieces: (string | Buffer)[]): Promise<string[]> {
  const input = (async function* () {
    for (const piece of pieces) yield Buffer.from(piece)
  })()
  const all: string[] = []
  for await (const some of linesOf(input)) all.push(...some)
  return all
}

test('lines end with any of the three ends, wherever the input is cut; the last one needs none', async () => {
  expect(await lines('a\r', '\nb\rc\n\nd')).toEqual(['a', 'b', 'c', '', 'd'])
  expect(await lines('a\n')).toEqual(['a'])
  expect(await lines('a\r')).toEqual(['a'])
  expect(await lines()).toEqual([])
})

test('a character that is cut in two is whole again', async () => {
  const bytes = Buffer.from('grüße\n')
  expect(await lines(bytes.subarray(0, 3), bytes.subarray(3))).toEqual(['grüße'])
})

test('headers, key and value come in this order, each where it is asked for', () => {
  const all = lineReader(
    new Map([
      ['parse.key', 'true'],
      ['parse.headers', 'TRUE'],
    ]),
  )
  expect(all.read('h1:v1,h2:a:b\tkey\tvalue\twith a tab', 1)).toEqual({
    key: 'key',
    value: 'value\twith a tab',
    headers: [
      ['h1', 'v1'],
      ['h2', 'a:b'],
    ],
  })
  expect(lineReader(new Map()).read('a\tb', 1)).toEqual({ key: null, value: 'a\tb', headers: [] })
})

test('what equals the null marker is null, but a key of a header may not be', () => {
  const reader = lineReader(
    new Map([
      ['parse.key', 'true'],
      ['parse.headers', 'true'],
      ['null.marker', 'NULL'],
    ]),
  )
  expect(reader.read('NULL\tNULL\tNULL', 1)).toEqual({ key: null, value: null, headers: [] })
  expect(reader.read('h:NULL\tk\tv', 1).headers).toEqual([['h', null]])
  expect(() => reader.read('NULL:v\tk\tv', 1)).toThrow("Header keys should not be equal to the null marker 'NULL'")
})

test('a line without a separator is refused with its number, or taken as it is with ignore.error', () => {
  const strict = lineReader(new Map([['parse.key', 'true']]))
  expect(() => strict.read('novalue', 7)).toThrow("No key separator found on line number 7: 'novalue'")
  const lenient = lineReader(
    new Map([
      ['parse.key', 'true'],
      ['ignore.error', 'true'],
    ]),
  )
  expect(lenient.read('novalue', 7)).toEqual({ key: null, value: 'novalue', headers: [] })
})
