/**
 * Seeded random life of some groups: joins, syncs, heartbeats, leaves, commits, deletions, expiry, refused and lost
 * writes, resignations. After each step what must always hold is checked; a failure names its seed.
 */
import { expect, test } from 'vitest'
import { GroupBench, RANGE, subscription, watch, type Watched } from '../../testing/group-bench.ts'
import { MemoryCoordinatorLog } from '../../testing/memory-coordinator-log.ts'
import { SeededRandom } from '../../testing/seeded-random.ts'

const GROUPS = ['g1', 'g2', 'g3']
const STEPS = 400

interface Client {
  readonly groupId: string
  readonly instanceId: string | null
  memberId: string
  generation: number
}

interface Held {
  readonly what: string
  readonly sinceMs: number
  readonly watched: Watched<unknown>
}

class Life {
  readonly random: SeededRandom
  readonly log = new MemoryCoordinatorLog()
  bench: GroupBench
  readonly clients: Client[] = []
  readonly held: Held[] = []
  /** Largest generation that a join was answered with, by group, since the group was last gone. */
  readonly generations = new Map<string, number>()
  /** Offsets whose commit was answered: the newest by group. */
  readonly acknowledged = new Map<string, number>()
  epoch = 1
  nextOffset = 1

  constructor(seed: number) {
    this.random = new SeededRandom(seed)
    this.bench = new GroupBench({ offsetsRetentionMs: 3_600_000 }, { log: this.log, seed })
  }

  hold<T>(what: string, promise: Promise<T>): void {
    this.held.push({ what, sinceMs: this.bench.clock.monotonicMs(), watched: watch(promise) })
  }

  async step(): Promise<void> {
    const pick = this.random.below(100)
    const client = this.clients.length === 0 ? null : (this.clients[this.random.below(this.clients.length)] ?? null)
    if (pick < 8) this.newClient()
    else if (pick < 30 && client !== null) this.join(client)
    else if (pick < 50 && client !== null) this.sync(client)
    else if (pick < 65 && client !== null) this.hold('heartbeat', this.bench.heartbeat({ ...this.as(client) }))
    else if (pick < 68 && client !== null) this.leave(client)
    else if (pick < 82) this.commit(client)
    else if (pick < 84) this.delete(GROUPS[this.random.below(3)] ?? '')
    else if (pick < 87) this.log.holdsCommits = !this.log.holdsCommits
    else if (pick < 90) this.log.commit(0, 1)
    else if (pick < 92) this.log.refuses = this.log.refuses === null ? 'NOT_ENOUGH_REPLICAS' : null
    else if (pick < 93) this.log.lose(0, 'NOT_LEADER_OR_FOLLOWER')
    else if (pick < 95) await this.reload()
    else if (pick < 96) await this.bench.clock.advance(700_000)
    // A group that was never committed, or is gone, begins anew.
    if ((pick >= 82 && pick < 84) || pick >= 90) this.generations.clear()
    if (!this.log.holdsCommits) this.log.commit(0)
    await this.bench.clock.advance(this.random.below(4) === 0 ? this.random.below(5000) : this.random.below(3))
  }

  newClient(): void {
    const instanceId = this.random.chance(0.3) ? `inst-${this.random.below(3)}` : null
    const groupId = GROUPS[this.random.below(3)] ?? ''
    this.clients.push({ groupId, instanceId, memberId: '', generation: -1 })
  }

  as(client: Client): { groupId: string; memberId: string; generationId: number; groupInstanceId: string | null } {
    const { groupId, memberId, generation, instanceId } = client
    return { groupId, memberId, generationId: generation, groupInstanceId: instanceId }
  }

  join(client: Client): void {
    const protocols = this.random.chance(0.1)
      ? [{ name: 'range', metadata: subscription(`t${this.random.below(3)}`) }]
      : RANGE
    const { groupId, memberId, instanceId: groupInstanceId } = client
    const version = this.random.chance(0.2) ? 3 : 9
    const promise = this.bench.join(
      { groupId, memberId, protocols, ...(version === 9 ? { groupInstanceId } : {}), rebalanceTimeoutMs: 20_000 },
      version,
    )
    const epoch = this.epoch
    this.hold(
      'join',
      promise.then((answer) => {
        if (answer.memberId !== undefined && answer.memberId !== '') client.memberId = answer.memberId
        if (answer.errorCode === 25) client.memberId = ''
        if (answer.errorCode !== 0) return
        client.generation = answer.generationId ?? -1
        if (epoch !== this.epoch) return
        const before = this.generations.get(groupId) ?? 0
        expect(client.generation).toBeGreaterThanOrEqual(before)
        this.generations.set(groupId, client.generation)
        if ((answer.members?.length ?? 0) > 0) expect(answer.leader).toBe(answer.memberId)
      }),
    )
  }

