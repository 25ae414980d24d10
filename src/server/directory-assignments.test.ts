/** What a broker tells its controller of where its replicas lie, with a controller that decides and sometimes doesn't answer. */
import { expect, test } from 'vitest'
import { OperationalError } from '../base/errors.ts'
import { SILENT, type Logger } from '../base/logger.ts'
import type { Uuid } from '../base/uuid.ts'
import { assignReplicasToDirs } from '../controller/assign-directories.ts'
import { partitionRecord } from '../metadata/image-records.ts'
import { metadataRecord } from '../metadata/metadata-records.ts'
import { AssignReplicasToDirsResponse } from '../protocol/generated/assign-replicas-to-dirs.ts'
import type { DirectoryFailure } from '../storage/log-manager.ts'
import type { PartitionLog } from '../storage/partition-log.ts'
import { DecidedCluster, directoryId, TOPIC_ID } from '../testing/decided-cluster.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { DirectoryAssignments } from './directory-assignments.ts'

const OLD = directoryId(1)
const NEW = 'nLiBKRtUTHOn4PqZgTBHRQ' as Uuid
const REPLICA = { topic: 't', partition: 0, topicId: TOPIC_ID }

function broker(metadataVersion?: number) {
  const cluster = new DecidedCluster(metadataVersion === undefined ? {} : { metadataVersion })
  cluster.join(1, 2)
  cluster.topic([
    [1, 2],
    [2, 1],
  ])
  const clock = new ManualClock()
  const warnings: string[] = []
  const logger: Logger = { ...SILENT, warn: (line) => void warnings.push(line) }
  /** Of both partitions. */
  const lies: (Uuid | null)[] = [OLD, OLD]
  let moved: (log: PartitionLog) => void = () => {}
  let failed: (failure: DirectoryFailure) => void = () => {}
  let failures = 0
  const requests: number[] = []
  const assignments = new DirectoryAssignments({
    nodeId: 1,
    clock,
    logger,
    logs: {
      directoryOf: (_topic, partition) => {
        const id = lies[partition] ?? null
        return id === null ? null : { path: '/d', id }
      },
      onMoved: (listener) => void (moved = listener),
      onDirectoryFailed: (listener) => void (failed = listener),
    },
    controller: {
      assignReplicasToDirs: async (request) => {
        requests.push(clock.monotonicMs())
        if (failures-- > 0) throw new OperationalError('NETWORK_FAILED', 'the controller is away')
        const answer = cluster.decide((state) => assignReplicasToDirs(state, request))
        // As the publisher does with what is committed.
        clock.soon(() => assignments.check(['t']))
        return AssignReplicasToDirsResponse.make(answer)
      },
    },
    image: () => cluster.image,
    brokerEpoch: () => cluster.epoch(1),
  })
  const directories = (): (Uuid | undefined)[] => [
    cluster.partition(0).directories[0],
    cluster.partition(1).directories[1],
  ]
  const fail = (count: number): void => void (failures = count)
  const swap = (partition: number, to: Uuid): void => {
    lies[partition] = to
    moved({ topicPartition: { topic: 't', partition } } as PartitionLog)
  }
  /** Of the first partition. */
  const failDirectory = (id: Uuid): void => {
    lies[0] = null
    failed({ path: '/d', id, error: null, partitions: [REPLICA], liveDirectories: 1 })
  }
  return { cluster, clock, warnings, lies, assignments, directories, requests, fail, swap, failDirectory }
}

test('what lies elsewhere than the metadata says is told once the broker is registered', async () => {
  const { clock, lies, assignments, directories, requests } = broker()
  lies[1] = NEW
  assignments.check(['t'])
  await clock.advance(1000)
  expect(requests).toEqual([])
  assignments.start()
  await clock.advance(0)
  expect([directories(), requests]).toEqual([[OLD, NEW], [1000]])
})

