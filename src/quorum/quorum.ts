/**
 * The metadata log of one node: `__cluster_metadata-0`, its snapshots, its election, its commits. Drives the consensus
 * state machine (src/raft) over a partition log and carries out what it puts out, in its order.
 *
 * Knows records as bytes only; what they mean is the business of src/metadata and src/controller. The log is always
 * recovered as after an unclean shutdown. An entry counts as committed when it is synced; one sync runs at a time and
 * covers all that was appended before it. This is a quorum of one voter: a voter set of more is refused by name.
 */
import { KafkaError, OperationalError } from '../base/errors.ts'
import { ZERO_UUID } from '../base/uuid.ts'
import { Raft, type RaftOutput } from '../raft/raft.ts'
import type { Voter } from '../raft/voters.ts'
import { BATCH_HEADER_BYTES, isControl, leaderEpoch } from '../records/batch.ts'
import { buildBatch } from '../records/batch-builder.ts'
import { leaderChangeBatch, readControlBatch, type VoterState } from './control-batches.ts'
import type { MetadataLogStore } from './metadata-log-store.ts'
import { METADATA_DIRECTORY, openPartitionLog, type LoadSink, type QuorumOptions } from './quorum-options.ts'
import { checkVoters } from './voter-check.ts'
import { readQuorumState, writeQuorumState } from './quorum-state-file.ts'
import { readSnapshot, removeLeftovers, snapshotName } from './snapshot-files.ts'
import { SnapshotStore, keptSnapshots, type KeptSnapshot } from './snapshot-store.ts'

/** Larger ones can't be appended at once. */
const BATCH_BYTES_MAX = 8 * 1024 * 1024

export class Quorum {
  readonly #options: QuorumOptions
  readonly #log: MetadataLogStore
  readonly #snapshots: SnapshotStore
  readonly #directory: string
  #raft: Raft
  #voterState: VoterState
  #committedEnd = 0
  #pending: Promise<void>[] = []
  #syncing: Promise<void> | null = null
  #committed: ((committedEnd: number) => void) | null = null
  #failed: ((error: Error) => void) | null = null

