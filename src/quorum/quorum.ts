/**
 * The metadata log of one node: `__cluster_metadata-0`, its snapshots, its elections, its commits. Drives the consensus
 * state machine (src/raft) over a partition log and a channel to the other nodes, and carries out what it puts out, in its
 * order: one output after the other, an output that waits for no disk at once.
 *
 * Knows records as bytes only; what they mean is the business of src/metadata and src/controller. The log is always
 * recovered as after an unclean shutdown.
 */
import { KafkaError } from '../base/errors.ts'
import type {
  AddVoterRequest,
  LeaderView,
  RaftAnswer,
  RaftBatch,
  RaftRequest,
  RemoveVoterRequest,
  VoterChangeAnswer,
} from '../raft/messages.ts'
import { Raft, type QuorumStatus } from '../raft/raft.ts'
import type { RaftInput, RaftOutput, RaftRole, ReplyToken } from '../raft/raft-io.ts'
import type { Voter } from '../raft/voters.ts'
import { BATCH_HEADER_BYTES } from '../records/batch.ts'
import { buildBatch } from '../records/batch-builder.ts'
import type { Timer } from '../world/world.ts'
import { CommittedReader } from './committed-reader.ts'
import { contentOf, loadLog, type LoadedLog } from './load-log.ts'
import type { LoadSink, QuorumOptions } from './quorum-options.ts'
import type { ServedAnswer } from './raft-channel.ts'
import { RaftDisk } from './raft-disk.ts'
import { PeerRequests } from './peer-requests.ts'
import { replicaStates, type QuorumReplicas } from './replica-states.ts'
import { PIECE_BYTES_MAX, ServedContents } from './served-contents.ts'
import { SnapshotStore, type KeptSnapshot } from './snapshot-store.ts'

/** Larger ones can't be appended at once. */
const BATCH_BYTES_MAX = 8 * 1024 * 1024
const LEAVE_CHECK_MS = 10

interface Waiting {
  readonly resolve: (answer: RaftAnswer) => void
  readonly reject: (error: Error) => void
}

export class Quorum {
  readonly #options: QuorumOptions
  readonly #log: LoadedLog['log']
  readonly #snapshots: SnapshotStore
  readonly #raft: Raft
  readonly #disk: RaftDisk
  readonly #peers: PeerRequests
  readonly #contents: ServedContents
  readonly #reader: CommittedReader
  #outputs: { readonly output: RaftOutput; readonly set: Raft['voterSet'] }[] = []
  /** An output is carried out that waits for the disk; for ever, once one has failed. */
  #isBusy = false
  /** The last of them. */
  #carrying: Promise<void> = Promise.resolve()
  #isClosed = false
  #wake: { readonly timer: Timer; readonly atMs: number } | null = null
  readonly #replies = new Map<ReplyToken, Waiting>()
  #lastToken = 0
  #committedEnd = 0
  #hasHeardLeader = false
  #leading: { readonly resolve: () => void; readonly reject: (error: Error) => void } | null = null
  #committed: ((committedEnd: number) => void) | null = null
  #failed: ((error: Error) => void) | null = null
  #roleChanged: (() => void) | null = null
  #lastRole = ''
  #wasLeader = false

