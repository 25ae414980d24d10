import { expect, test } from 'vitest'
import { SeededWorld } from '../testing/seeded-world.ts'
import { readSnapshot } from './snapshot-files.ts'

test.each([
  ['zeros', Buffer.alloc(500)],
  ['text', Buffer.from('garbage '.repeat(60))],
  ['nothing', Buffer.alloc(0)],
])('a snapshot of %s is refused with one sentence that names the file', async (_what, bytes) => {
  const world = new SeededWorld(1)
  await world.run(async () => {
    const file = await world.disk.open('/broken.checkpoint', 'create')
    if (bytes.length > 0) await file.write([bytes], 0)
    await file.close()
    await expect(readSnapshot(world.disk, '/broken.checkpoint')).rejects.toMatchObject({
      name: 'OperationalError',
      code: 'LOG_CORRUPT',
      message: expect.stringMatching(/^\/broken\.checkpoint: /),
    })
  })
})
