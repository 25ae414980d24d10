/**
 * A stream of Produce requests, and the files that Apache Kafka 4.3.1 left after it: sent to a node on the real disk, it
 * must leave the same, byte for byte. `npm run directories -- --golden` records it anew.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { decodeGolden } from '../../directories/golden-stream.ts'
import { compareFiles } from '../../directories/partition-files.ts'
import { makePlace } from '../../directories/place.ts'
import { differences, sentToKlamm } from '../../directories/same-files.ts'

test('the requests that Kafka was sent leave the files that Kafka left, over a restart and a kill', async () => {
  const golden = decodeGolden(readFileSync(new URL('kafka-4.3.1.json.gz', import.meta.url)))
  const directory = mkdtempSync(join(tmpdir(), 'klamm-same-files-'))
  try {
    const { answers, files } = await sentToKlamm(await makePlace(directory), golden.stream)
    expect(differences(golden.answers, answers)).toEqual([])
    expect(compareFiles(golden.files, files)).toEqual([])
    expect(files.size).toBeGreaterThan(100)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
})
