/**
 * `<base>.txnindex`: the aborted transactions whose marker lies in the segment, 34 bytes each, by marker offset.
 *
 * int16 version 0, int64 producerId, firstOffset, lastOffset (the marker), lastStableOffset after the decision. There is
 * no file without entries. Entries are few: all of a segment stay in memory once they were asked for. What was added is in
 * the file after `save`, and survives a power loss after `sync`.
 */
import { OperationalError } from '../base/errors.ts'
import { readInt64, readSafeInt64, writeInt64, type Int64 } from '../base/int64.ts'
import type { Disk } from '../world/world.ts'
import { syncIfThere } from './index-file.ts'
import { pathOf, type LogPlace } from './segment-files.ts'

/** Of one entry. */
const TRANSACTION_BYTES = 34

export interface TransactionIndexEntry {
  readonly producerId: Int64
  readonly firstOffset: number
  readonly lastOffset: number
  readonly lastStableOffset: number
}

export class TransactionIndex {
  readonly #disk: Disk
  readonly #place: LogPlace
  readonly #baseOffset: number
  /** Null until they are read. */
  #entries: TransactionIndexEntry[] | null = null
  /** How many of them are in the file; -1: nobody knows what is. */
  #saved = 0
  /** Counts saves; those up to #synced survive a power loss. */
  #saves = 0
  #synced = 0

  constructor(disk: Disk, place: LogPlace, baseOffset: number) {
    this.#disk = disk
    this.#place = place
    this.#baseOffset = baseOffset
  }

  get #path(): string {
    return pathOf(this.#place, this.#baseOffset, '.txnindex')
  }

  /** Null until they were read. */
  get known(): readonly TransactionIndexEntry[] | null {
    return this.#entries
  }

  /** @throws OperationalError LOG_CORRUPT. */
  async entries(): Promise<readonly TransactionIndexEntry[]> {
    return (this.#entries ??= await this.#read())
  }

  async #read(): Promise<TransactionIndexEntry[]> {
    const bytes = await this.#disk.readFile(this.#path)
    const entries = bytes === null ? [] : decodeTransactionIndex(bytes, this.#baseOffset, this.#path)
    this.#saved = entries.length
    return entries
  }

  async add(entry: TransactionIndexEntry): Promise<void> {
    const entries = (this.#entries ??= await this.#read())
    entries.push(entry)
  }

  /** Of a new segment: there is no file. */
  begin(): void {
    this.#entries = []
  }

  /** Begins anew; `hasFile`: there may be a file of it, whose content counts no more. */
  reset(hasFile: boolean): void {
    this.#entries = []
    this.#saved = hasFile ? -1 : 0
  }

  /** Gives up what was decided at `end` or behind it, in the file too. */
  async truncateTo(end: number): Promise<void> {
    const entries = await this.entries()
    const keep = entries.findIndex((entry) => entry.lastOffset >= end)
    if (keep < 0) return
    this.#entries = entries.slice(0, keep)
    await this.save()
  }

  /** Brings the file up to date: new entries are appended. */
  async save(): Promise<void> {
    const entries = this.#entries
    if (entries === null || entries.length === this.#saved) return
    const saved = this.#saved > entries.length ? 0 : Math.max(this.#saved, 0)
    // What an attempt that fails leaves in the file isn't known.
    this.#saved = -1
    if (entries.length === 0) await this.#disk.remove(this.#path)
    else {
      const file = await this.#disk.open(this.#path, 'write')
      try {
        if (saved < entries.length)
          await file.write([encodeTransactionIndex(entries.slice(saved))], saved * TRANSACTION_BYTES)
        await file.truncate(entries.length * TRANSACTION_BYTES)
      } finally {
        await file.close()
      }
    }
    this.#saved = entries.length
    this.#saves++
  }

  async sync(): Promise<void> {
    const saves = this.#saves
    if (saves <= this.#synced) return
    await syncIfThere(this.#disk, this.#path)
    this.#synced = Math.max(this.#synced, saves)
  }
}

function encodeTransactionIndex(entries: readonly TransactionIndexEntry[]): Buffer {
  const bytes = Buffer.alloc(entries.length * TRANSACTION_BYTES)
  for (let index = 0, at = 0; index < entries.length; index++, at += TRANSACTION_BYTES) {
    const entry = entries[index]!
    writeInt64(bytes, at + 2, entry.producerId)
    writeInt64(bytes, at + 10, entry.firstOffset)
    writeInt64(bytes, at + 18, entry.lastOffset)
    writeInt64(bytes, at + 26, entry.lastStableOffset)
  }
  return bytes
}

/** @throws OperationalError LOG_CORRUPT for a version above 0 or an entry below `baseOffset`: the segment is recovered. */
export function decodeTransactionIndex(bytes: Buffer, baseOffset: number, path: string): TransactionIndexEntry[] {
  const entries: TransactionIndexEntry[] = []
  for (let at = 0; at + TRANSACTION_BYTES <= bytes.length; at += TRANSACTION_BYTES) {
    // Readers of Kafka look at the first byte only.
    if (bytes.readInt8(at) > 0) throw new OperationalError('LOG_CORRUPT', `${path}: unexpected version of an entry`)
    const lastOffset = readSafeInt64(bytes, at + 18)
    if (lastOffset < baseOffset)
      throw new OperationalError('LOG_CORRUPT', `${path}: entry below the segment's base offset`)
    entries.push({
      producerId: readInt64(bytes, at + 2),
      firstOffset: readSafeInt64(bytes, at + 10),
      lastOffset,
      lastStableOffset: readSafeInt64(bytes, at + 26),
    })
  }
  return entries
}
