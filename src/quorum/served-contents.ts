/**
 * What the state machine's answers to other nodes only name: records of the log, pieces of snapshots. Read when the answer is
 * on its way, so the log may have been cut since: then nothing goes out under an epoch that it may not be of.
 */
import type { LeaderView, RaftAnswer } from '../raft/messages.ts'
import type { Disk } from '../world/world.ts'
import type { LoadedLog } from './load-log.ts'
import type { ServedAnswer } from './raft-channel.ts'
import { readSnapshotPiece } from './snapshot-files.ts'

/** controller.quorum.fetch.max.bytes and controller.quorum.fetch.snapshot.max.bytes: Kafka's default of both. */
export const PIECE_BYTES_MAX = 1024 * 1024

export interface ServedContentsOptions {
  readonly disk: Disk
  readonly directory: string
  readonly log: LoadedLog['log']
  /** What was appended is in the file; rejects when it never will be. */
  readonly written: () => Promise<void>
  readonly leader: () => LeaderView
  readonly isLeader: () => boolean
}

export class ServedContents {
  readonly #options: ServedContentsOptions

  constructor(options: ServedContentsOptions) {
    this.#options = options
  }

  async fetched(answer: RaftAnswer & { readonly kind: 'fetch' }, maxBytes: number): Promise<ServedAnswer> {
    const { readFrom, readTo } = answer
    if (readFrom === null) return { ...answer, records: Buffer.alloc(0) }
    const records = await this.#read(readFrom, readTo, bounded(maxBytes))
    const leader = this.#options.leader()
    if (this.#options.isLeader() && leader.epoch === answer.leader.epoch) return { ...answer, records }
    return { ...answer, error: 'NOT_LEADER_OR_FOLLOWER', leader, readFrom: null, records: Buffer.alloc(0) }
  }

  async piece(answer: RaftAnswer & { readonly kind: 'fetchSnapshot' }, maxBytes: number): Promise<ServedAnswer> {
    if (answer.error !== 'NONE') return { ...answer, bytes: Buffer.alloc(0) }
    const { disk, directory } = this.#options
    const bytes = await readSnapshotPiece(disk, directory, answer.snapshotId, answer.position, bounded(maxBytes))
    return bytes === null ? { ...answer, error: 'SNAPSHOT_NOT_FOUND', bytes: Buffer.alloc(0) } : { ...answer, bytes }
  }

  async #read(from: number, to: number, bytesMax: number): Promise<Buffer> {
    const { log, written } = this.#options
    if (log.writtenEnd < to) await written().catch(() => {})
    const end = Math.min(to, log.writtenEnd)
    if (from >= end || from < log.startOffset) return Buffer.alloc(0)
    const read = await log.read(from, end, bytesMax, true)
    const records = Buffer.concat(read.pieces)
    read.release()
    return records
  }
}

function bounded(maxBytes: number): number {
  return Math.max(0, Math.min(maxBytes, PIECE_BYTES_MAX))
}
