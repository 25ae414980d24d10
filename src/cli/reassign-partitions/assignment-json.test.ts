import { expect, test } from 'vitest'
import { assignmentText, parseExecutable, parseReassignment, parseTopics } from './assignment-json.ts'

const file = (...partitions: readonly object[]) => JSON.stringify({ version: 1, partitions })
const ONE = { topic: 'a', partition: 0, replicas: [1, 2] }

test('what is proposed can be executed', () => {
  const partitions = [{ topic: 'b', partition: 10, replicas: [2] }, { topic: 'b', partition: 9, replicas: [1] }, ONE]
  const text = assignmentText(partitions, (_, broker) => (broker === 2 ? '/data' : 'any'))
  expect(text).toBe(
    '{"version":1,"partitions":[{"topic":"a","partition":0,"replicas":[1,2],"log_dirs":["any","/data"]},' +
      '{"topic":"b","partition":9,"replicas":[1],"log_dirs":["any"]},' +
      '{"topic":"b","partition":10,"replicas":[2],"log_dirs":["/data"]}]}',
  )
  expect(parseExecutable(text).moves).toEqual([
    { topic: 'a', partition: 0, brokerId: 2, logDir: '/data' },
    { topic: 'b', partition: 10, brokerId: 2, logDir: '/data' },
  ])
})

test.each([
  [file(), 'Partition reassignment list cannot be empty'],
  [file({ ...ONE, replicas: [] }), 'Partition replica list cannot be empty'],
  [file(ONE, ONE), 'Partition reassignment contains duplicate topic partitions: a-0'],
  [file({ ...ONE, replicas: [1, 1] }), 'may not contain duplicate entries: a-0 contains multiple entries for 1'],
  [
    file({ ...ONE, log_dirs: ['any'] }),
    'Size of replicas list [1, 2] is different from size of log dirs list [any] for partition a-0',
  ],
  [file({ topic: 'a', partition: 0 }), 'No such field exists: `replicas`'],
  [file({ ...ONE, replicas: ['1'] }), 'Expected JSON array'],
  ['{"version":2}', 'Not supported version field value 2'],
  ['[]', 'Expected JSON object'],
  ['nothing', "Unrecognized token 'nothing'"],
])('%s is refused', (text, sentence) => {
  expect(() => parseExecutable(text)).toThrow(sentence)
})

test('an empty plan can be looked at, and topics are named once', () => {
  expect(parseReassignment('{}')).toEqual({ partitions: [], moves: [] })
  expect(parseTopics('{"topics":[{"topic":"a"},{"topic":"b"}]}')).toEqual(['a', 'b'])
  expect(() => parseTopics('{"topics":[{"topic":"a"},{"topic":"a"}]}')).toThrow('contains duplicate entries: [a]')
  expect(() => parseTopics('x')).toThrow('The input string is not a valid JSON')
})
