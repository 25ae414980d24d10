/**
 * Snapshots of the metadata log: `<end offset 20 digits>-<epoch 10 digits>.checkpoint`, holding the state of all records
 * below the end offset as batches of their own (offsets count from 0): a header, the voters, framed records, a footer.
 *
 * A snapshot appears under its name only when it is whole and synced (`.part` until then), so one without a footer is
 * corrupt. `0…0-0…0.checkpoint` is written when a directory is formatted and holds the first voters.
 */
import { MalformedError } from '../base/byte-reader.ts'
import { OperationalError } from '../base/errors.ts'
import type { Voter } from '../raft/voters.ts'
import { buildBatch } from '../records/batch-builder.ts'
import { isControl } from '../records/batch.ts'
import { BatchCursor, isEntryCrcValid } from '../records/batches.ts'
import { parentOf } from '../storage/atomic-file.ts'
import type { Disk } from '../world/world.ts'
import { readControlBatch, snapshotFooterBatch, snapshotHeaderBatch, type VoterState } from './control-batches.ts'

export interface SnapshotId {
  readonly endOffset: number
  readonly epoch: number
}

export interface SnapshotContent {
  readonly lastContainedMs: number
  readonly state: VoterState
  /** Each data batch, in order. */
  readonly batches: readonly Buffer[]
}

export const SNAPSHOT_SUFFIX = '.checkpoint'
export const PART_SUFFIX = '.checkpoint.part'
export const DELETED_SUFFIX = '.checkpoint.deleted'

/** A header with some hundred voters. */
const HEADER_BYTES_MAX = 64 * 1024
const BATCH_RECORDS_MAX = 1024
const BATCH_BYTES_MAX = 8 * 1024 * 1024
const NAME = /^(\d{20})-(\d{10})\.checkpoint$/

export function snapshotName({ endOffset, epoch }: SnapshotId): string {
  return `${String(endOffset).padStart(20, '0')}-${String(epoch).padStart(10, '0')}${SNAPSHOT_SUFFIX}`
}

export function parseSnapshotName(name: string): SnapshotId | null {
  const match = NAME.exec(name)
  return match === null ? null : { endOffset: Number(match[1]), epoch: Number(match[2]) }
}

/** Oldest first. */
export async function listSnapshots(disk: Disk, directory: string): Promise<SnapshotId[]> {
  const ids: SnapshotId[] = []
  for (const { name } of (await disk.list(directory)) ?? []) {
    const id = parseSnapshotName(name)
    if (id !== null) ids.push(id)
  }
  return ids.sort((left, right) => left.endOffset - right.endOffset || left.epoch - right.epoch)
}

/** What a crash left of snapshots that were being written or deleted. */
export async function removeLeftovers(disk: Disk, directory: string): Promise<void> {
  for (const { name } of (await disk.list(directory)) ?? []) {
    if (name.endsWith(PART_SUFFIX) || name.endsWith(DELETED_SUFFIX)) await disk.remove(`${directory}/${name}`)
  }
}

/** A size that no batch has is damage to the file here, not a peer's mistake. */
function nextBatch(cursor: BatchCursor, path: string): boolean {
  try {
    return cursor.next()
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error
    throw new OperationalError('LOG_CORRUPT', `${path}: ${error.message}`, { cause: error })
  }
}

/** @throws OperationalError LOG_CORRUPT unless it is whole. */
export async function readSnapshot(disk: Disk, path: string): Promise<SnapshotContent> {
  const bytes = await disk.readFile(path)
  if (bytes === null) throw new OperationalError('LOG_CORRUPT', `${path}: gone`)
  let state: VoterState = { kraftVersion: 0, voters: null as readonly Voter[] | null }
  let lastContainedMs = -1
  let complete = false
  const batches: Buffer[] = []
  const cursor = new BatchCursor().reset(bytes)
  while (nextBatch(cursor, path)) {
    const { at, size } = cursor
    if (!isEntryCrcValid(bytes, at, size)) throw new OperationalError('LOG_CORRUPT', `${path}: checksum at byte ${at}`)
    if (!isControl(bytes, at)) batches.push(bytes.subarray(at, at + size))
    else {
      const content = readControlBatch(bytes, at, state)
      state = content.state
      lastContainedMs = content.lastContainedMs ?? lastContainedMs
      complete ||= content.isSnapshotFooter
    }
  }
  if (!complete || cursor.position !== bytes.length) throw new OperationalError('LOG_CORRUPT', `${path}: not complete`)
  return { lastContainedMs, state, batches }
}

