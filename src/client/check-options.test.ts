/** What JavaScript users are told of options and arguments that TypeScript would not take. */
import { expect, test } from 'vitest'
import { SeededWorld } from '../testing/seeded-world.ts'
import { withAdmin } from './admin/test-admin.ts'
import { flag, needed, number, text, type Shape } from './expected.ts'
import { KlammClient } from './klamm.ts'

const kafka = new KlammClient(new SeededWorld(1), { brokers: 'broker:9092' })
type Refused = readonly [given: unknown, sentence: string]

function told(refused: readonly Refused[], make: (given: never) => unknown): void {
  for (const [given, sentence] of refused) {
    const error = thrown(() => make(given as never))
    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' })
    expect(String((error as Error).message)).toContain(sentence)
  }
}

function thrown(task: () => unknown): unknown {
  try {
    task()
  } catch (error) {
    return error
  }
  return 'nothing was thrown'
}

test('options of Klamm: names that nobody knows, with what was meant, and kinds', () => {
  told(
    [
      [undefined, 'new Klamm takes an object of options, and was given undefined.'],
      ['broker:9092', "new Klamm takes an object of options, and was given the string 'broker:9092'."],
      [{ brokers: 'broker:9092', clientID: 'me' }, 'There is no option clientID: did you mean clientId?'],
      [{ brokers: 'broker:9092', 'client.id': 'me' }, 'There is no option client.id: did you mean clientId?'],
      [{ 'bootstrap.servers': 'broker:9092' }, 'There is no option bootstrap.servers: did you mean brokers?'],
      [{ brokers: 'broker:9092', ssl: true }, 'There is no option ssl: did you mean tls?'],
      [
        { brokers: 'broker:9092', requestTimeout: 5 },
        'There is no option requestTimeout: did you mean requestTimeoutMs?',
      ],
      [
        { brokers: 'broker:9092', favourite: 'red' },
        'There is no option favourite: there are brokers, controllers, tls,',
      ],
      [{ brokers: 9092 }, 'brokers must be a string or a list, and is the number 9092.'],
      [{ brokers: ['a:1', 2] }, 'brokers[1] must be a string, and is the number 2.'],
      [{ brokers: 'kafka://broker' }, "'kafka://broker' is not an address of a broker: it must be host:port."],
      [{ brokers: 'broker:9092', clientId: null }, 'clientId must be a string, and is null.'],
      [
        { brokers: 'broker:9092', requestTimeoutMs: '30' },
        "requestTimeoutMs must be a number, and is the string '30'.",
      ],
      [
        { brokers: 'broker:9092', logger: () => {} },
        'logger must be an object with debug(), info(), warn(), error(), and is a function.',
      ],
      [{ brokers: 'broker:9092', tls: 'yes' }, "tls must be true or false or an object, and is the string 'yes'."],
      [{ brokers: 'broker:9092', tls: { CA: 'x' } }, 'There is no option tls.CA: did you mean ca?'],
      [{ brokers: 'broker:9092', tls: { ca: [5] } }, 'tls.ca[0] must be a string or a Buffer, and is the number 5.'],
      [{ brokers: 'broker:9092', sasl: 'plain' }, "sasl must be an object with mechanism, and is the string 'plain'."],
      [{ brokers: 'broker:9092', sasl: { mechanism: 'plain' } }, 'sasl.mechanism must be PLAIN'],
      [
        { brokers: 'broker:9092', sasl: { mechanism: 'PLAIN', user: 'a', password: 'b' } },
        'There is no option sasl.user: did you mean username?',
      ],
      [
        { brokers: 'broker:9092', sasl: { mechanism: 'PLAIN', username: 'a' } },
        'sasl.password must be a string, and is undefined.',
      ],
    ],
    (options) => new KlammClient(new SeededWorld(1), options),
  )
})

test('options of producers and consumers: of others too, and where to give them', () => {
  told(
    [
      [{ groupID: 'g' }, 'There is no option groupID: did you mean groupId?'],
      [{ fromBeginning: true }, "There is no option fromBeginning: did you mean offsetReset: 'earliest'?"],
      [{ brokers: 'b:1' }, 'brokers is not an option here: give it to new Klamm.'],
      [{ lingerMs: 5 }, 'lingerMs is not an option here: give it to producer.'],
      [{ groupId: 5 }, 'groupId must be a string, and is the number 5.'],
      [{ autoCommit: 'false' }, "autoCommit must be true or false, and is the string 'false'."],
      [{ isolationLevel: 1 }, "isolationLevel must be 'read_uncommitted' or 'read_committed', and is the number 1."],
      [{ value: JSON.parse }, 'value must be an object with deserialize(), and is a function.'],
      [{ onRebalance: { assign: () => {} } }, 'There is no option onRebalance.assign: did you mean assigned?'],
      ['group', "consumer takes an object of options, and was given the string 'group'."],
      [null, 'consumer takes an object of options, and was given null.'],
    ],
    (options) => kafka.consumer(options),
  )
  told(
    [
      [{ linger: 5 }, 'There is no option linger: did you mean lingerMs?'],
      [{ acks: 2 }, "acks must be 0, 1, -1 or 'all', and is the number 2."],
      [{ groupId: 'g' }, 'groupId is not an option here: give it to consumer.'],
      [
        { partitioner: 'murmur2' },
        "partitioner must be 'default' or 'roundRobin' or a function, and is the string 'murmur2'.",
      ],
    ],
    (options) => kafka.producer(options),
  )
  told(
    [
      [undefined, 'shareConsumer takes an object of options, and was given undefined.'],
      [{}, 'groupId must be a string, and is undefined.'],
      [{ groupId: 'g', maxPollRecord: 5 }, 'There is no option maxPollRecord: did you mean maxPollRecords?'],
    ],
    (options) => kafka.shareConsumer(options),
  )
})

