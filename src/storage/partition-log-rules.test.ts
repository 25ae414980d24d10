import { expect, test } from 'vitest'
import { KafkaError } from '../base/errors.ts'
import { buildMarker } from '../records/control.ts'
import { SeededWorld } from '../testing/seeded-world.ts'
import { CLIENT, batchOf, fileNames, readText, testLog } from './test-log.ts'

const codeOf = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    if (error instanceof KafkaError) return error.code
    throw error
  }
  return 'NONE'
}
const from = (baseSequence: number, producerEpoch = 0): object => ({ producerId: 9, producerEpoch, baseSequence })

test('a repeated batch is answered with the original, of the last five; gaps and old epochs are refused', async () => {
  const at = testLog()
  let log = await at.open()
  for (let sequence = 0; sequence < 6; sequence++) log.append(batchOf('x', 1, from(sequence)), CLIENT)
  const first = log.append(batchOf('x', 1, from(1)), CLIENT)
  expect([first.duplicate, first.firstOffset, log.assignedEnd]).toEqual([true, 1, 6])
  expect(codeOf(() => log.append(batchOf('x', 1, from(0)), CLIENT))).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER')
  expect(codeOf(() => log.append(batchOf('x', 1, from(7)), CLIENT))).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER')
  expect(codeOf(() => log.append(batchOf('x', 1, from(1, 1)), CLIENT))).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER')
  expect(log.append(batchOf('y', 1, from(0, 1)), CLIENT).firstOffset).toBe(6)
  expect(codeOf(() => log.append(batchOf('x', 1, from(1, 0)), CLIENT))).toBe('INVALID_PRODUCER_EPOCH')
  await log.close()
  log = await at.open({ cleanShutdown: true, producerIdExpirationMs: Number.MAX_SAFE_INTEGER })
  expect(log.append(batchOf('y', 1, from(0, 1)), CLIENT).duplicate).toBe(true)
  expect(log.activeProducers()).toMatchObject([{ producerId: 9, producerEpoch: 1, lastSequence: 0 }])
  await log.close()
})

for (const cleanShutdown of [false, true]) {
  test(`the last five batches are recognised after a ${cleanShutdown ? 'clean shutdown' : 'kill'} too, in whatever segment they lie`, async () => {
    const at = testLog({ segmentBytes: 250 })
    const batch = (sequence: number, epoch = 0): Buffer =>
      batchOf('x', 2, { ...from(sequence, epoch), timestampMs: at.clock.wallMs() })
    let log = await at.open()
    log.append(batch(0), CLIENT)
    for (let sequence = 0; sequence < 14; sequence += 2) log.append(batch(sequence, 1), CLIENT)
    await log.append(batchOf('y', 1), CLIENT).written
    expect(log.segmentCount).toBeGreaterThanOrEqual(3)
    await (cleanShutdown ? log.close() : log.closeHard())
    log = await at.open({ cleanShutdown })
    for (let sequence = 4; sequence < 14; sequence += 2) {
      const repeated = log.append(batch(sequence, 1), CLIENT)
      expect([repeated.duplicate, repeated.firstOffset, repeated.lastOffset]).toEqual([
        true,
        sequence + 2,
        sequence + 3,
      ])
    }
    expect(codeOf(() => log.append(batch(2, 1), CLIENT))).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER')
    expect(log.append(batch(14, 1), CLIENT).duplicate).toBe(false)
    await log.close()
  })
}

test('sequences wrap from 2147483647 to 0', async () => {
  const log = await testLog().open()
  log.append(batchOf('x', 3, from(0x7fff_fffe)), CLIENT)
  expect(log.append(batchOf('x', 3, from(0x7fff_fffe)), CLIENT).duplicate).toBe(true)
  expect(log.append(batchOf('x', 1, from(1)), CLIENT).firstOffset).toBe(3)
  await log.close()
})

test('the last stable offset waits for the marker to be below the high watermark', async () => {
  const log = await testLog().open()
  await log.append(batchOf('a'), CLIENT).written
  await log.append(batchOf('t', 1, { ...from(0), transactional: true }), CLIENT).written
  log.setHighWatermark(2)
  expect(log.lastStableOffset).toBe(1)
  expect(codeOf(() => log.append(batchOf('x', 1, from(1)), CLIENT))).toBe('INVALID_TXN_STATE')
  const marker = buildMarker({ type: 'ABORT', producerId: 9, producerEpoch: 0, coordinatorEpoch: 4, timestampMs: 5 })
  await log.append(marker, { epoch: 0, origin: 'coordinator' }).written
  expect(log.lastStableOffset).toBe(1)
  log.setHighWatermark(3)
  expect(log.lastStableOffset).toBe(3)
  expect(await log.abortedTransactions(0, 3)).toEqual([{ producerId: 9, firstOffset: 1 }])
  const old = buildMarker({ type: 'COMMIT', producerId: 9, producerEpoch: 0, coordinatorEpoch: 3, timestampMs: 5 })
  expect(codeOf(() => log.append(old, { epoch: 0, origin: 'coordinator' }))).toBe('TRANSACTION_COORDINATOR_FENCED')
  await log.close()
})

