/**
 * The files of consensus: carries out on disk what `Raft` puts out, in its order, and tells when what was appended
 * survives a power loss. One sync runs at a time and covers all that was appended before it. An observer doesn't sync: nobody
 * counts on what it has.
 */
import { OperationalError } from '../base/errors.ts'
import type { OffsetAndEpoch } from '../raft/messages.ts'
import type { LogEntry, RaftInput, RaftOutput } from '../raft/raft-io.ts'
import type { VoterSet } from '../raft/voters.ts'
import type { DiskFile } from '../world/world.ts'
import { controlEntryBatch } from './control-batches.ts'
import type { MetadataLogStore } from './metadata-log-store.ts'
import type { QuorumOptions } from './quorum-options.ts'
import { writeQuorumState } from './quorum-state-file.ts'
import { PART_SUFFIX, readSnapshot, snapshotName, type SnapshotContent } from './snapshot-files.ts'
import type { KeptSnapshot, SnapshotStore } from './snapshot-store.ts'

export interface RaftDiskOptions {
  readonly quorum: QuorumOptions
  readonly directory: string
  readonly log: MetadataLogStore
  readonly snapshots: SnapshotStore
  readonly step: (input: RaftInput) => void
  readonly fail: (error: Error) => void
}

/** A snapshot of the leader that is being written. */
interface Download {
  readonly path: string
  readonly file: DiskFile
}

export class RaftDisk {
  readonly #options: RaftDiskOptions
  #pending: Promise<void>[] = []
  #written: Promise<void> = Promise.resolve()
  #syncing: Promise<void> | null = null
  /** How often the log was cut, in outputs that are carried out. */
  #cuts = 0
  #download: Download | null = null
  #downloaded: { readonly content: SnapshotContent; readonly bytes: number } | null = null
  /** The files of those that were given up are gone when it resolves. */
  #givenUp: Promise<void> = Promise.resolve()

  constructor(options: RaftDiskOptions) {
    this.#options = options
  }

  /** All that is appended now is in the page cache when it resolves. */
  get written(): Promise<void> {
    return this.#written
  }

  /** Nothing of it waits for the disk. */
  isImmediate({ save, chunk, install, truncateTo }: RaftOutput): boolean {
    return save === null && chunk === null && install === null && truncateTo === null
  }

  /** Returns the content of a snapshot that was installed. */
  async change(output: RaftOutput, set: VoterSet): Promise<SnapshotContent | null> {
    const { quorum, directory, log } = this.#options
    const { save, chunk, install, truncateTo } = output
    if (save !== null) {
      const voterIds = set.kraftVersion === 0 ? set.voters.map(({ id }) => id) : null
      await writeQuorumState(quorum.disk, directory, { election: save, voterIds })
    }
    if (chunk !== null) await this.#store(chunk)
    let installed: SnapshotContent | null = null
    if (install !== null) installed = await this.#install(install)
    if (truncateTo !== null) {
      await log.truncateTo(truncateTo)
      this.#cuts += 1
    }
    const [first] = output.append
    if (first?.kind === 'control' && first.leaderChange !== null) await log.assignEpoch(first.epoch)
    return installed
  }

  append(entries: readonly LogEntry[]): void {
    const { quorum, log, snapshots } = this.#options
    // Who appends got records from the leader, or leads: no piece of a snapshot comes any more.
    if (entries.length > 0) void this.#giveUp()
    for (const entry of entries) {
      const bytes =
        entry.kind === 'batch' ? entry.bytes : controlEntryBatch(entry, quorum.nodeId, quorum.clock.wallMs())
      const { written } = log.append(bytes, { epoch: entry.epoch, origin: 'raft' })
      this.#written = written
      this.#pending.push(written)
      // It may fail while an earlier sync still runs, before anybody waits for it.
      written.catch(() => {})
      snapshots.recordsAdded(bytes.length)
    }
    if (entries.length > 0) this.sync().catch(() => {})
  }

  /** Resolves when all that is appended now is synced. */
  sync(): Promise<void> {
    this.#syncing ??= this.#syncAll()
    return this.#syncing
  }

  async #syncAll(): Promise<void> {
    const { log, quorum, step, fail } = this.#options
    try {
      do {
        const pending = this.#pending
        this.#pending = []
        await Promise.all(pending)
        const cuts = this.#cuts
        const end = quorum.mayVote ? await log.flush() : log.writtenEnd
        step({ kind: 'synced', end, cuts })
      } while (this.#pending.length > 0)
    } catch (error) {
      fail(error instanceof Error ? error : new Error(String(error)))
      throw error
    } finally {
      // In the turn of the last look at what waits: what is appended next must begin another sync.
      this.#syncing = null
    }
  }

  async #store({ id, position, bytes, isLast }: NonNullable<RaftOutput['chunk']>): Promise<void> {
    const { quorum, directory, step } = this.#options
    const { disk, random } = quorum
    if (position === 0) {
      await this.#giveUp()
      const path = `${directory}/${snapshotName(id).slice(0, -'.checkpoint'.length)}-${random.bytes(8).toString('hex')}${PART_SUFFIX}`
      this.#download = { path, file: await disk.open(path, 'write') }
    }
    const download = this.#download
    if (download === null) throw new OperationalError('DISK_FAILED', 'a piece of a snapshot without its beginning')
    await download.file.write([bytes], position)
    const end = position + bytes.length
    if (!isLast) return step({ kind: 'chunkStored', id, end, whole: null })
    await download.file.sync()
    await download.file.close()
    try {
      const content = await readSnapshot(disk, download.path)
      this.#downloaded = { content, bytes: end }
      const { kraftVersion, voters } = content.state
      step({ kind: 'chunkStored', id, end, whole: { kraftVersion, voters } })
    } catch (error) {
      if (!(error instanceof OperationalError)) throw error
      await this.#giveUp()
      step({ kind: 'snapshotDamaged', id })
    }
  }

  /** Of a download that leads to nothing any more, nothing stays. */
  #giveUp(): Promise<void> {
    const download = this.#download
    this.#download = null
    this.#downloaded = null
    if (download !== null) this.#givenUp = this.#givenUp.then(() => this.#discard(download))
    return this.#givenUp
  }

  async #discard({ path, file }: Download): Promise<void> {
    const { disk, logger } = this.#options.quorum
    try {
      await file.close()
      await disk.remove(path)
    } catch (error) {
      // The next start removes what could not be removed now.
      logger.warn(`[RaftManager] ${path} stays`, error)
    }
  }

  async #install(id: OffsetAndEpoch): Promise<SnapshotContent> {
    const { quorum, directory, log, snapshots } = this.#options
    const { disk, logger } = quorum
    const download = this.#download
    const downloaded = this.#downloaded
    if (download === null || downloaded === null)
      throw new OperationalError('DISK_FAILED', 'a snapshot that is not whole')
    this.#download = null
    this.#downloaded = null
    await disk.rename(download.path, `${directory}/${snapshotName(id)}`)
    await disk.syncDirectory(directory)
    await log.truncateFullyAndStartAt(id.endOffset)
    this.#cuts += 1
    const kept: KeptSnapshot = { ...id, bytes: downloaded.bytes, lastContainedMs: downloaded.content.lastContainedMs }
    await snapshots.installed(kept)
    logger.info(`[RaftManager] Installed snapshot ${snapshotName(id)} from the leader; the log starts there`)
    this.sync().catch(() => {})
    return downloaded.content
  }

  async close(): Promise<void> {
    await this.#syncing?.catch(() => {})
    await this.#giveUp()
  }
}
