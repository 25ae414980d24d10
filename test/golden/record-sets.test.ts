import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { checkRecordSetVector, type RecordSetVector } from '../../scripts/vectors/record-sets.ts'

const VECTORS: readonly RecordSetVector[] = gunzipSync(readFileSync('test/golden/batches-public.jsonl.gz'))
  .toString()
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line))

test("record sets of Kafka's serialisers are read as Kafka reads them, messages in control records included", () => {
  const failed: string[] = []
  for (const vector of VECTORS) {
    const problem = checkRecordSetVector(vector)
    if (problem !== null) failed.push(`${vector.desc}: ${problem}`)
  }
  expect({ checked: VECTORS.length, failed }).toEqual({ checked: 287, failed: [] })
})
