import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CODECS } from '../../records/batch.ts'
import { buildBatch } from '../../records/batch-builder.ts'
import { string } from '../serde.ts'
import { readFetched } from './fetched-records.ts'
import { RecordBatchView } from './record-batch-view.ts'

const PLACE = { topic: 'orders', partition: 0 }
const OWNER = { key: string(), value: string(), commit: () => Promise.resolve() }

function viewOf(bytes: Buffer, offset = 0): RecordBatchView<string, string> {
  const fetched = readFetched(PLACE, bytes, { offset, aborted: null, checksCrc: true })
  return new RecordBatchView({ ...PLACE, highWatermark: -1 }, fetched, OWNER)
}

const text = fc.option(fc.string({ maxLength: 20 }), { nil: null })
const record = fc.record({ key: text, value: text, header: text, delta: fc.nat(1000) })
const batch = fc.record({
  codec: fc.constantFrom(...CODECS),
  records: fc.array(record, { minLength: 1, maxLength: 9 }),
})

function bytesOf(batches: readonly { codec: (typeof CODECS)[number]; records: readonly Sample[] }[]): Buffer {
  let base = 0
  const built = batches.map(({ codec, records }) => {
    const baseOffset = base
    base += records.length
    return buildBatch({
      baseOffset,
      codec,
      records: records.map(({ key, value, header, delta }, index) => ({
        offset: baseOffset + index,
        timestamp: 1_700_000_000_000 + delta,
        key: key === null ? null : Buffer.from(key),
        value: value === null ? null : Buffer.from(value),
        headers: header === null ? [] : [{ key: 'h', value: Buffer.from(header) }],
      })),
    })
  })
  return Buffer.concat(built)
}

interface Sample {
  readonly key: string | null
  readonly value: string | null
  readonly header: string | null
  readonly delta: number
}

test('columns say what the views of records say, of every codec, from any offset on, filtered and changed', () => {
  fc.assert(
    fc.property(
      fc.array(batch, { minLength: 1, maxLength: 4 }),
      fc.nat(20),
      fc.boolean(),
      (batches, skipped, isChanged) => {
        const all = batches.reduce((sum, { records }) => sum + records.length, 0)
        const plain = viewOf(bytesOf(batches), skipped % all)
        const view = isChanged
          ? plain.filter(({ offset }) => offset % 3 !== 0).map(({ value }) => ({ value: `${value}!` }))
          : plain
        const columns = view.columns()
        const records = [...view]
        expect(columns.length).toBe(records.length)
        expect([...columns.offsets]).toEqual(records.map(({ offset }) => offset))
        expect([...columns.timestamps]).toEqual(records.map(({ timestamp }) => timestamp))
        for (const [index, one] of records.entries()) {
          expect(columns.key(index)).toBe(one.key)
          expect(columns.value(index)).toBe(one.value)
          expect(columns.keyBytes(index)).toEqual(one.keyBytes)
          expect(columns.valueBytes(index)).toEqual(one.valueBytes)
          expect(columns.valueLength(index)).toBe(one.valueBytes?.length ?? -1)
          expect(columns.headers(index)).toEqual(one.headers)
        }
      },
    ),
    { numRuns: 60 },
  )
})

test('a number that no record has is refused', () => {
  const view = viewOf(bytesOf([{ codec: 'none', records: [{ key: 'k', value: null, header: null, delta: 0 }] }]))
  const columns = view.columns()
  expect(columns.value(0)).toBeNull()
  for (const read of ['key', 'value', 'keyBytes', 'valueBytes', 'valueLength', 'headers'] as const) {
    expect(() => columns[read](1)).toThrow('Record 1 of 1 does not exist.')
  }
})