  private constructor(options: QuorumOptions, loaded: LoadedLog, sink: LoadSink) {
    const { log, directory, snapshots, voters, election } = loaded
    this.#options = options
    this.#log = log
    this.#snapshots = new SnapshotStore({
      ...options,
      directory,
      policy: options.snapshots,
      log,
      snapshots,
      onChanged: () => {
        const known = contentOf(log, this.#snapshots.all)
        this.#step({ kind: 'snapshots', snapshots: known.snapshots, logStartOffset: known.startOffset })
      },
    })
    if (loaded.bytesBehind > 0) this.#snapshots.recordsAdded(loaded.bytesBehind)
    this.#raft = new Raft(
      {
        ...options,
        election,
        log: contentOf(log, snapshots),
        syncedEnd: log.startOffset,
        voters,
        random: (bound) => options.random.below(bound),
      },
      options.clock.monotonicMs(),
    )
    this.#disk = new RaftDisk({
      quorum: options,
      directory,
      log,
      snapshots: this.#snapshots,
      step: (input) => this.#step(input),
      fail: (error) => this.#fail(error),
    })
    this.#reader = new CommittedReader(log, sink, loaded, {
      written: () => this.#disk.written,
      onRead: (end) => {
        log.setHighWatermark(end)
        this.#committed?.(end)
      },
      fail: (error) => this.#fail(error),
    })
    this.#peers = new PeerRequests(options, (input) => this.#step(input))
    this.#contents = new ServedContents({
      disk: options.disk,
      directory,
      log,
      written: () => this.#disk.written,
      leader: () => this.leader,
      isLeader: () => this.isLeader,
    })
    log.onFailed((error) => this.#fail(error))
  }

  /**
   * Opens the directory and hands its content to `sink`.
   * @throws OperationalError LOG_CORRUPT.
   */
  static async open(options: QuorumOptions, sink: LoadSink): Promise<Quorum> {
    const loaded = await loadLog(options, sink)
    return new Quorum(options, loaded, sink)
  }

  get nodeId(): number {
    return this.#options.nodeId
  }

  get epoch(): number {
    return this.#raft.epoch
  }

  get role(): RaftRole {
    return this.#raft.role
  }

  get leader(): LeaderView {
    return this.#raft.leader
  }

  get isLeader(): boolean {
    return this.#raft.role === 'leader'
  }

  get kraftVersion(): number {
    return this.#raft.voterSet.kraftVersion
  }

  get voters(): readonly Voter[] {
    return this.#raft.voterSet.voters
  }

  /** This node is the only voter, for as long as no other is added. */
  get isAlone(): boolean {
    return this.#raft.isOnlyVoter
  }

  /** While leading: its first entry is committed, and all before it was handed over. */
  get isReadyToLead(): boolean {
    const { epochStart } = this.#raft
    return this.isLeader && epochStart !== null && this.#reader.position > epochStart
  }

  /** From here on what is committed isn't handed to the sink: this node decides it itself. Until it leads no more. */
  takeOver(): void {
    this.#reader.isOwn = true
  }

  /** Null unless this node leads. */
  status(): QuorumStatus | null {
    return this.#raft.status(this.#options.clock.monotonicMs())
  }

  /** Of the leader, itself among the voters; none on any other node. */
  get replicas(): QuorumReplicas {
    return replicaStates(this.status(), this.nodeId, this.endOffset, this.#options.clock)
  }

  /** Offset that the next record gets. */
  get endOffset(): number {
    return this.#raft.endOffset
  }

  /** All below is committed. */
  get committedEnd(): number {
    return this.#committedEnd
  }

  /** What the leader had committed when it last answered; null: no leader was heard of yet. */
  get leaderCommittedEnd(): number | null {
    return this.#raft.leaderCommittedTo
  }

  /** One listener: the controller, or who follows. Called in the order of commits, when the sink has what was committed. */
  onCommitted(listener: (committedEnd: number) => void): void {
    this.#committed = listener
  }

  /** The log is lost: nothing more will be committed by this process. */
  onFailed(listener: (error: Error) => void): void {
    this.#failed = listener
  }

  /** Another role, epoch or leader. */
  onRoleChanged(listener: () => void): void {
    this.#roleChanged = listener
  }

  /** Takes part: votes, follows, or only looks for the leader. */
  start(): void {
    this.#step({ kind: 'tick' })
    if (this.#log.assignedEnd > this.#log.startOffset && !this.isLeader) this.#disk.sync().catch(() => {})
  }

  /** Of a quorum of one: starts a new epoch; resolves once its first entry is committed, and with it all that was loaded. */
  lead(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#leading = { resolve, reject }
      this.start()
    })
  }

  /**
   * Appends framed records as one batch: all of them, or none, survive. Returns the last one's offset.
   * @throws KafkaError NOT_CONTROLLER unless leading.
   */
  append(values: readonly Buffer[]): number {
    if (!this.isLeader) throw notLeading()
    const bytes = values.reduce((sum, value) => sum + value.length, BATCH_HEADER_BYTES)
    if (bytes > BATCH_BYTES_MAX) {
      throw new KafkaError(
        'UNKNOWN_SERVER_ERROR',
        `The change takes ${bytes} bytes of metadata; 8388608 fit in a batch.`,
      )
    }
    const { endOffset: baseOffset, epoch } = this.#raft
    const timestampMs = this.#options.clock.wallMs()
    const records = values.map((value) => ({ value }))
    const batch: RaftBatch = {
      baseOffset,
      endOffset: baseOffset + values.length,
      epoch,
      voters: null,
      bytes: buildBatch({ baseOffset, epoch, timestampMs, records }),
    }
    this.#step({ kind: 'proposed', batch })
    return batch.endOffset - 1
  }

  /** Why kraft.version can't be raised to `level` now, in Kafka's words; null: nothing is in the way. */
  kraftVersionObstacle(level: number): string | null {
    return this.#raft.upgradeObstacle(level)
  }

  /** In force at once, and committed with the next record. The caller has asked for obstacles in the same turn. */
  upgradeKraftVersion(level: number): void {
    if (!this.isLeader) throw notLeading()
    this.#step({ kind: 'upgraded', kraftVersion: level })
  }

  /** What a peer asks. Resolves to the answer, perhaps after a while; an answer without its records is an error of it. */
  async request(request: RaftRequest, maxBytes = PIECE_BYTES_MAX): Promise<ServedAnswer> {
    if (this.#isClosed) throw closed()
    const answer = await new Promise<RaftAnswer>((resolve, reject) => {
      const token = ++this.#lastToken
      this.#replies.set(token, { resolve, reject })
      this.#step({ kind: 'received', token, request })
    })
    if (answer.kind === 'fetch') return this.#contents.fetched(answer, maxBytes)
    return answer.kind === 'fetchSnapshot' ? this.#contents.piece(answer, maxBytes) : answer
  }

  /** Of the leader: one voter more or less. Resolves when that is committed, or refused. */
  async changeVoters(request: AddVoterRequest | RemoveVoterRequest): Promise<VoterChangeAnswer> {
    return (await this.request(request)) as VoterChangeAnswer
  }

  /** Gives the leadership up. */
  resign(epoch: number): void {
    this.#step({ kind: 'resign', epoch })
  }

  get snapshotDue(): boolean {
    return this.#snapshots.isDue
  }

  get latestSnapshot(): KeptSnapshot | null {
    return this.#snapshots.latest
  }

  /** Of the state at `provenance` as framed records. Rejects with DiskError; the log then just keeps more. */
  writeSnapshot(
    provenance: { readonly offset: number; readonly epoch: number; readonly timestampMs: number },
    values: Iterable<Buffer>,
  ): Promise<void> {
    const endOffset = provenance.offset + 1
    const { kraftVersion, voters } = this.#raft.votersAt(endOffset)
    return this.#snapshots.write(
      { endOffset, epoch: provenance.epoch },
      {
        epoch: provenance.epoch,
        lastContainedMs: provenance.timestampMs,
        timestampMs: this.#options.clock.wallMs(),
        state: { kraftVersion, voters: kraftVersion === 0 ? null : voters },
        values,
      },
    )
  }

  /** Retention of snapshots and of the log before them; cheap, for a periodic call. */
  cleanSnapshots(): Promise<void> {
    return this.#snapshots.clean()
  }

  /** A leader of several lets the others elect at once. */
  async close(): Promise<void> {
    await this.#leave()
    this.#stop()
    await this.#carriedOut()
    this.#refuseWaiting()
    await this.#reader.close()
    await this.#disk.close()
    await this.#snapshots.close()
    try {
      await this.#log.close()
    } catch (error) {
      // Nothing is lost: what was committed is synced. The next start checks the rest.
      this.#options.logger.error('[RaftManager] The metadata log was not closed cleanly', error)
    }
  }

  /** What a killed process leaves. */
  async closeHard(): Promise<void> {
    this.#stop()
    this.#refuseWaiting()
    await this.#log.closeHard()
  }

  async #leave(): Promise<void> {
    if (this.isAlone || !this.isLeader || this.#isClosed) return
    const { clock, timing } = this.#options
    const deadlineMs = clock.monotonicMs() + timing.requestTimeoutMs
    this.#step({ kind: 'shutdown' })
    while (this.#raft.isLeaving && clock.monotonicMs() < deadlineMs) {
      await new Promise<void>((resolve) => void clock.at(clock.monotonicMs() + LEAVE_CHECK_MS, resolve))
    }
  }

  #stop(): void {
    this.#isClosed = true
    this.#wake?.timer.cancel()
    try {
      this.#step({ kind: 'stopped' })
    } finally {
      this.#peers.close()
      this.#leading?.reject(new KafkaError('NOT_CONTROLLER', 'The metadata log is closed.'))
      this.#leading = null
    }
  }

  /** What writes in the directory has ended. */
  async #carriedOut(): Promise<void> {
    let last: Promise<void>
    do {
      last = this.#carrying
      await last
    } while (last !== this.#carrying)
  }

  /** Who still waits for an answer gets none: it was part of an output that is not carried out. */
  #refuseWaiting(): void {
    for (const { reject } of this.#replies.values()) reject(closed())
    this.#replies.clear()
  }

  /** Rethrows what breaks on the way, once the log has failed of it: nothing half changed is stepped again. */
  #step(input: RaftInput): void {
    try {
      const output = this.#raft.step(input, this.#options.clock.monotonicMs())
      this.#outputs.push({ output, set: this.#raft.voterSet })
      this.#wakeAt(output.wakeAtMs)
      this.#noteRole()
      this.#drain()
    } catch (error) {
      this.#fail(asError(error))
      throw error
    }
  }

  #noteRole(): void {
    const { role, epoch, leader } = this.#raft
    const now = `${role} ${epoch} ${leader.leaderId}`
    if (now === this.#lastRole) return
    this.#lastRole = now
    if (role === 'leader') this.#wasLeader = true
    // An only voter has handed over all of its log when it was opened, before it leads.
    else if (this.#wasLeader) this.#reader.isOwn = false
    const whose = role === 'follower' ? ` of ${leader.leaderId}` : ''
    this.#options.logger.info(`[RaftManager id=${this.nodeId}] ${role}${whose} in epoch ${epoch}`)
    this.#roleChanged?.()
  }

  #wakeAt(atMs: number): void {
    if (atMs === Infinity || this.#isClosed || (this.#wake !== null && this.#wake.atMs <= atMs)) return
    this.#wake?.timer.cancel()
    const timer = this.#options.clock.at(atMs, () => {
      this.#wake = null
      try {
        this.#step({ kind: 'tick' })
      } catch {
        // The log has failed, and its owner knows.
      }
    })
    this.#wake = { timer, atMs }
  }

  #drain(): void {
    while (!this.#isBusy) {
      const next = this.#outputs.shift()
      if (next === undefined) return
      if (this.#disk.isImmediate(next.output)) this.#finish(next.output)
      else {
        this.#isBusy = true
        this.#carrying = this.#carryOut(next.output, next.set)
      }
    }
  }

  async #carryOut(output: RaftOutput, set: Raft['voterSet']): Promise<void> {
    try {
      const installed = await this.#disk.change(output, set)
      if (installed !== null && output.install !== null) this.#reader.restart(output.install, installed)
      this.#isBusy = false
      this.#finish(output)
      this.#drain()
    } catch (error) {
      this.#fail(asError(error))
    }
  }

  #finish(output: RaftOutput): void {
    for (const what of output.complaints) this.#options.logger.error(`[RaftManager id=${this.nodeId}] ${what}`)
    try {
      this.#disk.append(output.append)
    } catch (error) {
      return this.#fail(asError(error))
    }
    // What rejects is a step: the log has failed, and its owner knows.
    for (const outgoing of output.send) this.#peers.send(outgoing).catch(() => {})
    for (const { token, answer } of output.reply) {
      const reply = this.#replies.get(token)
      this.#replies.delete(token)
      reply?.resolve(answer)
    }
    this.#commit(output.committedTo)
  }

  #commit(committedTo: number): void {
    const { epochStart, leaderCommittedTo } = this.#raft
    // Who waits to have caught up is told also where the leader has nothing that isn't here.
    const isNews = leaderCommittedTo !== null && !this.#hasHeardLeader
    if (committedTo <= this.#committedEnd && !isNews) return
    this.#hasHeardLeader ||= isNews
    this.#committedEnd = Math.max(committedTo, this.#committedEnd)
    this.#reader.advance(this.#committedEnd)
    if (epochStart === null || committedTo <= epochStart) return
    this.#leading?.resolve()
    this.#leading = null
  }

  #fail(error: Error): void {
    if (this.#raft.role === 'stopped') return
    const { logger } = this.#options
    try {
      this.#stop()
    } catch (another) {
      // A listener that broke may break again when it hears of the stop; the first is the cause.
      logger.error('[RaftManager] The metadata log did not stop cleanly', another)
    }
    this.#refuseWaiting()
    logger.error('[RaftManager] The metadata log failed', error)
    this.#failed?.(error)
  }
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)))
const closed = (): KafkaError => new KafkaError('BROKER_NOT_AVAILABLE', 'The metadata log is closed.')
const notLeading = (): KafkaError => new KafkaError('NOT_CONTROLLER', 'This node does not lead the metadata quorum.')
