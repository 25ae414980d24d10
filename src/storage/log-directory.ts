/**
 * One of the node's `log.dirs`: its lock, identity, clean-shutdown marker and checkpoint files.
 *
 * The order matters for crashes. Opening: lock, read identity, (the node checks it,) read the marker, delete it and sync
 * the directory, and only then touch a log: a marker that survived a crash would hide torn files. Closing: the marker is
 * the last thing written, after every log was flushed and every checkpoint replaced. Replacements of one checkpoint are
 * queued, and one that waits already serves all who ask.
 */
import { assert, OperationalError } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { Uuid } from '../base/uuid.ts'
import type { Disk, DiskLock } from '../world/world.ts'
import { makeDurableDirectory, replaceFile } from './atomic-file.ts'
import { formatOffsetCheckpoint, parseOffsetCheckpoint, type OffsetEntry } from './checkpoint-file.ts'
import type { MetaProperties } from './meta-properties.ts'
import { parsePartitionDirectory, topicPartitionName, type PartitionDirectoryName } from './topic-partition.ts'

export const CLEAN_SHUTDOWN_FILE = '.kafka_cleanshutdown'
const LOCK_FILE = '.lock'
const METADATA_DIRECTORY = '__cluster_metadata-0'
const NOT_PARTITIONS: ReadonlySet<string> = new Set(['remote-log-index-cache', METADATA_DIRECTORY])

export const CHECKPOINT_FILES = {
  recoveryPoint: 'recovery-point-offset-checkpoint',
  highWatermark: 'replication-offset-checkpoint',
  logStart: 'log-start-offset-checkpoint',
} as const
export type CheckpointKind = keyof typeof CHECKPOINT_FILES

export interface FoundPartition extends PartitionDirectoryName {
  readonly directoryName: string
}

/** What a directory told when it was opened. Offsets are by `<topic>-<partition>`. */
export interface DirectoryStart {
  readonly clean: boolean
  /** Of the broker that shut down cleanly; -1 if unknown. */
  readonly brokerEpoch: number
  readonly recoveryPoints: ReadonlyMap<string, number>
  /** The file of them was there. */
  readonly knowsRecoveryPoints: boolean
  readonly highWatermarks: ReadonlyMap<string, number>
  readonly logStarts: ReadonlyMap<string, number>
  readonly partitions: readonly FoundPartition[]
}

interface CheckpointWriter {
  running: Promise<void>
  waiting: Promise<void> | null
  /** Content of the file, to spare the write of the same again; null while unknown. */
  written: string | null
}

export class LogDirectory {
  readonly path: string
  readonly #disk: Disk
  readonly #logger: Logger
  readonly #writers = new Map<CheckpointKind, CheckpointWriter>()
  #lock: DiskLock | null
  #identity: MetaProperties | null = null
  #syncRunning: Promise<void> = Promise.resolve()
  #syncWaiting: Promise<void> | null = null
  #offline = false

  private constructor(disk: Disk, logger: Logger, path: string, lock: DiskLock) {
    this.#disk = disk
    this.#logger = logger
    this.path = path
    this.#lock = lock
  }

  /** Creates the directory if missing. @throws OperationalError DIRECTORY_LOCKED if another process has it. */
  static async lock(disk: Disk, logger: Logger, path: string): Promise<LogDirectory> {
    await makeDurableDirectory(disk, path)
    const lock = await disk.lock(`${path}/${LOCK_FILE}`)
    if (lock === null) {
      throw new OperationalError(
        'DIRECTORY_LOCKED',
        `Failed to acquire lock on file .lock in ${path}. ` +
          'A Kafka instance in another process or thread is using this directory.',
      )
    }
    return new LogDirectory(disk, logger, path, lock)
  }

  get id(): Uuid {
    const id = this.#identity?.directoryId ?? null
    assert(id !== null, 'a log directory is identified before it is used')
    return id
  }

  get isOffline(): boolean {
    return this.#offline
  }

