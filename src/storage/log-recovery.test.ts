/** What an unclean stop leaves of a log, and what the next start makes of it. */
import { expect, test } from 'vitest'
import { SILENT } from '../base/logger.ts'
import { buildMarker } from '../records/control.ts'
import type { Disk } from '../world/world.ts'
import { SeededWorld } from '../testing/seeded-world.ts'
import { OpenFiles } from './open-files.ts'
import type { PartitionLog, PartitionLogOptions } from './partition-log.ts'
import type { LogConfig } from '../config/log-config.ts'
import { CLIENT, batchOf, fileNames, readText, testLog } from './test-log.ts'

const LOG_0 = '/d/t-0/00000000000000000000.log'

async function segment(disk: Disk, base: number, batches: readonly Buffer[]): Promise<void> {
  await disk.makeDirectory('/d/t-0')
  await disk.writeFile(`/d/t-0/${String(base).padStart(20, '0')}.index`, Buffer.alloc(0))
  await disk.writeFile(`/d/t-0/${String(base).padStart(20, '0')}.log`, Buffer.concat(batches))
}

/** What a power loss leaves is drawn: twelve times, each in a world with an empty durable directory. */
async function inTwelveWorlds(body: (world: SeededWorld, seed: number) => Promise<void>): Promise<void> {
  for (let seed = 0; seed < 12; seed++) {
    const world = new SeededWorld(seed)
    await world.run(async () => {
      world.main.disk.heal()
      await world.disk.makeDirectory('/d')
      await world.disk.syncDirectory('/')
      await body(world, seed)
    })
  }
}

function losePower(world: SeededWorld): void {
  world.main.powerLoss()
  world.main.disk.heal()
}

test('offsets missing between two segments end nothing: a cleaner, or a topic that is not compacted any more', async () => {
  const at = testLog()
  await segment(at.disk, 0, [batchOf('a', 2, { baseOffset: 0 })])
  await segment(at.disk, 9, [batchOf('b', 2, { baseOffset: 9 })])
  await segment(at.disk, 20, [])
  const log = await at.open()
  expect([log.writtenEnd, log.segmentCount, log.recoveryPoint]).toEqual([20, 3, 0])
  expect([await readText(log, 0), await readText(log, 2), await readText(log, 11)]).toEqual([
    '0:a0 1:a1',
    '9:b0 10:b1',
    '',
  ])
  expect(log.append(batchOf('c'), CLIENT).firstOffset).toBe(20)
  await log.close()
})

test('behind the recovery point they end the log: a power loss took the end of a segment and left the next one', async () => {
  const torn = async (changes: Partial<PartitionLogOptions>, config: Partial<LogConfig> = {}) => {
    const at = testLog(config)
    await segment(at.disk, 0, [batchOf('a', 2, { baseOffset: 0 })])
    await segment(at.disk, 5, [batchOf('b', 2, { baseOffset: 5 })])
    await segment(at.disk, 9, [batchOf('c', 2, { baseOffset: 9 })])
    const log = await at.open({ knowsRecoveryPoint: true, ...changes })
    const outcome = [log.writtenEnd, log.segmentCount]
    await log.close()
    return outcome
  }
  expect(await torn({})).toEqual([2, 1])
  expect(await torn({ recoveryPoint: 5 })).toEqual([7, 2])
  // Nobody knows what was flushed; it was; a cleaner may have been there; it goes with the log start anyway.
  expect(await torn({ knowsRecoveryPoint: false })).toEqual([11, 3])
  expect(await torn({ recoveryPoint: 9 })).toEqual([11, 3])
  expect(await torn({}, { compact: true })).toEqual([11, 3])
  expect(await torn({ logStartOffset: 9 })).toEqual([11, 3])
})