/** Of the header alone, which is the first batch; -1 if that can't be read. */
export async function readLastContainedMs(disk: Disk, path: string): Promise<number> {
  const file = await disk.open(path, 'read')
  try {
    const bytes = Buffer.alloc(HEADER_BYTES_MAX)
    const length = await file.read(bytes, 0)
    const cursor = new BatchCursor().reset(bytes, 0, length)
    if (!cursor.next() || !isControl(bytes, cursor.at)) return -1
    return readControlBatch(bytes, cursor.at, { kraftVersion: 0, voters: null }).lastContainedMs ?? -1
  } finally {
    await file.close()
  }
}

/** Bytes for a follower, from `position` on; null: there is no such snapshot any more. */
export async function readSnapshotPiece(
  disk: Disk,
  directory: string,
  id: SnapshotId,
  position: number,
  bytesMax: number,
): Promise<Buffer | null> {
  const path = `${directory}/${snapshotName(id)}`
  if ((await disk.stat(path)) === null) return null
  const file = await disk.open(path, 'read')
  try {
    const bytes = Buffer.alloc(bytesMax)
    return bytes.subarray(0, await file.read(bytes, position))
  } finally {
    await file.close()
  }
}

export interface SnapshotInit {
  readonly epoch: number
  readonly lastContainedMs: number
  readonly timestampMs: number
  readonly state: VoterState
  /** Framed metadata records. */
  readonly values: Iterable<Buffer>
}

/** The bytes of a snapshot, batch by batch. */
export function* snapshotBatches(init: SnapshotInit): IterableIterator<Buffer> {
  const { epoch, timestampMs, state } = init
  let offset = 0
  const position = () => ({ baseOffset: offset, epoch, timestampMs })
  yield snapshotHeaderBatch(position(), init.lastContainedMs, state)
  offset += state.kraftVersion > 0 && state.voters !== null ? 3 : 1
  let pending: { value: Buffer }[] = []
  let pendingBytes = 0
  for (const value of init.values) {
    if (
      pending.length === BATCH_RECORDS_MAX ||
      (pendingBytes + value.length > BATCH_BYTES_MAX / 2 && pending.length > 0)
    ) {
      yield buildBatch({ ...position(), records: pending })
      offset += pending.length
      pending = []
      pendingBytes = 0
    }
    pending.push({ value })
    pendingBytes += value.length
  }
  if (pending.length > 0) {
    yield buildBatch({ ...position(), records: pending })
    offset += pending.length
  }
  yield snapshotFooterBatch(position())
}

/** Writes, syncs, renames; resolves to the size in bytes. `part` makes the temporary name unique; no such file stays. */
export async function writeSnapshot(disk: Disk, path: string, part: string, init: SnapshotInit): Promise<number> {
  const temporary = `${path.slice(0, -SNAPSHOT_SUFFIX.length)}-${part}${PART_SUFFIX}`
  const bytes = await writePart(disk, temporary, init).catch(async (error: unknown) => {
    // On a full disk it is what others wait for. The next start removes what can't be removed now.
    await disk.remove(temporary).catch(() => {})
    throw error
  })
  await disk.rename(temporary, path)
  await disk.syncDirectory(parentOf(path))
  return bytes
}

async function writePart(disk: Disk, path: string, init: SnapshotInit): Promise<number> {
  const file = await disk.open(path, 'write')
  let position = 0
  try {
    await file.truncate(0)
    for (const batch of snapshotBatches(init)) {
      await file.write([batch], position)
      position += batch.length
    }
    await file.sync()
  } finally {
    await file.close()
  }
  return position
}