  async holdsMetadataLog(): Promise<boolean> {
    return (await this.#disk.stat(`${this.path}/${METADATA_DIRECTORY}`)) !== null
  }

  identify(properties: MetaProperties): void {
    this.#identity = properties
  }

  /** @throws OperationalError CONFIG_INVALID if a directory in it is no partition's; then nothing was changed. */
  async begin(): Promise<DirectoryStart> {
    const partitions: FoundPartition[] = []
    for (const entry of (await this.#disk.list(this.path)) ?? []) {
      if (!entry.isDirectory || NOT_PARTITIONS.has(entry.name)) continue
      const parsed = parsePartitionDirectory(entry.name)
      if (parsed === null) {
        throw new OperationalError(
          'CONFIG_INVALID',
          `Found directory ${this.path}/${entry.name}, '${entry.name}' is not in the form of topic-partition or ` +
            'topic-partition.uniqueId-delete (if marked for deletion).\n' +
            "Kafka's log directories (and children) should only contain Kafka topic data.",
        )
      }
      partitions.push({ ...parsed, directoryName: entry.name })
    }
    partitions.sort((a, b) => (a.directoryName < b.directoryName ? -1 : 1))
    const recoveryPoints = await this.#readCheckpoint('recoveryPoint')
    const none: ReadonlyMap<string, number> = new Map()
    const highWatermarks = (await this.#readCheckpoint('highWatermark')) ?? none
    const logStarts = (await this.#readCheckpoint('logStart')) ?? none
    const markerPath = `${this.path}/${CLEAN_SHUTDOWN_FILE}`
    const marker = await this.#disk.readFile(markerPath)
    if (marker !== null) {
      await this.#disk.remove(markerPath)
      await this.#disk.syncDirectory(this.path)
    }
    const brokerEpoch = marker === null ? -1 : readBrokerEpoch(marker)
    return {
      clean: marker !== null,
      brokerEpoch,
      recoveryPoints: recoveryPoints ?? none,
      knowsRecoveryPoints: recoveryPoints !== null,
      highWatermarks,
      logStarts,
      partitions,
    }
  }

  /** `entries` is asked when the file is about to be written, so that a queued write has the newest. */
  writeCheckpoint(kind: CheckpointKind, entries: () => readonly OffsetEntry[]): Promise<void> {
    if (this.#offline) return Promise.resolve()
    let writer = this.#writers.get(kind)
    if (writer === undefined) {
      writer = { running: Promise.resolve(), waiting: null, written: null }
      this.#writers.set(kind, writer)
    }
    const own = writer
    if (own.waiting !== null) return own.waiting
    const write = own.running
      .catch(() => undefined)
      .then(async () => {
        own.waiting = null
        own.running = write
        if (this.#offline) return
        const text = formatOffsetCheckpoint(entries())
        if (text === own.written) return
        own.written = null
        await replaceFile(this.#disk, `${this.path}/${CHECKPOINT_FILES[kind]}`, Buffer.from(text, 'utf8'))
        own.written = text
      })
    own.waiting = write
    return write
  }

  /** New and renamed partition directories survive a power loss afterwards. One sync serves all who ask before it begins. */
  syncEntries(): Promise<void> {
    if (this.#syncWaiting !== null) return this.#syncWaiting
    const sync = this.#syncRunning
      .catch(() => undefined)
      .then(() => {
        this.#syncWaiting = null
        this.#syncRunning = sync
        return this.#disk.syncDirectory(this.path)
      })
    this.#syncWaiting = sync
    return sync
  }

  async writeCleanShutdown(brokerEpoch: number): Promise<void> {
    const text = JSON.stringify({ version: 0, brokerEpoch })
    await replaceFile(this.#disk, `${this.path}/${CLEAN_SHUTDOWN_FILE}`, Buffer.from(text, 'utf8'))
  }

  /** From now on nothing is read from or written to it. */
  markOffline(): void {
    this.#offline = true
  }

  async unlock(): Promise<void> {
    const lock = this.#lock
    this.#lock = null
    await lock?.release()
  }

  /** A checkpoint that is missing or malformed (null) costs time at load, not data. */
  async #readCheckpoint(kind: CheckpointKind): Promise<Map<string, number> | null> {
    const path = `${this.path}/${CHECKPOINT_FILES[kind]}`
    const bytes = await this.#disk.readFile(path)
    const offsets = new Map<string, number>()
    if (bytes === null) return null
    try {
      for (const { topic, partition, offset } of parseOffsetCheckpoint(bytes.toString('utf8'), path)) {
        offsets.set(topicPartitionName(topic, partition), offset)
      }
    } catch (error) {
      this.#logger.warn(
        `Error occurred while reading ${CHECKPOINT_FILES[kind]} file of directory ${this.path}, resetting it`,
        error,
      )
      return null
    }
    return offsets
  }
}

/** Old versions wrote an empty marker; then, and if it is unreadable, the epoch is unknown. */
function readBrokerEpoch(marker: Buffer): number {
  const match = /"brokerEpoch"\s*:\s*(-?[0-9]+)/.exec(marker.toString('utf8'))
  const epoch = match === null ? -1 : Number(match[1])
  return Number.isSafeInteger(epoch) ? epoch : -1
}
