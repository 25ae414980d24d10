import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { SILENT } from './base/logger.ts'
import { startCluster, type Cluster } from './broker.ts'
import { Klamm } from './index.ts'
import { MemoryDisk } from './world/memory-disk.ts'
import { MemoryVolume } from './world/memory-volume.ts'
import { nodeWorld } from './world/node/index.ts'

const directory = mkdtempSync(join(tmpdir(), 'klamm-cluster-'))
afterAll(() => rmSync(directory, { recursive: true }))

async function topicOn(cluster: Cluster, topic: string, brokers: readonly number[]): Promise<void> {
  await using kafka = new Klamm({ brokers: cluster.bootstrapServers })
  const admin = kafka.admin()
  const created = await admin.createTopics([{ name: topic, replicasAssignments: brokers.map((id) => [id]) }])
  created.all()
}

test('records go to every broker of a cluster and come back, also after one was killed and started again', async () => {
  await using cluster = await startCluster({ nodes: 3 })
  expect(cluster.brokers.map(({ id, isRunning }) => [id, isRunning])).toEqual([
    [1, true],
    [2, true],
    [3, true],
  ])
  await topicOn(cluster, 't', [1, 2, 3])
  await using kafka = new Klamm({ brokers: cluster.bootstrapServers })
  const producer = kafka.producer()
  for (const partition of [0, 1, 2]) await producer.send({ topic: 't', partition, value: `to ${partition}` })
  await cluster.broker(2).kill()
  expect(cluster.broker(2).isRunning).toBe(false)
  await producer.send({ topic: 't', partition: 0, value: 'while 2 is away' })
  await cluster.broker(2).start()
  await producer.send({ topic: 't', partition: 1, value: 'again' })
  const consumer = kafka.consumer({ offsetReset: 'earliest' })
  consumer.assign([0, 1, 2].map((partition) => ({ topic: 't', partition })))
  const values: string[] = []
  for await (const batch of consumer) {
    for (const record of batch) values.push(String(record.value))
    if (values.length === 5) break
  }
  expect(values.sort()).toEqual(['again', 'to 0', 'to 1', 'to 2', 'while 2 is away'])
})

test('with three brokers every partition has three replicas: any of them may be killed, and nothing acknowledged is lost', async () => {
  await using cluster = await startCluster({ nodes: 3, config: { 'num.partitions': '3' } })
  await using kafka = new Klamm({ brokers: cluster.bootstrapServers })
  const admin = kafka.admin()
  const made = await admin.createTopics([{ name: 'r' }])
  made.all()
  const inSync = async (): Promise<number[]> => {
    const described = await admin.describeTopics(['r'])
    return described.get('r').partitions.map(({ isr }) => isr.length)
  }
  const producer = kafka.producer()
  const sent: string[] = []
  const send = async (): Promise<void> => {
    for (let partition = 0; partition < 3; partition++) {
      const value = `value ${sent.length}`
      await producer.send({ topic: 'r', partition, value })
      sent.push(value)
    }
  }
  await send()
  for (const id of [1, 2, 3]) {
    await cluster.broker(id).kill()
    await send()
    await cluster.broker(id).start()
    await until(async () => (await inSync()).every((count) => count === 3))
  }
  const consumer = kafka.consumer({ groupId: 'g', offsetReset: 'earliest' })
  consumer.subscribe(['r'])
  const values: string[] = []
  for await (const batch of consumer) {
    for (const record of batch) values.push(String(record.value))
    if (values.length >= sent.length) break
  }
  expect(values.sort()).toEqual(sent.sort())
})

test('a cluster is up when every broker knows of all, also one whose disk is slow to take what the others already know', async () => {
  const real = nodeWorld()
  const atOnce: (() => void)[] = []
  let isFirstUp = false
  // Broker 3 waits for broker 1; from then on the metadata log of broker 1 gets each write late.
  const isSlow = (path: string): boolean => isFirstUp && path.includes('/broker-1/__cluster_metadata-0/')
  const volume = new MemoryVolume({
    wallMs: () => real.clock.wallMs(),
    schedule({ path }, effect, complete) {
      const run = (): void => {
        effect()
        real.clock.soon(complete)
      }
      if (isSlow(path)) real.clock.at(real.clock.monotonicMs() + 100, run)
      else if (!isFirstUp && path.includes('/broker-3/__cluster_metadata-0/')) atOnce.push(run)
      else run()
    },
    faults: { failure: () => null, spoil: () => {}, wrote: () => {}, refusesWriteNow: isSlow },
    trackUnsynced: false,
    shuffle: null,
  })
  const logger = {
    ...SILENT,
    info(message: string) {
      if (isFirstUp || !message.includes('nodeId=1] Klamm serves')) return
      isFirstUp = true
      for (const run of atOnce.splice(0)) run()
    },
  }
  await using cluster = await startCluster({ nodes: 3, logger, world: { ...real, disk: new MemoryDisk(volume) } })
  for (const { address } of cluster.brokers) {
    await using kafka = new Klamm({ brokers: [address] })
    const { nodes } = await kafka.admin().describeCluster()
    expect(nodes.map(({ id }) => id).sort()).toEqual([1, 2, 3])
  }
})

async function until(holds: () => Promise<boolean>): Promise<void> {
  // Each question is answered by a broker, so this gives the others their turn.
  while (!(await holds()));
}

test('a cluster on disk is the same one the next time, and may have more brokers', async () => {
  let clusterId = ''
  // All three controllers run on one loop: held up for two seconds, each would believe that the others are gone, and a topic that is
  // made while they elect somebody may be made though its client is told to ask again.
  const config = { 'controller.quorum.fetch.timeout.ms': 60_000 }
  {
    await using first = await startCluster({ nodes: 1, controllers: 3, directory, config })
    clusterId = first.clusterId
    await topicOn(first, 'kept', [1])
  }
  await using second = await startCluster({ nodes: 2, controllers: 3, directory })
  expect(second.clusterId).toBe(clusterId)
  await using kafka = new Klamm({ brokers: second.bootstrapServers })
  const admin = kafka.admin()
  expect((await admin.listTopics()).map(({ name }) => name)).toEqual(['kept'])
  expect((await admin.describeCluster()).nodes.map(({ id }) => id)).toEqual([1, 2])
})

test('what can not be a cluster is refused in a sentence', async () => {
  await expect(startCluster({ nodes: 0 })).rejects.toThrow('A local cluster has 1 to 64 brokers, not 0.')
  await expect(startCluster({ node: 3 } as never)).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: 'There is no option node: did you mean nodes?',
  })
  await expect(startCluster({ controllers: 9 })).rejects.toThrow('1 to 7 controllers')
  await expect(startCluster({ directory, controllers: 1 })).rejects.toThrow('made with 3 controllers')
  await expect(startCluster({ config: { 'num.io.threads': 'x' } })).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
})