test('a batch of an earlier leader ends the log: a power loss brought back what a follower had truncated', async () => {
  const opened = async (epochs: string) => {
    const at = testLog()
    await segment(at.disk, 0, [
      batchOf('a', 2, { baseOffset: 0, epoch: 1 }),
      batchOf('old', 1, { baseOffset: 2, epoch: 1 }),
      batchOf('new', 2, { baseOffset: 3, epoch: 3 }),
    ])
    await at.disk.writeFile('/d/t-0/leader-epoch-checkpoint', Buffer.from(epochs))
    const log = await at.open()
    const outcome = [await readText(log, 0), log.writtenEnd, log.latestEpoch]
    await log.close()
    return outcome
  }
  // Epoch 3 began at 2, so the leader has something else there; the log's latest epoch lets the follower ask.
  expect(await opened('0\n2\n1 0\n3 2\n')).toEqual(['0:a0 1:a1', 2, 1])
  expect(await opened('0\n2\n1 0\n3 3\n')).toEqual(['0:a0 1:a1 2:old 3:new0 4:new1', 5, 3])
  expect(await opened('0\n1\n1 0\n')).toEqual(['0:a0 1:a1 2:old 3:new0 4:new1', 5, 3])
})

test('leader epochs that begin anew below those of the log cut nothing, whatever was killed and however often', async () => {
  const at = testLog({ segmentBytes: 300 })
  let log = await at.open()
  for (const epoch of [2, 5, 5]) {
    await log.assignEpoch(epoch)
    await log.append(batchOf('old'), { ...CLIENT, epoch }).written
  }
  // The metadata of the cluster were lost, and made anew for this log.
  for (const epoch of [3, 3, 4]) {
    await log.assignEpoch(epoch)
    await log.append(batchOf('new'), { ...CLIENT, epoch }).written
    await log.closeHard()
    log = await at.open()
    expect(log.latestEpoch).toBe(epoch)
  }
  expect([log.writtenEnd, log.endOffsetForEpoch(2), log.endOffsetForEpoch(3)]).toEqual([
    6,
    { epoch: 2, endOffset: 3 },
    { epoch: 3, endOffset: 5 },
  ])
  await log.close()
})

test('no power loss brings back the epoch of what was cut, which would have recovery cut what was fetched instead', async () => {
  await inTwelveWorlds(async (world, seed) => {
    const at = testLog()
    const options = { disk: world.disk, clock: world.clock, random: world.random }
    let log = await at.open(options)
    for (const epoch of [1, 3]) await log.append(batchOf('a', 2), { ...CLIENT, epoch }).written
    await log.flush()
    await log.truncateTo(2)
    // A leader of epoch 4 had this from epoch 2.
    await log.appendAsFollower(batchOf('b', 2, { baseOffset: 2, epoch: 2 }), 4, null)?.written
    losePower(world)
    expect((await world.disk.readFile('/d/t-0/leader-epoch-checkpoint'))?.toString(), `seed ${seed}`).not.toContain(
      '3 2',
    )
    log = await at.open({ ...options, disk: world.disk, clock: world.clock })
    await log.closeHard()
  })
})

test('a segment that reaches into the next one ends the log: a power loss brought back what had been truncated', async () => {
  const at = testLog()
  await segment(at.disk, 0, [batchOf('a', 2, { baseOffset: 0 }), batchOf('old', 3, { baseOffset: 2 })])
  await segment(at.disk, 3, [batchOf('new', 1, { baseOffset: 3 })])
  const log = await at.open()
  expect([log.writtenEnd, log.segmentCount, await readText(log, 0)]).toEqual([5, 1, '0:a0 1:a1 2:old0 3:old1 4:old2'])
  await log.close()
})

test('the first batch whose offsets go back ends the log: old pages among new ones', async () => {
  const at = testLog()
  const batches = [batchOf('a', 2, { baseOffset: 0 }), batchOf('b', 2, { baseOffset: 2 })]
  await segment(at.disk, 0, [...batches, batchOf('stale', 2, { baseOffset: 3 }), batchOf('c', 2, { baseOffset: 5 })])
  const log = await at.open()
  expect([log.writtenEnd, await readText(log, 0)]).toEqual([4, '0:a0 1:a1 2:b0 3:b1'])
  expect((await at.disk.stat(LOG_0))?.size).toBe(batches[0]!.length + batches[1]!.length)
  await log.close()
})

