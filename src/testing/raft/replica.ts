/**
 * One node of a simulated quorum: carries out what `Raft` puts out, in its order, on a disk that takes time and can lose
 * what isn't synced, and on a network that its cluster decides about. The counterpart of quorum/quorum.ts without bytes.
 */
import type { FetchResult, RaftAnswer, RaftBatch, RaftRequest, RaftResult } from '../../raft/messages.ts'
import { Raft } from '../../raft/raft.ts'
import type { LogEntry, Outgoing, RaftInput, RaftOptions, RaftOutput, ReplyToken } from '../../raft/raft-io.ts'
import type { HostPort } from '../../raft/voters.ts'
import { ReplicaDisk, SNAPSHOT_BYTES, type StoredSnapshot } from './replica-disk.ts'

export interface ReplicaHost {
  readonly nowMs: number
  after(delayMs: number, run: () => void): void
  diskMs(replica: Replica): number
  /** The answer comes back by `answer`, or never. */
  deliver(from: Replica, to: HostPort, request: RaftRequest, answer: (result: RaftResult | null) => void): void
  /** When an output is carried out: its log is written, what must be synced is, its messages leave now. */
  onSpeech(replica: Replica, output: RaftOutput): void
  /** After each step, with what came of it. */
  onStep(replica: Replica, output: RaftOutput): void
  digest(endOffset: number): string
}

/** Bugs that the harness can have in the place of quorum/quorum.ts. */
export interface Neglect {
  readonly saveLater: boolean
  readonly countUnsynced: boolean
}

const CHUNK_BYTES = 500
/** Few, so that replicas are often in the middle of something. */
const FETCH_ENTRIES_MAX = 3

type Token = (answer: RaftAnswer) => void

export class Replica {
  readonly id: number
  readonly disk = new ReplicaDisk()
  readonly #host: ReplicaHost
  readonly #options: (replica: Replica) => RaftOptions
  readonly #neglect: Neglect
  raft: Raft | null = null
  /** A new one for each process. */
  #life = 0
  #outputs: RaftOutput[] = []
  #isBusy = false
  #isSyncing = false
  #needsSync = false
  #wakeAtMs = Infinity
  #tokens = new Map<ReplyToken, Token>()
  #lastToken = 0

  constructor(id: number, host: ReplicaHost, options: (replica: Replica) => RaftOptions, neglect: Neglect) {
    this.id = id
    this.#host = host
    this.#options = options
    this.#neglect = neglect
  }

  get isUp(): boolean {
    return this.raft !== null
  }

  start(): void {
    this.#life += 1
    this.#outputs = []
    this.#isBusy = false
    this.#isSyncing = false
    this.#needsSync = false
    this.#wakeAtMs = Infinity
    this.#tokens = new Map()
    this.disk.part = null
    this.raft = new Raft(this.#options(this), this.#host.nowMs)
    // What a process finds may be in the page cache only; it syncs that before it counts it.
    this.disk.sync()
    this.step({ kind: 'tick' })
  }

  stop(): void {
    this.raft = null
    this.#life += 1
  }

  step(input: RaftInput): void {
    const { raft } = this
    if (raft === null) return
    const output = raft.step(input, this.#host.nowMs)
    this.#outputs.push(output)
    this.#host.onStep(this, output)
    this.#wake(output.wakeAtMs)
    this.#drain()
  }

  /** Gives a request of a peer to the state machine. */
  receive(request: RaftRequest, answer: Token): void {
    const token = ++this.#lastToken
    this.#tokens.set(token, answer)
    this.step({ kind: 'received', token, request })
  }

  propose(bytes: Buffer): boolean {
    const { raft } = this
    if (raft?.role !== 'leader') return false
    const { endOffset: baseOffset, epoch } = raft
    const batch: RaftBatch = { baseOffset, endOffset: baseOffset + 1, epoch, voters: null, bytes }
    this.step({ kind: 'proposed', batch })
    return true
  }

  /** Of all that is committed, and forgets the log before it, or before the one that was the last. */
  takeSnapshot(): boolean {
    const { raft, disk } = this
    if (raft === null || this.#isBusy || this.#outputs.length > 0) return false
    const endOffset = raft.committedTo
    const last = disk.entries.find((entry) => entry.endOffset === endOffset)
    if (last === undefined || endOffset <= (disk.snapshots.at(-1)?.endOffset ?? 0)) return false
    const { kraftVersion, voters } = raft.votersAt(endOffset)
    const change = kraftVersion === 0 ? { kraftVersion: null, voters: null } : { kraftVersion, voters }
    const former = disk.snapshots.at(-1)
    const digest = this.#host.digest(endOffset)
    disk.snapshots = [...disk.snapshots.slice(-1), { endOffset, epoch: last.epoch, digest, voters: change }]
    if (former !== undefined) disk.snapshots = disk.snapshots.slice(-2)
    const [oldest] = disk.snapshots
    if (disk.snapshots.length > 1) disk.forgetBefore(oldest!.endOffset)
    const snapshots = disk.snapshots.map((one) => ({
      endOffset: one.endOffset,
      epoch: one.epoch,
      bytes: SNAPSHOT_BYTES,
    }))
    this.step({ kind: 'snapshots', snapshots, logStartOffset: disk.startOffset })
    return true
  }

  #after(delayMs: number, run: () => void): void {
    const life = this.#life
    this.#host.after(delayMs, () => {
      if (life === this.#life) run()
    })
  }

  #wake(atMs: number): void {
    if (atMs === Infinity || atMs >= this.#wakeAtMs) return
    this.#wakeAtMs = atMs
    this.#after(atMs - this.#host.nowMs, () => {
      if (this.#wakeAtMs > this.#host.nowMs) return
      this.#wakeAtMs = Infinity
      this.step({ kind: 'tick' })
    })
  }

