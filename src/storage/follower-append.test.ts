import { expect, test } from 'vitest'
import { buildBatch } from '../records/batch-builder.ts'
import { setBaseOffset, setLeaderEpoch } from '../records/batch.ts'
import { buildMarker } from '../records/control.ts'
import { CLIENT, batchOf, fileNames, readText, testLog, type TestLog } from './test-log.ts'
import type { PartitionLog } from './partition-log.ts'

/** As a leader has it in its log. */
function led(text: string, offset: number, epoch: number, count = 1): Buffer {
  const batch = batchOf(text, count)
  setBaseOffset(batch, 0, offset)
  setLeaderEpoch(batch, 0, epoch)
  return batch
}

async function bytesOf(log: PartitionLog): Promise<Buffer> {
  const read = await log.read(log.startOffset, log.writtenEnd, 1 << 20, true)
  const bytes = Buffer.concat(read.pieces)
  read.release()
  return bytes
}

async function logFiles({ disk }: TestLog): Promise<Map<string, string>> {
  const names = (await fileNames(disk)).filter((name) => name.endsWith('.log'))
  const contents = new Map<string, string>()
  for (const name of names) contents.set(name, (await disk.readFile(`/d/t-0/${name}`))!.toString('hex'))
  return contents
}

test('a follower keeps offsets, epochs and times, over gaps too', async () => {
  const log = await testLog().open()
  const records = [led('a', 0, 3, 2), led('b', 7, 3), led('c', 8, 5)]
  await log.appendAsFollower(Buffer.concat(records), 5)?.written
  expect(await bytesOf(log)).toEqual(Buffer.concat(records))
  expect([log.writtenEnd, log.latestEpoch]).toEqual([9, 5])
  expect(log.epochStarts).toEqual([
    { epoch: 3, startOffset: 0 },
    { epoch: 5, startOffset: 8 },
  ])
  await log.close()
})

test('a batch that the answer cuts off is left for the next one', async () => {
  const log = await testLog().open()
  const first = led('a', 0, 0)
  const second = led('b', 1, 0)
  const cut = Buffer.concat([first, second]).subarray(0, first.length + second.length - 1)
  await log.appendAsFollower(cut, 0)?.written
  expect(log.writtenEnd).toBe(1)
  expect(log.appendAsFollower(second.subarray(0, 30), 0)).toBe(null)
  await log.appendAsFollower(second, 0)?.written
  expect(await readText(log, 0)).toBe('0:a 1:b')
  await log.close()
})

test('batches of an epoch that is not followed yet are left out', async () => {
  const log = await testLog().open()
  await log.appendAsFollower(Buffer.concat([led('a', 0, 1), led('b', 1, 2)]), 1)?.written
  expect(await readText(log, 0)).toBe('0:a')
  await log.close()
})

test('a batch with a wrong checksum, or one that does not go on where the log ends, is refused as corrupt', async () => {
  const log = await testLog().open()
  await log.appendAsFollower(led('a', 0, 0), 0)?.written
  const damaged = led('b', 1, 0)
  damaged[damaged.length - 1]! ^= 1
  expect(() => log.appendAsFollower(damaged, 0)).toThrow(expect.objectContaining({ code: 'CORRUPT_MESSAGE' }))
  expect(() => log.appendAsFollower(led('a', 0, 0), 0)).toThrow(expect.objectContaining({ code: 'CORRUPT_MESSAGE' }))
  const garbage = led('b', 1, 0)
  garbage.writeInt32BE(3, 8)
  expect(() => log.appendAsFollower(garbage, 0)).toThrow(expect.objectContaining({ code: 'CORRUPT_MESSAGE' }))
  expect(log.assignedEnd).toBe(1)
  await log.close()
})

test('a batch larger than a segment is refused, and what is in front of it is kept', async () => {
  const log = await testLog({ segmentBytes: 200 }).open()
  const records = Buffer.concat([led('a', 0, 0), led('x'.repeat(300), 1, 0)])
  expect(() => log.appendAsFollower(records, 0)).toThrow(expect.objectContaining({ code: 'RECORD_LIST_TOO_LARGE' }))
  await log.settled()
  expect(await readText(log, 0)).toBe('0:a')
  await log.close()
})

test('segments of a follower end where those of its leader do, whatever came in one answer', async () => {
  const config = { segmentBytes: 1000, indexIntervalBytes: 200 }
  for (const step of [1, 3, 10, 40]) {
    const leader = testLog(config)
    const leading = await leader.open()
    for (let at = 0; at < 40; at++) await leading.append(batchOf('x'.repeat(10 + ((at * 37) % 200))), CLIENT).written
    const follower = testLog(config)
    const following = await follower.open()
    while (following.writtenEnd < leading.writtenEnd) {
      const limit = Math.min(leading.writtenEnd, following.writtenEnd + step)
      const read = await leading.read(following.writtenEnd, limit, 1 << 20, true)
      await following.appendAsFollower(Buffer.concat(read.pieces), 0)?.written
      read.release()
    }
    expect(await logFiles(follower)).toEqual(await logFiles(leader))
    expect(following.segmentCount).toBeGreaterThan(3)
    await Promise.all([leading.close(), following.close()])
  }
})

test('a follower knows producers and aborted transactions as its leader does', async () => {
  const leading = await testLog().open()
  const transaction = { producerId: 7, producerEpoch: 0, transactional: true, timestampMs: 1_000 }
  const data = buildBatch({ ...transaction, baseSequence: 0, records: [{ value: Buffer.from('v') }] })
  await leading.append(data, CLIENT).written
  const following = await testLog().open()
  await following.appendAsFollower(await bytesOf(leading), 0)?.written
  following.setHighWatermark(1)
  expect(following.lastStableOffset).toBe(0)
  expect(following.activeProducers()).toEqual(leading.activeProducers())

  const end = leading.writtenEnd
  const abort = buildMarker({ producerId: 7, producerEpoch: 0, type: 'ABORT', coordinatorEpoch: 0, timestampMs: 2_000 })
  await leading.append(abort, { epoch: 0, origin: 'coordinator' }).written
  await following.appendAsFollower((await bytesOf(leading)).subarray(data.length), 0)?.written
  following.setHighWatermark(2)
  expect(following.lastStableOffset).toBe(2)
  expect(await following.abortedTransactions(0, end)).toEqual([{ producerId: 7, firstOffset: 0 }])
  await Promise.all([leading.close(), following.close()])
})
