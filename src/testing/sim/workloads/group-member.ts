/**
 * A member of a classic group, dynamic or static: joins, syncs (and assigns, if it leads), heartbeats, commits ever higher
 * offsets of its partitions, leaves now and then or just goes away. A commit may be one of before the last rebalance that comes late.
 */
import { ByteWriter } from '../../../base/byte-writer.ts'
import { errorName, type ErrorCode } from '../../../base/error-codes.ts'
import { ConsumerProtocolSubscription } from '../../../protocol/generated/consumer-protocol-subscription.ts'
import { FindCoordinator } from '../../../protocol/generated/find-coordinator.ts'
import { Heartbeat } from '../../../protocol/generated/heartbeat.ts'
import { JoinGroup, type JoinGroupResponse } from '../../../protocol/generated/join-group.ts'
import { LeaveGroup } from '../../../protocol/generated/leave-group.ts'
import { OffsetCommit } from '../../../protocol/generated/offset-commit.ts'
import { OffsetFetch } from '../../../protocol/generated/offset-fetch.ts'
import { SyncGroup } from '../../../protocol/generated/sync-group.ts'
import type { SeededRandom } from '../../seeded-random.ts'
import type { Sim } from '../sim.ts'
import { SimClient, Unanswered } from '../sim-client.ts'
import { machineFor, timeoutFor, type Workload } from '../workload.ts'

const SESSION_TIMEOUT_MS = 3000
const REBALANCE_TIMEOUT_MS = 4000
const GROUPS = ['red', 'blue']
const TOPIC = 'alpha'

export const groupMember: Workload = {
  name: 'member',
  run: (sim, who, random) => new GroupMember(sim, who, random).run(),
}

interface Joined {
  readonly generation: number
  readonly incarnation: number
  /** `topic-index`, as the leader wrote them. */
  readonly partitions: readonly number[]
}

class GroupMember {
  readonly #sim: Sim
  readonly #who: string
  readonly #random: SeededRandom
  readonly #client: SimClient
  readonly #group: string
  readonly #instanceId: string | null
  readonly #joinVersion: number
  #memberId = ''
  #joined: Joined | null = null
  /** The last generations that this member id was in, newest first. */
  #generations: readonly number[] = []
  readonly #positions = new Map<number, number>()

  constructor(sim: Sim, who: string, random: SeededRandom) {
    this.#sim = sim
    this.#who = who
    this.#random = random
    this.#client = new SimClient(sim, machineFor(random), who, timeoutFor(random))
    this.#group = GROUPS[random.below(GROUPS.length)] ?? 'red'
    this.#instanceId = random.chance(0.3) ? `static-${who}` : null
    this.#joinVersion = this.#instanceId === null ? random.between(0, 9) : random.between(5, 9)
  }

