/** Which files a download of the leader's snapshot leaves, however it ends. */
import { expect, test } from 'vitest'
import { SILENT } from '../base/logger.ts'
import type { LogEntry, RaftInput, RaftOutput } from '../raft/raft-io.ts'
import { NO_VOTERS } from '../raft/voters.ts'
import { SeededWorld } from '../testing/seeded-world.ts'
import { RaftDisk, type RaftDiskOptions } from './raft-disk.ts'

const NOTHING: RaftOutput = {
  save: null,
  chunk: null,
  install: null,
  truncateTo: null,
  append: [],
  send: [],
  reply: [],
  committedTo: 0,
  wakeAtMs: Infinity,
  complaints: [],
}

function piece(endOffset: number, position: number, isLast = false): RaftOutput {
  return { ...NOTHING, chunk: { id: { endOffset, epoch: 1 }, position, bytes: Buffer.alloc(4), isLast } }
}

interface Setup {
  readonly world: SeededWorld
  readonly raftDisk: RaftDisk
  readonly inputs: RaftInput[]
  readonly parts: () => readonly string[]
}

async function withDisk(run: (setup: Setup) => Promise<void>): Promise<void> {
  const world = new SeededWorld(1)
  await world.run(async () => {
    const { disk, random } = world
    await disk.makeDirectory('/m')
    const inputs: RaftInput[] = []
    const log = { writtenEnd: 0, append: () => ({ first: 0, written: Promise.resolve() }) }
    const raftDisk = new RaftDisk({
      quorum: { disk, random, logger: SILENT, mayVote: false } as unknown as RaftDiskOptions['quorum'],
      directory: '/m',
      log: log as unknown as RaftDiskOptions['log'],
      snapshots: { recordsAdded: () => {} } as unknown as RaftDiskOptions['snapshots'],
      step: (input) => void inputs.push(input),
      fail: (error) => {
        throw error
      },
    })
    const parts = (): string[] => world.main.disk.files('/m').map(({ path }) => path.slice(0, '/m/'.length + 20))
    await run({ world, raftDisk, inputs, parts })
    expect(world.main.disk.held()).toEqual([])
  })
}

test('a download that another one follows leaves no file', async () => {
  await withDisk(async ({ raftDisk, parts }) => {
    await raftDisk.change(piece(10, 0), NO_VOTERS)
    await raftDisk.change(piece(10, 4), NO_VOTERS)
    await raftDisk.change(piece(20, 0), NO_VOTERS)
    expect(parts()).toEqual(['/m/00000000000000000020'])
    await raftDisk.change(piece(20, 0), NO_VOTERS)
    expect(parts()).toEqual(['/m/00000000000000000020'])
    await raftDisk.close()
  })
})

test('a download that is under way when the log is closed leaves no file', async () => {
  await withDisk(async ({ raftDisk, parts }) => {
    await raftDisk.change(piece(10, 0), NO_VOTERS)
    await raftDisk.close()
    expect(parts()).toEqual([])
  })
})

test('a download whose place records have taken leaves no file', async () => {
  await withDisk(async ({ world, raftDisk, parts }) => {
    await raftDisk.change(piece(10, 0), NO_VOTERS)
    const entry: LogEntry = {
      kind: 'batch',
      baseOffset: 0,
      endOffset: 1,
      epoch: 1,
      voters: null,
      bytes: Buffer.alloc(1),
    }
    raftDisk.append([entry])
    await world.advance(100)
    expect(parts()).toEqual([])
    await raftDisk.close()
  })
})

test('a download that turns out damaged leaves no file, and is told once its file is gone', async () => {
  await withDisk(async ({ raftDisk, inputs, parts }) => {
    await raftDisk.change(piece(10, 0, true), NO_VOTERS)
    expect(inputs).toEqual([{ kind: 'snapshotDamaged', id: { endOffset: 10, epoch: 1 } }])
    expect(parts()).toEqual([])
    await raftDisk.close()
  })
})

test('a file that cannot be removed does not end the next download', async () => {
  await withDisk(async ({ world, raftDisk, parts }) => {
    await raftDisk.change(piece(10, 0), NO_VOTERS)
    world.main.disk.failNext({ kinds: ['remove'], code: 'EIO' })
    await raftDisk.change(piece(20, 0), NO_VOTERS)
    expect(parts().toSorted()).toEqual(['/m/00000000000000000010', '/m/00000000000000000020'])
    await raftDisk.close()
  })
})
