import { expect, test } from 'vitest'
import { SILENT } from '../base/logger.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { bringUp, type NodeEnd, type NodeLife } from './node-life.ts'

const unused = (): never => {
  throw new Error('nobody asks')
}
const failing = (): Promise<void> => Promise.reject(new Error('the disk is gone'))

/** A node that is up, of nothing but its end. */
async function up(end: NodeEnd) {
  const errors: string[] = []
  const logger = { ...SILENT, error: (line: string) => void errors.push(line) }
  let life: NodeLife | null = null
  const node = await bringUp({ logger }, (one) => {
    life = one
    return one.up({ listeners: [], clusterId: 'c', image: unused, ...end })
  })
  return { node, life: life!, errors }
}

test('a node that closes well has closed', async () => {
  const { node } = await up({ close: async () => {}, closeHard: unused })
  await node.close()
  await expect(node.closed).resolves.toBeUndefined()
})

test('what goes wrong with closing is told to who closes and to who waits', async () => {
  const { node } = await up({ close: failing, closeHard: unused })
  await expect(node.close()).rejects.toThrow('the disk is gone')
  await expect(node.closed).rejects.toThrow('the disk is gone')
})

test('a node that breaks says why, even where it cannot be taken down', async () => {
  const { node, life, errors } = await up({ close: unused, closeHard: failing })
  life.fail(new Error('offsets go back'))
  await expect(node.closed).rejects.toThrow('offsets go back')
  // A rejection that nobody caught would fail this file.
  await new ManualClock().advance(0)
  expect(errors).toEqual(['The node stops', 'What the node held is not all let go'])
})
