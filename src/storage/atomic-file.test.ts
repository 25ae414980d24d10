import { expect, test } from 'vitest'
import { SeededWorld } from '../testing/seeded-world.ts'
import { makeDurableDirectory } from './atomic-file.ts'

test.each([1, 2, 3, 4, 5, 6, 7, 8])(
  'with seed %i a directory that was made is there after a power loss, and so are its parents',
  async (seed) => {
    const world = new SeededWorld(seed)
    await world.run(async () => {
      await makeDurableDirectory(world.disk, '/volume/klamm/data')
      await makeDurableDirectory(world.disk, '/volume/klamm/data')
      world.main.powerLoss()
      expect(await world.disk.list('/volume/klamm')).toEqual([{ name: 'data', isDirectory: true }])
    })
  },
)
