/**
 * Bytes of one replica that come back from the disk as nobody wrote them. The checksum must stop them: no consumer takes them for
 * records, no follower appends them, no controller loads them.
 *
 * One replica rots at a time, in what a checksum covers (Kafka's leaves offset, length and leader epoch of a batch out), and records
 * rot only while their broker runs: the recovery of an unclean start must cut the log where it finds such a batch, in Kafka
 * too, and what it cuts may be all that is left in sync.
 */
import { ATTRIBUTES_AT } from '../../records/batch.ts'
import { BatchCursor } from '../../records/batches.ts'
import type { SeededRandom } from '../seeded-random.ts'
import { clientOf, expectedError } from './clients.ts'
import type { ClusterNode } from './cluster-node.ts'
import type { RottenByte } from '../seeded-disk.ts'
import type { ClusterSim } from './cluster-sim.ts'

const METADATA = '/data/__cluster_metadata-0'
const READ_MS_MAX = 4000
/** For something to rot. */
const WAIT_MS_MAX = 4000
const NOTHING = Buffer.alloc(0)

interface Segment {
  readonly node: ClusterNode
  readonly topic: string
  readonly partition: number
  readonly path: string
}

export async function rotOfRecords(sim: ClusterSim, random: SeededRandom): Promise<void> {
  await sim.waitFor(() => closedSegments(sim).length > 0, WAIT_MS_MAX)
  if (sim.isRotting) return
  const closed = closedSegments(sim)
  const led = closed.filter(({ node, topic, partition }) => {
    return node.inside?.services.replicas.partition(topic, partition)?.isLeader === true
  })
  // What followers and consumers read is the leader's.
  const segments = led.length > 0 && random.chance(0.8) ? led : closed
  const segment = oneOf(random, segments)
  if (segment === undefined) return
  const { node, topic, partition, path } = segment
  const { disk } = node.machine
  const position = coveredByte(disk.contentOf(path) ?? NOTHING, random)
  if (position === null) return
  sim.sometimes('bit rot')
  sim.note(node.name, `byte ${position} of ${path} rots`)
  await whileRotten(sim, node, { path, position, mask: 1 << random.below(8), outlivesProcess: false }, async () => {
    await Promise.all([readAll(sim, topic, partition), moveReplica(sim, random, topic, partition)])
    await sim.sleep(random.between(500, 6000))
  })
}

/** A controller can't start with it, and whoever fetches it must fetch it from another, or when it is whole again. */
export async function rotOfSnapshot(sim: ClusterSim, random: SeededRandom): Promise<void> {
  const leading = sim.controllers.filter(({ quorum }) => quorum?.isLeader === true)
  const nodes = leading.length > 0 && random.chance(0.5) ? leading : sim.controllers
  await sim.waitFor(() => nodes.some((node) => snapshotsOf(node).length > 0), WAIT_MS_MAX)
  if (sim.isRotting) return
  const node = oneOf(
    random,
    nodes.filter((one) => snapshotsOf(one).length > 0),
  )
  const snapshots = node === undefined ? [] : snapshotsOf(node)
  const newest = snapshots.toSorted((left, right) => (left.path < right.path ? 1 : -1))[0]
  if (node === undefined || newest === undefined) return
  const { path } = newest
  const position = coveredByte(node.machine.disk.contentOf(path) ?? NOTHING, random)
  if (position === null) return
  sim.sometimes('snapshot rotten')
  sim.note(node.name, `byte ${position} of ${path} rots`)
  await whileRotten(sim, node, { path, position, mask: 1 << random.below(8), outlivesProcess: true }, () =>
    sim.sleep(random.between(500, 5000)),
  )
}

function snapshotsOf({ machine }: ClusterNode): readonly { readonly path: string }[] {
  return machine.disk.files(METADATA).filter(({ path }) => path.endsWith('.checkpoint'))
}

async function whileRotten(
  sim: ClusterSim,
  { machine, name }: ClusterNode,
  byte: RottenByte,
  wait: () => Promise<void>,
): Promise<void> {
  sim.isRotting = true
  machine.disk.rot(byte)
  await wait()
  machine.disk.mendRot()
  sim.isRotting = false
  sim.note(name, 'what rotted is whole again')
}

/** Of records that clients wrote, each segment that nothing is appended to any more, on brokers that have recovered their logs. */
function closedSegments(sim: ClusterSim): Segment[] {
  const found: Segment[] = []
  for (const node of sim.brokers.filter(({ inside }) => inside !== null)) {
    for (const { name, partitions } of sim.settings.topics) {
      for (let partition = 0; partition < partitions; partition++) {
        for (const directory of sim.settings.logDirectories) {
          const files = node.machine.disk.files(`${directory}/${name}-${partition}`)
          const logs = files.map(({ path }) => path).filter((path) => path.endsWith('.log'))
          for (const path of logs.sort().slice(0, -1)) found.push({ node, topic: name, partition, path })
        }
      }
    }
  }
  return found
}

/** A byte of some batch, of those that its checksum is made of. */
function coveredByte(bytes: Buffer, random: SeededRandom): number | null {
  const places: { readonly from: number; readonly to: number }[] = []
  const cursor = new BatchCursor().reset(bytes)
  while (cursor.next()) places.push({ from: cursor.at + ATTRIBUTES_AT, to: cursor.at + cursor.size })
  const place = oneOf(random, places)
  return place === undefined ? null : random.between(place.from, place.to - 1)
}

/** One more broker shall have all of a partition, which it has to read from the leader. */
async function moveReplica(sim: ClusterSim, random: SeededRandom, topic: string, partition: number): Promise<void> {
  const replicas = sim.assignment(topic, partition)?.replicas
  if (replicas === undefined) return
  const spare = oneOf(
    random,
    sim.brokers.filter(({ id }) => !replicas.includes(id)),
  )
  if (spare === undefined) return
  const kafka = clientOf(sim, 'operator-of-replicas')
  try {
    const targetReplicas = [...random.shuffle([...replicas]).slice(1), spare.id]
    sim.note('operator', `${topic}-${partition} goes to [${targetReplicas}]`)
    sim.places.forgetPartition(topic, partition)
    await kafka.admin().alterPartitionReassignments([{ topic, partition, targetReplicas }])
  } catch (error) {
    sim.note('operator', expectedError(sim, error))
  }
  await kafka.close()
}

/** All of a partition from its beginning, by a client of its own: what is not as it was written must not come through. */
async function readAll(sim: ClusterSim, topic: string, partition: number): Promise<void> {
  const kafka = clientOf(sim, 'cold-reader')
  const consumer = kafka.consumer({ offsetReset: 'earliest', fetchMaxWaitMs: 100 })
  consumer.assign([{ topic, partition }])
  consumer.seekToBeginning()
  const untilMs = sim.nowMs + READ_MS_MAX
  try {
    while (sim.nowMs < untilMs) {
      const batch = await consumer.poll({ timeoutMs: 500 })
      if (batch === null) break
      for (const { offset, value } of batch)
        sim.records.observe(topic, partition, offset, value?.toString().trimEnd() ?? '', 'a reader from the beginning')
    }
  } catch (error) {
    const code = expectedError(sim, error)
    if (code === 'CORRUPT_MESSAGE') sim.sometimes('bit rot read by a client')
    sim.note('cold reader', code)
  }
  await kafka.close().catch((error: unknown) => expectedError(sim, error))
}

function oneOf<T>(random: SeededRandom, of: readonly T[]): T | undefined {
  return of.length === 0 ? undefined : of[random.below(of.length)]
}
