import { expect, test } from 'vitest'
import { parseBrokerConfig } from '../config/parse-broker-config.ts'
import type { ControllerApi } from '../controller/controller-api.ts'
import type { CreateTopicsRequest } from '../protocol/generated/create-topics.ts'
import { AutoTopics } from './auto-topics.ts'

const { config } = parseBrokerConfig(
  new Map([
    ['process.roles', 'broker,controller'],
    ['node.id', '1'],
    ['listeners', 'PLAINTEXT://:9092,CONTROLLER://:9093'],
    ['controller.listener.names', 'CONTROLLER'],
    ['controller.quorum.voters', '1@localhost:9093'],
    ['num.partitions', '2'],
  ]),
)

/** Remembers what it was asked for; refuses names with a dot. */
function controller(): { api: Pick<ControllerApi, 'createTopics'>; asked: string[][] } {
  const asked: string[][] = []
  return {
    asked,
    api: {
      createTopics: (request: CreateTopicsRequest) => {
        asked.push(request.topics.map(({ name }) => name))
        const topics = request.topics.map(({ name }) => ({ name, errorCode: name.includes('.') ? 17 : 0 }))
        return Promise.resolve({ topics })
      },
    },
  }
}

test('the names of one request are created together, and each has its own outcome', async () => {
  const { api, asked } = controller()
  const topics = new AutoTopics(api, () => config)
  const failed = await topics.create(['a', 'b.c', 'a', '__share_group_state', 'd'])
  expect(asked).toEqual([['a', 'b.c', 'd']])
  expect([...failed]).toEqual([
    ['__share_group_state', 'UNKNOWN_TOPIC_OR_PARTITION'],
    ['b.c', 'UNKNOWN_TOPIC_OR_PARTITION'],
  ])
  expect([...(await topics.create(['..']))]).toEqual([['..', 'INVALID_TOPIC_EXCEPTION']])
})

test('a name that is under creation is waited for, not asked for again', async () => {
  const { api, asked } = controller()
  const topics = new AutoTopics(api, () => config)
  const [first, second] = await Promise.all([topics.create(['a', 'b.b']), topics.create(['b.b', 'c'])])
  expect(asked).toEqual([['a', 'b.b'], ['c']])
  for (const failed of [first, second]) expect([...failed]).toEqual([['b.b', 'UNKNOWN_TOPIC_OR_PARTITION']])
})

test('3,000 names are a few requests of at most 500 partitions', async () => {
  const { api, asked } = controller()
  const names = Array.from({ length: 3000 }, (_, at) => `t${at}`)
  expect((await new AutoTopics(api, () => config).create(names)).size).toBe(0)
  expect(asked).toHaveLength(12)
  expect(asked.flat()).toEqual(names)
})