  async run(): Promise<void> {
    const sim: Sim = this.#sim
    while (!sim.stopping) {
      try {
        if (this.#joined === null) await this.#join()
        else await this.#work(this.#joined)
      } catch (error) {
        if (!(error instanceof Unanswered)) throw error
      }
      await sim.sleep(this.#random.between(20, 600))
      if (this.#random.chance(0.03)) await this.#goAway()
    }
    this.#client.close()
  }

  async #goAway(): Promise<void> {
    const random = this.#random
    try {
      if (random.chance(0.5) && this.#instanceId === null && this.#memberId !== '') {
        const version = random.between(0, 5)
        const members = [{ memberId: this.#memberId, groupInstanceId: null }]
        await this.#client.request(LeaveGroup, version, { groupId: this.#group, memberId: this.#memberId, members })
      }
    } catch (error) {
      if (!(error instanceof Unanswered)) throw error
    }
    // A member that says nothing is found by its session time-out; a static one comes back as itself.
    this.#joined = null
    this.#memberId = ''
    this.#generations = []
    await this.#sim.sleep(random.between(10, SESSION_TIMEOUT_MS * 2))
    if (this.#instanceId !== null) this.#sim.sometimes('static member came back')
  }

  async #join(): Promise<void> {
    const sim: Sim = this.#sim
    const syncedBefore = sim.groups.syncedGeneration(this.#group)
    const { incarnation } = sim.broker
    const found = await this.#client.request(FindCoordinator, this.#random.between(0, 3), { key: this.#group })
    if (found.errorCode !== 0) return this.#refused(errorName(found.errorCode), 'search for the coordinator')
    const message = {
      groupId: this.#group,
      sessionTimeoutMs: SESSION_TIMEOUT_MS,
      rebalanceTimeoutMs: REBALANCE_TIMEOUT_MS,
      memberId: this.#memberId,
      groupInstanceId: this.#instanceId,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: subscription() }],
    }
    const answer = await this.#client.request(
      JoinGroup,
      this.#joinVersion,
      message,
      REBALANCE_TIMEOUT_MS + SESSION_TIMEOUT_MS,
    )
    if (answer.errorCode !== 0) {
      if (errorName(answer.errorCode) === 'MEMBER_ID_REQUIRED') this.#memberId = answer.memberId
      else this.#refused(errorName(answer.errorCode), 'join')
      return
    }
    this.#memberId = answer.memberId
    const { generationId } = answer
    if (sim.broker.incarnation !== incarnation) return
    sim.groups.joined(this.#group, generationId, answer.leader, incarnation, syncedBefore)
    await this.#sync(answer, incarnation)
  }

  async #sync(join: JoinGroupResponse, incarnation: number): Promise<void> {
    const sim: Sim = this.#sim
    const { generationId, memberId } = join
    const assignments = new Map<string, string>()
    if (join.leader === memberId && !join.skipAssignment) {
      const ids = join.members.map((member) => member.memberId).sort()
      const count = sim.topics.get(TOPIC)?.partitions ?? 1
      for (const [at, id] of ids.entries()) {
        const own = Array.from({ length: count }, (_, index) => index).filter((index) => index % ids.length === at)
        assignments.set(id, `${generationId}:${own.join(',')}`)
      }
      sim.groups.assigned(this.#group, generationId, incarnation, assignments)
    }
    const version = this.#instanceId === null ? this.#random.between(0, 5) : this.#random.between(3, 5)
    const answer = await this.#client.request(
      SyncGroup,
      version,
      {
        groupId: this.#group,
        generationId,
        memberId,
        groupInstanceId: this.#instanceId,
        protocolType: 'consumer',
        protocolName: 'range',
        assignments: [...assignments].map(([id, text]) => ({ memberId: id, assignment: Buffer.from(text) })),
      },
      REBALANCE_TIMEOUT_MS + SESSION_TIMEOUT_MS,
    )
    if (answer.errorCode !== 0) return this.#refused(errorName(answer.errorCode), 'sync')
    const text = answer.assignment.toString()
    if (sim.broker.incarnation === incarnation) {
      sim.groups.synced(this.#group, generationId, incarnation, memberId, text)
    }
    const partitions = (text.split(':')[1] ?? '')
      .split(',')
      .filter((index) => index !== '')
      .map(Number)
    this.#positions.clear()
    this.#joined = { generation: generationId, incarnation, partitions }
    this.#generations = [generationId, ...this.#generations.filter((one) => one !== generationId)].slice(0, 2)
    if (partitions.length > 0) await this.#fetchOffsets(partitions)
  }

  async #fetchOffsets(partitions: readonly number[]): Promise<void> {
    const sim: Sim = this.#sim
    const expected = partitions.map((index) => sim.groups.expected(this.#group, `${TOPIC}-${index}`))
    const version = this.#random.between(1, 9)
    const topics = [{ name: TOPIC, partitionIndexes: partitions }]
    const message = version < 8 ? { groupId: this.#group, topics } : { groups: [{ groupId: this.#group, topics }] }
    const answer = await this.#client.request(OffsetFetch, version, message)
    const [group] = answer.groups
    const errorCode = version < 8 ? answer.errorCode : (group?.errorCode ?? 0)
    if (errorCode !== 0) return this.#refused(errorName(errorCode), 'fetch of offsets')
    const found = (version < 8 ? answer.topics : (group?.topics ?? []))[0]?.partitions ?? []
    sim.sometimes('offsets fetched')
    for (const { partitionIndex, committedOffset, errorCode: error } of found) {
      if (error !== 0) {
        this.#refused(errorName(error), 'fetch of offsets')
        return
      }
      const offset = Number(committedOffset)
      expected[partitions.indexOf(partitionIndex)]?.(offset)
      this.#positions.set(partitionIndex, Math.max(0, offset))
    }
  }

  async #work(joined: Joined): Promise<void> {
    const sim: Sim = this.#sim
    const index = joined.partitions[this.#random.below(joined.partitions.length || 1)]
    if (index === undefined || !this.#positions.has(index) || this.#random.chance(0.5)) {
      const version = this.#instanceId === null ? this.#random.between(0, 4) : this.#random.between(3, 4)
      const { errorCode } = await this.#client.request(Heartbeat, version, {
        groupId: this.#group,
        generationId: joined.generation,
        memberId: this.#memberId,
        groupInstanceId: this.#instanceId,
      })
      if (errorCode !== 0) this.#refused(errorName(errorCode), 'heartbeat')
      return
    }
    const partition = `${TOPIC}-${index}`
    const offset = (this.#positions.get(index) ?? 0) + this.#random.between(1, 5)
    const syncedBefore = sim.groups.syncedGeneration(this.#group)
    const { incarnation } = sim.broker
    const [, former] = this.#generations
    const isLate = former !== undefined && this.#random.chance(0.1)
    const generation = isLate ? former : joined.generation
    sim.groups.committing(this.#group, partition, offset)
    const version = this.#instanceId === null ? this.#random.between(1, 9) : this.#random.between(7, 9)
    const answer = await this.#client.request(OffsetCommit, version, {
      groupId: this.#group,
      generationIdOrMemberEpoch: generation,
      memberId: this.#memberId,
      groupInstanceId: this.#instanceId,
      topics: [
        { name: TOPIC, partitions: [{ partitionIndex: index, committedOffset: offset, committedMetadata: '' }] },
      ],
    })
    const errorCode = answer.topics[0]?.partitions[0]?.errorCode ?? -1
    if (errorCode === 0) {
      sim.check(
        generation >= syncedBefore || sim.broker.incarnation !== incarnation,
        () => `group ${this.#group}: a commit of generation ${generation} is taken in ${syncedBefore}`,
      )
      sim.groups.committed(this.#group, partition, offset)
      this.#positions.set(index, offset)
      return
    }
    const error = errorName(errorCode)
    // A write that timed out or failed may be there nevertheless.
    if (
      error === 'ILLEGAL_GENERATION' ||
      error === 'UNKNOWN_MEMBER_ID' ||
      error === 'FENCED_INSTANCE_ID' ||
      error === 'GROUP_ID_NOT_FOUND'
    ) {
      sim.groups.refused(this.#group, partition, offset)
      if (isLate && error === 'ILLEGAL_GENERATION') return
    }
    this.#refused(error, 'commit')
  }

  #refused(error: ErrorCode | null, what: string): void {
    const sim: Sim = this.#sim
    sim.note(this.#who, `${what} in ${this.#group}: ${error}`)
    switch (error) {
      case 'REBALANCE_IN_PROGRESS':
        this.#joined = null
        return
      case 'UNKNOWN_MEMBER_ID':
      case 'FENCED_INSTANCE_ID':
        sim.sometimes('member expired')
        this.#memberId = ''
        this.#generations = []
        this.#joined = null
        return
      case 'ILLEGAL_GENERATION':
      case 'GROUP_ID_NOT_FOUND':
        this.#joined = null
        return
      case 'NOT_COORDINATOR':
      case 'COORDINATOR_LOAD_IN_PROGRESS':
      case 'COORDINATOR_NOT_AVAILABLE':
      case 'REQUEST_TIMED_OUT':
        return
      default:
        sim.check(false, () => `${this.#who}: ${what} in ${this.#group} answers ${error}`)
    }
  }
}

function subscription(): Buffer {
  const writer = new ByteWriter()
  writer.int16(0)
  ConsumerProtocolSubscription.write(writer, { topics: [TOPIC] }, 0)
  return writer.toBuffer()
}