test('a claim is agreed to when the metadata has it, and is not contradicted before the replica lies there', async () => {
  const { clock, assignments, directories, requests, swap } = broker()
  assignments.start()
  let agreed = false
  void assignments.claim(REPLICA, NEW).then(() => (agreed = true))
  await clock.advance(0)
  expect([agreed, directories()]).toEqual([true, [NEW, OLD]])
  assignments.check(['t'])
  await clock.advance(0)
  expect(directories()).toEqual([NEW, OLD])
  swap(0, NEW)
  await clock.advance(0)
  expect([directories(), requests.length]).toEqual([[NEW, OLD], 1])
})

test('what is taken back is told too, also where the replica’s directory failed, and then no more', async () => {
  const { clock, lies, assignments, directories, requests } = broker()
  assignments.start()
  void assignments.claim(REPLICA, NEW)
  await clock.advance(0)
  lies[0] = null
  assignments.disclaim(REPLICA, OLD)
  await clock.advance(0)
  expect([directories(), requests.length]).toEqual([[OLD, OLD], 2])
  lies[0] = NEW
  assignments.check(['t'])
  await clock.advance(0)
  expect([directories(), requests.length]).toEqual([[NEW, OLD], 3])
})

test('where a replica lay is told also if its directory fails before the controller heard of it', async () => {
  const { clock, lies, assignments, directories, requests, fail, failDirectory } = broker()
  lies[0] = NEW
  fail(1)
  assignments.start()
  await clock.advance(0)
  failDirectory(NEW)
  await clock.advance(10_000)
  expect([directories(), requests.length]).toEqual([[NEW, OLD], 2])
})

test('a controller that is away is told again, later and later, until it answers', async () => {
  const { clock, assignments, warnings, directories, requests, fail } = broker()
  assignments.start()
  fail(8)
  let agreed = false
  void assignments.claim(REPLICA, NEW).then(() => (agreed = true))
  await clock.advance(500 + 1000 + 2000)
  expect([requests, agreed]).toEqual([[0, 500, 1500, 3500], false])
  await clock.advance(100_000)
  expect([agreed, directories()]).toEqual([true, [NEW, OLD]])
  expect(requests.slice(4)).toEqual([7500, 15_500, 31_500, 61_500, 91_500])
  expect(warnings).toHaveLength(8)
  expect(warnings[1]).toBe(
    'The controller did not take where replicas lie, it is told again in 1000 ms: the controller is away',
  )
  // The next failure begins anew.
  fail(1)
  assignments.disclaim(REPLICA, OLD)
  await clock.advance(500)
  expect(directories()).toEqual([OLD, OLD])
  assignments.close()
  expect(clock.pendingCount).toBe(0)
})

test('what could not be told is told again though a later report failed too', async () => {
  const { cluster, clock, assignments, directories, fail } = broker()
  const other = 'kJuQTwa3GyYPGrQdyhK3bA' as Uuid
  cluster.replay(
    metadataRecord('TopicRecord', 0, { name: 'u', topicId: other }),
    partitionRecord(other, 0, cluster.partition(0), cluster.image.features.metadataVersion),
  )
  assignments.start()
  await clock.advance(0)
  fail(2)
  void assignments.claim(REPLICA, NEW)
  await clock.advance(100)
  void assignments.claim({ topic: 'u', partition: 0, topicId: other }, NEW)
  await clock.advance(2000)
  expect([directories()[0], cluster.image.topics.partition('u', 0)?.directories[0]]).toEqual([NEW, NEW])
})

test('a claim of a topic that was deleted and made anew counts no more', async () => {
  const { clock, assignments, directories, requests } = broker()
  assignments.start()
  void assignments.claim({ ...REPLICA, topicId: 'kJuQTwa3GyYPGrQdyhK3bA' as Uuid }, NEW)
  await clock.advance(0)
  expect([directories(), requests]).toEqual([[OLD, OLD], []])
})

test('where the metadata knows no directories a move needs nobody’s word', async () => {
  const { clock, assignments, requests } = broker(14)
  assignments.start()
  await assignments.claim(REPLICA, NEW)
  await clock.advance(0)
  expect(requests).toEqual([])
})
