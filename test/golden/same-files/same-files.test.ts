/**
 * A stream of Produce requests, and the files that Apache Kafka 4.3.1 left after it: sent to a node on the real disk, it
 * must leave the same, byte for byte. `npm run directories -- --golden` records it anew.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { withoutBrokerTimes } from '../../directories/broker-times.ts'
import { decodeGolden } from '../../directories/golden-stream.ts'
import { compareFiles } from '../../directories/partition-files.ts'
import { makePlace } from '../../directories/place.ts'
import { differences, sentToKlamm, TRANSACTION_SETTINGS } from '../../directories/same-files.ts'

test('transactions and markers that Kafka was sent leave its files and its views, over a restart and a kill', async () => {
  const golden = decodeGolden(readFileSync(new URL('kafka-4.3.1-transactions.json.gz', import.meta.url)))
  const directory = mkdtempSync(join(tmpdir(), 'klamm-same-files-'))
  try {
    const sent = await sentToKlamm(await makePlace(directory, TRANSACTION_SETTINGS), golden.stream)
    expect(differences(golden.answers, sent.answers)).toEqual([])
    expect(differences(golden.views, sent.views)).toEqual([])
    expect(compareFiles(withoutBrokerTimes(golden.files), withoutBrokerTimes(sent.files))).toEqual([])
    expect([...sent.files.keys()].filter((name) => name.endsWith('.txnindex')).length).toBeGreaterThan(5)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
})

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
