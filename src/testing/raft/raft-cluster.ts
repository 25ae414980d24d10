/** Simulated replicas of one quorum on one network and one clock; who breaks what, and when, is up to its user. */
import { ZERO_UUID, type Uuid } from '../../base/uuid.ts'
import type { RaftRequest, RaftResult } from '../../raft/messages.ts'
import type { RaftOptions, RaftOutput, RaftTiming } from '../../raft/raft-io.ts'
import {
  KRAFT_VERSIONS,
  NO_VOTERS,
  STATIC_KRAFT_VERSIONS,
  type HostPort,
  type Voter,
  type VoterSet,
} from '../../raft/voters.ts'
import type { SeededRandom } from '../seeded-random.ts'
import { EventQueue } from './event-queue.ts'
import { QuorumChecks } from './quorum-checks.ts'
import { Replica, type Neglect, type ReplicaHost } from './replica.ts'

export interface ClusterOptions {
  readonly random: SeededRandom
  /** Ids of the first voters. */
  readonly voters: readonly number[]
  /** Controllers that observe until they are added. */
  readonly spares: readonly number[]
  /** Brokers. */
  readonly observers: readonly number[]
  /** 0: static. */
  readonly kraftVersion: number
  readonly neglect: Neglect
  /** Milliseconds on the way; null: lost. */
  readonly latencyMs: (from: number, to: number) => number | null
  readonly diskMs: (id: number) => number
  readonly electionMs: (id: number, bound: number) => number
  readonly onOutput: (replica: Replica, output: RaftOutput) => void
}

export const TIMING: RaftTiming = {
  electionTimeoutMs: 1000,
  electionBackoffMaxMs: 1000,
  fetchTimeoutMs: 2000,
  requestTimeoutMs: 2000,
  retryBackoffMs: 20,
  fetchMaxWaitMs: 500,
}
/** A request that is on its way for as long as somebody likes. */
interface Kept {
  readonly from: Replica
  readonly to: Replica
  readonly request: RaftRequest
  readonly travel: () => void
}

const LISTENER = 'CONTROLLER'
const CONNECT_FAILED_MS = 5

export class RaftCluster implements ReplicaHost {
  readonly #options: ClusterOptions
  readonly #queue = new EventQueue()
  readonly checks = new QuorumChecks()
  readonly replicas: readonly Replica[]
  /** `from to`: nothing gets through. */
  readonly cut = new Set<string>()
  /** Hears of each vote that leaves. */
  onVote: ((voter: Replica, candidateId: number) => void) | null = null
  #isKept: ((request: RaftRequest) => boolean) | null = null
  #kept: Kept[] = []

