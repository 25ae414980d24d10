/**
 * Kafka's text checkpoints: `0`, the number of entries, one entry a line, a newline at the very end.
 *
 * An offset checkpoint has `topic partition offset` lines (recovery points, high watermarks, log starts, cleaner), an
 * epoch checkpoint `epoch startOffset`. An empty file has no entries (a follower's epoch file before its first record);
 * a wrong version, a malformed line or another count than declared is an error: what that means is the reader's
 * decision, for most files it is "as if empty". Topic names hold no blanks, so a line needs no quoting.
 */
import { OperationalError } from '../base/errors.ts'
import type { Disk } from '../world/world.ts'
import { replaceFile } from './atomic-file.ts'

const VERSION = '0'
const OFFSET_MAX = Number.MAX_SAFE_INTEGER

export interface OffsetEntry {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

export interface EpochEntry {
  readonly epoch: number
  readonly startOffset: number
}

/** Null when there is no file. @throws OperationalError LOG_CORRUPT when it is malformed. */
export async function readOffsetCheckpoint(disk: Disk, path: string): Promise<OffsetEntry[] | null> {
  const bytes = await disk.readFile(path)
  return bytes === null ? null : parseOffsetCheckpoint(bytes.toString('utf8'), path)
}

export async function writeOffsetCheckpoint(disk: Disk, path: string, entries: readonly OffsetEntry[]): Promise<void> {
  await replaceFile(disk, path, Buffer.from(formatOffsetCheckpoint(entries), 'utf8'))
}

/** Null when there is no file. @throws OperationalError LOG_CORRUPT when it is malformed. */
export async function readEpochCheckpoint(disk: Disk, path: string): Promise<EpochEntry[] | null> {
  const bytes = await disk.readFile(path)
  return bytes === null ? null : parseEpochCheckpoint(bytes.toString('utf8'), path)
}

export async function writeEpochCheckpoint(disk: Disk, path: string, entries: readonly EpochEntry[]): Promise<void> {
  await replaceFile(disk, path, Buffer.from(formatEpochCheckpoint(entries), 'utf8'))
}

export function parseOffsetCheckpoint(text: string, path: string): OffsetEntry[] {
  return parse(text, path, ([topic, partition, offset], fields) => {
    if (fields !== 3 || topic === undefined || topic === '') return null
    const partitionNumber = integer(partition)
    const offsetNumber = integer(offset)
    if (partitionNumber === null || offsetNumber === null) return null
    return { topic, partition: partitionNumber, offset: offsetNumber }
  })
}

export function formatOffsetCheckpoint(entries: readonly OffsetEntry[]): string {
  return format(entries.map(({ topic, partition, offset }) => `${topic} ${partition} ${offset}`))
}

export function parseEpochCheckpoint(text: string, path: string): EpochEntry[] {
  return parse(text, path, ([epoch, startOffset], fields) => {
    const epochNumber = integer(epoch)
    const offsetNumber = integer(startOffset)
    if (fields !== 2 || epochNumber === null || offsetNumber === null) return null
    return { epoch: epochNumber, startOffset: offsetNumber }
  })
}

export function formatEpochCheckpoint(entries: readonly EpochEntry[]): string {
  return format(entries.map(({ epoch, startOffset }) => `${epoch} ${startOffset}`))
}

function format(lines: readonly string[]): string {
  return [VERSION, String(lines.length), ...lines, ''].join('\n')
}

function parse<Entry>(
  text: string,
  path: string,
  read: (words: readonly string[], fields: number) => Entry | null,
): Entry[] {
  if (text === '') return []
  const lines = text.split(/\r\n|\n|\r/)
  if (lines[lines.length - 1] === '') lines.pop()
  const [version, count] = lines
  if (version !== VERSION)
    throw corrupt(path, `Unrecognized version of the checkpoint file: ${version}. Expected ${VERSION}`)
  if (count === undefined) return []
  const expected = integer(count)
  if (expected === null) throw corrupt(path, `Malformed line in checkpoint file: ${count}`)
  const entries: Entry[] = []
  for (let at = 2; at < lines.length; at++) {
    const line = lines[at] ?? ''
    const words = line.split(/\s+/)
    const entry = read(words, words.length)
    if (entry === null) throw corrupt(path, `Malformed line in checkpoint file: ${line}`)
    entries.push(entry)
  }
  if (entries.length !== expected) {
    throw corrupt(path, `Expected ${expected} entries in checkpoint file, but found only ${entries.length}`)
  }
  return entries
}

function integer(text: string | undefined): number | null {
  if (text === undefined || !/^-?[0-9]+$/.test(text)) return null
  const value = Number(text)
  return Math.abs(value) <= OFFSET_MAX ? value : null
}

function corrupt(path: string, detail: string): OperationalError {
  return new OperationalError('LOG_CORRUPT', `${path}: ${detail}`)
}
