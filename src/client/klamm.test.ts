import { expect, test } from 'vitest'
import { SeededWorld } from '../testing/seeded-world.ts'
import { KlammClient } from './klamm.ts'

test('a closed Klamm makes no more clients, which nobody would close', async () => {
  const world = new SeededWorld(1)
  await world.run(async () => {
    const kafka = new KlammClient(world, { brokers: 'broker:9092' })
    kafka.admin()
    await kafka.close()
    await kafka.close()
    for (const make of [() => kafka.producer(), () => kafka.consumer(), () => kafka.admin()]) {
      expect(make).toThrow('This Klamm is closed: make another one.')
    }
  })
})
