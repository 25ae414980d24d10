import { expect, test } from 'vitest'
import { KafkaError } from '../base/errors.ts'
import { parseUuid } from '../base/uuid.ts'
import { CLIENT, batchOf, fileNames, readText, testLog } from './test-log.ts'

test('records get dense offsets and are read back, from the tail cache and from the file', async () => {
  for (const cached of [true, false]) {
    const log = await testLog({}, cached).open()
    const first = log.append(batchOf('a', 2), CLIENT)
    const second = log.append(batchOf('b'), CLIENT)
    expect([first.firstOffset, first.lastOffset, second.firstOffset]).toEqual([0, 1, 2])
    await Promise.all([first.written, second.written])
    expect(log.writtenEnd).toBe(3)
    expect(await readText(log, 0)).toBe('0:a0 1:a1 2:b')
    expect(await readText(log, 1)).toBe('0:a0 1:a1 2:b')
    expect(await readText(log, 2)).toBe('2:b')
    expect(await readText(log, 0, 2)).toBe('0:a0 1:a1')
    expect(await readText(log, 3)).toBe('')
    expect(() => log.read(4, 9, 100, true)).toThrow(KafkaError)
    await log.close()
  }
})

test('a read ends at a batch boundary, and gives a batch larger than asked for only if it must', async () => {
  for (const cached of [true, false]) {
    const log = await testLog({}, cached).open()
    const batches = [batchOf('a'), batchOf('b'), batchOf('c')]
    const size = batches[0]!.length
    for (const batch of batches) await log.append(batch, CLIENT).written
    expect(await readText(log, 0, 3, size * 2)).toBe('0:a 1:b')
    expect(await readText(log, 0, 3, size * 2 + 5)).toBe('0:a 1:b')
    expect(await readText(log, 1, 3, 5)).toBe('1:b')
    const none = await log.read(1, 3, 5, false)
    expect([none.bytes, none.nextOffset]).toEqual([0, 1])
    await log.close()
  }
})

test('a small read finds its batch behind one that reaches past the first bytes that were read', async () => {
  // No index entry and no reader before us says where a batch is.
  const log = await testLog({ indexIntervalBytes: 1_000_000 }, false).open()
  const long = 'x'.repeat(1000)
  for (let index = 0; index < 20; index++) await log.append(batchOf(long), CLIENT).written
  for (let from = 19; from >= 0; from--) {
    const read = await log.read(from, 20, 500, true)
    expect([from, read.nextOffset]).toEqual([from, from + 1])
    read.release()
  }
  await log.close()
})

test('a log that was closed is there again, with the files that Kafka leaves', async () => {
  const at = testLog({ segmentBytes: 400, indexIntervalBytes: 0 })
  const log = await at.open({ topicId: parseUuid('AAAAAAAAAAAAAAAAAAAAAQ') })
  await log.assignEpoch(0)
  for (let index = 0; index < 12; index++) await log.append(batchOf(`v${index}`), CLIENT).written
  expect(log.segmentCount).toBe(3)
  await log.close()
  expect(await fileNames(at.disk)).toEqual([
    '00000000000000000000.index',
    '00000000000000000000.log',
    '00000000000000000000.timeindex',
    '00000000000000000005.index',
    '00000000000000000005.log',
    '00000000000000000005.snapshot',
    '00000000000000000005.timeindex',
    '00000000000000000010.index',
    '00000000000000000010.log',
    '00000000000000000010.snapshot',
    '00000000000000000010.timeindex',
    '00000000000000000012.snapshot',
    'leader-epoch-checkpoint',
    'partition.metadata',
  ])
  const text = async (name: string): Promise<string> => (await at.disk.readFile(`/d/t-0/${name}`))!.toString()
  expect(await text('leader-epoch-checkpoint')).toBe('0\n1\n0 0\n')
  expect(await text('partition.metadata')).toBe('version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAQ')
  for (const cleanShutdown of [true, false]) {
    const again = await at.open({ cleanShutdown })
    expect([again.startOffset, again.writtenEnd, again.latestEpoch]).toEqual([0, 12, 0])
    expect(await readText(again, 3)).toBe('3:v3 4:v4')
    expect(await readText(again, 11)).toBe('11:v11')
    expect(again.topicId).toBe('AAAAAAAAAAAAAAAAAAAAAQ')
    await again.append(batchOf('more'), CLIENT).written
    await again.truncateTo(12)
    await again.close()
  }
})

test('an empty log that was closed has its topic id on the disk: Kafka takes one without for a stray', async () => {
  const at = testLog()
  const id = parseUuid('AAAAAAAAAAAAAAAAAAAAAQ')
  const log = await at.open({ topicId: id })
  await log.close()
  expect((await at.disk.readFile('/d/t-0/partition.metadata'))?.toString()).toBe(
    'version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAQ',
  )
})
