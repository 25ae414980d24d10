/**
 * The snapshots of one metadata directory: which exist, when the next is due, which may go. The last one always stays.
 * Deleting one moves the log's start to the end offset of the next, so log and snapshots together never have a gap.
 */
import type { Logger } from '../base/logger.ts'
import type { Clock, Disk, Random, Timer } from '../world/world.ts'
import type { MetadataLogStore } from './metadata-log-store.ts'
import {
  DELETED_SUFFIX,
  SNAPSHOT_SUFFIX,
  listSnapshots,
  readLastContainedMs,
  snapshotName,
  writeSnapshot,
  type SnapshotId,
  type SnapshotInit,
} from './snapshot-files.ts'

const FILE_DELETE_DELAY_MS = 60_000
/** A snapshot takes the whole state: one that failed isn't tried again with each commit. */
const RETRY_AFTER_MS = 60_000

export interface SnapshotPolicy {
  /** metadata.log.max.record.bytes.between.snapshots */
  readonly recordBytesMax: number
  /** metadata.log.max.snapshot.interval.ms; 0: never by time. */
  readonly intervalMs: number
  /** metadata.max.retention.bytes; -1: no limit. */
  readonly retentionBytes: number
  /** metadata.max.retention.ms; -1: no limit. */
  readonly retentionMs: number
}

export interface KeptSnapshot extends SnapshotId {
  readonly bytes: number
  readonly lastContainedMs: number
}

export interface SnapshotStoreOptions {
  readonly disk: Disk
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly directory: string
  readonly policy: SnapshotPolicy
  readonly log: MetadataLogStore
  /** Oldest first. */
  readonly snapshots: readonly KeptSnapshot[]
  /** Some came, or went with the log before them. */
  readonly onChanged: () => void
}

export class SnapshotStore {
  readonly #options: SnapshotStoreOptions
  #snapshots: KeptSnapshot[]
  /** Of committed records behind the newest snapshot. */
  #newRecordBytes = 0
  /** Monotonic; of the oldest record behind the newest snapshot. */
  #newSinceMs: number | null = null
  #writing: Promise<void> | null = null
  /** Monotonic; the last one failed, and none is due before. */
  #retryAtMs = -Infinity
  readonly #deletions = new Set<Timer>()

  constructor(options: SnapshotStoreOptions) {
    this.#options = options
    this.#snapshots = [...options.snapshots]
  }

  get latest(): KeptSnapshot | null {
    return this.#snapshots.at(-1) ?? null
  }

  get all(): readonly KeptSnapshot[] {
    return this.#snapshots
  }

  recordsAdded(bytes: number): void {
    this.#newRecordBytes += bytes
    this.#newSinceMs ??= this.#options.clock.monotonicMs()
  }

  get isDue(): boolean {
    const { policy, clock } = this.#options
    if (this.#writing !== null || this.#newSinceMs === null || clock.monotonicMs() < this.#retryAtMs) return false
    if (this.#newRecordBytes >= policy.recordBytesMax) return true
    return policy.intervalMs > 0 && clock.monotonicMs() - this.#newSinceMs >= policy.intervalMs
  }

  /** One at a time. Rejects with DiskError; then nothing has changed, and one is due again after a minute. */
  async write(id: SnapshotId, init: SnapshotInit): Promise<void> {
    await this.#writing
    if (this.#isPassed(id)) return
    const newRecordBytes = this.#newRecordBytes
    const newSinceMs = this.#newSinceMs
    this.#newRecordBytes = 0
    this.#newSinceMs = null
    this.#writing = this.#write(id, init).finally(() => {
      this.#writing = null
    })
    try {
      await this.#writing
    } catch (error) {
      this.#retryAtMs = this.#options.clock.monotonicMs() + RETRY_AFTER_MS
      if (!this.#isPassed(id)) {
        this.#newRecordBytes += newRecordBytes
        this.#newSinceMs = newSinceMs
      }
      throw error
    }
  }

  /** Waits for a snapshot that is being written. */
  async close(): Promise<void> {
    for (const timer of this.#deletions) timer.cancel()
    await this.#writing?.catch(() => {})
  }

  async #write(id: SnapshotId, init: SnapshotInit): Promise<void> {
    const { disk, directory, random, logger } = this.#options
    const part = random.bytes(8).toString('hex')
    const bytes = await writeSnapshot(disk, `${directory}/${snapshotName(id)}`, part, init)
    const written = { ...id, bytes, lastContainedMs: init.lastContainedMs }
    if (this.#isPassed(id)) {
      // One came from the leader meanwhile, and the log begins behind this one: it leads to nothing.
      await this.#rename(written)
      return
    }
    this.#snapshots.push(written)
    logger.info(`[MetadataSnapshot] Wrote ${snapshotName(id)}, ${bytes} bytes`)
    this.#options.onChanged()
    await this.clean()
  }

  #isPassed({ endOffset }: SnapshotId): boolean {
    return this.latest !== null && endOffset <= this.latest.endOffset
  }