test('retention deletes whole segments below the high watermark, by size, by time and by the log start', async () => {
  const at = testLog({ segmentBytes: 400, retentionMs: -1, retentionBytes: 450, fileDeleteDelayMs: 1000 })
  const log = await at.open()
  for (let index = 0; index < 22; index++) await log.append(batchOf('v'), CLIENT).written
  expect(log.segmentCount).toBe(5)
  expect(await log.deleteOldSegments(0)).toBe(0)
  log.setHighWatermark(7)
  expect(await log.deleteOldSegments(0)).toBe(1)
  log.setHighWatermark(22)
  expect(await log.deleteOldSegments(0)).toBe(2)
  expect(log.startOffset).toBe(15)
  expect(codeOf(() => log.read(14, 99, 100, true))).toBe('OFFSET_OUT_OF_RANGE')
  expect((await fileNames(at.disk)).filter((name) => name.endsWith('.log.deleted'))).toHaveLength(3)
  await at.clock.advance(1001)
  expect((await fileNames(at.disk)).filter((name) => name.endsWith('.deleted'))).toEqual([])
  log.deleteRecordsBefore(20)
  expect([log.startOffset, await log.deleteOldSegments(0), log.segmentCount]).toEqual([20, 1, 1])
  expect(codeOf(() => log.deleteRecordsBefore(23))).toBe('OFFSET_OUT_OF_RANGE')
  log.setConfig({ ...log.config, retentionMs: 10 })
  expect(await log.deleteOldSegments(2000)).toBe(1)
  expect([log.startOffset, log.writtenEnd, log.segmentCount]).toEqual([22, 22, 1])
  expect(log.append(batchOf('w'), CLIENT).firstOffset).toBe(22)
  await log.close()
})

test('appends go on while retention deletes, the active segment too', async () => {
  const at = testLog({ segmentBytes: 400, retentionMs: 10, retentionBytes: -1 })
  const log = await at.open()
  for (let index = 0; index < 12; index++) await log.append(batchOf('v'), CLIENT).written
  log.setHighWatermark(12)
  const retention = log.deleteOldSegments(2000)
  const appended: number[] = []
  let isDone = false
  const done = retention.then(() => (isDone = true))
  while (!isDone) {
    appended.push(log.append(batchOf('w'), CLIENT).firstOffset)
    await Promise.resolve()
  }
  await done
  expect(appended.length).toBeGreaterThan(1)
  expect(appended).toEqual(appended.map((_, index) => 12 + index))
  expect(log.startOffset).toBeGreaterThanOrEqual(10)
  await log.append(batchOf('x'), CLIENT).written
  expect(log.writtenEnd).toBe(12 + appended.length + 1)
  await log.close()
})

test('a roll that waits behind retention finds its segment gone, and leaves no file of it', async () => {
  for (let turns = 0; turns < 40; turns++) {
    const at = testLog({ segmentBytes: 400, retentionMs: -1, retentionBytes: -1, preallocate: turns % 2 === 0 })
    const log = await at.open()
    for (let index = 0; index < 10; index++) await log.append(batchOf('v'), CLIENT).written
    log.setHighWatermark(10)
    log.deleteRecordsBefore(10)
    const retention = log.deleteOldSegments(0)
    for (let turn = 0; turn < turns; turn++) await Promise.resolve()
    await log.append(batchOf('w'), CLIENT).written
    await retention
    await log.deleteOldSegments(0)
    expect((await fileNames(at.disk)).filter((name) => /^0{19}[0-9]\.(log|index|timeindex)$/.test(name))).toEqual([])
    await log.close()
  }
})

test('offsets by time: the first record at or after it, the largest of all, nothing beyond', async () => {
  const log = await testLog({ segmentBytes: 400, indexIntervalBytes: 0 }).open()
  for (const time of [10, 30, 20, 50, 40, 60, 55])
    await log.append(batchOf('v', 1, { timestampMs: time }), CLIENT).written
  const offsetAt = async (time: number): Promise<number | null> => (await log.offsetForTimestamp(time))?.offset ?? null
  expect(await Promise.all([0, 10, 11, 31, 51, 60, 61].map(offsetAt))).toEqual([0, 0, 1, 3, 5, 5, null])
  expect(await log.offsetForTimestamp(51, 5)).toBe(null)
  expect(await log.maxTimestampOffset()).toEqual({ offset: 5, timestamp: 60, epoch: 0 })
  await log.close()
})

