/**
 * A quorum under everything that may happen to it, drawn from a seed: lost and late messages, partitions (also one-way),
 * crashes, power losses, slow disks, snapshots, voter changes, resignations, and somebody who writes all the while.
 * Then everything heals, and the quorum must come to rest with nothing lost.
 */
import { assert } from '../../base/errors.ts'
import type { RaftOutput } from '../../raft/raft-io.ts'
import { SeededRandom } from '../seeded-random.ts'
import type { ChaosHost } from './chaos-host.ts'
import { RaftCluster } from './raft-cluster.ts'
import type { RaftCounter } from './raft-counters.ts'
import type { Neglect, Replica } from './replica.ts'
import { changeAlone, changeVoters, upgrade } from './voter-faults.ts'
import { lateVotes, longOldLog, splitVote } from './vote-faults.ts'

export interface RaftRun {
  readonly seed: number
  readonly error: Error | null
  readonly lines: readonly string[]
  readonly counters: ReadonlySet<RaftCounter>
  readonly events: number
  readonly virtualMs: number
  readonly committedEnd: number
}

const NO_NEGLECT: Neglect = { saveLater: false, countUnsynced: false }
const CALM_MS = 60_000

export function runRaftChaos(seed: number, neglect: Neglect = NO_NEGLECT): RaftRun {
  const run = new Chaos(seed, neglect)
  let error: Error | null = null
  try {
    run.run()
  } catch (caught) {
    error = caught instanceof Error ? caught : new Error(String(caught))
  }
  const { lines, counters, events, cluster } = run
  return { seed, error, lines, counters, events, virtualMs: cluster.nowMs, committedEnd: cluster.checks.committedEnd }
}

class Chaos {
  readonly #random: SeededRandom
  readonly cluster: RaftCluster
  readonly lines: string[] = []
  readonly counters = new Set<RaftCounter>()
  events = 0
  #calm = false
  readonly #lossChance: number
  readonly #latencyMs: number
  readonly #diskMs: number
  readonly #isDynamic: boolean
  readonly #spans: number
  #written = 0
  /** Of voters that were asked to go, in this seed. */
  #roleOf = new Map<number, string>()
  readonly #kraftVersions = new WeakMap<object, number>()
  readonly #host: ChaosHost

