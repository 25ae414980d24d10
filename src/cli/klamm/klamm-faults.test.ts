import { tmpdir } from 'node:os'
import { afterEach, expect, test } from 'vitest'
import { ERROR_CODES } from '../../base/error-codes.ts'
import { CreateTopics } from '../../protocol/generated/create-topics.ts'
import { HANG_UP, ScriptedCluster } from '../../testing/scripted/scripted-cluster.ts'
import { nodeWorld } from '../../world/node/index.ts'
import { runInMemory } from '../tool/memory-host.ts'
import { klamm } from './klamm.ts'

let cluster: ScriptedCluster | null = null
afterEach(async () => {
  await cluster?.close()
  cluster = null
})

async function start(): Promise<ScriptedCluster> {
  // Without DescribeCluster the Admin asks for Metadata.
  cluster = await ScriptedCluster.start(nodeWorld(), { topics: { orders: 1 }, versions: { DescribeCluster: null } })
  return cluster
}

function run(brokers: readonly string[], ...argv: readonly string[]) {
  const environment = { KLAMM_BROKERS: brokers.join(','), XDG_CONFIG_HOME: `${tmpdir()}/no-such-directory` }
  return runInMemory(klamm, argv, { world: nodeWorld(), environment })
}

function answer(name: string, errorCode: number, errorMessage: string | null = null) {
  return { topics: [{ name, errorCode, errorMessage }] }
}

test('what a broker refuses is told by its code and sentence, with exit code 1', async () => {
  const { bootstrap } = await start()
  cluster?.on(CreateTopics, () => answer('secret', ERROR_CODES.TOPIC_AUTHORIZATION_FAILED, 'Authorization failed.'))
  expect(await run(bootstrap, 'topics', 'create', 'secret')).toEqual({
    exitCode: 1,
    out: 'secret: not created.\n',
    error: 'klamm: TOPIC_AUTHORIZATION_FAILED: Authorization failed.\n',
  })
})

test('a connection that is lost is made again, and the command ends well', async () => {
  const { bootstrap } = await start()
  cluster?.on(CreateTopics, () => answer('fresh', 0))
  cluster?.once(CreateTopics, () => HANG_UP)
  expect(await run(bootstrap, 'topics', 'create', 'fresh')).toEqual({
    exitCode: 0,
    out: 'fresh: created.\n',
    error: '',
  })
  expect(cluster?.count(CreateTopics)).toBe(2)
})

test('one broker of several that is gone is no matter', async () => {
  const { bootstrap } = await start()
  cluster?.on(CreateTopics, () => answer('fresh', 0))
  expect((await run(['127.0.0.1:1', ...bootstrap], 'topics', 'create', 'fresh')).exitCode).toBe(0)
})
