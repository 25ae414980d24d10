/** Lookups in the indexes of a segment while others unload them. */
import { expect, test } from 'vitest'
import { SeededWorld } from '../testing/seeded-world.ts'
import { OpenFiles } from './open-files.ts'
import { Segment } from './segment.ts'

test('an index that is unloaded as soon as it was loaded is loaded again before anybody looks into it', () =>
  new SeededWorld(1).run(async (world) => {
    const { disk } = world.main.world
    await disk.makeDirectory('/d')
    const place = { directory: '/d', openFiles: new OpenFiles(Infinity) }
    const segment = new Segment({ disk, place, baseOffset: 0, jitterMs: 0, createdMs: 0 })
    await segment.create(false, 4096, 80)
    for (let entry = 1; entry <= 5; entry++) {
      segment.offsetIndex.add(entry * 10, entry * 100)
      segment.timeIndex.maybeAdd(entry * 1000, entry * 10)
    }
    await segment.saveIndexes()
    for (const { file } of [segment.offsetIndex, segment.timeIndex]) {
      file.unload()
      // In front of whoever waits for the same load.
      void Promise.resolve(file.load()).then(() => file.unload())
    }
    expect(await segment.positionFor(35)).toBe(300)
    expect(await segment.inTimeIndex((index) => index.lookup(3500))).toBe(30)
  }))
