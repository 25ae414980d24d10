import { expect, test } from 'vitest'
import { Brisk } from './brisk.ts'

function setUp(): { brisk: Brisk; take: (ms: number) => Promise<void>; turn: () => void; pass: (ms: number) => void } {
  let nowMs = 1000
  let waiting: (() => void)[] = []
  const pass = (ms: number): void => void (nowMs += ms)
  const brisk = new Brisk({ nowMs: () => nowMs, nextTurn: (task) => void waiting.push(task) })
  const turn = (): void => {
    const tasks = waiting
    waiting = []
    for (const task of tasks) task()
  }
  return { brisk, take: (ms) => brisk.run('f', () => pass(ms)), turn, pass }
}

test('operations run on the caller’s thread only while somebody asks for it', async () => {
  const { brisk } = setUp()
  expect(brisk.isOn).toBe(false)
  await brisk.during(async () => expect(brisk.isOn).toBe(true))
  expect(brisk.isOn).toBe(false)
})

test('after five milliseconds of one turn others get theirs', async () => {
  const { brisk, take, turn } = setUp()
  await brisk.during(async () => {
    for (let count = 0; count < 4; count++) await take(1.2)
    expect(brisk.isOn).toBe(true)
    await take(1.2)
    expect(brisk.isOn).toBe(false)
    turn()
    expect(brisk.isOn).toBe(true)
  })
})

test('a disk that is slow twice in a few operations is asked through threads for four times as long as it took', async () => {
  const { brisk, take, turn, pass } = setUp()
  await brisk.during(async () => {
    await take(3)
    expect(brisk.isOn).toBe(true)
    for (let count = 0; count < 7; count++) await take(0.01)
    turn()
    await take(4)
    turn()
    expect(brisk.isOn).toBe(false)
    pass(15.9)
    expect(brisk.isOn).toBe(false)
    pass(0.2)
    expect(brisk.isOn).toBe(true)
  })
})

test('slow operations far apart are somebody else’s time slices', async () => {
  const { brisk, take, turn } = setUp()
  await brisk.during(async () => {
    for (let round = 0; round < 3; round++) {
      await take(4)
      turn()
      expect(brisk.isOn).toBe(true)
      for (let count = 0; count < 8; count++) await take(0.01)
      turn()
    }
  })
})

test('what an operation throws is a DiskError of its path', async () => {
  const { brisk } = setUp()
  const error = Object.assign(new Error('no'), { code: 'ENOSPC' })
  const failing = brisk.run('f', () => {
    throw error
  })
  await expect(failing).rejects.toMatchObject({ name: 'DiskError', code: 'ENOSPC', path: 'f' })
})