  private constructor(
    options: QuorumOptions,
    log: MetadataLogStore,
    snapshots: SnapshotStore,
    lastEpoch: number,
    state: VoterState,
  ) {
    this.#options = options
    this.#directory = `${options.logDirectory}/${METADATA_DIRECTORY}`
    this.#log = log
    this.#snapshots = snapshots
    this.#raft = new Raft({ nodeId: options.nodeId, lastEpoch })
    this.#voterState = state
    log.onFailed((error) => this.#fail(error))
  }

  /**
   * Opens the directory and hands its content to `sink`.
   * @throws OperationalError LOG_CORRUPT, NOT_SUPPORTED (more than one voter), CONFIG_INVALID (no voter, or not this node).
   */
  static async open(options: QuorumOptions, sink: LoadSink): Promise<Quorum> {
    const { disk, logger } = options
    const directory = `${options.logDirectory}/${METADATA_DIRECTORY}`
    if ((await disk.stat(directory)) === null) {
      await disk.makeDirectory(directory)
      // Or a power loss takes the directory, and all that was committed in it.
      await disk.syncDirectory(options.logDirectory)
    }
    await removeLeftovers(disk, directory)
    const election = await readQuorumState(disk, directory)
    const log = await (options.openLog ?? ((path) => openPartitionLog(options, path)))(directory)
    try {
      const kept = await keptSnapshots(disk, directory, log.startOffset)
      const latest = kept.at(-1) ?? null
      if (latest === null && log.startOffset > 0) {
        throw new OperationalError(
          'LOG_CORRUPT',
          `${directory} starts at ${log.startOffset} and has no snapshot up to there`,
        )
      }
      let state: VoterState = { kraftVersion: 0, voters: null }
      let from = 0
      if (latest !== null) {
        const content = await readSnapshot(disk, `${directory}/${snapshotName(latest)}`)
        state = content.state
        from = latest.endOffset
        const { lastContainedMs } = content
        sink.snapshot(content, { offset: from - 1, epoch: latest.epoch, timestampMs: lastContainedMs })
        if (from > log.assignedEnd) {
          logger.info(
            `[RaftManager] The log ends at ${log.assignedEnd}, before the snapshot at ${from}: starting there`,
          )
          await log.truncateFullyAndStartAt(from)
        }
      }
      let lastEpoch = Math.max(election?.election.leaderEpoch ?? 0, latest?.epoch ?? 0, log.latestEpoch)
      let bytesBehind = 0
      await log.scan(from, (bytes, at, size) => {
        lastEpoch = Math.max(lastEpoch, leaderEpoch(bytes, at))
        bytesBehind += size
        if (isControl(bytes, at)) state = readControlBatch(bytes, at, state).state
        sink.batch(bytes, at)
      })
      const snapshots = new SnapshotStore({
        ...options,
        directory,
        policy: options.snapshots,
        log,
        snapshots: kept,
      })
      if (bytesBehind > 0) snapshots.recordsAdded(bytesBehind)
      checkVoters(options, state)
      return new Quorum(options, log, snapshots, lastEpoch, state)
    } catch (error) {
      await log.closeHard()
      throw error
    }
  }

  get nodeId(): number {
    return this.#options.nodeId
  }

  get epoch(): number {
    return this.#raft.epoch
  }

  get isLeader(): boolean {
    return this.#raft.role === 'leader'
  }

  get kraftVersion(): number {
    return this.#voterState.kraftVersion
  }

  get voters(): readonly Voter[] {
    return this.#voterState.voters ?? [{ id: this.nodeId, directoryId: ZERO_UUID, endpoints: [] }]
  }

  /** Offset that the next record gets. */
  get endOffset(): number {
    return this.#log.assignedEnd
  }

  /** All below is committed. */
  get committedEnd(): number {
    return this.#committedEnd
  }

  /** One listener: the controller. Called in the order of commits. */
  onCommitted(listener: (committedEnd: number) => void): void {
    this.#committed = listener
  }

  /** The log is lost: nothing more will be committed by this process. */
  onFailed(listener: (error: Error) => void): void {
    this.#failed = listener
  }

  /** Starts a new epoch; resolves once its first entry is committed, and with it all that was loaded. */
  async lead(): Promise<void> {
    const output = this.#raft.step({ kind: 'started', logEnd: this.#log.assignedEnd })
    await this.#carryOut(output)
    await this.#sync()
  }

  /**
   * Appends framed records as one batch: all of them, or none, survive. Returns the last one's offset.
   * @throws KafkaError NOT_CONTROLLER unless leading.
   */
  append(values: readonly Buffer[]): number {
    if (!this.isLeader) throw new KafkaError('NOT_CONTROLLER', 'This node does not lead the metadata quorum.')
    const bytes = values.reduce((sum, value) => sum + value.length, BATCH_HEADER_BYTES)
    if (bytes > BATCH_BYTES_MAX) {
      throw new KafkaError(
        'UNKNOWN_SERVER_ERROR',
        `The change takes ${bytes} bytes of metadata; 8388608 fit in a batch.`,
      )
    }
    const batch = buildBatch({ ...this.#position(), records: values.map((value) => ({ value })) })
    return this.#appendBatch(batch)
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
    return this.#snapshots.write(
      { endOffset: provenance.offset + 1, epoch: provenance.epoch },
      {
        epoch: provenance.epoch,
        lastContainedMs: provenance.timestampMs,
        timestampMs: this.#options.clock.wallMs(),
        state: this.#voterState,
        values,
      },
    )
  }

  /** Retention of snapshots and of the log before them; cheap, for a periodic call. */
  cleanSnapshots(): Promise<void> {
    return this.#snapshots.clean()
  }

  async close(): Promise<void> {
    this.#raft.step({ kind: 'resigned' })
    await this.#syncing?.catch(() => {})
    await this.#snapshots.close()
    await this.#log.close()
  }

  /** What a killed process leaves. */
  async closeHard(): Promise<void> {
    this.#raft.step({ kind: 'resigned' })
    await this.#log.closeHard()
  }

  async #carryOut(output: RaftOutput): Promise<void> {
    const { disk, nodeId } = this.#options
    if (output.save !== null) {
      const voterIds = this.kraftVersion === 0 ? [nodeId] : null
      await writeQuorumState(disk, this.#directory, { election: output.save, voterIds })
    }
    if (output.lead !== null) {
      await this.#log.assignEpoch(output.lead.epoch)
      const voterIds = this.voters.map((voter) => voter.id)
      this.#appendBatch(leaderChangeBatch(this.#position(), nodeId, voterIds, this.#voterState))
    }
  }

  #position(): { baseOffset: number; epoch: number; timestampMs: number } {
    return { baseOffset: this.#log.assignedEnd, epoch: this.epoch, timestampMs: this.#options.clock.wallMs() }
  }

  #appendBatch(batch: Buffer): number {
    const { lastOffset, written } = this.#log.append(batch, { epoch: this.epoch, origin: 'raft' })
    this.#pending.push(written)
    // It may fail while an earlier sync still runs, before anybody waits for it.
    written.catch(() => {})
    this.#snapshots.recordsAdded(batch.length)
    this.#sync().catch(() => {})
    return lastOffset
  }

  /** Resolves when all that is appended now is synced. */
  #sync(): Promise<void> {
    this.#syncing ??= this.#syncAll().finally(() => {
      this.#syncing = null
    })
    return this.#syncing
  }

  async #syncAll(): Promise<void> {
    while (this.#pending.length > 0) {
      const pending = this.#pending
      this.#pending = []
      try {
        await Promise.all(pending)
        this.#advance(await this.#log.flush())
      } catch (error) {
        this.#fail(error instanceof Error ? error : new Error(String(error)))
        throw error
      }
    }
  }

  #advance(syncedEnd: number): void {
    const { committedTo } = this.#raft.step({ kind: 'synced', end: syncedEnd })
    if (committedTo <= this.#committedEnd) return
    this.#committedEnd = committedTo
    this.#log.setHighWatermark(committedTo)
    this.#committed?.(committedTo)
  }

  #fail(error: Error): void {
    if (this.#raft.role === 'resigned') return
    this.#raft.step({ kind: 'resigned' })
    this.#options.logger.error('[RaftManager] The metadata log failed', error)
    this.#failed?.(error)
  }
}