  constructor(options: ClusterOptions) {
    this.#options = options
    const ids = [...options.voters, ...options.spares, ...options.observers]
    this.replicas = ids.map((id) => new Replica(id, this, (replica) => this.#raftOptions(replica), options.neglect))
  }

  get nowMs(): number {
    return this.#queue.nowMs
  }

  replica(id: number): Replica {
    return this.replicas.find((one) => one.id === id)!
  }

  get leaders(): readonly Replica[] {
    return this.replicas.filter(({ raft }) => raft?.role === 'leader')
  }

  /** The one of the highest epoch. */
  get leader(): Replica | null {
    return this.leaders.toSorted((left, right) => right.raft!.epoch - left.raft!.epoch)[0] ?? null
  }

  after(delayMs: number, run: () => void): void {
    this.#queue.after(delayMs, run)
  }

  run(forMs: number): number {
    return this.#queue.run(this.#queue.nowMs + forMs)
  }

  diskMs({ id }: Replica): number {
    return this.#options.diskMs(id)
  }

  onStep(replica: Replica, output: RaftOutput): void {
    this.#options.onOutput(replica, output)
    this.checks.onStep(replica, output)
  }

  onSpeech(replica: Replica, output: RaftOutput): void {
    this.checks.onSpeech(replica, output, this.replicas)
  }

  /** From now on such requests, and no others, stay on their way until they are let through. */
  keepBack(isKept: (request: RaftRequest) => boolean): void {
    this.#isKept = isKept
    this.letThrough((_from, _to, request) => !isKept(request))
  }

  /** Without `which` all of them, and nothing is kept back any more. */
  letThrough(which: ((from: Replica, to: Replica, request: RaftRequest) => boolean) | null = null): void {
    if (which === null) this.#isKept = null
    const isDue = ({ from, to, request }: Kept): boolean => which === null || which(from, to, request)
    const due = this.#kept.filter(isDue)
    this.#kept = this.#kept.filter((one) => !isDue(one))
    for (const { travel } of due) travel()
  }

  digest(endOffset: number): string {
    return this.checks.digest(endOffset)
  }

  deliver(from: Replica, to: HostPort, request: RaftRequest, answer: (result: RaftResult | null) => void): void {
    const target = this.replicas.find(({ id }) => hostOf(id).port === to.port)
    if (target === undefined || !this.#isOpen(from.id, target.id)) return
    const thereMs = this.#options.latencyMs(from.id, target.id)
    if (thereMs === null) return
    const travel = (): void => this.after(thereMs, () => this.#arrive(from, target, request, answer))
    if (this.#isKept?.(request) === true) this.#kept.push({ from, to: target, request, travel })
    else travel()
  }

  #arrive(from: Replica, target: Replica, request: RaftRequest, answer: (result: RaftResult | null) => void): void {
    if (!target.isUp) return this.after(CONNECT_FAILED_MS, () => answer(null))
    if (request.kind === 'apiVersions') {
      return this.#back(target, from, () =>
        answer({ kind: 'apiVersions', error: 'NONE', kraftVersions: { min: 0, max: 1 } }),
      )
    }
    target.receive(request, (given) => {
      if (request.kind === 'vote' && !request.preVote && given.kind === 'vote' && given.granted) {
        this.checks.onVote(target.id, request.epoch, request.candidate)
        this.onVote?.(target, request.candidate.id)
      }
      const result = target.resultOf(given)
      this.#back(target, from, () => answer(result))
    })
  }

  #back(from: Replica, to: Replica, arrive: () => void): void {
    const backMs = this.#options.latencyMs(from.id, to.id)
    if (backMs === null || !this.#isOpen(from.id, to.id)) return
    this.after(backMs, arrive)
  }

  #isOpen(from: number, to: number): boolean {
    return !this.cut.has(`${from} ${to}`)
  }

  #raftOptions({ id, disk }: Replica): RaftOptions {
    const { voters, spares, observers, kraftVersion, electionMs } = this.#options
    const log = disk.content()
    const first: VoterSet =
      kraftVersion === 0
        ? { kraftVersion, voters: voters.map((one) => voter(one, ZERO_UUID, STATIC_KRAFT_VERSIONS)) }
        : { kraftVersion, voters: voters.map((one) => voter(one, directoryOf(one))) }
    const mayVote = !observers.includes(id)
    const isFirst = kraftVersion === 0 || voters.includes(id)
    return {
      nodeId: id,
      directoryId: directoryOf(id),
      mayVote,
      autoJoin: false,
      endpoints: mayVote ? voter(id, ZERO_UUID).endpoints : [],
      listenerName: LISTENER,
      bootstrapServers: [...voters, ...spares].map(hostOf),
      election: disk.election,
      log,
      syncedEnd: log.endOffset,
      voters: disk.voterEntries({ offset: -1, set: isFirst ? first : NO_VOTERS }),
      timing: TIMING,
      random: (bound) => electionMs(id, bound),
    }
  }
}

export function directoryOf(id: number): Uuid {
  return `directory-of-node-${String(id).padStart(3, '0')}A` as Uuid
}

export function hostOf(id: number): HostPort {
  return { host: `node-${id}`, port: 9000 + id }
}

export function voter(id: number, directoryId: Uuid, kraftVersions = KRAFT_VERSIONS): Voter {
  return { id, directoryId, endpoints: [{ name: LISTENER, ...hostOf(id) }], kraftVersions }
}
