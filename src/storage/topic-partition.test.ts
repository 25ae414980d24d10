import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { markedDirectoryName, parsePartitionDirectory, topicPartitionName } from './topic-partition.ts'
import type { Random } from '../world/world.ts'

const random: Random = { uint32: () => 7, below: () => 0, bytes: (length) => Buffer.alloc(length, 0xab) }

test('every directory name of a Kafka log dir is understood, live ones written back the same', () => {
  const names = readFileSync('test/golden/storage/text/directory-names.txt', 'utf8').trim().split('\n')
  const kinds = { live: 0, delete: 0, future: 0, stray: 0 }
  for (const name of names) {
    const parsed = parsePartitionDirectory(name)
    if (parsed === null) expect.unreachable(name)
    else {
      kinds[parsed.kind]++
      if (parsed.kind === 'live') expect(topicPartitionName(parsed.topic, parsed.partition)).toBe(name)
      else expect(name.startsWith(`${topicPartitionName(parsed.topic, parsed.partition)}.`)).toBe(true)
    }
  }
  expect(kinds.live).toBeGreaterThan(40)
  expect(kinds.delete).toBeGreaterThan(2)
  expect(kinds.stray).toBeGreaterThan(0)
})

test.each([
  ['a-1-2-0', 'a-1-2', 0, 'live'],
  ['x-delete-0', 'x-delete', 0, 'live'],
  ['T_with.dots-and_under-delete-3', 'T_with.dots-and_under-delete', 3, 'live'],
  ['t-1.945855a92dd747cea0a6fe74c32f8672-delete', 't', 1, 'delete'],
  ['a.b-1.945855a92dd747cea0a6fe74c32f8672-future', 'a.b', 1, 'future'],
  ['a-b-12.id-stray', 'a-b', 12, 'stray'],
])('%s is partition directory of topic %s', (name, topic, partition, kind) => {
  expect(parsePartitionDirectory(name)).toEqual({ topic, partition, kind })
})

test.each([
  '',
  'lost+found',
  'config',
  '-0',
  'topic-',
  'topic-x',
  'topic-1.5',
  'topic-delete',
  'topic-1-delete',
  'topic-2147483648',
  'topic.id-stray',
  'a b-0.x-delete ',
])('a directory named %j is none of a partition', (name) => expect(parsePartitionDirectory(name)).toBe(null))

test('a marked name ends with 32 hexadecimal digits and the suffix', () => {
  const name = markedDirectoryName({ topic: 't', partition: 3 }, 'delete', random)
  expect(name).toBe(`t-3.${'ab'.repeat(16)}-delete`)
  expect(parsePartitionDirectory(name)).toEqual({ topic: 't', partition: 3, kind: 'delete' })
})

test('a marked name never passes 255 characters: the topic is cut, the partition kept', () => {
  const name = markedDirectoryName({ topic: 'x'.repeat(249), partition: 123456 }, 'future', random)
  expect(name.length).toBe(255)
  expect(parsePartitionDirectory(name)).toMatchObject({ partition: 123456, kind: 'future' })
})