test('epochs: where each ends, also one without records, and what a truncation leaves', async () => {
  const at = testLog()
  const log = await at.open()
  await log.assignEpoch(2)
  await log.append(batchOf('a', 2), { epoch: 2, origin: 'client' }).written
  await log.assignEpoch(5)
  await log.assignEpoch(6)
  await log.append(batchOf('b', 2), { epoch: 6, origin: 'client' }).written
  expect([1, 2, 3, 6, 7].map((epoch) => log.endOffsetForEpoch(epoch))).toEqual([
    { epoch: 1, endOffset: 0 },
    { epoch: 2, endOffset: 2 },
    { epoch: 2, endOffset: 2 },
    { epoch: 6, endOffset: 4 },
    { epoch: -1, endOffset: -1 },
  ])
  await log.truncateTo(2)
  expect([log.latestEpoch, log.writtenEnd, await readText(log, 0)]).toEqual([2, 2, '0:a0 1:a1'])
  await log.truncateFullyAndStartAt(40)
  expect([log.startOffset, log.writtenEnd, log.latestEpoch]).toEqual([40, 40, -1])
  expect(log.append(batchOf('c'), { epoch: 7, origin: 'client' }).firstOffset).toBe(40)
  await log.close()
})

test('a roll that failed behind a repeated batch leaves no segment without files', async () => {
  const world = new SeededWorld(1)
  await world.run(async () => {
    const at = testLog({ segmentBytes: 160 })
    const options = { disk: world.disk, clock: world.clock, random: world.random }
    let log = await at.open(options)
    await log.append(batchOf('a', 1, from(0)), CLIENT).written
    await log.append(batchOf('b', 1, from(1)), CLIENT).written
    world.main.disk.failNext({ kinds: ['write'], path: '00000000000000000002.log', code: 'ENOSPC' })
    expect(log.append(batchOf('b', 1, from(1)), CLIENT).duplicate).toBe(true)
    await world.advance(1000)
    await log.append(batchOf('c', 1, from(2)), CLIENT).written
    await log.append(batchOf('d', 1, from(3)), CLIENT).written
    await log.append(batchOf('e', 1, from(4)), CLIENT).written
    await log.closeHard()
    log = await at.open(options)
    const texts = [await readText(log, 0), await readText(log, 2), await readText(log, 4)]
    expect(texts).toEqual(['0:a 1:b', '2:c 3:d', '4:e'])
    await log.close()
  })
})

test('a read that the disk refuses is a failure of its directory; too many open files are none', async () => {
  const world = new SeededWorld(1)
  const { disk, clock, random } = world
  await world.run(async () => {
    const log = await testLog().open({ disk, clock, random })
    const failures: string[] = []
    log.onFailed((error) => failures.push(error.message))
    await log.append(batchOf('a'), CLIENT).written
    const read = async () => log.read(0, 1, 1000, true)
    world.main.disk.failNext({ kinds: ['read'], code: 'EMFILE' })
    await expect(read()).rejects.toThrow('EMFILE')
    expect(failures).toEqual([])
    world.main.disk.failNext({ kinds: ['read'], code: 'EIO' })
    await expect(read()).rejects.toThrow('EIO')
    expect(failures).toHaveLength(1)
    expect(() => log.append(batchOf('b'), CLIENT)).toThrow('the log directory failed')
    await log.closeHard()
  })
})

test('a time is looked for behind segments that only seem to have it: without times, or with a deleted record', async () => {
  const { open } = testLog({ segmentBytes: 100 })
  const log = await open()
  const append = (text: string, timestampMs: number) =>
    log.append(
      batchOf(text, 1, { timestampMs, records: [{ value: Buffer.from(text), timestamp: timestampMs }] }),
      CLIENT,
    ).written
  await append('without', -1)
  await append('deleted', 900)
  await append('there', 700)
  await append('later', 800)
  expect(log.segmentCount).toBe(4)
  // The first file is as young as the clock says, which is later than any of these times.
  expect(await log.offsetForTimestamp(600)).toMatchObject({ offset: 1, timestamp: 900 })
  log.setHighWatermark(4)
  log.deleteRecordsBefore(2)
  expect(await log.offsetForTimestamp(600)).toMatchObject({ offset: 2, timestamp: 700 })
  await log.close()
})

test('the largest time of records that have none is that of the first of them; an empty log has none', async () => {
  const { open } = testLog()
  const log = await open()
  expect(await log.maxTimestampOffset()).toBeNull()
  const without = (text: string): Buffer =>
    batchOf(text, 1, { timestampMs: -1, records: [{ value: Buffer.from(text), timestamp: -1 }] })
  await log.append(without('a'), CLIENT).written
  await log.append(without('b'), CLIENT).written
  expect(await log.maxTimestampOffset()).toMatchObject({ offset: 0, timestamp: -1 })
  await log.append(batchOf('c'), CLIENT).written
  expect(await log.maxTimestampOffset()).toMatchObject({ offset: 2, timestamp: 1000 })
  await log.close()
})
