/**
 * What must hold after each event, looked at in turn: at most one broker leads a partition in an epoch, epochs grow, and of
 * each log start, high watermark and ends are in order and never go back while the process lives.
 */
import type { MetadataImage } from '../../metadata/image.ts'
import type { Inside } from '../../server/node-options.ts'
import type { Partition } from '../../replication/partition.ts'
import type { PartitionLog } from '../../storage/partition-log.ts'
import type { ClusterNode } from './cluster-node.ts'
import type { ClusterSim } from './cluster-sim.ts'
import { QuorumChecker } from './quorum-checker.ts'

interface Seen {
  highWatermark: number
  leaderEpoch: number
  isrSize: number
}

/** Events between two looks at one node. */
const EVERY = 5

export class AlwaysChecker {
  readonly #sim: ClusterSim
  readonly #quorum: QuorumChecker
  #count = 0
  #next = 0
  readonly #seen = new WeakMap<PartitionLog, Seen>()
  /** By partition and epoch: who led. */
  readonly #leaders = new Map<string, number>()
  /** The epoch in which a partition was last found to lead: who led it then is settled. */
  readonly #ledIn = new WeakMap<Partition, number>()
  readonly #lastLeader = new Map<string, number>()
  readonly #images = new WeakMap<Inside, MetadataImage>()
  #lastController = -1

  constructor(sim: ClusterSim) {
    this.#sim = sim
    this.#quorum = new QuorumChecker(sim)
  }

  check(): void {
    if (++this.#count % EVERY !== 0) return
    const { nodes } = this.#sim
    const node = nodes[this.#next++ % nodes.length]
    if (node === undefined) return
    this.#quorum.check(node)
    if (node.inside === null) return
    for (const partition of node.inside.services.replicas.partitions()) this.#checkPartition(node, partition)
    this.#checkImage(node.inside)
  }

  #checkPartition(node: ClusterNode, partition: Partition): void {
    const { log, leaderEpoch, isLeader } = partition
    if (isLeader && this.#ledIn.get(partition) !== leaderEpoch) this.#checkLeader(node, partition)
    if (log === null) return
    const { startOffset, highWatermark, writtenEnd, assignedEnd } = log
    const before = this.#seen.get(log)
    const isInOrder = startOffset <= highWatermark && highWatermark <= writtenEnd && writtenEnd <= assignedEnd
    const ends = (): string =>
      `${partition.name} at ${node.name}: start ${startOffset}, high watermark ${highWatermark}, written ${writtenEnd}, assigned ${assignedEnd}`
    if (!isInOrder) this.#sim.check(false, ends)
    const isrSize = partition.assignment.isr.length
    if (before === undefined) {
      this.#seen.set(log, { highWatermark, leaderEpoch, isrSize })
      return
    }
    if (leaderEpoch < before.leaderEpoch)
      this.#sim.check(
        false,
        () => `${partition.name} at ${node.name}: leader epoch ${leaderEpoch} after ${before.leaderEpoch}`,
      )
    if (isLeader && leaderEpoch === before.leaderEpoch && highWatermark < before.highWatermark)
      this.#sim.check(false, () => `${ends()}, before ${before.highWatermark}`)
    if (isrSize < before.isrSize) this.#sim.sometimes('ISR shrink')
    if (isrSize > before.isrSize && isrSize === partition.assignment.replicas.length)
      this.#sim.sometimes('ISR full again')
    before.highWatermark = highWatermark
    before.leaderEpoch = leaderEpoch
    before.isrSize = isrSize
  }

  #checkLeader(node: ClusterNode, partition: Partition): void {
    const { name, topicId, leaderEpoch } = partition
    this.#ledIn.set(partition, leaderEpoch)
    const key = `${topicId}/${name}/${leaderEpoch}`
    const known = this.#leaders.get(key)
    if (known === undefined) {
      this.#leaders.set(key, node.id)
      const last = this.#lastLeader.get(`${topicId}/${name}`)
      if (last !== undefined && last !== node.id) this.#sim.sometimes('leader changed')
      this.#lastLeader.set(`${topicId}/${name}`, node.id)
    } else if (known !== node.id) {
      this.#sim.check(false, () => `${name} is led by ${known} and ${node.id} in epoch ${leaderEpoch}`)
    }
  }

  /** The metadata of a node, when it has changed. */
  #checkImage(inside: Inside): void {
    const image = inside.services.image()
    const before = this.#images.get(inside)
    if (before === image) return
    this.#images.set(inside, image)
    const { epoch } = image.provenance
    for (const topic of image.topics.all()) {
      const earlier = before?.topics.byName(topic.name)
      if (earlier === undefined || earlier === null || earlier === topic || earlier.id !== topic.id) continue
      for (const [index, { leader }] of topic.partitions.entries()) {
        const was = earlier.partitions[index]
        if (was !== undefined && leader !== was.leader && was.elr.includes(leader)) this.#sim.sometimes('ELR election')
      }
    }
    if (this.#lastController >= 0 && epoch > this.#lastController) this.#sim.sometimes('active controller changed')
    this.#lastController = Math.max(this.#lastController, epoch)
  }
}