test('what is left out as undefined is left out', async () => {
  await kafka.consumer({ groupId: undefined, rack: undefined } as never).close()
})

test('methods of a consumer tell of their arguments before they do anything', async () => {
  const consumer = kafka.consumer()
  told(
    [
      [
        undefined,
        'subscribe: topics must be a name, a list of names, a RegExp or a SubscriptionPattern, and is undefined.',
      ],
      ['', 'subscribe: topics must be a name'],
      [['a', 5], 'subscribe: topics[1] must be a string that is not empty, and is the number 5.'],
      [{ topics: ['a'] }, 'subscribe: topics must be a name'],
    ],
    (topics) => consumer.subscribe(topics),
  )
  told(
    [
      ['t', "assign: partitions must be a list, and is the string 't'."],
      [['t'], "assign: partitions[0] must be an object, and is the string 't'."],
      [
        [{ topic: 't', partition: '0' }],
        "assign: partitions[0].partition must be a whole number, and is the string '0'.",
      ],
    ],
    (partitions) => consumer.assign(partitions),
  )
  await expect(consumer.poll({ timeout: 100 } as never)).rejects.toThrow(
    'There is no option poll: timeout: did you mean timeoutMs?',
  )
  await expect(consumer.poll(100 as never)).rejects.toThrow('poll: options must be an object, and is the number 100.')
  await expect(consumer.committed(undefined as never)).rejects.toThrow('committed: partitions must be a list')
  await consumer.close()
})

test('a place to read from is not given to assign, which would leave it out', async () => {
  const consumer = kafka.consumer({})
  const partition = { topic: 't', partition: 0, offset: 'earliest' }
  expect(() => consumer.assign([partition as never])).toThrow(
    "assign: partitions[0].offset must be left out: seek to it after assign, and is the string 'earliest'.",
  )
  consumer.assign([{ topic: 't', partition: 0 }])
  await consumer.close()
})

test('methods of the Admin reject with what is wrong, and ask nobody', async () => {
  await withAdmin({ nodes: 1 }, async ({ admin, cluster }) => {
    const given = admin as unknown as Readonly<Record<string, (...given: readonly unknown[]) => Promise<unknown>>>
    const refused: [method: string, given: readonly unknown[], sentence: string][] = [
      ['createTopics', [], 'createTopics: newTopics must be a list, and is undefined.'],
      ['createTopics', ['t'], "createTopics: newTopics must be a list, and is the string 't'."],
      ['createTopics', [['t']], "createTopics: newTopics[0] must be an object, and is the string 't'."],
      ['createTopics', [[{ topic: 't' }]], 'There is no option createTopics: newTopics[0].topic'],
      ['createTopics', [[{ name: '' }]], 'createTopics: newTopics[0].name must be a string that is not empty'],
      ['createTopics', [[{ name: 't', partitions: 3 }]], 'newTopics[0].partitions: did you mean numPartitions?'],
      [
        'createTopics',
        [[{ name: 't', configs: { 'retention.ms': 5 } }]],
        'configs.retention.ms must be a string, and is the number 5.',
      ],
      [
        'createTopics',
        [[{ name: 't' }], { validate: true }],
        'There is no option createTopics: validate: did you mean validateOnly?',
      ],
      ['deleteTopics', ['t'], "deleteTopics: collection must be a list or an object, and is the string 't'."],
      ['describeConsumerGroups', ['g'], "describeConsumerGroups: groupIds must be a list, and is the string 'g'."],
      [
        'listOffsets',
        [[{ topic: 't', partition: 0 }]],
        "listOffsets: specs[0].spec must be 'latest', 'earliest', 'maxTimestamp', 'earliestLocal', 'latestTiered' or " +
          "'earliestPendingUpload' or an object, and is undefined.",
      ],
      ['listOffsets', [[{ topic: 't', partition: 0, spec: 'end' }]], "and is the string 'end'."],
      [
        'listOffsets',
        [[{ topic: 't', partition: 0, spec: { timestampMs: 5 } }]],
        'timestampMs: did you mean timestamp?',
      ],
      [
        'listTopics',
        [{ timeoutMs: 'x' }],
        "listTopics: options.timeoutMs must be a number of milliseconds from 0 on, and is the string 'x'.",
      ],
      ['alterUserScramCredentials', [[{ user: 'u', mechanism: 'SCRAM-SHA-256' }]], 'alterations[0].password must be'],
    ]
    for (const [method, args, sentence] of refused) {
      const error = await given[method]!.call(admin, ...args).catch((reason: unknown) => reason)
      expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' })
      expect(String((error as Error).message)).toContain(sentence)
    }
    expect(cluster.log).toEqual([])
  })
})

test('a table that lacks an option, has one too many or another kind of value does not compile', () => {
  interface Options {
    readonly a: string
    readonly b?: number
  }
  const right: Shape<Options> = { a: needed(text), b: number }
  // @ts-expect-error -- b is missing
  const lacking: Shape<Options> = { a: needed(text) }
  // @ts-expect-error -- c is none
  const more: Shape<Options> = { a: needed(text), b: number, c: flag }
  // @ts-expect-error -- b is a number
  const other: Shape<Options> = { a: needed(text), b: text }
  // @ts-expect-error -- a may not be left out
  const optional: Shape<Options> = { a: text, b: number }
  expect([right, lacking, more, other, optional]).toHaveLength(5)
})
