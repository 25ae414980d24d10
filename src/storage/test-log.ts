/** Set-up that the tests of the log share: a log in memory, batches of some size. */
import { SILENT } from '../base/logger.ts'
import { DEFAULT_LOG_CONFIG, type LogConfig } from '../config/log-config.ts'
import { buildBatch, type BatchInit } from '../records/batch-builder.ts'
import { readRecords } from '../records/record-reader.ts'
import { BatchCursor } from '../records/batches.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { memoryDisk } from '../world/memory-disk.ts'
import type { Disk } from '../world/world.ts'
import type { LogRead, PartitionLogOptions } from './log-surface.ts'
import { PartitionLog } from './partition-log.ts'
import { TailCache } from './tail-cache.ts'

export interface TestLog {
  readonly disk: Disk
  readonly clock: ManualClock
  readonly options: PartitionLogOptions
  open(changes?: Partial<PartitionLogOptions>): Promise<PartitionLog>
}

export function testLog(config: Partial<LogConfig> = {}, cached = false): TestLog {
  const clock = new ManualClock()
  const disk = memoryDisk({ wallMs: () => clock.wallMs(), soon: (task) => void Promise.resolve().then(task) })
  const options: PartitionLogOptions = {
    disk,
    clock,
    random: { uint32: () => 7, below: (bound) => 7 % bound, bytes: (length) => Buffer.alloc(length, 7) },
    logger: SILENT,
    directory: '/d/t-0',
    topicPartition: { topic: 't', partition: 0 },
    topicId: null,
    config: { ...DEFAULT_LOG_CONFIG, segmentIndexBytes: 4096, ...config },
    cleanShutdown: false,
    recoveryPoint: 0,
    logStartOffset: 0,
    producerIdExpirationMs: 86_400_000,
    tailCache: cached ? new TailCache(32 << 20, true) : null,
  }
  return { disk, clock, options, open: (changes = {}) => PartitionLog.open({ ...options, ...changes }) }
}

/** `count` records with that text as value. */
export function batchOf(text: string, count = 1, init: Partial<BatchInit> = {}): Buffer {
  const records = Array.from({ length: count }, (_, index) => ({
    value: Buffer.from(`${text}${count > 1 ? index : ''}`),
  }))
  return buildBatch({ timestampMs: 1_000, records, ...init })
}

export const CLIENT = { epoch: 0, origin: 'client' } as const

/** Values with their offsets: `0:a 1:b`. Gives the memory back. */
export function textOf(read: LogRead): string {
  const words: string[] = []
  for (const piece of read.pieces) {
    const cursor = new BatchCursor().reset(piece)
    while (cursor.next()) {
      for (const record of readRecords(piece, cursor.at))
        words.push(`${record.offset}:${record.value?.toString() ?? ''}`)
    }
  }
  read.release()
  return words.join(' ')
}

export async function readText(
  log: PartitionLog,
  from: number,
  limit = log.writtenEnd,
  maxBytes = 1 << 20,
): Promise<string> {
  return textOf(await log.read(from, limit, maxBytes, true))
}

export async function fileNames(disk: Disk, directory = '/d/t-0'): Promise<string[]> {
  const entries = (await disk.list(directory)) ?? []
  return entries.map((entry) => entry.name).sort()
}