  #drain(): void {
    if (this.#isBusy) return
    const output = this.#outputs.shift()
    if (output === undefined) return
    this.#isBusy = true
    const { save } = output
    if (save === null) return this.#write(output)
    if (this.#neglect.saveLater) {
      this.#after(this.#host.diskMs(this), () => (this.disk.election = save))
      return this.#write(output)
    }
    this.#after(this.#host.diskMs(this), () => {
      this.disk.election = save
      this.#write(output)
    })
  }

  #write(output: RaftOutput): void {
    const { disk } = this
    const { chunk, install, truncateTo, append } = output
    if (chunk !== null) {
      const before = chunk.position === 0 ? Buffer.alloc(0) : disk.part!.bytes
      disk.part = { id: chunk.id, bytes: Buffer.concat([before, chunk.bytes]) }
      const { id, isLast } = chunk
      const end = chunk.position + chunk.bytes.length
      this.#after(this.#host.diskMs(this), () => {
        const stored = isLast ? snapshotOf(disk.part!.bytes) : null
        this.step({ kind: 'chunkStored', id, end, whole: stored?.voters ?? null })
      })
    }
    if (install !== null) {
      const stored = snapshotOf(disk.part!.bytes)
      disk.part = null
      disk.snapshots = [stored]
      disk.startAt(install.endOffset)
      this.#needsSync = true
    }
    if (truncateTo !== null) disk.truncateTo(truncateTo)
    if (append.length > 0) {
      disk.entries.push(...append)
      this.#needsSync = true
    }
    this.#host.onSpeech(this, output)
    for (const outgoing of output.send) this.#send(outgoing)
    for (const { token, answer } of output.reply) {
      const respond = this.#tokens.get(token)
      this.#tokens.delete(token)
      respond?.(answer)
    }
    this.#isBusy = false
    this.#sync()
    this.#drain()
  }

  #sync(): void {
    const { raft, disk } = this
    if (raft === null || !this.#needsSync || this.#isSyncing) return
    this.#needsSync = false
    // Not of outputs that wait in the queue: they cut what isn't written yet.
    const cuts =
      raft.cuts - this.#outputs.filter(({ truncateTo, install }) => truncateTo !== null || install !== null).length
    const end = disk.endOffset
    if (this.#neglect.countUnsynced) {
      this.step({ kind: 'synced', end, cuts })
    }
    this.#isSyncing = true
    const written = [...disk.entries]
    this.#after(this.#host.diskMs(this), () => {
      this.#isSyncing = false
      if (
        isPrefix(
          written.filter((one) => one.endOffset > disk.startOffset),
          disk.entries,
        )
      )
        disk.syncOf(written)
      this.step({ kind: 'synced', end, cuts })
      this.#sync()
    })
  }

  #send({ requestId, to, request }: Outgoing): void {
    const life = this.#life
    this.#host.deliver(this, to, request, (result) => {
      if (life !== this.#life) return
      if (result === null) this.step({ kind: 'failed', requestId, unsupported: false })
      else this.step({ kind: 'answered', requestId, result })
    })
  }

  /** An answer as it arrives at the other side: with the records or bytes that it names. */
  resultOf(answer: RaftAnswer): RaftResult {
    if (answer.kind === 'fetch') {
      const { readFrom, readTo, ...fields } = answer
      const batches = readFrom === null ? [] : this.#read(readFrom, readTo)
      const result: FetchResult = { ...fields, batches }
      return result
    }
    if (answer.kind === 'fetchSnapshot') {
      const { endOffset, epoch } = answer.snapshotId
      const stored = this.disk.snapshots.find((one) => one.endOffset === endOffset && one.epoch === epoch)
      const whole = stored === undefined ? Buffer.alloc(0) : bytesOf(stored)
      return { ...answer, bytes: answer.error === 'NONE' ? chunkOf(whole, answer.position) : Buffer.alloc(0) }
    }
    return answer
  }

  #read(from: number, to: number): RaftBatch[] {
    const found = this.disk.entries.filter((entry) => entry.baseOffset >= from && entry.endOffset <= to)
    return found.slice(0, FETCH_ENTRIES_MAX).map(batchOf)
  }
}

function isPrefix(before: readonly LogEntry[], now: readonly LogEntry[]): boolean {
  return before.every((entry, index) => entry === now[index])
}

function chunkOf(whole: Buffer, position: number): Buffer {
  return whole.subarray(position, position + CHUNK_BYTES)
}

function bytesOf(stored: object): Buffer {
  return Buffer.from(JSON.stringify(stored).padEnd(SNAPSHOT_BYTES))
}

function snapshotOf(bytes: Buffer): StoredSnapshot {
  return JSON.parse(bytes.toString()) as StoredSnapshot
}

/** A leader change travels as bytes like any other entry. */
function batchOf(entry: LogEntry): RaftBatch {
  const { baseOffset, endOffset, epoch, voters } = entry
  return { baseOffset, endOffset, epoch, voters, bytes: entry.kind === 'batch' ? entry.bytes : controlBytes(entry) }
}

export function controlBytes(entry: LogEntry): Buffer {
  return Buffer.from(`control ${entry.epoch} ${JSON.stringify(entry.voters?.voters?.map(({ id }) => id) ?? null)}`)
}

export function contentOf(entry: LogEntry): string {
  return `${entry.epoch}:${(entry.kind === 'batch' ? entry.bytes : controlBytes(entry)).toString()}`
}