  /** Lets old snapshots and the log before the oldest go, as far as retention wants. */
  async clean(): Promise<void> {
    const { log, clock, policy } = this.#options
    while (this.#snapshots.length > 1) {
      const [oldest, next] = this.#snapshots
      if (oldest === undefined || next === undefined) break
      const total = log.sizeBytes + this.#snapshots.reduce((sum, snapshot) => sum + snapshot.bytes, 0)
      const tooLarge = policy.retentionBytes >= 0 && total > policy.retentionBytes
      const tooOld = policy.retentionMs >= 0 && clock.wallMs() - oldest.lastContainedMs > policy.retentionMs
      if (!tooLarge && !tooOld) break
      await this.#delete(oldest)
      if (next.endOffset > log.startOffset) log.deleteRecordsBefore(next.endOffset)
      this.#options.onChanged()
      await log.deleteOldSegments(clock.wallMs())
    }
  }

  /** One came from the leader, and the log starts over behind it: all others lead to nothing any more. */
  async installed(snapshot: KeptSnapshot): Promise<void> {
    this.#newRecordBytes = 0
    this.#newSinceMs = null
    const former = this.#snapshots
    this.#snapshots = [snapshot]
    for (const one of former) if (one.endOffset !== snapshot.endOffset) await this.#rename(one)
  }

  async #delete(snapshot: KeptSnapshot): Promise<void> {
    this.#snapshots = this.#snapshots.filter((kept) => kept !== snapshot)
    await this.#rename(snapshot)
  }

  /** Whoever reads it still has a minute. */
  async #rename(snapshot: KeptSnapshot): Promise<void> {
    const { disk, directory, clock, logger } = this.#options
    const path = `${directory}/${snapshotName(snapshot)}`
    const deleted = path.slice(0, -SNAPSHOT_SUFFIX.length) + DELETED_SUFFIX
    await disk.rename(path, deleted)
    const timer = clock.at(clock.monotonicMs() + FILE_DELETE_DELAY_MS, () => {
      this.#deletions.delete(timer)
      // The next start removes what could not be removed now.
      disk.remove(deleted).catch((error: unknown) => logger.warn(`[MetadataSnapshot] ${deleted} stays`, error))
    })
    this.#deletions.add(timer)
  }
}

/** Those of a directory that still serve, oldest first; those before the log's start are removed. */
export async function keptSnapshots(disk: Disk, directory: string, logStartOffset: number): Promise<KeptSnapshot[]> {
  const kept: KeptSnapshot[] = []
  for (const id of await listSnapshots(disk, directory)) {
    const path = `${directory}/${snapshotName(id)}`
    if (id.endOffset < logStartOffset) await disk.remove(path)
    else {
      const bytes = (await disk.stat(path))?.size ?? 0
      kept.push({ ...id, bytes, lastContainedMs: await readLastContainedMs(disk, path) })
    }
  }
  return kept
}