test('the first torn batch ends the log, with all later segments; what is appended then is found again', async () => {
  const at = testLog()
  await segment(at.disk, 0, [batchOf('a', 2, { baseOffset: 0 }), batchOf('torn', 2, { baseOffset: 2 }).subarray(0, -3)])
  await segment(at.disk, 4, [batchOf('b', 2, { baseOffset: 4 })])
  let log = await at.open()
  expect([log.writtenEnd, log.segmentCount]).toEqual([2, 1])
  await log.append(batchOf('c'), CLIENT).written
  await log.closeHard()
  log = await at.open()
  expect(await readText(log, 0)).toBe('0:a0 1:a1 2:c')
  await log.close()
})

test('a torn tail behind a claimed clean shutdown is cut, so that the next append does not hide behind it', async () => {
  const at = testLog()
  const whole = batchOf('a', 2, { baseOffset: 0 })
  await segment(at.disk, 0, [whole, batchOf('torn', 2, { baseOffset: 2 }).subarray(0, -3)])
  let log = await at.open({ cleanShutdown: true, recoveryPoint: 2 })
  expect([log.writtenEnd, log.sizeBytes]).toEqual([2, whole.length])
  await log.append(batchOf('b'), CLIENT).written
  await log.closeHard()
  log = await at.open()
  expect(await readText(log, 0)).toBe('0:a0 1:a1 2:b')
  await log.close()
})

test('an index that a clean shutdown left broken is built anew: no offset is given twice', async () => {
  const batches = Array.from({ length: 40 }, (_, at) => batchOf('x'.repeat(3000), 1, { baseOffset: at }))
  const broken = [
    [0x7fff_ffff, 0x7fff_ffff],
    [-1, -1],
    [1_000, 5],
    [5, batches[0]!.length * 20],
    [99, batches[0]!.length * 20],
  ]
  for (const [relativeOffset = 0, position = 0] of broken) {
    const at = testLog()
    await segment(at.disk, 0, batches)
    const entry = Buffer.alloc(8)
    entry.writeInt32BE(relativeOffset, 0)
    entry.writeInt32BE(position, 4)
    await at.disk.writeFile('/d/t-0/00000000000000000000.index', entry)
    const warnings: string[] = []
    const logger = { ...SILENT, warn: (message: string) => void warnings.push(message) }
    const log = await at.open({ cleanShutdown: true, recoveryPoint: 40, logger })
    expect(log.writtenEnd, `${relativeOffset} at ${position}`).toBe(40)
    expect(warnings).toEqual([expect.stringContaining('rebuilding its indexes')])
    expect((await readText(log, 39)).slice(0, 5)).toBe('39:xx')
    expect(log.append(batchOf('b'), CLIENT).firstOffset).toBe(40)
    await log.close()
  }
})

test('a log that is no log any more after a clean shutdown is reported', async () => {
  const at = testLog()
  await segment(at.disk, 0, [Buffer.alloc(100_000, 0xa5)])
  const warnings: string[] = []
  const logger = { ...SILENT, warn: (message: string) => void warnings.push(message) }
  const log = await at.open({ cleanShutdown: true, recoveryPoint: 40, logger })
  expect(warnings).toEqual([expect.stringContaining('cut 100000 bytes after a clean shutdown')])
  await log.close()
})