  sync(client: Client): void {
    const assignments = this.clients.map(({ memberId }) => ({ memberId, assignment: Buffer.from(memberId) }))
    this.hold('sync', this.bench.sync({ ...this.as(client), assignments }))
  }

  leave(client: Client): void {
    const { groupId, memberId, instanceId: groupInstanceId } = client
    this.hold('leave', this.bench.leave({ groupId, members: [{ memberId, groupInstanceId }] }))
    this.clients.splice(this.clients.indexOf(client), 1)
  }

  delete(groupId: string): void {
    this.hold(
      'delete',
      this.bench.delete(groupId).then(([error]) => {
        if (error === 0) this.generations.clear()
      }),
    )
  }

  commit(client: Client | null): void {
    const offset = this.nextOffset++
    const groupId = client?.groupId ?? 'simple'
    const fields = client === null ? {} : { memberId: client.memberId, generationIdOrMemberEpoch: client.generation }
    this.hold(
      'commit',
      this.bench.commit(offset, { groupId, ...fields }).then((error) => {
        if (error === 0) this.acknowledged.set(groupId, Math.max(offset, this.acknowledged.get(groupId) ?? 0))
      }),
    )
  }

  /** The leader moves: uncommitted batches are lost, the next leader has what was committed. */
  async reload(): Promise<void> {
    this.bench.coordinator.onResigned(0)
    this.log.lose(0, 'NOT_LEADER_OR_FOLLOWER')
    this.log.refuses = null
    await this.bench.clock.advance(0)
    expect(this.held.filter(({ watched }) => !watched.isDone).map(({ what }) => what)).toEqual([])
    this.generations.clear()
    this.epoch++
    await this.bench.coordinator.onElected(0, this.epoch)
  }

  /** What a new leader would see equals what readers see here. */
  async check(): Promise<void> {
    const { bench } = this
    const copy = new MemoryCoordinatorLog()
    for (const batch of this.log.batches(0)) copy.preload(0, batch)
    const replayed = await GroupBench.start({}, { log: copy })
    for (const groupId of [...GROUPS, 'simple']) {
      expect(await bench.fetch(0, false, 't1', groupId), groupId).toBe(await replayed.fetch(0, false, 't1', groupId))
      const here = await bench.describe(groupId)
      const there = await replayed.describe(groupId)
      expect(here.groupState === 'Dead').toBe(there.groupState === 'Dead')
      if (here.groupState === 'Stable' && this.log.waitingCount(0) === 0) {
        expect(there.groupState).toBe('Stable')
        const bytes = (group: typeof here): unknown[] =>
          (group.members ?? []).map(({ memberId, memberAssignment }) => [memberId, String(memberAssignment)])
        expect(bytes(there)).toEqual(bytes(here))
      }
    }
    replayed.coordinator.close()
    const nowMs = bench.clock.monotonicMs()
    for (let at = this.held.length - 1; at >= 0; at--) {
      const { watched, sinceMs, what } = this.held[at]!
      // Only joins may wait for long, and not for ever.
      if (watched.isDone) this.held.splice(at, 1)
      else expect(nowMs - sinceMs, `${what} is forgotten`).toBeLessThan(what === 'join' ? 400_000 : 60_000)
    }
  }
}

test.each(Array.from({ length: 12 }, (_, seed) => seed))(
  'a random life of groups keeps every promise, seed %i',
  async (seed) => {
    const life = new Life(seed)
    await life.bench.coordinator.onElected(0, 1)
    for (let step = 0; step < STEPS; step++) {
      await life.step()
      if (step % 10 === 0) await life.check()
    }
    // In the end, with nothing in its way, everybody who waits is answered.
    life.log.refuses = null
    life.log.holdsCommits = false
    life.log.commit(0)
    await life.bench.clock.advance(400_000)
    await life.check()
    expect(life.held).toEqual([])
    life.bench.coordinator.close()
    expect(life.bench.clock.pendingCount).toBe(0)
  },
)
