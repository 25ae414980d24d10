/**
 * Names of the files of a partition directory. Numbers are 20 decimal digits; the directory can be renamed under an open
 * log (topic deletion, a move between directories), so paths are made when they are used.
 */
import type { OpenFiles } from './open-files.ts'

export type SegmentSuffix = '.log' | '.index' | '.timeindex' | '.txnindex' | '.snapshot'

export const SEGMENT_SUFFIXES: readonly SegmentSuffix[] = ['.log', '.index', '.timeindex', '.txnindex', '.snapshot']
export const EPOCH_CHECKPOINT = 'leader-epoch-checkpoint'
export const PARTITION_METADATA = 'partition.metadata'
export const DELETED = '.deleted'
export const CLEANED = '.cleaned'
export const SWAP = '.swap'

/** Where a log lies, and among which open files its own are; one object shared by all its parts. */
export interface LogPlace {
  directory: string
  readonly openFiles: OpenFiles
}

export function fileName(offset: number, suffix: SegmentSuffix): string {
  return String(offset).padStart(20, '0') + suffix
}

export function pathOf(place: LogPlace, offset: number, suffix: SegmentSuffix): string {
  return `${place.directory}/${fileName(offset, suffix)}`
}

const NUMBERED = /^([0-9]{20})(\.log|\.index|\.timeindex|\.txnindex|\.snapshot)$/

/** Null for any other file. */
export function parseFileName(name: string): { readonly offset: number; readonly suffix: SegmentSuffix } | null {
  const match = NUMBERED.exec(name)
  if (match === null) return null
  const suffix = SEGMENT_SUFFIXES.find((known) => known === match[2])
  return suffix === undefined ? null : { offset: Number(match[1]), suffix }
}