  constructor(seed: number, neglect: Neglect) {
    const random = new SeededRandom(seed)
    this.#random = random
    this.#isDynamic = random.chance(0.6)
    this.#lossChance = random.chance(0.5) ? random.below(20) / 100 : 0
    this.#latencyMs = random.chance(0.2) ? 200 : 20
    this.#diskMs = random.chance(0.2) ? 300 : 10
    this.#spans = 15 + random.below(25)
    if (!this.#isDynamic) this.counters.add('static voters')
    const voters = range(1, random.chance(0.2) ? 2 : random.chance(0.5) ? 3 : 5)
    const spares = this.#isDynamic || random.chance(0.5) ? range(voters.length + 1, 1 + random.below(2)) : []
    const observers = range(101, random.below(2))
    this.cluster = new RaftCluster({
      random,
      voters,
      spares,
      observers,
      kraftVersion: this.#isDynamic ? 1 : 0,
      neglect,
      latencyMs: () =>
        !this.#calm && random.chance(this.#lossChance) ? null : 1 + random.below(this.#calm ? 5 : this.#latencyMs),
      diskMs: () => (this.#calm ? 1 : random.below(this.#diskMs)),
      electionMs: (_id, bound) => random.below(bound),
      onOutput: (replica, output) => this.#note(replica, output),
    })
    this.#host = {
      cluster: this.cluster,
      random,
      say: (line) => this.#say(line),
      sometimes: (what) => this.counters.add(what),
      write: () => this.#write(),
      run: (forMs) => (this.events += this.cluster.run(forMs)),
    }
  }

  run(): void {
    const { cluster } = this
    for (const replica of cluster.replicas) replica.start()
    for (let span = 0; span < this.#spans; span++) {
      this.#disturb()
      for (let write = this.#random.below(6); write > 0; write--) {
        this.#write()
        this.events += cluster.run(this.#random.below(400))
      }
      this.events += cluster.run(this.#random.below(3000))
    }
    this.#heal()
    this.#settle()
  }

  #settle(): void {
    const { cluster } = this
    this.events += cluster.run(CALM_MS)
    const { leader } = cluster
    assert(leader !== null, `no leader after ${CALM_MS} ms of calm`)
    const before = cluster.checks.committedEnd
    this.#write()
    this.events += cluster.run(CALM_MS / 4)
    assert(cluster.checks.committedEnd > before, 'nothing is committed any more')
    cluster.checks.atRest(cluster.replicas)
    if (cluster.replicas.some(({ id }) => id > 100)) this.counters.add('observer')
  }

  #heal(): void {
    this.#say('everything heals')
    this.#calm = true
    this.cluster.cut.clear()
    for (const replica of this.cluster.replicas) if (!replica.isUp) replica.start()
  }

  #write(): void {
    const { leaders } = this.cluster
    const to = leaders[this.#random.below(Math.max(1, leaders.length))]
    to?.propose(Buffer.from(`write ${++this.#written}`))
  }

  #disturb(): void {
    const random = this.#random
    const { cluster } = this
    const all = cluster.replicas
    const one = all[random.below(all.length)]!
    const kind = random.below(18)
    if (kind < 2) this.#partition(one)
    else if (kind < 4) cluster.cut.clear()
    else if (kind === 4 && one.isUp) {
      this.#say(`node ${one.id} crashes`)
      this.counters.add('crash')
      one.stop()
    } else if (kind === 5) this.#losePower(one)
    else if (kind === 6) this.#losePower(...all.filter(() => random.chance(0.7)))
    else if (kind === 7) one.takeSnapshot()
    else if (kind === 8 || kind === 10) changeVoters(this.#host)
    else if (kind === 9 && one.raft?.role === 'leader') {
      this.#say(`node ${one.id} resigns`)
      this.counters.add('resignation')
      one.step({ kind: 'resign', epoch: one.raft.epoch })
    } else if (kind >= 14 && kind < 16) upgrade(this.#host)
    else if (kind === 11) this.#arrange(changeAlone)
    else if (kind >= 16) this.#arrange([splitVote, splitVote, lateVotes, longOldLog][random.below(4)]!)
    else if (kind >= 12) this.#storm()
    if (random.chance(0.3)) for (const replica of all) replica.takeSnapshot()
    for (const replica of all) if (!replica.isUp && random.chance(0.5)) this.#restart(replica)
  }

  #restart(replica: Replica): void {
    this.#say(`node ${replica.id} starts at ${replica.disk.endOffset}`)
    replica.start()
  }

  #losePower(...replicas: readonly Replica[]): void {
    for (let write = this.#random.below(4); write > 0; write--) {
      this.#write()
      this.events += this.cluster.run(this.#random.below(30))
    }
    for (const replica of replicas) {
      replica.stop()
      const lost = replica.disk.losePower(this.#random)
      this.#say(`node ${replica.id} loses power and ${lost} entries`)
      if (lost > 0) this.counters.add('power loss lost entries')
    }
  }

  /** Leaders that come and go while others come back: what a vote and an epoch are for. */
  #storm(): void {
    const random = this.#random
    const { cluster } = this
    for (let round = 2 + random.below(8); round > 0; round--) {
      for (let write = random.below(8); write > 0; write--) this.#write()
      this.events += cluster.run(random.below(60))
      const one = random.chance(0.5) ? cluster.leader : cluster.replicas[random.below(cluster.replicas.length)]
      if (one === null || one === undefined) continue
      this.#losePower(one)
      for (const replica of cluster.replicas) if (!replica.isUp && random.chance(0.7)) this.#restart(replica)
      this.events += cluster.run(random.chance(0.3) ? random.below(3000) : random.below(100))
    }
  }

  /** On a network that is well, or what is arranged seldom comes about. */
  #arrange(arrange: (host: ChaosHost) => void): void {
    this.#calm = true
    arrange(this.#host)
    this.#calm = false
  }

  #partition(one: Replica): void {
    const { cut, replicas } = this.cluster
    this.counters.add('partition')
    const isOneWay = this.#random.chance(0.4)
    const others = replicas.filter((other) => other !== one && this.#random.chance(0.8))
    this.#say(`node ${one.id} is cut off from ${others.map(({ id }) => id).join()}${isOneWay ? ', one way' : ''}`)
    for (const { id } of others) {
      cut.add(`${one.id} ${id}`)
      if (!isOneWay) cut.add(`${id} ${one.id}`)
    }
  }

  #note(replica: Replica, output: RaftOutput): void {
    const raft = replica.raft!
    const { kraftVersion } = raft.voterSet
    const before = this.#kraftVersions.get(raft) ?? kraftVersion
    this.#kraftVersions.set(raft, kraftVersion)
    if (!this.#isDynamic && kraftVersion > before) this.counters.add('kraft.version raised')
    if (!this.#isDynamic && kraftVersion < before) this.counters.add('kraft.version cut off')
    if (output.truncateTo !== null) {
      this.counters.add('log truncated')
      this.#say(`node ${replica.id} cuts its log at ${output.truncateTo}`)
    }
    if (output.install !== null) {
      this.counters.add('snapshot fetched')
      this.#say(`node ${replica.id} installs the snapshot of ${output.install.endOffset}`)
    }
    for (const { answer } of output.reply) {
      if (answer.kind === 'vote' && !answer.granted) this.counters.add('vote refused')
    }
    for (const what of output.complaints) this.#say(`node ${replica.id}: ${what}`)
    const role = `${raft.role} in epoch ${raft.epoch}`
    const former = this.#roleOf.get(replica.id) ?? ''
    if (role === former) return
    this.#roleOf.set(replica.id, role)
    this.#say(`node ${replica.id} is ${role}, at ${raft.endOffset}, committed ${raft.committedTo}`)
    if (raft.role === 'leader') this.counters.add('leader elected')
    if (raft.role === 'resigned' && former.startsWith('leader')) this.counters.add('check quorum')
    if (former.startsWith('candidate') && raft.role !== 'leader') this.counters.add('election lost')
  }

  #say(line: string): void {
    this.lines.push(`${String(this.cluster.nowMs).padStart(7)} ${line}`)
  }
}

function range(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => first + index)
}
