/** When fetchers get and lose a partition, as its leader, its epoch and its replicas change. */
import { expect, test } from 'vitest'
import { SILENT } from '../base/logger.ts'
import { parseUuid, type Uuid } from '../base/uuid.ts'
import type { PartitionImage, TopicImage } from '../metadata/topics-image.ts'
import type { CreateOptions, LogManager } from '../storage/log-manager.ts'
import type { PartitionLog } from '../storage/partition-log.ts'
import { batchOf, testLog } from '../storage/test-log.ts'
import type { Partition } from './partition.ts'
import type { Followers } from './replica-fetchers.ts'
import { ReplicaManager } from './replica-manager.ts'
import { testContext } from './test-partition.ts'

const TOPIC_ID = parseUuid('2Ch-bPKwRkmeGTSzNm1tLg') as Uuid

/** Notes what happens, in order; `remove` ends when the test says so. */
class NotingFollowers implements Followers {
  readonly events: string[] = []
  resting: Promise<void> = Promise.resolve()

  add(partition: Partition): void {
    this.events.push(`follow ${partition.assignment.leader} in epoch ${partition.leaderEpoch}`)
  }

  async remove(partition: Partition): Promise<void> {
    this.events.push(`stop in epoch ${partition.leaderEpoch}`)
    await this.resting
    this.events.push('at rest')
  }
}

interface Setup {
  readonly followers: NotingFollowers
  readonly log: PartitionLog
  readonly partition: () => Partition | null
  readonly failDirectory: () => void
  /** Brings one partition to this state. */
  become(changes: Partial<PartitionImage>): Promise<void>
}

async function hosted(image: Partial<PartitionImage>): Promise<Setup> {
  const followers = new NotingFollowers()
  const log = await testLog().open()
  let failed: ((failure: unknown) => void) | null = null
  const logs = {
    getOrCreate: () => Promise.resolve(log),
    delete: async () => void followers.events.push('delete'),
    onMoved: () => {},
    onDirectoryFailed: (listener: (failure: unknown) => void) => (failed = listener),
  } as unknown as LogManager
  const manager = new ReplicaManager({ context: testContext(1), logs, logger: SILENT, followers })
  let current = { ...PARTITION, ...image }
  const become = async (changes: Partial<PartitionImage>): Promise<void> => {
    current = { ...current, partitionEpoch: current.partitionEpoch + 1, ...changes }
    const after: TopicImage = { name: 't', id: TOPIC_ID, partitions: [current] }
    await manager.apply([], [{ after, partitions: [0] }])
  }
  await become({})
  const failDirectory = (): void => failed?.({ partitions: [{ topic: 't', partition: 0 }] })
  return { followers, log, partition: () => manager.partition('t', 0), failDirectory, become }
}

const PARTITION: PartitionImage = {
  leader: 2,
  leaderEpoch: 5,
  partitionEpoch: 0,
  replicas: [1, 2, 3],
  isr: [1, 2, 3],
  directories: [],
  addingReplicas: [],
  removingReplicas: [],
  elr: [],
  lastKnownElr: [],
  leaderRecoveryState: 0,
}

test('a replica follows its leader, through changes of the ISR too, until the leader or its epoch is another', async () => {
  const { followers, become } = await hosted({})
  await become({ isr: [2] })
  await become({ isr: [2, 3] })
  expect(followers.events).toEqual(['follow 2 in epoch 5'])
  await become({ leaderEpoch: 6 })
  await become({ leader: -1, leaderEpoch: 7 })
  await become({ leader: 3, leaderEpoch: 8 })
  expect(followers.events.slice(1)).toEqual([
    ...['stop in epoch 5', 'at rest', 'follow 2 in epoch 6'],
    ...['stop in epoch 6', 'at rest'],
    ...['stop in epoch 7', 'at rest', 'follow 3 in epoch 8'],
  ])
})

test('the epoch of a new leader begins behind what was being appended of the old one', async () => {
  const { followers, log, partition, become } = await hosted({})
  let appended = (): void => {}
  followers.resting = new Promise((resolve) => (appended = resolve))
  const electing = become({ leader: 1, leaderEpoch: 6 })
  for (let turn = 0; turn < 20; turn++) await Promise.resolve()
  expect(partition()?.isLeader).toBe(false)
  await log.append(batchOf('from the old leader', 3), { epoch: 5, origin: 'client' }).written
  appended()
  await electing
  expect(partition()?.isLeader).toBe(true)
  expect(log.epochStarts.at(-1)).toEqual({ epoch: 6, startOffset: 3 })
  await become({ leader: 2, leaderEpoch: 7 })
  expect(followers.events.at(-1)).toBe('follow 2 in epoch 7')
})

test('a replica that is taken away is deleted when its log is at rest', async () => {
  const { followers, partition, become } = await hosted({})
  await become({ replicas: [2, 3], isr: [2, 3] })
  expect(partition()).toBe(null)
  expect(followers.events.slice(1)).toEqual(['stop in epoch 5', 'at rest', 'delete'])
})

test('a replica whose directory failed follows nobody', async () => {
  const { followers, failDirectory, become } = await hosted({})
  failDirectory()
  await become({ leader: 3, leaderEpoch: 6 })
  expect(followers.events.slice(1)).toEqual(['stop in epoch 5', 'at rest'])
})

test('only replicas that the node starts with may have logs in a directory that is offline', async () => {
  const asked: string[] = []
  const log = await testLog().open()
  const logs = {
    getOrCreate: (_topic: string, partition: number, { isNew }: CreateOptions) => {
      asked.push(`${partition} ${isNew ? 'new' : 'known'}`)
      return Promise.resolve(log)
    },
    onMoved: () => {},
    onDirectoryFailed: () => {},
  } as unknown as LogManager
  const followers = new NotingFollowers()
  const manager = new ReplicaManager({ context: testContext(1), logs, logger: SILENT, followers })
  const elsewhere = { ...PARTITION, replicas: [2, 3] }
  await manager.load([{ name: 't', id: TOPIC_ID, partitions: [PARTITION, elsewhere] }])
  const after = { name: 't', id: TOPIC_ID, partitions: [PARTITION, { ...elsewhere, replicas: [2, 3, 1] }, PARTITION] }
  await manager.apply([], [{ after, partitions: [1, 2] }])
  expect(asked).toEqual(['0 known', '1 new', '2 new'])
  await log.close()
})