test('a flush makes a truncation durable: no power loss brings truncated segments back', async () => {
  await inTwelveWorlds(async (world, seed) => {
    const at = testLog({ segmentBytes: 300 })
    const options = { disk: world.disk, clock: world.clock, random: world.random }
    let log = await at.open(options)
    for (const text of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']) await log.append(batchOf(text, 1), CLIENT).written
    await log.flush()
    await log.truncateTo(2)
    await log.append(batchOf('new', 1), CLIENT).written
    expect(await log.flush()).toBe(3)
    losePower(world)
    log = await at.open({ ...options, disk: world.disk, clock: world.clock })
    expect([log.writtenEnd, await readText(log, 0)], `seed ${seed}`).toEqual([3, '0:a 1:b 2:new'])
    await log.close()
  })
})

test('what was flushed before and after a roll survives, though the roll trims files of the flushed segment', async () => {
  await inTwelveWorlds(async (world, seed) => {
    const at = testLog({ segmentBytes: 300, preallocate: true, indexIntervalBytes: 0 })
    const options = { clock: world.clock, random: world.random }
    let log = await at.open({ ...options, disk: world.disk })
    for (const text of ['a', 'b', 'c', 'd']) await log.append(batchOf(text), CLIENT).written
    await log.flush()
    await log.append(batchOf('e'), CLIENT).written
    expect([await log.flush(), log.segmentCount]).toEqual([5, 2])
    losePower(world)
    const recoveryPoint = seed % 2 === 0 ? 0 : 5
    log = await at.open({ ...options, disk: world.disk, recoveryPoint })
    expect([log.writtenEnd, await readText(log, 2), await readText(log, 4)], `seed ${seed}`).toEqual([
      5,
      '2:c 3:d',
      '4:e',
    ])
    await log.closeHard()
  })
})

test('after a clean shutdown a small log knows times and offsets as before; closed untouched, its files stay as they are', async () => {
  const at = testLog({ indexIntervalBytes: 0 })
  let log = await at.open()
  for (const timestampMs of [10, 40, 20, 50]) await log.append(batchOf('x', 2, { timestampMs }), CLIENT).written
  await log.close()
  const files = async (): Promise<(string | undefined)[]> =>
    Promise.all(
      (await fileNames(at.disk)).map(async (name) => (await at.disk.readFile(`/d/t-0/${name}`))?.toString('hex')),
    )
  const before = await files()
  const clean = { cleanShutdown: true, recoveryPoint: 8 }
  log = await at.open(clean)
  expect([log.writtenEnd, await readText(log, 4, 6)]).toEqual([8, '4:x0 5:x1'])
  const times = await Promise.all([15, 45, 60].map((ms) => log.offsetForTimestamp(ms)))
  expect(times.map((found) => found?.offset ?? null)).toEqual([2, 6, null])
  expect(await log.maxTimestampOffset()).toMatchObject({ offset: 6, timestamp: 50 })
  await log.close()
  expect(await files()).toEqual(before)
  log = await at.open(clean)
  await log.append(batchOf('y', 2, { timestampMs: 60 }), CLIENT).written
  await log.close()
  log = await at.open({ cleanShutdown: true, recoveryPoint: 10 })
  expect([log.writtenEnd, (await log.offsetForTimestamp(55))?.offset, await readText(log, 8)]).toEqual([
    10,
    8,
    '8:y0 9:y1',
  ])
  await log.close()
})

test('a torn segment ends the log also where its index is missing; without an unclean stop it only loses its tail', async () => {
  for (const cleanShutdown of [false, true]) {
    const at = testLog()
    await segment(at.disk, 0, [
      batchOf('a', 2, { baseOffset: 0 }),
      batchOf('torn', 2, { baseOffset: 2 }).subarray(0, -3),
    ])
    await at.disk.remove('/d/t-0/00000000000000000000.index')
    await segment(at.disk, 4, [batchOf('b', 2, { baseOffset: 4 })])
    const log = await at.open({ cleanShutdown })
    expect([log.writtenEnd, log.segmentCount]).toEqual(cleanShutdown ? [6, 2] : [2, 1])
    await log.close()
  }
})

test('a repaired log leaves no files of the segments that went', async () => {
  const at = testLog()
  await segment(at.disk, 0, [batchOf('a', 2, { baseOffset: 0 }).subarray(0, -1)])
  await segment(at.disk, 2, [batchOf('b', 2, { baseOffset: 2 })])
  const log = await at.open()
  await log.closeHard()
  expect((await fileNames(at.disk)).filter((name) => name.startsWith('00000000000000000002'))).toEqual([])
})

test('a log that cannot be loaded holds no file of its directory', async () => {
  const world = new SeededWorld(1)
  const { disk, clock, random } = world
  await world.run(async () => {
    await segment(disk, 0, [batchOf('a', 2, { baseOffset: 0, epoch: 3 })])
    world.main.disk.failNext({ kinds: ['sync'], path: 'leader-epoch-checkpoint', code: 'EIO' })
    await expect(testLog().open({ disk, clock, random })).rejects.toThrow('EIO')
    expect(world.main.disk.held()).toEqual([])
  })
})

test('after a truncation a record is found by its time, though no index entry had come to it', async () => {
  const at = testLog()
  const log = await at.open()
  for (const timestampMs of [10, 40, 20, 50]) await log.append(batchOf('x', 1, { timestampMs }), CLIENT).written
  await log.truncateTo(3)
  expect(await log.offsetForTimestamp(30)).toMatchObject({ offset: 1, timestamp: 40 })
  expect(await log.maxTimestampOffset()).toMatchObject({ offset: 1, timestamp: 40 })
  expect(await log.offsetForTimestamp(41)).toBeNull()
  await log.close()
})

test('an epoch that waits for its turn is in the file before a record of it, and after a clean close without one', async () => {
  const epochFile = async (disk: Disk): Promise<string | undefined> =>
    (await disk.readFile('/d/t-0/leader-epoch-checkpoint'))?.toString('latin1')
  const at = testLog()
  const openFiles = new OpenFiles(100)
  // Nobody else gets a turn.
  for (let turn = 0; turn < 8; turn++) void openFiles.brief.take(() => new Promise<void>(() => {}))
  const log = await at.open({ openFiles })
  void log.assignEpoch(4)
  expect([log.latestEpoch, await epochFile(at.disk)]).toEqual([4, ''])
  await log.append(batchOf('x', 1), { ...CLIENT, epoch: 4 }).written
  expect(await epochFile(at.disk)).toBe('0\n1\n4 0\n')
  void log.assignEpoch(5)
  await log.close()
  expect(await epochFile(at.disk)).toBe('0\n2\n4 0\n5 1\n')
})

test('a start syncs no producer snapshot; one that the power took is taken again, and a clean close makes it durable', async () => {
  await inTwelveWorlds(async (world, seed) => {
    const at = testLog()
    const producer = { producerId: 9, producerEpoch: 0, baseSequence: 0 }
    const open = (clean: boolean): Promise<PartitionLog> => {
      if (!clean) world.main.disk.failNext({ kinds: ['sync'], path: '.snapshot', code: 'EIO' })
      const { disk, clock, random } = world
      return at.open({ disk, clock, random, ...(clean ? { cleanShutdown: true, recoveryPoint: 1 } : {}) })
    }
    let log = await open(true)
    await log.append(batchOf('a', 1, { ...producer, timestampMs: world.clock.wallMs() }), CLIENT).written
    await log.flush()
    losePower(world)
    for (let start = 0; start < 2; start++) {
      log = await open(false)
      expect(log.activeProducers(), `seed ${seed}`).toMatchObject([{ producerId: 9, lastSequence: 0 }])
      losePower(world)
    }
    log = await open(false)
    world.main.disk.heal()
    await log.close()
    const stored = (): Promise<Buffer | null> => world.disk.readFile('/d/t-0/00000000000000000001.snapshot')
    const before = await stored()
    losePower(world)
    expect((await stored())?.toString('hex'), `seed ${seed}`).toBe(before?.toString('hex'))
  })
})

test('a log that is cut at a start keeps no producer snapshot from above its end', async () => {
  const at = testLog()
  const log = await at.open()
  const producer = { producerId: 9, producerEpoch: 0, timestampMs: at.clock.wallMs() }
  for (const baseSequence of [0, 1]) await log.append(batchOf('a', 1, { ...producer, baseSequence }), CLIENT).written
  await log.close()
  const whole = (await at.disk.readFile(LOG_0))!
  await at.disk.writeFile(LOG_0, whole.subarray(0, whole.length - 1))
  const again = await at.open()
  expect(again.writtenEnd).toBe(1)
  expect(again.activeProducers()).toMatchObject([{ producerId: 9, lastSequence: 0 }])
  const snapshots = (await fileNames(at.disk)).filter((name) => name.endsWith('.snapshot'))
  expect(snapshots).toEqual(['00000000000000000001.snapshot'])
  await again.closeHard()
})

test('a start after a crash removes no file that is not there', async () => {
  const at = testLog()
  const log = await at.open()
  await log.append(batchOf('a', 1), CLIENT).written
  await log.closeHard()
  const removed: string[] = []
  const disk = new Proxy(at.disk, {
    get(target, key) {
      const member: unknown = Reflect.get(target, key)
      if (typeof member !== 'function') return member
      return (...args: unknown[]) => {
        if (key === 'remove') removed.push(String(args[0]))
        return Reflect.apply(member, target, args)
      }
    },
  })
  const again = await at.open({ disk })
  expect([again.writtenEnd, removed]).toEqual([1, []])
  await again.closeHard()
})

/** As after a clean end. */
function openClean({ disk, clock, random }: SeededWorld, recoveryPoint: number): Promise<PartitionLog> {
  return testLog().open({ disk, clock, random, cleanShutdown: true, recoveryPoint })
}

/** A log with one record of a transaction that is open. What its directory has is synced: only what comes into being later isn't. */
async function withOpenTransaction(world: SeededWorld): Promise<PartitionLog> {
  const log = await openClean(world, 0)
  const timestampMs = world.clock.wallMs()
  const inTransaction = { producerId: 9, producerEpoch: 0, baseSequence: 0, transactional: true, timestampMs }
  await log.append(batchOf('a', 1, inTransaction), CLIENT).written
  await log.flush()
  return log
}

async function withAbortedTransaction(world: SeededWorld): Promise<PartitionLog> {
  const log = await withOpenTransaction(world)
  const timestampMs = world.clock.wallMs()
  const abort = buildMarker({ producerId: 9, producerEpoch: 0, type: 'ABORT', coordinatorEpoch: 0, timestampMs })
  await log.append(abort, { epoch: 0, origin: 'coordinator' }).written
  return log
}

test('after a clean end and a power loss an aborted transaction is aborted, and one that was cut off is not', async () => {
  await inTwelveWorlds(async (world, seed) => {
    let log = await withAbortedTransaction(world)
    await log.close()
    losePower(world)
    log = await openClean(world, 2)
    expect(await log.abortedTransactions(0, 2), `seed ${seed}`).toEqual([{ producerId: 9, firstOffset: 0 }])
    await log.truncateTo(1)
    await log.close()
    losePower(world)
    log = await openClean(world, 1)
    expect(await log.abortedTransactions(0, 2), `seed ${seed}`).toEqual([])
    await log.closeHard()
  })
})

test('after a clean end and a power loss producers are known, and their open transactions', async () => {
  await inTwelveWorlds(async (world, seed) => {
    let log = await withOpenTransaction(world)
    await log.close()
    losePower(world)
    log = await openClean(world, 1)
    const known = log.activeProducers()
    expect(known, `seed ${seed}`).toMatchObject([{ producerId: 9, lastSequence: 0, currentTxnStartOffset: 0 }])
    await log.closeHard()
  })
})

test('a flush makes the first aborted transaction of a segment last: a start recovers nothing below it', async () => {
  await inTwelveWorlds(async (world, seed) => {
    let log = await withAbortedTransaction(world)
    await log.flush()
    losePower(world)
    log = await openClean(world, 2)
    expect(await log.abortedTransactions(0, 2), `seed ${seed}`).toEqual([{ producerId: 9, firstOffset: 0 }])
    await log.closeHard()
  })
})
