/**
 * What the leader pays per record and per byte: the walk over produced records, checksums, codecs.
 *
 *   node scripts/run.mjs bench/records.bench.ts            a moment, to show that it runs
 *   node scripts/run.mjs bench/records.bench.ts --full     the figures: CPU time, best of seven rounds
 */
import { INT64_MAX } from '../src/base/int64.ts'
import { BATCH_HEADER_BYTES, CODECS } from '../src/records/batch.ts'
import { buildBatch } from '../src/records/batch-builder.ts'
import { compress, decompress, decompressOnce } from '../src/records/compression/compression.ts'
import { crc32, crc32c, crc32cOfTables } from '../src/records/crc32c.ts'
import { visitRecords } from '../src/records/record-reader.ts'
import { newRecordWalk, walkRecords } from '../src/records/record-walk.ts'
import { validateProduce } from '../src/records/validator.ts'

const FULL = process.argv.includes('--full')
const BUDGET_MS = FULL ? 400 : 3
const ROUNDS = FULL ? 7 : 1

/** Nanoseconds of CPU per call, best of some rounds: the machine is shared. */
function measure(task: () => void): number {
  let best = Infinity
  for (let warm = 0; warm < 3; warm++) task()
  for (let round = 0; round < ROUNDS; round++) {
    const start = process.cpuUsage()
    let calls = 0
    const until = performance.now() + BUDGET_MS
    do {
      task()
      calls++
    } while (performance.now() < until)
    const used = process.cpuUsage(start)
    best = Math.min(best, ((used.user + used.system) * 1000) / calls)
  }
  return best
}

function line(name: string, value: number, unit: string): void {
  console.log(`${name.padEnd(44)} ${value.toFixed(value < 100 ? 1 : 0).padStart(8)} ${unit}`)
}

/** Records like JSON, with a key. */
function records(count: number, valueBytes: number): { timestamp: number; key: Buffer; value: Buffer }[] {
  return Array.from({ length: count }, (_, index) => {
    let text = ''
    for (let field = 0; text.length < valueBytes; field++) {
      text += `"name${field % 7}":${(index * 7919 + field * 104729) % 100000},`
    }
    return {
      timestamp: 1_700_000_000_000 + index,
      key: Buffer.from(`k${index % 1000}`),
      value: Buffer.from(text.slice(0, valueBytes)),
    }
  })
}

const OPTIONS = {
  nowMs: 1_700_000_000_000,
  timestampType: 'CreateTime',
  beforeMaxMs: INT64_MAX,
  afterMaxMs: 3_600_000,
  compactedTopic: false,
  compression: { type: 'producer' },
  maxMessageBytes: 10_000_000,
  segmentBytes: 1_000_000_000,
  allowOldMagic: true,
  requestVersion: 12,
} as const

for (const valueBytes of [85, 1000]) {
  const count = valueBytes === 85 ? 1000 : 100
  const bytes = buildBatch({ records: records(count, valueBytes) })
  const walk = newRecordWalk()
  const size = `${Math.round((bytes.length - BATCH_HEADER_BYTES) / count)} B records`
  const task = (): void => void walkRecords(bytes, BATCH_HEADER_BYTES, bytes.length, count, walk)
  line(`walk, ${size}`, measure(task) / count, 'ns/record')
  line(`visit with a cursor, ${size}`, measure(() => visitRecords(bytes, 0, () => {})) / count, 'ns/record')
  line(`validate incl. CRC, ${size}`, measure(() => validateProduce(bytes, OPTIONS)) / count, 'ns/record')
}

const megabyte = buildBatch({ records: records(8000, 120) }).subarray(0, 1_000_000)
for (const size of [128, 512, 1024, 16_384, 1_000_000]) {
  const bytes = Buffer.from(megabyte.subarray(0, size))
  line(`crc32c, ${size} B`, (size * 1000) / measure(() => crc32c(bytes)), 'MB/s')
  line(`crc32c of tables, ${size} B`, (size * 1000) / measure(() => crc32cOfTables(bytes)), 'MB/s')
}
line('crc32, 16384 B', (16_384 * 1000) / measure(() => crc32(megabyte, 0, 16_384)), 'MB/s')

for (const codec of CODECS) {
  if (codec === 'none') continue
  for (const size of [16_384, 1_000_000]) {
    const bytes = megabyte.subarray(0, size)
    const packed = compress(codec, bytes)
    line(
      `${codec} compress, ${size} B (1:${(size / packed.length).toFixed(1)})`,
      (size * 1000) / measure(() => compress(codec, bytes)),
      'MB/s',
    )
    line(`${codec} decompress, ${size} B`, (size * 1000) / measure(() => decompress(codec, packed)), 'MB/s')
    line(`${codec} decompress once, ${size} B`, (size * 1000) / measure(() => decompressOnce(codec, packed)), 'MB/s')
  }
}
