import { expect, test } from 'vitest'
import { aclOptions } from './acl-options.ts'
import { aclWishes, entryText, patternText } from './acl-wishes.ts'

/** `TOPIC orders: WRITE, DESCRIBE` */
function wishes(...argv: readonly string[]): string[] {
  const all = aclWishes(aclOptions(['--bootstrap-server', 'h:1', '--add', ...argv]))
  return all.map(({ pattern, entries }) => {
    const operations = entries.map(({ operation }) => operation)
    return `${pattern.resourceType} ${pattern.resourceName}: ${operations.join(', ')}`
  })
}
const ALICE = ['--allow-principal', 'User:alice'] as const

test('what a producer and a consumer need', () => {
  const producer = ['--producer', '--topic', 'orders', '--transactional-id', 'tx'] as const
  const ofProducer = ['TOPIC orders: WRITE, DESCRIBE, CREATE', 'TRANSACTIONAL_ID tx: WRITE, DESCRIBE']
  expect(wishes(...ALICE, ...producer)).toEqual(ofProducer)
  expect(wishes(...ALICE, ...producer, '--idempotent')).toEqual([
    ...ofProducer,
    'CLUSTER kafka-cluster: IDEMPOTENT_WRITE',
  ])
  const consumer = ['--consumer', '--topic', 'orders', '--group', 'g'] as const
  expect(wishes(...ALICE, ...consumer)).toEqual(['TOPIC orders: READ, DESCRIBE', 'GROUP g: READ'])
  expect(wishes(...ALICE, '--producer', ...consumer)).toEqual([
    'TOPIC orders: WRITE, DESCRIBE, CREATE, READ',
    'GROUP g: READ',
  ])
})

test('an entry for each who, where and what, once', () => {
  const [wish] = aclWishes(
    aclOptions(
      '--bootstrap-server h:1 --add --topic a --operation read --operation Read --allow-principal User:a --allow-principal User:b --allow-host 10.0.0.1 --deny-principal User:c --resource-pattern-type prefixed'.split(
        ' ',
      ),
    ),
  )
  expect(wish && patternText(wish.pattern)).toBe('ResourcePattern(resourceType=TOPIC, name=a, patternType=PREFIXED)')
  expect(wish?.entries.map(entryText)).toEqual([
    '(principal=User:a, host=10.0.0.1, operation=READ, permissionType=ALLOW)',
    '(principal=User:b, host=10.0.0.1, operation=READ, permissionType=ALLOW)',
    '(principal=User:c, host=*, operation=READ, permissionType=DENY)',
  ])
})

test.each([
  [['--topic', 'a'], 'You must specify one of', false],
  [[...ALICE, '--topic', 'a', '--operation', 'ClusterAction'], 'ResourceType TOPIC only supports operations [', true],
  [['--allow-principal', 'alice', '--topic', 'a'], 'expected a string in format principalType:principalName', true],
  [[...ALICE], 'You must provide at least one resource', true],
])('%s', (argv, sentence, isRefused) => {
  if (isRefused) expect(() => wishes(...argv)).toThrow(sentence)
  else expect(wishes(...argv)).toEqual(['TOPIC a: '])
})
