/**
 * Partition directories that Apache Kafka 4.3.1 wrote and closed: opened, recovered and written anew here, each must
 * come out byte for byte the same. `partitions/` holds them as Kafka left them.
 */
import { readFileSync, readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { DEFAULT_LOG_CONFIG, type LogConfig } from '../../../src/config/log-config.ts'
import {
  baseOffset,
  isControl,
  isTransactional,
  producerId,
  setBaseOffset,
  setLeaderEpoch,
} from '../../../src/records/batch.ts'
import { BatchCursor } from '../../../src/records/batches.ts'
import { readControlKey } from '../../../src/records/control.ts'
import { readRecords } from '../../../src/records/record-reader.ts'
import type { PartitionLog } from '../../../src/storage/partition-log.ts'
import { fileNames, testLog, type TestLog } from '../../../src/storage/test-log.ts'

const ROOT = new URL('partitions/', import.meta.url)
const CONFIGS: Record<string, Partial<LogConfig>> = {
  'seg-many-0': { segmentBytes: 2500, indexIntervalBytes: 200, segmentIndexBytes: 4096 },
  'txn-a-0': { segmentBytes: 1500, indexIntervalBytes: 100 },
  'txn-a-1': { segmentBytes: 1500, indexIntervalBytes: 100 },
  'txn-b-0': {},
  'txn-open-0': {},
  'time-roll-0': { segmentMs: 700 },
  'ts-order-0': { indexIntervalBytes: 50 },
  'idx-full-0': { indexIntervalBytes: 0, segmentIndexBytes: 40 },
  'prealloc-0': { segmentBytes: 16384, preallocate: true },
  'dense-index-0': { indexIntervalBytes: 0 },
  'log-append-0': {},
  'idem-1': {},
  'compact-txn-0': { segmentBytes: 1200, compact: true },
}
const NAMES = Object.keys(CONFIGS)
/** Compaction leaves gaps: what such a log was written with is gone. */
const WRITTEN = NAMES.filter((name) => name !== 'compact-txn-0')

function kafkaFiles(name: string): Map<string, Buffer> {
  const directory = new URL(`${name}/`, ROOT)
  return new Map(readdirSync(directory).map((file) => [file, readFileSync(new URL(file, directory))]))
}

function logFor(name: string): TestLog {
  return testLog({ ...DEFAULT_LOG_CONFIG, segmentIndexBytes: 65536, ...CONFIGS[name] })
}

function open(at: TestLog, cleanShutdown: boolean): Promise<PartitionLog> {
  return at.open({ cleanShutdown, producerIdExpirationMs: Number.MAX_SAFE_INTEGER })
}

async function put(at: TestLog, files: ReadonlyMap<string, Buffer>): Promise<void> {
  await at.disk.makeDirectory('/d/t-0')
  for (const [name, bytes] of files) await at.disk.writeFile(`/d/t-0/${name}`, bytes)
}

async function expectSame(at: TestLog, files: ReadonlyMap<string, Buffer>): Promise<void> {
  expect(await fileNames(at.disk)).toEqual([...files.keys()].sort())
  for (const [name, bytes] of files) {
    expect((await at.disk.readFile(`/d/t-0/${name}`))?.toString('hex'), name).toBe(bytes.toString('hex'))
  }
}

test.each(NAMES)('%s: opened after a clean shutdown and closed, nothing changes', async (name) => {
  const files = kafkaFiles(name)
  const at = logFor(name)
  await put(at, files)
  const log = await open(at, true)
  await log.close()
  await expectSame(at, files)
})

test.each(NAMES)('%s: indexes and producer snapshots are rebuilt as Kafka built them', async (name) => {
  const files = kafkaFiles(name)
  const at = logFor(name)
  // The first batches of a compacted log are gone, and with them where its epoch began.
  const kept = WRITTEN.includes(name) ? ['partition.metadata'] : ['partition.metadata', 'leader-epoch-checkpoint']
  const logs = [...files].filter(([file]) => file.endsWith('.log') || kept.includes(file))
  await put(at, new Map(logs))
  const log = await open(at, false)
  await log.close()
  await expectSame(at, files)
})

test.each(WRITTEN)('%s: the same batches appended leave the same files', async (name) => {
  const files = kafkaFiles(name)
  const at = logFor(name)
  const log = await open(at, false)
  await log.assignEpoch(0)
  for (const [file, bytes] of [...files].sort()) {
    if (!file.endsWith('.log')) continue
    const cursor = new BatchCursor().reset(bytes)
    while (cursor.next()) {
      const batch = Buffer.from(bytes.subarray(cursor.at, cursor.position))
      setBaseOffset(batch, 0, 0)
      setLeaderEpoch(batch, 0, -1)
      await log.append(batch, { epoch: 0, origin: isControl(batch, 0) ? 'coordinator' : 'client' }).written
    }
  }
  await log.close()
  files.delete('partition.metadata') // we were told no topic id
  await expectSame(at, files)
})

test('read_committed: aborted transactions and the last stable offset of a log with transactions', async () => {
  const at = logFor('txn-a-0')
  await put(at, kafkaFiles('txn-a-0'))
  const log = await open(at, true)
  log.setHighWatermark(log.writtenEnd)
  expect([log.startOffset, log.writtenEnd, log.lastStableOffset]).toEqual([0, 73, 73])
  const committed = [5, 6, 7, 8, 12, 15, 16, 17, 18, 19, 24, 25, 26, 27, 29, 30, 31, 37, 42, 53, 58, 59, 60, 61, 62, 63]
  expect(await committedOffsets(log)).toEqual([...committed, 64, 65, 66, 68, 69, 70, 71])
  expect(await log.maxTimestampOffset()).toEqual({ offset: 72, timestamp: 1795367521680, epoch: 0 })
  await log.close()

  const open0 = logFor('txn-open-0')
  await put(open0, kafkaFiles('txn-open-0'))
  const withOpen = await open(open0, true)
  withOpen.setHighWatermark(withOpen.writtenEnd)
  expect([withOpen.writtenEnd, withOpen.lastStableOffset]).toEqual([10, 2])
  await withOpen.close()
})

async function committedOffsets(log: PartitionLog): Promise<number[]> {
  const aborted = await log.abortedTransactions(0, log.lastStableOffset)
  const skipping = new Set<unknown>()
  const offsets: number[] = []
  await log.scan(0, (bytes, at) => {
    const id = producerId(bytes, at)
    for (const entry of aborted) {
      if (entry.producerId === id && entry.firstOffset === baseOffset(bytes, at)) skipping.add(id)
    }
    if (isControl(bytes, at)) {
      if (readControlKey(readRecords(bytes, at)[0]?.key ?? null) === 'ABORT') skipping.delete(id)
    } else if (!isTransactional(bytes, at) || !skipping.has(id)) {
      for (const record of readRecords(bytes, at)) offsets.push(record.offset)
    }
  })
  return offsets
}
